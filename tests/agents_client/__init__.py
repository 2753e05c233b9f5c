"""Agents outside of Baton: what they ask, what they make of the answers, and how they hold what they were given."""
