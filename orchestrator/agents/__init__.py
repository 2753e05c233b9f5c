"""Whoever does an agent_task.

What lives here: the agents that ship with Baton. What must not: changes of run state, which the engine makes from
what an agent returns.
"""
