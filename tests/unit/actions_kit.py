"""Calls for actions under test."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from orchestrator.actions.base import Action, Call


@dataclass
class Recorder:
    """What an action told the worker."""

    lines: list[tuple[str, str]] = field(default_factory=list)
    heartbeats: int = 0

    def log(self, level: str, line: str) -> None:
        self.lines.append((level, line))

    def heartbeat(self) -> None:
        self.heartbeats += 1


def make_call(parameters: dict[str, Any], recorder: Recorder | None = None, **changes: Any) -> Call:
    recorder = recorder or Recorder()
    values: dict[str, Any] = {
        "task_key": "step",
        "index": 0,
        "attempt": 1,
        "agent_id": "system",
        "parameters": parameters,
        "idempotency_key": "run-1:step:0",
        "seconds_left": lambda: 60.0,
        "cancelled": lambda: False,
        "log": recorder.log,
        "heartbeat": recorder.heartbeat,
        "run": {"id": "run-1"},
    }
    return Call(**(values | changes))


def execute(
    action: Action, parameters: dict[str, Any], recorder: Recorder | None = None, **changes: Any
) -> Any:
    """Run an action as the worker does: with parameters that are checked and have their defaults."""
    issues = action.parameters.check(parameters, "parameters", resolved=True)
    assert [issue for issue in issues if issue.severity == "error"] == []
    return action.execute(make_call(action.parameters.with_defaults(parameters), recorder, **changes))
