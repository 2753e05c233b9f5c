"""What `manage.py` adds: the door to the `baton` command, and nothing of its own."""
