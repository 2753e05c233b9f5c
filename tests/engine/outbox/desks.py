"""Agents with a file, and runs that have work for them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.utils import timezone

from orchestrator import engine
from orchestrator.models import Agent, Run
from tests.engine.flows import flow, task


@dataclass
class Desk:
    """An agent with its file, as it sees it."""

    agent: Agent
    path: Path

    @property
    def rejected(self) -> list[Path]:
        return sorted((self.path.parent / "rejected").glob("*-*[!t]"))

    def read(self) -> dict[str, Any]:
        content: dict[str, Any] = json.loads(self.path.read_text())
        return content

    def write(self, content: dict[str, Any]) -> None:
        beside = self.path.with_name("mine.tmp")
        beside.write_text(json.dumps(content))
        beside.replace(self.path)

    def tasks(self) -> list[str]:
        return [entry["context"]["task"] for entry in self.read()["tasks"]]

    def edit(self, key: str = "", **given: Any) -> None:
        content = self.read()
        for entry in content["tasks"]:
            if not key or entry.get("context", {}).get("task") == key:
                entry.update(given)
        self.write(content)

    def move(self, key: str, **given: Any) -> None:
        content = self.read()
        entry = next(one for one in content["tasks"] if one["context"]["task"] == key)
        content["tasks"].remove(entry)
        past = {"task_id": entry["task_id"], "timestamp": timezone.now().isoformat(), **given}
        content["history"].append(past)
        self.write(content)


def start(*keys: str, agent: str = "ann", **given: Any) -> Run:
    tasks = {key: task(agent_id=agent, **given) for key in keys}
    workflow = engine.save_workflow(flow(tasks))
    return engine.start(workflow)


def statuses(run: Run) -> dict[str, str]:
    return dict(run.tasks.values_list("key", "status"))


def output_of(run: Run, key: str = "a") -> Any:
    return run.tasks.get(key=key).output
