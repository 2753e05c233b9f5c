"""Agents on files: tasks go into their outbox and come back out of it, whatever the agent does to the file."""
