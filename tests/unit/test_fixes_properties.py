"""Whatever is wrong with a draft: a fix does away with its finding and brings no error that was not there."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from typing import Any

from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from editor.fixes import fixed
from editor.operations import carry_out
from orchestrator import actions
from orchestrator.definition import Issue
from tests.unit.definitions import checked

KEYS = ("extract", "load", "report", "check_1", "send-all")
NEAR = ("extrat", "laod", "reprot", "check1", "sendall")
_NUMBER = re.compile(r"\d+")
_NAMES = st.sampled_from([*KEYS, *NEAR, "zzz"])
_PARAMS = st.sampled_from(["region", "regoin", "size", "secret_key", "secret_kye", "new"])


_TASK = _NAMES.map(lambda key: f"tasks.{key}" if key.isidentifier() else f"tasks['{key}']")
_PART = (
    st.builds(
        "{}.status == '{}'".format, _TASK, st.sampled_from(["completed", "complete", "failed", "faild"])
    )
    | st.builds("params.{} == {}".format, _PARAMS, st.sampled_from("12"))
    | st.builds("{}.{} == 1".format, _TASK, st.sampled_from(["result", "output", "statu"]))
    | st.sampled_from(["workflow.nam == 'x'", "true", "tasks.", "item == 1"])
)
_EXPRESSION = _PART | st.builds("{} && {}".format, _PART, _PART)
_TEMPLATE = _EXPRESSION.map("Say {{{{ {} }}}}".format)
_PARAMETERS: dict[str, st.SearchStrategy[Any]] = {
    "description": _TEMPLATE | st.just(3),
    "descripton": _TEMPLATE | st.just(3),
    "deep": st.lists(_TEMPLATE, max_size=2),
    "operation": st.sampled_from(["read", "raed", "delete"]),
    "pth": st.just("a.txt"),
    "approvers": st.just(["ada"]),
    "timeout_second": st.sampled_from([5, "x"]),
    "url": st.just("https://example.org"),
    "methd": st.just("POST"),
}
_CONDITION = _EXPRESSION | _EXPRESSION.map(lambda one: {"expression": one})
_FIELDS: dict[str, st.SearchStrategy[Any]] = {
    "dependencies": st.lists(_NAMES, max_size=3),
    "dependancies": st.lists(_NAMES, max_size=2) | st.just("load"),
    "join": st.sampled_from(["all_succeeded", "any_suceeded", "all_settled", "x"]),
    "conditions": st.lists(_CONDITION, max_size=2) | _EXPRESSION,
    "retry_cuont": st.sampled_from([1, "many", -1]),
    "execution_mode": st.sampled_from(["parallel", "paralel", "conditional"]),
    "parameters": st.fixed_dictionaries({}, optional=_PARAMETERS),
    "cache": st.just({"ttl_second": 5, "ttl_seconds": None}),
    "compensation": st.just({"action": "agnt_task"}),
    "for_each": st.just("[1]"),
    "action": st.sampled_from(["agent_task", "agnet_task", "api_cal", "condition_chek"]),
}
_WORK = st.sampled_from(["agent_task", "file_operation", "approval_gate"]).map(lambda one: {"action": one})
_ANY_TASK = st.builds(
    lambda work, fields: {**work, **fields}, _WORK | st.just({}), st.fixed_dictionaries({}, optional=_FIELDS)
)
_WHOLE: dict[str, st.SearchStrategy[Any]] = {
    "name": st.sampled_from(["Broken", "", None]),
    "id": st.just("broken_one"),
    "parameters": st.just({"region": {}, "size": {"type": "int"}, "secret_key": {"secret": True}}),
    "settings": st.sampled_from([{"max_paralel": 3}, {"max_paralel": 0}, {"on_failure": "skp"}]),
}
# Wrong names, wrong connections and missing things; no task is switched off, and none rolls back: what is connected to
# such a task may be a new error, and is none that the fix makes.
BROKEN = st.fixed_dictionaries(
    {"tasks": st.dictionaries(st.sampled_from(KEYS), _ANY_TASK, max_size=5)}, optional=_WHOLE
)


@st.composite
def switched_off(draw: st.DrawFn) -> dict[str, Any]:
    """Drafts in which some tasks never run, so that others never do; everything is named as it should be."""
    tasks: dict[str, Any] = {}
    for place, key in enumerate(KEYS):
        needs = draw(st.lists(st.sampled_from(KEYS[:place]), unique=True, max_size=2)) if place else []
        conditions = [
            "false",
            "params.a == 1",
            "params.a == 2",
            *(f"tasks.{one}.status == 'failed'" for one in needs if one.isidentifier()),
        ]
        optional: dict[str, st.SearchStrategy[Any]] = {
            "conditions": st.lists(st.sampled_from(conditions), max_size=2),
            "join": st.sampled_from(["all_succeeded", "first_succeeded", "any_succeeded", "all_settled"]),
        }
        tasks[key] = {
            "action": "agent_task",
            "dependencies": needs,
            **draw(st.fixed_dictionaries({}, optional=optional)),
        }
    return {"name": "Off", "parameters": {"a": {}}, "tasks": tasks}


def marks(issues: Iterable[Issue]) -> Counter[tuple[str, str]]:
    """What kind stands where, but for numbers: places move when something before them goes."""
    return Counter((one.code, _NUMBER.sub("#", one.path)) for one in issues)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(BROKEN | switched_off())
def test_a_fix_does_away_with_its_finding_and_brings_no_error(draft: dict[str, Any]) -> None:
    report = checked(draft)
    for issue, fix in fixed(draft, report.issues, actions.schemas()):
        if fix is None:
            continue
        event(issue.code)
        after = checked(carry_out(draft, fix.ops))
        (own,) = marks([issue])
        assert marks(after.issues)[own] < marks(report.issues)[own], (issue, fix)
        assert not marks(after.errors) - marks(report.errors), (issue, fix)
