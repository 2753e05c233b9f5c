"""Keeps Baton's processes running: `baton up|web|workers|clock` each end here.

One keeper starts the named programs, each in a session of its own, writes their lines into one log, starts again what
dies, and kills the whole group of what no longer gives a sign of life. A child dies with its parent, however the parent
died, so nothing is ever left behind (Linux; elsewhere only an orderly stop is clean).

What lives here needs no Django and no database, so that the keeper outlives both and stays small; `bodies/` holds what
the children do and is imported in them alone. Run state has no place here.
"""
