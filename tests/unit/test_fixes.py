"""What mends a finding in one click: a few operations under a label that says what they do."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest

from editor.fixes import Fix, fix_of, with_fixes
from editor.fixes.makers import CERTAIN, MAKERS
from editor.fixes.places import place_of
from editor.operations import carry_out
from orchestrator import actions
from orchestrator.definition import Issue
from orchestrator.definition.issues import at
from tests.unit.definitions import a_definition, a_file_task, a_gate, a_task, checked, within

Draft = dict[str, Any]


@dataclass(frozen=True)
class Mend:
    """A draft with one thing wrong, what the link says, and what becomes of the place that was wrong."""

    code: str
    label: str
    draft: Draft
    after: dict[str, Any] = field(default_factory=dict)  # path → what stands there then

    def __str__(self) -> str:
        return f"{self.code}: {self.label}"


def of(code: str, label: str, tasks: dict[str, Any], **after: Any) -> Mend:
    return Mend(code, label, a_definition(tasks, parameters={"region": {}}), after)


def on_load(code: str, label: str, task: dict[str, Any], then: dict[str, Any]) -> Mend:
    """About `load`, which runs after `extract`; as it is afterwards, whole."""
    extract = a_task()
    task, then = ({"action": "agent_task", "dependencies": ["extract"], **one} for one in (task, then))
    return of(code, label, {"extract": extract, "load": task}, load=then)


BY_CODE = [
    on_load("unknown_dependency", "Change to extract", {"dependencies": ["extrat"]}, {}),
    on_load("unknown_dependency", "Remove the connection", {"dependencies": ["extract", "zzz"]}, {}),
    on_load("unknown_dependency", "Remove the connection", {"dependencies": ["extract", "extrat"]}, {}),
    on_load("self_dependency", "Remove the connection", {"dependencies": ["extract", "load"]}, {}),
    on_load("duplicate", "Name it once", {"dependencies": ["extract", "extract"]}, {}),
    on_load(
        "unknown_task",
        "Change to extract",
        {"conditions": ["tasks.extrat.output.n > 1 && tasks.extrat.status != 'x'"]},
        {"conditions": ["tasks.extract.output.n > 1 && tasks.extract.status != 'x'"]},
    ),
    on_load(
        "unknown_task",
        "Change to extract",
        {"parameters": {"deep": [{"text": "Got {{ tasks.extrat.output }}, {{ tasks['extrat'].status }}."}]}},
        {"parameters": {"deep": [{"text": "Got {{ tasks.extract.output }}, {{ tasks.extract.status }}."}]}},
    ),
    on_load(
        "unknown_task",
        "Change to extract",
        {"conditions": "tasks.extrat.output"},
        {"conditions": "tasks.extract.output"},
    ),
    on_load(
        "unknown_task",
        "Change to extract",
        {"conditions": [{"type": "expression", "expression": "tasks.extrat.output"}]},
        {"conditions": [{"type": "expression", "expression": "tasks.extract.output"}]},
    ),
    on_load(
        "unknown_task",
        "Change to extract",
        {"conditions": [{"type": "dependency", "task": "extrat"}]},
        {"conditions": [{"type": "dependency", "task": "extract"}]},
    ),
    of(
        "unknown_task",
        "Change to extract and run after it",
        {"extract": a_task(), "load": a_task(parameters={"rows": "{{ tasks.extrat.output }}"})},
        load=a_task("extract", parameters={"rows": "{{ tasks.extract.output }}"}),
    ),
    of(
        "not_upstream",
        "Run it after extract and other",
        {
            "extract": a_task(),
            "other": a_task(),
            "load": a_task(parameters={"rows": "{{ [tasks.extract.output, tasks.other.output] }}"}),
        },
        load=a_task(
            parameters={"rows": "{{ [tasks.extract.output, tasks.other.output] }}"},
            dependencies=["extract", "other"],
        ),
    ),
    on_load(
        "undeclared_parameter",
        "Change to region",
        {"agent_id": "{{ params.regoin }}"},
        {"agent_id": "{{ params.region }}"},
    ),
    Mend(
        "undeclared_parameter",
        "Declare size",
        a_definition({"load": a_task(conditions=["params.size > 1"])}),
        {"parameters.size": {"type": "any"}},
    ),
    on_load(
        "unknown_member",
        "Change to output",
        {"parameters": {"rows": "{{ tasks.extract.result.rows }}"}},
        {"parameters": {"rows": "{{ tasks.extract.output.rows }}"}},
    ),
    on_load(
        "unknown_member",
        "Change to status",
        {"conditions": ["tasks.extract['statu'] == 'failed'"], "join": "all_settled"},
        {"conditions": ["tasks.extract.status == 'failed'"], "join": "all_settled"},
    ),
    on_load(
        "unknown_member",
        "Change to name",
        {"parameters": {"of": "{{ workflow.nam }}"}},
        {"parameters": {"of": "{{ workflow.name }}"}},
    ),
    on_load(
        "status_never",
        "Change to completed",
        {"conditions": ['tasks.extract.status == "complete"']},
        {"conditions": ['tasks.extract.status == "completed"']},
    ),
    on_load(
        "status_never",
        "Change to failed",
        {"conditions": [{"type": "dependency", "task": "extract", "status": "faild"}], "join": "all_settled"},
        {
            "conditions": [{"type": "dependency", "task": "extract", "status": "failed"}],
            "join": "all_settled",
        },
    ),
    on_load("unknown_field", "Change to retry_count", {"retry_cuont": 2}, {"retry_count": 2}),
    of(
        "unknown_field",
        "Change to dependencies",
        {"extract": a_task(), "load": a_task(dependancies=["extract"])},
        load=a_task("extract"),
    ),
    on_load(
        "unknown_field", "Change to position", {"positon": {"x": 1, "y": 2}}, {"position": {"x": 1, "y": 2}}
    ),
    on_load(
        "unknown_field",
        "Change to ttl_seconds",
        {"cache": {"ttl_seconds": None, "ttl_second": 60}},
        {"cache": {"ttl_seconds": 60}},
    ),
    Mend(
        "unknown_field",
        "Change to max_parallel",
        a_definition(settings={"max_paralel": 2}),
        {"settings": {"max_parallel": 2}},
    ),
    of(
        "unknown_parameter",
        "Change to path",
        {"load": a_task(action="file_operation", parameters={"operation": "list", "pth": "a"})},
        load=a_task(action="file_operation", parameters={"operation": "list", "path": "a"}),
    ),
    of(
        "not_in_enum",
        "Change to read",
        {"load": a_file_task(operation="raed")},
        load=a_file_task(operation="read"),
    ),
    on_load("not_in_enum", "Change to all_settled", {"join": "all_setled"}, {"join": "all_settled"}),
    on_load("unknown_action", "Change to agent_task", {"action": "agnet_task"}, {}),
    of(
        "unknown_action",
        "Change to api_call",
        {"load": a_task(action="api_cal", parameters={"url": "https://example.org"})},
        load=a_task(action="api_call", parameters={"url": "https://example.org"}),
    ),
    on_load(
        "unknown_action",
        "Change to agent_task",
        {"compensation": {"action": "agnt_task"}},
        {"compensation": {"action": "agent_task"}},
    ),
    Mend(
        "unknown_type",
        "Change to integer",
        a_definition(parameters={"n": {"type": "int", "default": 3}}),
        {"parameters.n": {"type": "integer", "default": 3}},
    ),
    Mend("required", "Call it Untitled workflow", a_definition(name=""), {"name": "Untitled workflow"}),
    Mend(
        "required",
        "Call it Nightly load",
        {"id": "nightly_load", "tasks": {"a": a_task()}},
        {"name": "Nightly load"},
    ),
    of("required", "Make it an agent task", {"load": {}}, load={"action": "agent_task"}),
    Mend(
        "no_tasks",
        "Add a first step",
        a_definition({}),
        {"tasks": {"first_step": {"name": "First step", "action": "agent_task"}}},
    ),
    of(
        "no_deadline",
        "Give it 24 hours",
        {"load": a_gate(timeout_seconds=None)},
        load=a_gate(timeout_seconds=86_400),
    ),
    of(
        "no_deadline",
        "Give it 24 hours",
        {"load": {"action": "approval_gate", "approvers": ["ada", "bob"]}},
        load={
            "action": "approval_gate",
            "approvers": ["ada", "bob"],
            "parameters": {"timeout_seconds": 86_400},
        },
    ),
    on_load(
        "no_condition",
        "Make it sequential",
        {"execution_mode": "conditional"},
        {"execution_mode": "sequential"},
    ),
    of("join_without_dependencies", "Remove the join", {"load": a_task(join="all_settled")}, load=a_task()),
    of(
        "join_never_met",
        "Wait for all, whatever they did",
        {"off": a_task(conditions=["false"]), "load": a_task("off")},
        load=a_task("off", join="all_settled"),
    ),
    on_load(
        "failure_never_seen",
        "Wait for all, whatever they did",
        {"conditions": ["tasks.extract.status == 'failed'"]},
        {"conditions": ["tasks.extract.status == 'failed'"], "join": "all_settled"},
    ),
    of(
        "branches_exclude",
        "Go on after either",
        {
            "a": a_task(conditions=["params.region == 'x'"]),
            "b": a_task(conditions=["params.region == 'y'"]),
            "load": a_task("a", "b", join="all_succeeded"),
        },
        load=a_task("a", "b", join="any_succeeded"),
    ),
    of(
        "unreachable",
        "Wait for all, whatever they did",
        {
            "a": a_task(conditions=["params.region == 'x' && params.region == 'y'"]),
            "load": a_task("a"),
        },
        load=a_task("a", join="all_settled"),
    ),
]


def found(draft: Draft, code: str) -> Issue:
    return next(issue for issue in checked(draft).issues if issue.code == code)


def mended(draft: Draft, code: str) -> tuple[Fix | None, Draft]:
    fix = fix_of(draft, found(draft, code), actions.schemas())
    return fix, carry_out(draft, fix.ops) if fix else draft


def standing(draft: Draft, path: str) -> Any:
    for key in path.split("."):
        draft = draft[key]
    return draft


@pytest.mark.parametrize("mend", BY_CODE, ids=str)
def test_a_click_mends_it(mend: Mend) -> None:
    fix, after = mended(mend.draft, mend.code)
    assert fix is not None
    assert fix.label == mend.label
    for path, value in mend.after.items():
        where = (
            path if path.partition(".")[0] in ("name", "tasks", "parameters", "settings") else f"tasks.{path}"
        )
        assert standing(after, where) == value
    before = {(issue.code, issue.path) for issue in checked(mend.draft).errors}
    issues = checked(after).issues
    assert {(issue.code, issue.path) for issue in issues if issue.severity == "error"} <= before
    assert mend.code not in {issue.code for issue in issues}


def test_every_maker_is_seen_at_work() -> None:
    assert {mend.code for mend in BY_CODE} == set(MAKERS)
    assert set(MAKERS) >= CERTAIN


NOTHING = {
    "what to say is not known": ("unknown_field", a_definition({"a": a_task(colour="red")})),
    "the right one is there already": (
        "unknown_field",
        a_definition({"a": a_task(retry_cuont=2, retry_count=3)}),
    ),
    "its value would be wrong there": ("unknown_field", a_definition({"a": a_task(retry_cuont="many")})),
    "it would wait for what waits for it": (
        "not_upstream",
        a_definition({"a": a_task(parameters={"x": "{{ tasks.b.output }}"}), "b": a_task("a")}),
    ),
    "a parameter would be missing": ("unknown_action", a_definition({"a": a_task(action="api_cal")})),
    "people decide which": ("cycle", a_definition({"a": a_task("b"), "b": a_task("a")})),
    "people decide who": ("no_approver", a_definition({"a": a_gate(approvers=[])})),
    "it is of an older schema": (
        "unknown_field",
        a_definition({"a": a_task(retry_cuont=2)}, version="1.2.0"),
    ),
}


@pytest.mark.parametrize(("code", "draft"), NOTHING.values(), ids=NOTHING.keys())
def test_nothing_is_offered_where(code: str, draft: Draft) -> None:
    fix, _ = mended(draft, code)
    assert fix is None


def test_a_secret_is_not_put_where_it_would_be_shown() -> None:
    draft = a_definition(
        {"a": a_task(conditions=["params.pasword == 1"])}, parameters={"password": {"secret": True}}
    )
    fix, _ = mended(draft, "undeclared_parameter")
    assert fix is not None
    assert fix.label == "Declare pasword"


def test_of_two_wrong_names_in_one_text_each_is_mended_by_itself() -> None:
    text = "{{ tasks.extrat.output }} {{ tasks.laod.output }}"
    draft = a_definition(
        {"extract": a_task(), "load": a_task(), "end": a_task("extract", "load", parameters={"x": text})}
    )
    for _ in range(2):
        _, draft = mended(draft, "unknown_task")
    assert draft["tasks"]["end"]["parameters"]["x"] == "{{ tasks.extract.output }} {{ tasks.load.output }}"
    assert checked(draft).issues == ()


def test_findings_are_told_with_what_mends_them() -> None:
    draft = a_definition({"extract": a_task(), "load": a_task("extrat", colour="red")})
    wrong, kept = with_fixes(draft, checked(draft).issues, actions.schemas())[::-1]
    assert wrong["code"] == "unknown_dependency"
    assert wrong["fix"] == {
        "label": "Change to extract",
        "ops": [
            {"op": "disconnect", "from": "extrat", "to": "load"},
            {"op": "connect", "from": "extract", "to": "load"},
        ],
    }
    assert kept["code"] == "unknown_field"
    assert "fix" not in kept


@pytest.mark.parametrize(
    "draft", [None, [], {"tasks": []}, {"tasks": {"a": 3}}, {"name": 3, "tasks": {"a": {"conditions": 5}}}]
)
def test_a_draft_of_any_shape_is_answered(draft: Any) -> None:
    issues = checked(draft).issues
    assert [one["code"] for one in with_fixes(draft, issues, actions.schemas())] == [
        one.code for one in issues
    ]


@pytest.mark.parametrize(
    "place",
    [
        ("tasks", "load", "dependencies", 0),
        ("tasks", "a b", "x"),
        ("$x", 0, 12),
        ("tasks", "a-b", "parameters", "X-Y"),
    ],
)
def test_a_path_is_taken_apart_as_it_was_put_together(place: tuple[str | int, ...]) -> None:
    path = "$"
    for key in place:
        path = at(path, key)
    assert place_of(path) == place


@pytest.mark.parametrize("path", ["tasks['it\\'s']", "tasks['" + "x" * 60 + "…']", "tasks[x]", "a..b", "a b"])
def test_a_path_that_does_not_say_all_leads_nowhere(path: str) -> None:
    assert place_of(path) is None


def test_the_fixes_of_the_largest_drafts_cost_little() -> None:
    tasks = {f"t{n}": a_task(*[f"t{n - 1}"] if n else [], retry_cuont=1) for n in range(5_000)}
    draft = a_definition(tasks)
    issues = checked(draft).issues
    with within(1):
        found = with_fixes(draft, issues, actions.schemas())
    assert sum("fix" in one for one in found) == 100
