"""What goes wrong on purpose while Baton runs, in its long form; `make chaos` runs it, and the suite a short form."""
