"""The engine on a real database: turns, lives of runs, the command line, the supervisor."""
