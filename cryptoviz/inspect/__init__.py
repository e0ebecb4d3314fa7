"""What a person asks of the lake: replayed recordings, exports, SQL, what there is."""
