"""Pure functions, frame to frame."""
