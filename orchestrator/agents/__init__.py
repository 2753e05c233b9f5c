"""Whoever does an agent_task.

What lives here: the agents that ship with Baton, the room where others wait for work, and the client they are written
with. What must not: changes of run state, which the engine makes from what an agent returns.
"""
