"""Whatever an agent edits and Baton writes, one after the other or at the same moment: nothing is lost."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from orchestrator.agents.outbox import shape
from orchestrator.agents.outbox.entries import Work, entry_of
from orchestrator.agents.outbox.merging import Closing, merged, revised

NOW = datetime(2026, 1, 1, 12, 0, tzinfo=UTC)
Content = dict[str, Any]

json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-100, 100) | st.floats(0, 1) | st.text('aü"\\\n', max_size=4),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text("xyz", max_size=2), inner, max_size=3)
    ),
    max_leaves=8,
)
parameters = st.dictionaries(
    st.sampled_from(["title", "description", "priority", "estimated_hours", "deliverables", "pages"]),
    json_values,
    max_size=4,
)
places = st.integers(0, 7)
edits = st.one_of(
    st.tuples(st.just("top"), places, json_values),
    st.tuples(st.just("field"), places, json_values),
    st.tuples(st.just("context"), places, json_values),
    st.tuples(st.just("status"), places, st.sampled_from(shape.STATUSES)),
    st.tuples(st.just("move"), places, st.sampled_from(["completed", "failed"])),
    st.tuples(st.just("copy"), places, st.sampled_from(["completed", "failed"])),
    st.tuples(st.just("own entry"), places, json_values),
)
writes = st.one_of(
    st.tuples(st.just("give"), places, parameters),
    st.tuples(st.just("close"), places, st.sampled_from(["completed", "failed", "cancelled"])),
)
steps = st.lists(
    st.one_of(
        st.tuples(st.just("agent"), st.lists(edits, min_size=1, max_size=3), st.none()),
        st.tuples(st.just("baton"), st.none(), writes),
        st.tuples(st.just("both"), st.lists(edits, min_size=1, max_size=3), writes),
    ),
    max_size=12,
)


class World:
    """A file, what the agent has put into it, and what Baton has given and ended."""

    def __init__(self) -> None:
        self.content: Content = shape.empty("ann", "Ann", "human", [])
        self.number = 0
        self.marks: list[str] = []
        self.given: dict[str, Content] = {}
        self.closed: dict[str, Closing] = {}

    def mark(self, value: Any) -> dict[str, Any]:
        """A value of the agent's that is like no other."""
        self.number += 1
        self.marks.append(f"mark-{self.number}-")
        return {"mark": self.marks[-1], "value": value}

    def agent(self, content: Content, some: list[Any]) -> Content:
        content = json.loads(json.dumps(content))
        for kind, place, value in some:
            EDITS[kind](self, content, place, value)
        return content

    def baton(self, write: Any) -> None:
        kind, place, value = write
        if kind == "give":
            self.number += 1
            work = Work(self.number, 1, "W", f"t{place}", -1, 1, value, "key", NOW, None)
            self.given[work.task_id] = entry_of(work)
        elif self.given:
            task_id = sorted(self.given)[place % len(self.given)]
            self.closed.setdefault(task_id, Closing(value, "Ended.", prevails=value == "cancelled"))

    def write(self, content: Content) -> Content:
        wanted = [entry for task_id, entry in self.given.items() if task_id not in self.closed]
        return revised(content, wanted, self.closed, NOW.isoformat())


def _task(content: Content, place: int) -> Content | None:
    return content["tasks"][place % len(content["tasks"])] if content["tasks"] else None


def _top(world: World, content: Content, place: int, value: Any) -> None:
    content[f"mine{world.number}"] = world.mark(value)


def _field(world: World, content: Content, place: int, value: Any) -> None:
    if (task := _task(content, place)) is not None:
        task[f"mine{world.number}"] = world.mark(value)


def _context(world: World, content: Content, place: int, value: Any) -> None:
    if (task := _task(content, place)) is not None:
        task.setdefault("context", {})[f"mine{world.number}"] = world.mark(value)


def _status(_: World, content: Content, place: int, value: Any) -> None:
    if (task := _task(content, place)) is not None:
        task["status"] = value


def _move(world: World, content: Content, place: int, value: Any) -> None:
    if (task := _task(content, place)) is not None:
        content["tasks"].remove(task)
        summary = world.mark(None)["mark"]
        # Whoever moves an entry and keeps only what the format asks for has dropped the rest on purpose.
        kept = {name: task[name] for name in task if name.startswith("mine") or name == "context"}
        content["history"].append(
            {**kept, "task_id": task["task_id"], "timestamp": "t", "status": value, "summary": summary}
        )


def _copy(world: World, content: Content, place: int, value: Any) -> None:
    if (task := _task(content, place)) is not None:
        summary = world.mark(None)["mark"]
        content["history"].append(
            {"task_id": task["task_id"], "timestamp": "t", "status": value, "summary": summary}
        )


def _own_entry(world: World, content: Content, place: int, value: Any) -> None:
    mark = world.mark(value)
    content["tasks"].append(
        {
            "task_id": f"own-{mark['mark']}",
            "title": "Mine",
            "description": "",
            "status": "pending",
            "priority": "LOW",
            "created_at": "t",
            "mine": mark,
        }
    )


EDITS: dict[str, Callable[[World, Content, int, Any], None]] = {
    "top": _top,
    "field": _field,
    "context": _context,
    "status": _status,
    "move": _move,
    "copy": _copy,
    "own entry": _own_entry,
}


@given(steps)
def test_no_edit_of_the_agent_and_no_task_of_baton_is_ever_lost(some: list[Any]) -> None:
    world = World()
    for who, agents, batons in some:
        base = world.content
        if who == "agent":
            world.content = world.agent(base, agents)
            continue
        world.baton(batons)
        ours = world.write(base)
        if who == "both":  # the agent wrote to what Baton was just replacing
            ours = world.write(merged(base, world.agent(base, agents), ours))
        world.content = ours
        assert_all_is_there(world)
    world.content = world.write(world.content)
    assert_all_is_there(world)


def assert_all_is_there(world: World) -> None:
    content = world.content
    found, issues = shape.parse(shape.dump(content))
    assert (found, json.dumps(found)) == (content, json.dumps(content))
    assert [issue for issue in issues if issue.code != "duplicate_task_id"] == []
    text = json.dumps(content)
    assert [mark for mark in world.marks if mark not in text] == []
    tasks, past = ({one["task_id"] for one in content[name]} for name in ("tasks", "history"))
    assert set(world.given) <= tasks | past
    assert set(world.closed) <= past
    assert not set(world.closed) & tasks


@given(parameters, st.integers(-1, 3))
def test_every_entry_that_baton_writes_is_sound(values: dict[str, Any], index: int) -> None:
    entry = entry_of(Work(1, 1, "W", "t", index, 1, values, "key", NOW, NOW))
    content = {**shape.empty("ann", "Ann", "service", []), "tasks": [entry]}
    assert shape.validate(content) == []
    assert shape.parse(shape.dump(content))[0] == content
