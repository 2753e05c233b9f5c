"""What goes wrong on purpose while a whole Baton works: processes die, stop and hang, servers go away, work piles up.

The long forms are commands of `python -m tests.chaos`, which `make chaos` runs; `__main__.py` lists them. Each starts a
`baton up` of its own, prints what it saw and ends with 1 when anything was lost, doubled or left behind. The tests here
are their short forms, which belong to `make test`.
"""
