"""The Python conditions of older definitions: rewritten they mean what they meant, refused they say where, and nothing
of them is ever evaluated.

What Python makes of a condition is known by lambdas that stand beside its text; a test holds the two together.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.definition.expressions import Expression, ExpressionError, compile_expression
from orchestrator.definition.expressions.expression import holds
from orchestrator.definition.versions.python_conditions import Untranslatable, rewrite, translate
from tests.unit.definitions import within

KNOWN = ("assess", "a", "b", "load-2")
STATUSES = ["pending", "ready", "running", "waiting", "completed", "failed", "skipped", "cancelled"]


# What Python sees --------------------------------------------------------------------------------------


class Status(str):
    """Older definitions met statuses as members of an enumeration, and as text."""

    __slots__ = ()

    @property
    def value(self) -> str:
        return str(self)


class TaskStatus:
    COMPLETED = "completed"
    FAILED = "failed"


@dataclass
class Seen:
    """What a condition could look at."""

    id: str = "w"
    name: str = "nightly"
    metadata: dict[str, Any] = field(default_factory=dict)
    parameters: dict[str, Any] = field(default_factory=dict)
    tasks: dict[str, SimpleNamespace] = field(default_factory=dict)


workflow = Seen()
params: dict[str, Any] = {}


def look_at(world: dict[str, Any]) -> dict[str, Any]:
    """Let the lambdas see this world; the same as the context of an expression."""
    workflow.metadata, workflow.parameters = world["metadata"], world["params"]
    workflow.tasks = {
        key: SimpleNamespace(
            status=Status(task["status"]), result=task["output"], error=task["error"], attempts=1
        )
        for key, task in world["tasks"].items()
    }
    params.clear()
    params.update(world["params"])
    seen = {"id": workflow.id, "name": workflow.name, "metadata": world["metadata"]}
    tasks = {key: task | {"attempts": 1} for key, task in world["tasks"].items()}
    return {"workflow": seen, "tasks": tasks, "params": world["params"], "run": {"id": "r"}}


@dataclass(frozen=True)
class Pair:
    """A condition of an older definition, and what Python makes of it."""

    source: str
    meant: Callable[[], Any]

    def __str__(self) -> str:
        return self.source


def pair(source: str, meant: Callable[[], Any]) -> Pair:
    return Pair(source, meant)


# The worlds a condition may find. Of 0 and false, 1 and true the two languages think differently (a boolean is no number
# here), so that each key holds one kind of value; each may be missing.
_NUMBERS = st.sampled_from([0, 1, 2, 3, 7, -4, 2.5, 0.0, 100])
_TEXTS = st.sampled_from(["", "high", "low", "High", "x", "a,b", "3"])
_METADATA = st.fixed_dictionaries(
    {},
    optional={
        "approval_level": _NUMBERS,
        "level": _NUMBERS,
        "amount": _NUMBERS,
        "name": _TEXTS,
        "priority": _TEXTS,
        "flag": st.booleans(),
        "none": st.none(),
        "tags": st.lists(_TEXTS, max_size=3),
        "scores": st.lists(_NUMBERS, max_size=3),
        "limits": st.fixed_dictionaries(
            {}, optional={"max": _NUMBERS, "inner": st.fixed_dictionaries({"max": _NUMBERS})}
        ),
        "a b": _TEXTS,
        "in": _TEXTS,
    },
)
_OUTPUT = st.none() | st.fixed_dictionaries(
    {},
    optional={
        "priority": _TEXTS,
        "rows": _NUMBERS,
        "ok": st.booleans(),
        "items": st.lists(_NUMBERS, max_size=3),
    },
)
_TASK = st.fixed_dictionaries(
    {"status": st.sampled_from(STATUSES), "output": _OUTPUT, "error": st.none() | _TEXTS}
)
WORLDS = st.fixed_dictionaries(
    {
        "metadata": _METADATA,
        "params": st.fixed_dictionaries({}, optional={"size": _NUMBERS, "env": _TEXTS}),
        "tasks": st.fixed_dictionaries(dict.fromkeys(KNOWN, _TASK)),
    }
)


# Conditions that occur ----------------------------------------------------------------------------------

PAIRS = [
    # As the older definitions have them.
    pair(
        "workflow.metadata.get('approval_level', 1) >= 1",
        lambda: workflow.metadata.get("approval_level", 1) >= 1,
    ),
    pair(
        "workflow.metadata.get('approval_level', 1) >= 3",
        lambda: workflow.metadata.get("approval_level", 1) >= 3,
    ),
    pair(
        "workflow.tasks['assess'].result.get('priority') == 'high'",
        lambda: workflow.tasks["assess"].result.get("priority") == "high",
    ),
    pair(
        "any(t.status == 'completed' for t in [workflow.tasks.get('a'), workflow.tasks.get('b')] if t)",
        lambda: any(t.status == "completed" for t in [workflow.tasks.get("a"), workflow.tasks.get("b")] if t),
    ),
    pair(
        "all(t.status == 'completed' for t in [workflow.tasks.get('a'), workflow.tasks.get('b')] if t)",
        lambda: all(t.status == "completed" for t in [workflow.tasks.get("a"), workflow.tasks.get("b")] if t),
    ),
    pair(
        "any(t.status == 'failed' for t in [workflow.tasks.get('nobody'), workflow.tasks.get('b')] if t)",
        lambda: any(
            t.status == "failed" for t in [workflow.tasks.get("nobody"), workflow.tasks.get("b")] if t
        ),
    ),
    # Statuses.
    pair("workflow.tasks['a'].status == 'completed'", lambda: workflow.tasks["a"].status == "completed"),
    pair(
        "workflow.tasks['a'].status.value == 'failed'", lambda: workflow.tasks["a"].status.value == "failed"
    ),
    pair(
        "workflow.tasks['a'].status == TaskStatus.COMPLETED",
        lambda: workflow.tasks["a"].status == TaskStatus.COMPLETED,
    ),
    pair(
        "TaskStatus.FAILED != workflow.tasks['a'].status",
        lambda: TaskStatus.FAILED != workflow.tasks["a"].status,  # noqa: SIM300
    ),
    pair("workflow.tasks['load-2'].status == 'ready'", lambda: workflow.tasks["load-2"].status == "ready"),
    pair("workflow.tasks.get('a').status == 'ready'", lambda: workflow.tasks.get("a").status == "ready"),
    pair(
        "workflow.tasks['a'].status in ('completed', 'skipped')",
        lambda: workflow.tasks["a"].status in ("completed", "skipped"),
    ),
    pair(
        "workflow.tasks['a'].status not in ['failed', 'cancelled']",
        lambda: workflow.tasks["a"].status not in ["failed", "cancelled"],
    ),
    pair(
        "workflow.tasks['a'].status in {'failed', 'ready'}",
        lambda: workflow.tasks["a"].status in {"failed", "ready"},
    ),
    pair("workflow.tasks['a'].error is None", lambda: workflow.tasks["a"].error is None),
    pair("workflow.tasks['a'].error", lambda: workflow.tasks["a"].error),
    pair("workflow.tasks['a'].attempts < 3", lambda: workflow.tasks["a"].attempts < 3),
    # Whether a task is there.
    pair("'a' in workflow.tasks", lambda: "a" in workflow.tasks),
    pair("'nobody' not in workflow.tasks", lambda: "nobody" not in workflow.tasks),
    pair("workflow.tasks.get('nobody') is None", lambda: workflow.tasks.get("nobody") is None),
    pair("workflow.tasks.get('a') is not None", lambda: workflow.tasks.get("a") is not None),
    pair("not workflow.tasks.get('nobody')", lambda: not workflow.tasks.get("nobody")),
    pair(
        "workflow.tasks.get('nobody') and workflow.tasks['nobody'].status == 'failed'",
        lambda: workflow.tasks.get("nobody") and workflow.tasks["nobody"].status == "failed",
    ),
    pair(
        "'nobody' not in workflow.tasks or workflow.tasks['nobody'].status == 'failed'",
        lambda: "nobody" not in workflow.tasks or workflow.tasks["nobody"].status == "failed",
    ),
    pair(
        "workflow.tasks['nobody'].status if workflow.tasks.get('nobody') else True",
        lambda: workflow.tasks["nobody"].status if workflow.tasks.get("nobody") else True,
    ),
    # Results.
    pair("workflow.tasks['a'].result", lambda: workflow.tasks["a"].result),
    pair("workflow.tasks['a'].result is None", lambda: workflow.tasks["a"].result is None),
    pair("workflow.tasks['a'].result['rows'] > 2", lambda: workflow.tasks["a"].result["rows"] > 2),
    pair(
        "workflow.tasks['a'].result.get('rows', 0) > 2", lambda: workflow.tasks["a"].result.get("rows", 0) > 2
    ),
    pair("workflow.tasks['a'].result.get('items', [])", lambda: workflow.tasks["a"].result.get("items", [])),
    pair(
        "len(workflow.tasks['a'].result['items']) >= 2", lambda: len(workflow.tasks["a"].result["items"]) >= 2
    ),
    pair("workflow.tasks['a'].result['items'][0] == 3", lambda: workflow.tasks["a"].result["items"][0] == 3),
    pair(
        "workflow.tasks['a'].result['items'][-1] == 3", lambda: workflow.tasks["a"].result["items"][-1] == 3
    ),
    pair("not workflow.tasks['a'].result.get('ok')", lambda: not workflow.tasks["a"].result.get("ok")),
    # Truthiness.
    pair("workflow.metadata.get('level')", lambda: workflow.metadata.get("level")),
    pair("not workflow.metadata.get('flag')", lambda: not workflow.metadata.get("flag")),
    pair("bool(workflow.metadata.get('tags'))", lambda: bool(workflow.metadata.get("tags"))),
    pair("workflow.metadata", lambda: workflow.metadata),
    pair("workflow.metadata.get('flag') and 'x'", lambda: workflow.metadata.get("flag") and "x"),
    pair("workflow.metadata.get('flag') or ''", lambda: workflow.metadata.get("flag") or ""),
    pair(
        "(workflow.metadata.get('name') or 'low') == 'low'",
        lambda: (workflow.metadata.get("name") or "low") == "low",
    ),
    pair(
        "(workflow.metadata.get('name') and workflow.metadata.get('priority')) == 'high'",
        lambda: (workflow.metadata.get("name") and workflow.metadata.get("priority")) == "high",
    ),
    pair(
        "(workflow.metadata.get('none') or workflow.metadata.get('level') or 7) == 7",
        lambda: (workflow.metadata.get("none") or workflow.metadata.get("level") or 7) == 7,
    ),
    # Numbers.
    pair("1 < workflow.metadata['level'] <= 3", lambda: 1 < workflow.metadata["level"] <= 3),
    pair("workflow.metadata['level'] + 1 > 2 * 3 - 4", lambda: workflow.metadata["level"] + 1 > 2 * 3 - 4),
    pair("workflow.metadata['level'] - (1 - 2) == 3", lambda: workflow.metadata["level"] - (1 - 2) == 3),
    pair("-workflow.metadata['level'] < -2", lambda: -workflow.metadata["level"] < -2),
    pair("+workflow.metadata['level'] == 7", lambda: +workflow.metadata["level"] == 7),
    pair("workflow.metadata['level'] / 2 == 1.5", lambda: workflow.metadata["level"] / 2 == 1.5),
    pair("7 / workflow.metadata['level'] > 3", lambda: 7 / workflow.metadata["level"] > 3),
    pair("int(workflow.metadata['amount']) % 3 == 2", lambda: int(workflow.metadata["amount"]) % 3 == 2),
    pair("int(workflow.metadata['amount']) == -4", lambda: int(workflow.metadata["amount"]) == -4),
    pair("float(workflow.metadata['amount']) > 2.4", lambda: float(workflow.metadata["amount"]) > 2.4),
    pair("workflow.metadata['level'] == 1.0", lambda: workflow.metadata["level"] == 1.0),
    pair("workflow.metadata['level'] in [1, 2, 2.5]", lambda: workflow.metadata["level"] in [1, 2, 2.5]),
    pair(
        "(1 if workflow.metadata['flag'] else 2) == 2", lambda: (1 if workflow.metadata["flag"] else 2) == 2
    ),
    # Texts.
    pair("workflow.metadata['name'] == 'high'", lambda: workflow.metadata["name"] == "high"),
    pair("workflow.metadata['name'].lower() == 'high'", lambda: workflow.metadata["name"].lower() == "high"),
    pair("workflow.metadata['name'].startswith('h')", lambda: workflow.metadata["name"].startswith("h")),
    pair(
        "workflow.metadata['name'].startswith(('l', 'x'))",
        lambda: workflow.metadata["name"].startswith(("l", "x")),
    ),
    pair("not workflow.metadata['name'].endswith('h')", lambda: not workflow.metadata["name"].endswith("h")),
    pair("workflow.metadata['name'] in 'high or low'", lambda: workflow.metadata["name"] in "high or low"),
    pair("workflow.metadata['name'] + '!' == 'x!'", lambda: workflow.metadata["name"] + "!" == "x!"),
    pair("workflow.metadata['name'] < 'm'", lambda: workflow.metadata["name"] < "m"),
    pair("len(workflow.metadata['name']) == 4", lambda: len(workflow.metadata["name"]) == 4),
    pair("workflow.metadata['a b'] == 'x'", lambda: workflow.metadata["a b"] == "x"),
    pair("workflow.metadata.get('a b', 'x') == 'x'", lambda: workflow.metadata.get("a b", "x") == "x"),
    pair("workflow.metadata.get('in', 'x') == 'x'", lambda: workflow.metadata.get("in", "x") == "x"),
    pair("workflow.name == 'nightly'", lambda: workflow.name == "nightly"),
    # Maps and lists.
    pair("'level' in workflow.metadata", lambda: "level" in workflow.metadata),
    pair("'level' in workflow.metadata.keys()", lambda: "level" in workflow.metadata.keys()),  # noqa: SIM118
    pair(
        "'x' not in workflow.metadata.get('tags', [])", lambda: "x" not in workflow.metadata.get("tags", [])
    ),
    pair("2.5 in workflow.metadata['scores']", lambda: 2.5 in workflow.metadata["scores"]),
    pair("workflow.metadata['scores'] == [2, 3]", lambda: workflow.metadata["scores"] == [2, 3]),
    pair("workflow.metadata['limits'] == {'max': 3}", lambda: workflow.metadata["limits"] == {"max": 3}),
    pair("len(workflow.metadata) > 3", lambda: len(workflow.metadata) > 3),
    pair(
        "workflow.metadata.get('limits', {}).get('max', 3) > 2",
        lambda: workflow.metadata.get("limits", {}).get("max", 3) > 2,
    ),
    pair(
        "workflow.metadata.get('limits', {}).get('inner', {}).get('max', 3) > 2",
        lambda: workflow.metadata.get("limits", {}).get("inner", {}).get("max", 3) > 2,
    ),
    pair(
        "workflow.metadata.get('level', workflow.metadata.get('amount', 2)) == 2",
        lambda: workflow.metadata.get("level", workflow.metadata.get("amount", 2)) == 2,
    ),
    # Parameters.
    pair("params['size'] > 2", lambda: params["size"] > 2),
    pair("params.get('env', 'low') == 'low'", lambda: params.get("env", "low") == "low"),
    pair("workflow.parameters.get('size')", lambda: workflow.parameters.get("size")),
    # Loops.
    pair("any([workflow.metadata.get('flag'), 1 > 2])", lambda: any([workflow.metadata.get("flag"), 1 > 2])),
    pair("all((workflow.metadata.get('flag'), 1 < 2))", lambda: all((workflow.metadata.get("flag"), 1 < 2))),
    pair("any([])", lambda: any([])),
    pair("all([])", lambda: all([])),
    pair(
        "any(workflow.metadata['name'].startswith(p) for p in ['h', 'l'])",
        lambda: any(workflow.metadata["name"].startswith(p) for p in ["h", "l"]),
    ),
    pair(
        "all(k in workflow.metadata for k in ('level', 'name'))",
        lambda: all(k in workflow.metadata for k in ("level", "name")),
    ),
    pair(
        "any(n > 2 for n in [1, 2, 3] if n < workflow.metadata['level'])",
        lambda: any(n > 2 for n in [1, 2, 3] if n < workflow.metadata["level"]),
    ),
    pair(
        "all(n > 1 for n in [1, 2, 3] if n > 1 if n < workflow.metadata['level'])",
        lambda: all(n > 1 for n in [1, 2, 3] if n > 1 if n < workflow.metadata["level"]),
    ),
    pair(
        "sum(1 for t in [workflow.tasks['a'], workflow.tasks['b']] if t.status == 'completed') >= 1",
        lambda: sum(1 for t in [workflow.tasks["a"], workflow.tasks["b"]] if t.status == "completed") >= 1,
    ),
    pair(
        "sum(t.status == 'failed' for t in [workflow.tasks['a'], workflow.tasks['b']]) == 1",
        lambda: sum(t.status == "failed" for t in [workflow.tasks["a"], workflow.tasks["b"]]) == 1,
    ),
    pair(
        "sum([t.result.get('rows', 1) for t in [workflow.tasks['a'], workflow.tasks['b']] if t.result]) > 3",
        lambda: (
            sum([t.result.get("rows", 1) for t in [workflow.tasks["a"], workflow.tasks["b"]] if t.result]) > 3
        ),
    ),
    pair(
        "len([t for t in [workflow.tasks['a'], workflow.tasks['b']] if t.status != 'failed']) == 2",
        lambda: len([t for t in [workflow.tasks["a"], workflow.tasks["b"]] if t.status != "failed"]) == 2,
    ),
    pair(
        "any(any(n == m for m in [1, 2]) for n in [2, 3])",
        lambda: any(any(n == m for m in [1, 2]) for n in [2, 3]),
    ),
    # What needs parentheses.
    pair(
        "not (workflow.metadata.get('flag') and workflow.metadata.get('level') == 2)",
        lambda: not (workflow.metadata.get("flag") and workflow.metadata.get("level") == 2),
    ),
    pair(
        "(workflow.metadata.get('flag') or 'level' in workflow.metadata) and 'name' in workflow.metadata",
        lambda: (
            (workflow.metadata.get("flag") or "level" in workflow.metadata) and "name" in workflow.metadata
        ),
    ),
    pair(
        "workflow.metadata['level'] * (workflow.metadata['amount'] + 1) > 6",
        lambda: workflow.metadata["level"] * (workflow.metadata["amount"] + 1) > 6,
    ),
    pair(
        "(workflow.metadata['level'] > 2) == (workflow.metadata['amount'] > 2)",
        lambda: (workflow.metadata["level"] > 2) == (workflow.metadata["amount"] > 2),
    ),
    pair(
        "workflow.metadata['level'] - (workflow.metadata['amount'] - 1) > 0",
        lambda: workflow.metadata["level"] - (workflow.metadata["amount"] - 1) > 0,
    ),
    pair("True", lambda: True),
    pair("not None", lambda: not None),
    pair("1 if not '' else 0", lambda: 1 if not "" else 0),
]


@cache
def rewritten(source: str) -> Expression:
    return compile_expression(rewrite(source, KNOWN))


def agree(condition: Pair, context: dict[str, Any]) -> bool:
    """Where Python has a value, the expression has the same truth; where Python fails, there is nothing to compare."""
    try:
        expected = bool(condition.meant())
    except (KeyError, IndexError, TypeError, AttributeError, ZeroDivisionError, ValueError):
        return False
    assert holds(rewritten(condition.source), context) is expected, condition.source
    return True


@settings(max_examples=300)
@given(WORLDS)
def test_the_expressions_mean_what_the_conditions_meant(world: dict[str, Any]) -> None:
    context = look_at(world)
    for condition in PAIRS:
        agree(condition, context)


def test_the_lambdas_are_what_stands_in_the_texts() -> None:
    tree = ast.parse(Path(__file__).read_text())
    calls = [
        node for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    ]
    pairs = [call.args for call in calls if call.func.id == "pair"]  # type: ignore[attr-defined]
    assert len(pairs) >= len(PAIRS) + len(NUMBERS) + len(TRUTHS)
    for source, meant in pairs:
        assert isinstance(source, ast.Constant)
        assert isinstance(meant, ast.Lambda)
        assert ast.dump(ast.parse(source.value, mode="eval").body) == ast.dump(meant.body), source.value


# Put together at random ---------------------------------------------------------------------------------

NUMBERS = [
    pair("3", lambda: 3),
    pair("-2.5", lambda: -2.5),
    pair("workflow.metadata['level']", lambda: workflow.metadata["level"]),
    pair("workflow.metadata.get('amount', 4)", lambda: workflow.metadata.get("amount", 4)),
    pair("len(workflow.metadata.get('tags', []))", lambda: len(workflow.metadata.get("tags", []))),
    pair(
        "sum(1 for n in [1, 2, 3] if n > params.get('size', 1))",
        lambda: sum(1 for n in [1, 2, 3] if n > params.get("size", 1)),
    ),
]
TRUTHS = [
    pair("True", lambda: True),
    pair("None", lambda: None),
    pair("workflow.metadata.get('flag')", lambda: workflow.metadata.get("flag")),
    pair("workflow.metadata['name']", lambda: workflow.metadata["name"]),
    pair("workflow.tasks.get('nobody')", lambda: workflow.tasks.get("nobody")),
    pair("workflow.tasks['a'].status == 'completed'", lambda: workflow.tasks["a"].status == "completed"),
    pair("workflow.tasks['b'].result", lambda: workflow.tasks["b"].result),
]


def _calculated(left: Pair, right: Pair, sign: str) -> Pair:
    meant: dict[str, Callable[[], Any]] = {
        "+": lambda: left.meant() + right.meant(),
        "-": lambda: left.meant() - right.meant(),
        "*": lambda: left.meant() * right.meant(),
        "/": lambda: left.meant() / right.meant(),
    }
    return Pair(f"({left}) {sign} ({right})", meant[sign])


def _compared(left: Pair, right: Pair, sign: str) -> Pair:
    meant: dict[str, Callable[[], Any]] = {
        "<": lambda: left.meant() < right.meant(),
        ">=": lambda: left.meant() >= right.meant(),
        "==": lambda: left.meant() == right.meant(),
        "!=": lambda: left.meant() != right.meant(),
    }
    return Pair(f"({left}) {sign} ({right})", meant[sign])


def _joined(left: Pair, right: Pair, sign: str) -> Pair:
    meant: dict[str, Callable[[], Any]] = {
        "and": lambda: left.meant() and right.meant(),
        "or": lambda: left.meant() or right.meant(),
    }
    return Pair(f"({left}) {sign} ({right})", meant[sign])


def _denied(one: Pair) -> Pair:
    return Pair(f"not ({one})", lambda: not one.meant())


def _chosen(then: Pair, condition: Pair, otherwise: Pair) -> Pair:
    meant = lambda: then.meant() if condition.meant() else otherwise.meant()  # noqa: E731
    return Pair(f"({then}) if ({condition}) else ({otherwise})", meant)


def _any_of(one: Pair, other: Pair) -> Pair:
    return Pair(f"any([({one}), ({other})])", lambda: any([one.meant(), other.meant()]))


_NUMBER = st.recursive(
    st.sampled_from(NUMBERS),
    lambda inner: st.builds(_calculated, inner, inner, st.sampled_from("+-*/")),
    max_leaves=3,
)
_COMPARED = st.builds(_compared, _NUMBER, _NUMBER, st.sampled_from(["<", ">=", "==", "!="]))
_CONDITION = st.recursive(
    st.sampled_from(TRUTHS) | st.sampled_from(PAIRS) | _COMPARED,
    lambda inner: (
        st.builds(_joined, inner, inner, st.sampled_from(["and", "or"]))
        | st.builds(_denied, inner)
        | st.builds(_chosen, inner, inner, inner)
        | st.builds(_any_of, inner, inner)
    ),
    max_leaves=6,
)


@given(_CONDITION, WORLDS)
def test_conditions_put_together_mean_what_their_parts_did(condition: Pair, world: dict[str, Any]) -> None:
    try:
        rewrite(condition.source, KNOWN)
    except Untranslatable as error:
        if "longer than" in error.message or "not accepted" in error.message or "too large" in error.message:
            return  # it grew beyond what an expression may be
        raise
    agree(condition, look_at(world))


def test_each_condition_is_compared_in_some_world() -> None:
    """A condition that always fails in Python would prove nothing."""
    metadata = {
        "approval_level": 1,
        "level": 2,
        "amount": 3,
        "name": "x",
        "priority": "high",
        "flag": True,
        "none": None,
    }
    metadata |= {"tags": ["x"], "scores": [2], "limits": {"inner": {"max": 3}}, "a b": "x", "in": "x"}
    output = {"priority": "high", "rows": 3, "ok": True, "items": [3]}
    tasks = {key: {"status": "completed", "output": output, "error": None} for key in KNOWN}
    context = look_at({"metadata": metadata, "params": {"size": 2, "env": "low"}, "tasks": tasks})
    assert [str(one) for one in [*PAIRS, *TRUTHS] if not agree(one, context)] == []


# Exact translations -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("workflow.metadata['level'] > 2", "workflow.metadata.level > 2"),
        ("workflow.tasks['assess'].result['ok'] == True", "tasks.assess.output.ok == true"),
        ("workflow.tasks['load-2'].status == 'failed'", 'tasks["load-2"].status == "failed"'),
        ("tasks['a'].output.rows > 2", "tasks.a.output.rows > 2"),
        ("tasks.a.status == 'failed'", 'tasks.a.status == "failed"'),
        ("parameters['size'] == 1", "params.size == 1"),
        ("{{size}} > 3", "params.size > 3"),
        ("{{ size }} > 3", "params.size > 3"),
        ("'{{env}}' == 'prod'", 'string(params.env) == "prod"'),
        ("'a-{{env}}-b' == 'x'", '"a-" + string(params.env) + "-b" == "x"'),
        ("{{ workflow.metadata.level }} == 1", "workflow.metadata.level == 1"),
        ("params.a == true", "params.a == true"),
        ("params.a == null or false", "params.a == null"),
        ('params.a == "it\'s"', 'params.a == "it\'s"'),
        ("params.a == 'é\\n\"'", 'params.a == "é\\n\\""'),
        ("params.a == 'x' 'y'", 'params.a == "xy"'),
        ("params.a == 0x10", "params.a == 16"),
        ("params.a == 1_000", "params.a == 1000"),
        (" \n params.a == 1 \n ", "params.a == 1"),
        ("(params.a\n == 1)", "params.a == 1"),
        ("params.a == 1  # a comment", "params.a == 1"),
        ("not not params.a == 1", "params.a == 1"),
        ("1 == 1 and params.a == 2", "1 == 1 && params.a == 2"),
        ("True or params.a", "true"),
        ("(" * 200 + "params.a == 1" + ")" * 200, "params.a == 1"),
        ("str(params.a == 1) == 'True'", '(params.a == 1 ? "True" : "False") == "True"'),
    ],
)
def test_a_condition_is_rewritten_plainly(source: str, expected: str) -> None:
    assert rewrite(source, KNOWN) == expected


def test_without_known_tasks_each_is_taken_to_be_there() -> None:
    assert rewrite("workflow.tasks.get('x') is None") == "false"
    assert rewrite("workflow.tasks['x'].status == 'failed'") == 'tasks.x.status == "failed"'


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("workflow.tasks.get('nobody') or 1 == 1", "There is no task 'nobody'"),
        ("any(t for t in [workflow.tasks.get('nobody')])", "There is no task 'nobody'"),
        ("workflow.tasks['a'].status == 'done'", "No task ever has the status 'done'"),
        ("'COMPLETED' != workflow.tasks['a'].status", "No task ever has the status 'COMPLETED'"),
        ("str(params.a) == 'True'", "str()"),
    ],
)
def test_what_is_lost_is_said(source: str, words: str) -> None:
    (warning,) = translate(source, KNOWN).warnings
    assert words in warning


# What is refused ----------------------------------------------------------------------------------------

REFUSED = [
    ("", 1, "not a Python expression"),
    ("   ", 1, "not a Python expression"),
    ("1 + \n", 4, "not a Python expression"),
    ("x = 1", 3, "not a Python expression"),
    ("import os", 1, "not a Python expression"),
    ("workflow.metadata.level > ", 26, "not a Python expression"),
    ("a\x00b", 1, "not a Python expression"),
    ("name == 'x'", 1, "'name' is not known here"),
    ("workflw.metadata == 1", 1, "Did you mean 'workflow'?"),
    ("1 == 1 and os.path == 1", 12, "'os' is not known here"),
    ("1 == 1 and os.system('ls')", 15, "the method 'system' cannot"),
    ("workflow.owner == 'x'", 10, "cannot see 'owner' of the workflow"),
    ("workflow.metdata == 1", 10, "Did you mean 'metadata'?"),
    ("workflow == 1", 1, "name one of its fields"),
    ("workflow.tasks == {}", 10, "name one of its fields"),
    ("workflow.tasks['a'] == 1", 1, "a whole workflow or task is not a value"),
    ("workflow.tasks[0].status == 'x'", 16, "by a literal string"),
    ("workflow.tasks[params.x].status == 'x'", 23, "by a literal string"),
    ("workflow.tasks['nobody'].status == 'x'", 16, "there is no task 'nobody'"),
    ("workflow.tasks['asess'].status == 'x'", 16, "Did you mean 'assess'?"),
    ("workflow.tasks['a'].owner == 'x'", 21, "cannot see 'owner' of a task"),
    ("workflow.tasks['a'].resul == 'x'", 21, "Did you mean 'result'?"),
    ("workflow.tasks.get('nobody').status == 'x'", 30, "there is no task 'nobody'"),
    ("workflow.tasks.values()", 16, "the method 'values' cannot be translated"),
    ("params.x in workflow.tasks", 8, "by a literal string"),
    ("any(t.status == 'x' for t in workflow.tasks.values())", 30, "over a literal list can be unrolled"),
    ("any(a == b for a in [1] for b in [2])", 21, "only one loop"),
    ("any(a == b for a, b in [(1, 2)])", 24, "with one variable"),
    ("[x for x in [1]] == [1]", 1, "a loop other than"),
    ("any(params.a)", 12, "only a literal list"),
    ("sum([1, 2]) == 3", 5, "only a loop over a literal list"),
    ("any([1], [2])", 1, "takes one argument"),
    ("params.get()", 1, "get() takes a literal string"),
    ("params.get(1)", 1, "get() takes a literal string"),
    ("params.get('a', 1, 2)", 1, "get() takes a literal string"),
    ("params.get('a', default=1)", 17, "arguments with names"),
    ("params.a.lower('x')", 16, "takes no argument"),
    ("params.a.strip() == ''", 10, "the method 'strip' cannot be translated"),
    ("params.a.startwith('x')", 10, "Did you mean 'startswith'?"),
    ("lenn(params.a)", 1, "Did you mean 'len'?"),
    ("max(1, 2) == 2", 1, "the function 'max' cannot be translated"),
    ("params.f()()", 1, "cannot be translated"),
    ("(lambda: 1)()", 1, "this call cannot be translated"),
    ("2 ** 3 == 8", 1, "this operation cannot be translated"),
    ("7 // 2 == 3", 1, "this operation"),
    ("params.a % params.b == 0", 1, "this operation"),
    ("'%s' % params.a == 'x'", 1, "this operation"),
    ("~1 == 0", 1, "this operator"),
    ("1 | 2", 1, "this operation"),
    ("params.a @ params.b", 1, "this operation"),
    ("f'{params.a}' == 'x'", 1, "an f-string cannot be translated"),
    ("(x := 1) == 1", 2, "an assignment cannot be translated"),
    ("lambda: 1", 1, "a lambda cannot be translated"),
    ("await params.a", 1, "cannot be translated"),
    ("[*params.a]", 2, "cannot be translated"),
    ("{**params.a}", 11, "keys of a map are literal strings"),
    ("{1: 2} == params.a", 2, "keys of a map are literal strings"),
    ("params.a[1:2]", 10, "cannot be translated"),
    ("b'x' == params.a", 1, "this value cannot be written"),
    ("params.a == 1j", 13, "this value"),
    ("params.a == ...", 13, "this value"),
    ("params.a == 1e999", 13, "this value"),
    ("params.a == 9223372036854775808", 13, "this value"),
    ("'é' == params.__class__", 15, "'__class__' is not a field"),
    ("1 == 1 and \\\n params.__dict__", 22, "'__dict__' is not a field"),
    ("(1 == 1 and\r\n  params.__dict__)", 23, "'__dict__' is not a field"),
    ("  nothing == 1", 3, "'nothing' is not known here"),
]


@pytest.mark.parametrize(
    ("source", "column", "words"), REFUSED, ids=[source[:50] or "nothing" for source, _, _ in REFUSED]
)
def test_what_cannot_be_translated_is_refused_at_its_column(source: str, column: int, words: str) -> None:
    with pytest.raises(Untranslatable) as caught:
        rewrite(source, KNOWN)
    assert words in caught.value.message
    assert caught.value.position + 1 == column
    assert str(caught.value) == f"at column {column}: {caught.value.message}"


_LOOPS = "any(" * 4 + "a == b" + "".join(f" for x{n} in [{', '.join('1' * 30)}])" for n in range(4))

HOSTILE = {
    "a class": "workflow.__class__.__mro__[1].__subclasses__()",
    "a class of text": "''.__class__.__base__ == 1",
    "a class by subscript": "workflow['__class__'] == 1",
    "globals": "workflow.metadata.get.__globals__['os'].system('ls')",
    "getattr": "getattr(workflow, '__class__')",
    "import": "__import__('os').system('rm -rf /')",
    "eval": "eval('1')",
    "exec": "exec('import os')",
    "open": "open('/etc/passwd').read()",
    "a lambda that calls itself": "(lambda f: f(f))(lambda f: f(f))",
    "format": "'{0.__class__}'.format(workflow) == ''",
    "a power": "9**9**9**9 > 1",
    "a shift": "1 << 10**10 > 1",
    "a long text": "'a' * 10**10 == ''",
    "a comprehension": "[x for x in [1] * 10**9]",
    "loops in loops": _LOOPS,
    "a loop that doubles": "any(any(any(any(any(any(n == m for m in [1,2,3,4,5,6,7,8,9]) for n in [1,2,3,4,5,6,7,8,9]) "
    "for o in [1,2,3,4,5,6,7,8,9]) for p in [1,2,3,4,5,6,7,8,9]) for q in [1,2,3,4,5,6,7,8,9]) for r in [1,2,3])",
    "or that doubles": "((((((((((params.a or 1) or 2) or 3) or 4) or 5) or 6) or 7) or 8) or 9) or 10) == 1",
    "parentheses": "(" * 201 + "1" + ")" * 201,
    "many parentheses": "(" * 5_000 + "1" + ")" * 5_000,
    "brackets": "[" * 900 + "]" * 900,
    "signs": "-" * 1_500 + "1 == 1",
    "not": "not " * 450 + "1",
    "dots": "params" + ".a" * 900 + " == 1",
    "calls": "str(" * 400 + "1" + ")" * 400 + " == '1'",
    "a hundred thousand characters": "1 == 1 or " * 10_000 + "1 == 1",
    "a hundred thousand spaces": " " * 100_000 + "1",
    "a null character": "params.a == '\x00'",
    "a lone surrogate": "params.a == '\ud800'",
    "an escape of half a character": "params.a == '\\ud800' and params.__x",
    "an odd escape": "params.a == '\\d' and params.__x",
    "digits without end": "9" * 1_900 + " == 1",
    "digits beyond what Python converts": "9" * 5_000 + " == 1",
    "a name that only looks right": "wоrkflow.metadata == 1",
    "an iterator": "iter([1]) == 1",
    "a statement": "1; import os",
    "a decorator": "@x\ndef f(): pass",
    "a yield": "(yield 1)",
    "a print": "print('x')",
}


@pytest.mark.parametrize("source", HOSTILE.values(), ids=HOSTILE.keys())
def test_what_is_hostile_is_refused_quickly(source: str) -> None:
    with within(1), pytest.raises(Untranslatable) as caught:
        rewrite(source, KNOWN)
    assert 0 <= caught.value.position <= len(source)
    assert len(caught.value.message) < 300


_SYMBOLS = [
    ".",
    "['a']",
    "(",
    ")",
    "[",
    "]",
    "{",
    "}",
    "{{",
    "}}",
    "'x'",
    '"',
    "1",
    "+",
    "==",
    "<",
    ",",
    ":",
    "\\",
    "-",
    "**",
    "*",
    ":=",
    "#",
    "é",
]
_NAMES = ["workflow", "params", "tasks", "status", "a", "None", "get(", "any(", "len("]
_WORDS = [" in ", " not ", " and ", " or ", " if ", " else ", " for ", " is ", "lambda ", "\n", "\t"]
_TOKENS = st.sampled_from([*_SYMBOLS, *_NAMES, *_WORDS])


@given(st.text(max_size=60) | st.lists(_TOKENS, max_size=20).map("".join))
def test_any_text_is_rewritten_to_an_expression_or_refused(source: str) -> None:
    try:
        result = rewrite(source, KNOWN)
    except Untranslatable as error:
        assert 0 <= error.position <= len(source)
        return
    compile_expression(result)


# Python reports these itself, whoever asks for them.
_WATCHED = frozenset({"exec", "import", "open", "os.system", "subprocess.Popen"})
_is_watching = False
_seen: list[str] = []


def _watch(event: str, _: object) -> None:
    if _is_watching and event in _WATCHED:
        _seen.append(event)


@contextmanager
def watched() -> Iterator[list[str]]:
    """What is evaluated, imported, opened or started in here. A hook cannot be taken away again, only be silent."""
    global _is_watching
    _seen.clear()
    _is_watching = True
    try:
        yield _seen
    finally:
        _is_watching = False


sys.addaudithook(_watch)


def test_nothing_is_evaluated_on_the_way() -> None:
    sources = [str(one) for one in PAIRS] + [source for source, _, _ in REFUSED] + [*HOSTILE.values()]
    refused = 0
    with watched() as seen:
        for source in sources:
            try:
                rewrite(source, KNOWN)
            except Untranslatable:
                refused += 1
    assert seen == []
    assert refused == len(REFUSED) + len(HOSTILE)


def test_what_is_evaluated_would_be_seen() -> None:
    with watched() as seen:
        exec("1")
    assert "exec" in seen


def test_a_reference_to_what_is_missing_is_an_error_and_not_false() -> None:
    expression = compile_expression(rewrite("workflow.metadata['level'] > 2", KNOWN))
    with pytest.raises(ExpressionError, match="level is not there"):
        holds(expression, look_at({"metadata": {}, "params": {}, "tasks": {}}))
