"""Reads and never changes run state: the live feed over Channels, health."""
