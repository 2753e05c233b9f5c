"""The tests. `README.md` beside this file says what lives where."""
