"""Reads and never changes run state: the live feed over Channels, and the health checks.

The feed is news, not state: a socket is told what `orchestrator.reads.live` says, the same a page would be given. What
must not live here: anything that writes a run, and anything of the editor.
"""
