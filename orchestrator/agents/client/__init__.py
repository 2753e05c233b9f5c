"""What an agent outside of Baton is written with: it fetches work over HTTP, wherever it runs.

    agent = Agent("http://localhost:8000", token="batonagent_…", agent_id="reviewer")

    @agent.task
    def work(task: Task) -> object:
        return {"verdict": "fine"}

    agent.run()

What lives here: agents made of a function or a coroutine (`Agent`, `AsyncAgent`), and the requests they are made of
(`Client`, `AsyncClient`). What must not: Django, a database, or anything else of Baton.
"""

from __future__ import annotations

from orchestrator.agents.client.calls import (
    Assignment,
    AsyncClient,
    Client,
    ClientError,
    LeaseLostError,
    RefusedError,
    Sign,
)
from orchestrator.agents.client.coroutines import AsyncAgent
from orchestrator.agents.client.tasks import AsyncTask, Permanent, Retryable, Task
from orchestrator.agents.client.threads import Agent

__all__ = [
    "Agent",
    "Assignment",
    "AsyncAgent",
    "AsyncClient",
    "AsyncTask",
    "Client",
    "ClientError",
    "LeaseLostError",
    "Permanent",
    "RefusedError",
    "Retryable",
    "Sign",
    "Task",
]
