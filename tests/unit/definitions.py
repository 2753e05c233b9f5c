"""Small definitions for tests: valid unless a test changes something."""

from __future__ import annotations

import gc
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import pytest
from hypothesis import strategies as st

from orchestrator import actions
from orchestrator.definition.check import Report, check
from orchestrator.definition.issues import Issue
from orchestrator.definition.language import JOINS, ON_FAILURE

JSON = Any


def a_task(*dependencies: str, **changes: JSON) -> dict[str, JSON]:
    """A task that an agent does, after its dependencies."""
    task: dict[str, JSON] = {"action": "agent_task", "agent_id": "ada"}
    if dependencies:
        task["dependencies"] = list(dependencies)
    return task | changes


def a_file_task(*dependencies: str, **parameters: JSON) -> dict[str, JSON]:
    return a_task(
        *dependencies, action="file_operation", parameters={"operation": "read", "path": "a.txt"} | parameters
    )


def a_gate(*dependencies: str, **parameters: JSON) -> dict[str, JSON]:
    given: dict[str, JSON] = {"approvers": ["ada", "bob"], "timeout_seconds": 3600}
    return a_task(*dependencies, action="approval_gate", parameters=given | parameters)


def a_definition(tasks: JSON = None, **changes: JSON) -> dict[str, JSON]:
    """A workflow of these tasks; of one, `load`, if none are given."""
    tasks = {"load": a_task()} if tasks is None else tasks
    return {"name": "Nightly load", "version": "2.0.0", "tasks": tasks} | changes


def a_chain(length: int) -> dict[str, JSON]:
    """A workflow in which each task waits for the one before."""
    keys = [f"t{number}" for number in range(length)]
    tasks = {key: a_task(*keys[max(0, place - 1) : place]) for place, key in enumerate(keys)}
    return a_definition(tasks)


def checked(data: JSON) -> Report:
    """What a check with the six actions says."""
    return check(data, actions=actions.schemas())


def places(issues: Iterable[Issue]) -> set[tuple[str, str]]:
    """Code and path of each finding."""
    return {(issue.code, issue.path) for issue in issues}


@dataclass(frozen=True)
class Row:
    """A definition with one thing wrong, and the one finding that says so."""

    data: JSON
    code: str
    path: str
    words: str
    severity: str = "error"
    hint: str = ""
    also: frozenset[tuple[str, str]] = frozenset()

    def __str__(self) -> str:
        return f"{self.code}: {self.words}"


def of_task(code: str, path: str, words: str, /, **fields: JSON) -> Row:
    """A row for one task, `load`, with these fields; the path begins below it."""
    data = a_definition({"load": a_task(**fields)})
    return Row(data, code, f"tasks.load{path}" if path.startswith("[") else f"tasks.load.{path}", words)


def warned(row: Row) -> Row:
    """The same row, for a finding that does not stand in the way."""
    return replace(row, severity="warning")


def each_of(rows: Iterable[Row]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("row", rows, ids=str)


def assert_found(row: Row) -> None:
    """The check finds what the row says, and nothing else."""
    report = checked(row.data)
    assert places(report.issues) == {(row.code, row.path), *row.also}
    issue = next(one for one in report.issues if (one.code, one.path) == (row.code, row.path))
    assert row.words in issue.message
    assert issue.message[-1] in ".?"
    assert issue.severity == row.severity
    assert not row.hint or row.hint == issue.hint
    assert report.ok == all(one.severity == "warning" for one in report.issues)


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """What is done in here costs at most about so much of the processor, however busy the machine is.

    A bound against what grows without one, not a measurement: a shared cache alone can double the time.
    """
    gc.collect()
    begin = time.process_time()
    yield
    assert time.process_time() - begin < 4 * seconds


# Generated values --------------------------------------------------------------------------------------

TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=20)
LEAVES = (
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXT
)
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=25,
)
"""JSON values that Baton keeps."""

KEYS = st.from_regex(r"[A-Za-z][A-Za-z0-9_-]{0,8}", fullmatch=True)


@st.composite
def graphs(draw: st.DrawFn, max_size: int = 10) -> dict[str, list[str]]:
    """Acyclic dependencies, the tasks in any order."""
    keys = draw(st.lists(KEYS, min_size=1, max_size=max_size, unique=True))
    edges = {
        key: draw(st.lists(st.sampled_from(keys[:place]), unique=True)) if place else []
        for place, key in enumerate(keys)
    }
    return {key: edges[key] for key in draw(st.permutations(keys))}


def _task_fields() -> st.SearchStrategy[dict[str, JSON]]:
    optional: dict[str, st.SearchStrategy[JSON]] = {
        "name": st.text("abcdefgh Ü", min_size=1, max_size=9),
        "description": st.sampled_from(["", "What it does.\nIn two lines."]),
        "join": st.sampled_from(JOINS),
        "execution_mode": st.sampled_from(["sequential", "parallel"]),
        "conditions": st.lists(
            st.sampled_from(["true", "{{ now != '' }}", {"expression": "1 < 2"}]), max_size=2
        ),
        "timeout_seconds": st.integers(1, 3600) | st.floats(1, 3600),
        "retry_count": st.integers(0, 100) | st.just(2.0),
        "on_failure": st.sampled_from([*ON_FAILURE, {"action": "rollback", "then": "continue"}]),
        "checkpoint": st.booleans(),
        "for_each": st.just([1, 2]) | st.just("['a', 'b']"),
        "resources": st.just({"cpu": 0.5, "memory_mb": 256}),
        "cache": st.just({"ttl_seconds": 60}),
        "output_schema": st.sampled_from([True, {"type": "object"}]),
        "position": st.just({"x": 10, "y": -3.5}),
        "parameters": st.dictionaries(
            st.sampled_from(["title", "description", "more"]), st.just("{{ run.id }}")
        ),
        "compensation": st.just({"action": "agent_task"}),
        "a_word_of_its_own": VALUES,
    }
    nothing = {name: value | st.none() for name, value in optional.items()}
    return st.fixed_dictionaries({}, optional=nothing)


@st.composite
def valid_definitions(draw: st.DrawFn) -> dict[str, JSON]:
    """Definitions that a check accepts, with or without each field, in any order."""
    edges = draw(graphs(6))
    tasks = {key: a_task(*needed) | draw(_task_fields()) for key, needed in edges.items()}
    optional: dict[str, st.SearchStrategy[JSON]] = {
        "id": KEYS,
        "description": TEXT.map(lambda _: "About it."),
        "metadata": st.dictionaries(TEXT, VALUES, max_size=3),
        "settings": st.sampled_from([{}, {"max_parallel": 4.0}, {"on_failure": "skip", "rollback_limit": 1}]),
        "parameters": st.sampled_from([{}, {"size": {"type": "integer", "default": 3, "enum": [1, 3]}}]),
        "kept": VALUES,
    }
    given = draw(st.fixed_dictionaries({}, optional=optional))
    return a_definition(tasks, **given)
