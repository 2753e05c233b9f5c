"""What the tests of the API share: callers of each kind, and a workflow of somebody."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User

from orchestrator import engine
from orchestrator.models import Run, Workflow
from tests.api.caller import Caller
from tests.people import person


def gate(*approvers: str, **asked: Any) -> dict[str, Any]:
    """A definition with one step that waits for a person, so that its run stands still."""
    parameters = {"title": "Pay?", "approvers": list(approvers), "data": {"sum": 12}, **asked}
    return {
        "id": "gated",
        "name": "Gated",
        "version": "2.0.0",
        "parameters": {
            "region": {"type": "string", "default": "eu"},
            "key": {"type": "string", "secret": True},
        },
        "tasks": {
            "ask": {
                "action": "approval_gate",
                "parameters": parameters,
            },
            "after": {
                "action": "agent_task",
                "dependencies": ["ask"],
                "parameters": {"description": "go on"},
            },
        },
    }


@pytest.fixture
def owner(db: None) -> User:
    return person("olga", "designer", "operator", "approver")


@pytest.fixture
def api(owner: User) -> Caller:
    """Somebody who designs, operates and approves, and owns the workflow."""
    return Caller(owner)


@pytest.fixture
def approver(db: None) -> User:
    return person("ann", "approver")


@pytest.fixture
def workflow(owner: User, approver: User) -> Workflow:
    return engine.save_workflow(gate("ann"), user=owner)


@pytest.fixture
def run(workflow: Workflow, owner: User) -> Run:
    return engine.start(workflow, {"key": "hunter2"}, user=owner)
