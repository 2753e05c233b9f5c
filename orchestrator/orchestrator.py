"""WorkflowOrchestrator: the Python API, a thin façade over the engine.

    from orchestrator.orchestrator import WorkflowOrchestrator

    orchestrator = WorkflowOrchestrator()
    workflow_id = await orchestrator.create_workflow(definition)
    await orchestrator.start_workflow(workflow_id)
    status = orchestrator.get_workflow_status(workflow_id)

A program needs to set nothing up: importing this module sets Django up with `DJANGO_SETTINGS_MODULE` (Baton's own settings
if there is none), and the first call brings the embedded database up to date. What is started is carried out by workers
(`baton up`). Every method may be called inside and outside of an event loop; those that change something are coroutines.
Errors are those of `orchestrator.exceptions` and `orchestrator.definition.DefinitionError`, each with a sentence.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any, ParamSpec, TypeVar

import django
from django.apps import apps

if not apps.ready:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "orchestrator.settings")
    django.setup()

from django.contrib.auth.models import AbstractUser
from django.db import connection

from orchestrator import database, engine
from orchestrator.models import Run, Workflow
from orchestrator.reads import status as reads

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class WorkflowInfo:
    """A workflow in a list. `last_run` and `last_status` are None before its first run."""

    id: str
    name: str
    version: int
    template: str
    last_run: int | None
    last_status: str | None


@dataclass(frozen=True, slots=True)
class RunInfo:
    """A run after something was done to it. `status` is created, running, paused, completed, failed or cancelled."""

    run: int
    workflow: str
    status: str


@dataclass(frozen=True, slots=True)
class TaskInfo:
    """A task of a run. `reason` says what a waiting task waits for; `error` holds code and message."""

    status: str
    reason: str
    attempts: int
    output: Any
    error: dict[str, Any] | None


@dataclass(frozen=True, slots=True)
class WorkflowStatus:
    """A run as it stands. `tasks` are in the order of the definition."""

    workflow: str
    run: int
    status: str
    error: dict[str, Any] | None
    started_at: datetime | None
    finished_at: datetime | None
    tasks: dict[str, TaskInfo]


class WorkflowOrchestrator:
    """Workflows and runs, for programs.

    Where a method takes an id, a workflow's id means its latest run and a number (42 or "#42") means that run. `user`,
    when given, owns what is created and stands in the history of what is done.
    """

    def __init__(self, user: AbstractUser | None = None) -> None:
        self._user = user
        self._is_ready = False

    async def create_workflow(self, definition: Mapping[str, Any]) -> str:
        """Check and store a definition of any schema version; the id of the new workflow.

        Raises DefinitionError with every problem.
        """
        return (await self._later(engine.save_workflow, definition, user=self._user)).key

    async def create_from_template(self, template: str, parameters: Mapping[str, Any] | None = None) -> str:
        """The same with a definition from a template, one that ships or the team's. Raises DefinitionError on parameters
        that do not fit."""
        definition = await self._later(engine.make_definition, template, parameters)
        return (await self._later(engine.save_workflow, definition, user=self._user, template=template)).key

    async def start_workflow(
        self,
        workflow_id: str,
        parameters: Mapping[str, Any] | None = None,
        *,
        idempotency_key: str | None = None,
    ) -> RunInfo:
        """Start a run of the newest version. The same `idempotency_key` gives the same run.

        Raises NotFoundError, or InvalidError on parameters that do not fit.
        """
        return await self._later(self._start, workflow_id, parameters, idempotency_key)

    def get_workflow_status(self, id_: str | int) -> WorkflowStatus:
        """Where a run stands, task by task. Raises NotFoundError."""
        return self._now(lambda: _status(reads.resolve(str(id_))))

    def list_workflows(self, search: str = "") -> list[WorkflowInfo]:
        """The workflows that are not archived, by name."""
        return self._now(
            lambda: [_workflow(row) for row in reads.workflows_with_last_run(search).order_by("name", "id")]
        )

    async def pause_workflow(self, id_: str | int) -> RunInfo:
        """Begin nothing new; what is under way finishes. Raises ConflictError unless it is running."""
        return await self._later(self._steer, engine.pause, id_)

    async def resume_workflow(self, id_: str | int) -> RunInfo:
        """Go on after a pause. Raises ConflictError unless it is paused."""
        return await self._later(self._steer, engine.resume, id_)

    async def cancel_workflow(self, id_: str | int, reason: str = "") -> RunInfo:
        """End the run now, for good. Raises ConflictError when it has ended."""
        return await self._later(self._steer, partial(engine.cancel, reason=reason), id_)

    def _start(self, workflow_id: str, parameters: Mapping[str, Any] | None, key: str | None) -> RunInfo:
        workflow = reads.find_workflow(workflow_id)
        run = engine.start(workflow, parameters, user=self._user, trigger="python", idempotency_key=key)
        return _run(run)

    def _steer(self, verb: Callable[..., Run], id_: str | int) -> RunInfo:
        return _run(verb(reads.resolve(str(id_)).pk, user=self._user))

    async def _later(
        self, function: Callable[Parameters, Result], *args: Parameters.args, **kwargs: Parameters.kwargs
    ) -> Result:
        """Do database work beside the event loop."""
        return await asyncio.to_thread(self._in_thread, partial(function, *args, **kwargs))

    def _now(self, function: Callable[[], Result]) -> Result:
        """Do it and wait. Within an event loop Django allows no database work, so another thread does it."""
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            self._prepare()
            return function()
        with ThreadPoolExecutor(1) as pool:
            return pool.submit(self._in_thread, function).result()

    def _in_thread(self, function: Callable[[], Result]) -> Result:
        try:
            self._prepare()
            return function()
        finally:
            # Nobody else would ever close the connection of this thread.
            connection.close()

    def _prepare(self) -> None:
        if not self._is_ready:
            database.prepare()
            self._is_ready = True


def _run(run: Run) -> RunInfo:
    return RunInfo(run=run.pk, workflow=run.workflow.key, status=run.status)


def _workflow(row: Workflow) -> WorkflowInfo:
    found: Any = row  # the query adds columns that the model does not know
    return WorkflowInfo(
        row.key, row.name, found.last_version, row.template, found.last_run, found.last_status
    )


def _status(run: Run) -> WorkflowStatus:
    found = reads.status(run)
    names = ("status", "reason", "attempts", "output", "error")
    return WorkflowStatus(
        workflow=found["workflow"],
        run=found["run"],
        status=found["status"],
        error=found["error"],
        started_at=run.started_at,
        finished_at=run.finished_at,
        tasks={key: TaskInfo(**{name: task[name] for name in names}) for key, task in found["tasks"].items()},
    )
