"""Older definitions for tests, and what becomes of them."""

from __future__ import annotations

from typing import Any

from orchestrator.definition import migrate
from tests.unit.definitions import a_definition


def older(tasks: Any, version: Any = "1.2.0", **changes: Any) -> dict[str, Any]:
    return a_definition(tasks, version=version, **changes)


def migrated(tasks: Any, version: Any = "1.2.0", **changes: Any) -> dict[str, Any]:
    return migrate(older(tasks, version, **changes)).data


def task_after(version: Any = "1.2.0", **fields: Any) -> dict[str, Any]:
    """What becomes of one task with these fields."""
    found: dict[str, Any] = migrated({"load": {"action": "agent_task", **fields}}, version)["tasks"]["load"]
    return found


def declared_by(**fields: Any) -> dict[str, Any]:
    """Type by name of the parameters that a task with these fields makes known."""
    parameters = migrated({"load": {"action": "agent_task", **fields}}).get("parameters", {})
    assert all(one["required"] is True for one in parameters.values())
    return {name: one["type"] for name, one in parameters.items()}
