"""The process dies at named points; what follows always ends the same."""
