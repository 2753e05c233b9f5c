"""What pages, the API, the command line and the live feed show of runs: reads, and nothing else.

What lives here: functions that turn rows into what people look at, each with a number of queries that does not grow
with the number of rows. What must not: writes, HTTP, and decisions about what happens next.
"""
