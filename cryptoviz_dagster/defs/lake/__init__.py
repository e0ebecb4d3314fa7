"""What arrives in the lake, as external assets."""
