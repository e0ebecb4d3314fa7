"""Venues, one file each, and what they share. The message modules are the one parser of feed and clean query alike."""
