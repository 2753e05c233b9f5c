"""Draws and edits definitions; knows nothing of runs.

- `operations/`: what may be done to a draft, and how it is undone; `history`: what undo and redo take next; `comparison`:
  two definitions side by side; `simulation`: a run foretold; `fixes/`: what mends a finding in one click. All pure: no
  Django in them.
- `drafts` and `models`: drafts as they are stored. Nothing else changes one.
- `api`, and `views` (the list), `text_view`, `versions_view`, `simulate_view` with their forms: thin.

Not here: whatever starts, steers or shows a run.
"""
