"""What is computed of the market."""
