"""Draws and edits definitions; knows nothing of runs."""
