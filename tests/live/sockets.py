"""Sockets as a browser opens them: with a session cookie and an origin, over the routes of the product."""

from __future__ import annotations

import itertools
from typing import Any

from channels.db import database_sync_to_async
from channels.testing import WebsocketCommunicator
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from orchestrator.asgi import application
from orchestrator.models import Event, Run, Workflow, WorkflowVersion

ORIGIN = "http://localhost:8000"
PATIENCE = 5.0

_numbers = itertools.count(1)


class Socket:
    """One side of a socket. Use as a context; it need not be accepted."""

    def __init__(self, path: str, user: User | None = None, origin: str | None = ORIGIN) -> None:
        self.client = Client()
        self.user = user
        self.path = path
        self.origin = origin

    async def __aenter__(self) -> Socket:
        if self.user is not None:
            await database_sync_to_async(self.client.force_login)(self.user)
        self.wire = WebsocketCommunicator(application, self.path, headers=self._headers())
        self.is_open, self.refusal = await self.wire.connect(timeout=PATIENCE)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.wire.disconnect()

    def _headers(self) -> list[tuple[bytes, bytes]]:
        cookies = "; ".join(f"{key}={morsel.value}" for key, morsel in self.client.cookies.items())
        headers = [(b"cookie", cookies.encode())]
        return [*headers, (b"origin", self.origin.encode())] if self.origin else headers

    async def says(self, frame: Any) -> None:
        await self.wire.send_json_to(frame)

    async def hears(self) -> dict[str, Any]:
        """The next message."""
        message: dict[str, Any] = await self.wire.receive_json_from(timeout=PATIENCE)
        return message

    async def hears_up_to(self, seq: int) -> list[dict[str, Any]]:
        """All messages until the one that reaches `seq`."""
        messages = [await self.hears()]
        while messages[-1]["seq"] < seq:
            messages.append(await self.hears())
        return messages

    async def is_closed_with(self) -> int:
        """The code with which the server closes, whatever it sends before."""
        while (output := await self.wire.receive_output(timeout=PATIENCE))["type"] != "websocket.close":
            pass
        code: int = output["code"]
        return code

    async def hears_nothing(self) -> bool:
        silent: bool = await self.wire.receive_nothing(timeout=0.4)
        return silent


def make_run(owner: User | None = None, events: int = 1) -> Run:
    """A run of one task, with so many events, of a workflow of `owner`."""
    definition = {"name": "Watched", "version": "2.0.0", "tasks": {"only": {"action": "agent_task"}}}
    now = timezone.now()
    workflow = Workflow.objects.create(key=f"watched-{next(_numbers)}", name="Watched", owner=owner)
    version = WorkflowVersion.objects.create(
        workflow=workflow, number=1, definition=definition, schema_version="2.0.0"
    )
    run = Run.objects.create(
        workflow=workflow, version=version, status="running", created_at=now, touched_at=now, total=1
    )
    run.tasks.create(key="only", order=0, status="pending")
    move_on(run, events)
    return run


def move_on(run: Run, events: int = 1) -> int:
    """Let so many events happen in the run; the number of the last."""
    seqs = range(run.seq + 1, run.seq + events + 1)
    now = timezone.now()
    Event.objects.bulk_create(
        Event(run=run, seq=seq, type="task.started", task="only", at=now, digest="") for seq in seqs
    )
    run.seq += events
    Run.objects.filter(pk=run.pk).update(seq=run.seq)
    return run.seq
