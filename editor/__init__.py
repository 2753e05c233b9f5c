"""Draws and edits definitions; knows nothing of runs.

`operations/` is pure: what may be done to a draft, and how it is undone. What stores drafts and serves pages uses it.
"""
