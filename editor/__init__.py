"""Draws and edits definitions; of runs it knows only how a draft is tried.

- `operations/`: what may be done to a draft, and how it is undone; `history`: what undo and redo take next; `comparison`:
  two definitions side by side; `simulation`: a run foretold; `trial`: what a test run is made of; `fixes/`: what
  mends a finding in one click. All pure: no Django in them.
- `drafts`, `pins` and `models`: drafts, and what is pinned for test runs, as they are stored. Nothing else changes them.
- `trying`: a wish for a test run, what it comes to, and its start by the engine.
- `presence`: who has a draft open, as web processes tell each other; `rooms`, `consumers`, `routing`: the socket over it.
- `api`, `changes_api`, `trial_api`, `views` (the list), `canvas_view`, `text_view`, `versions_view`, `simulate_view`,
  `try_view` with their forms, and `inspector/`: thin.

Not here: whatever steers or shows a run, or starts one of a published version.
"""
