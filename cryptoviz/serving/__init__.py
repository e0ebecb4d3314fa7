"""What people and programs ask of the lake over HTTP: REST, streams and the page. Reads the lake, writes nothing."""
