"""The Python API, as the manual shows it: within an event loop and outside."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from orchestrator.definition.issues import DefinitionError
from orchestrator.exceptions import ConflictError, InvalidError, NotFoundError
from orchestrator.orchestrator import RunInfo, WorkflowOrchestrator
from orchestrator.worker import carry
from tests.engine.flows import flow, task
from tests.people import person

pytestmark = pytest.mark.django_db(transaction=True)

DEFINITION: dict[str, Any] = flow({"a": task(), "b": task("a")}, name="Two steps")


async def test_the_example_of_the_manual_works_within_an_event_loop() -> None:
    orchestrator = WorkflowOrchestrator()
    workflow_id = await orchestrator.create_workflow(DEFINITION)
    started = await orchestrator.start_workflow(workflow_id)
    status = orchestrator.get_workflow_status(workflow_id)
    assert (status.workflow, status.run, status.status) == (workflow_id, started.run, "running")
    assert [(key, one.status) for key, one in status.tasks.items()] == [("a", "ready"), ("b", "pending")]
    assert await orchestrator.cancel_workflow(workflow_id) == RunInfo(started.run, workflow_id, "cancelled")


async def test_pause_resume_and_their_conflicts() -> None:
    orchestrator = WorkflowOrchestrator()
    run = (await orchestrator.start_workflow(await orchestrator.create_workflow(DEFINITION))).run
    assert (await orchestrator.pause_workflow(run)).status == "paused"
    with pytest.raises(ConflictError):
        await orchestrator.pause_workflow(run)
    assert (await orchestrator.resume_workflow(f"#{run}")).status == "running"


async def test_errors_say_what_is_wrong() -> None:
    orchestrator = WorkflowOrchestrator()
    with pytest.raises(DefinitionError):
        await orchestrator.create_workflow({**DEFINITION, "tasks": {}})
    with pytest.raises(NotFoundError):
        await orchestrator.start_workflow("nothing")
    with pytest.raises(InvalidError):
        await orchestrator.start_workflow(await orchestrator.create_workflow(DEFINITION), {"x": 1})


async def test_a_template_becomes_a_workflow_that_is_listed() -> None:
    orchestrator = WorkflowOrchestrator()
    key = await orchestrator.create_from_template("sequential_pipeline", {"source": "shop"})
    assert [(one.id, one.template, one.version, one.last_run) for one in orchestrator.list_workflows()] == [
        (key, "sequential_pipeline", 1, None)
    ]
    assert orchestrator.list_workflows("nothing like it") == []


async def test_the_same_key_gives_the_same_run() -> None:
    orchestrator = WorkflowOrchestrator()
    key = await orchestrator.create_workflow(DEFINITION)
    first = await orchestrator.start_workflow(key, idempotency_key="once")
    assert await orchestrator.start_workflow(key, idempotency_key="once") == first


def test_outputs_are_there_once_a_worker_has_carried_the_run() -> None:
    orchestrator = WorkflowOrchestrator(user=person("ann", "operator"))

    async def begin() -> int:
        return (await orchestrator.start_workflow(await orchestrator.create_workflow(DEFINITION))).run

    run = asyncio.run(begin())
    carry(run)
    status = orchestrator.get_workflow_status(run)
    assert status.status == "completed"
    assert status.finished_at is not None
    assert status.tasks["b"].output["agent"] == "demo"
