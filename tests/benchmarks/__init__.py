"""The benchmarks: `make bench`. Speed is told as a ratio to raw commits of the same database, measured in the same run.

Here live what is measured and how; nothing here is run by `make test`, and no test measures time.
"""
