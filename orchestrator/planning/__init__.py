"""The functional core: from a plan, a snapshot and outcomes to decisions.

What lives here: the compiled plan, the state machines as data, joins, retries, the board that carries one run through
one turn. What must not: Django, a clock, a database, randomness that was not passed in.
"""
