"""Python conditions of older definitions mean the same after their translation."""

from __future__ import annotations

import ast
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.definition.expressions import Expression, compile_expression
from orchestrator.definition.expressions.expression import holds
from orchestrator.definition.versions.python_conditions import Untranslatable, rewrite
from tests.unit.python_worlds import (
    KNOWN,
    WORLDS,
    Pair,
    TaskStatus,
    look_at,
    pair,
    params,
    workflow,
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
