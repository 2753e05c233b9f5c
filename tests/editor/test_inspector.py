"""What the inspector shows of a draft, what expressions in it may name, and what they would give."""

from __future__ import annotations

import json
from collections.abc import Iterator
from html.parser import HTMLParser
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from editor import drafts
from orchestrator import actions, engine, vault
from orchestrator.models import Run, Workflow
from tests.engine.flows import Crank, flow, succeeded, task
from tests.people import person

pytestmark = pytest.mark.django_db

FLOW = {
    **flow(
        {
            "load": task(name="Load rows"),
            "side": task(),
            "check": task("load", conditions=["tasks.load.output.rows > 10"]),
            "store": task("check", parameters={"description": "{{ tasks.load.output.url }}/x"}),
        },
        parameters={
            "version": {"type": "string", "default": "1.0", "description": "What is rolled out"},
            "key": {"type": "string", "secret": True},
            "size": {"type": "integer"},
        },
    ),
    "name": "Drawn",
}
URL = "/workflows/drawn/edit/"
OUTPUT = {"rows": 12, "url": "https://a.example", "deep": {"x y": [1, 2]}, "long": "z" * 500}


class Marked(HTMLParser):
    """Every element with a data-path, by that path; with the text that follows as its notes."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: dict[str, dict[str, str]] = {}
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if "data-path" in given:
            self.found.setdefault(given["data-path"], {"tag": tag, **given})


@pytest.fixture
def workflow(ann: User) -> Workflow:
    return engine.save_workflow(FLOW, user=ann)


@pytest.fixture
def run(workflow: Workflow) -> Run:
    """One that has ended: load gave what stands in OUTPUT, the others nothing."""
    crank = Crank()
    begun = crank.start_of(workflow, params={"version": "2.5", "key": "hunter2", "size": 3})
    return crank.play(begun, lambda claim: succeeded(claim, OUTPUT if claim.task.key == "load" else None))


def panel(browser: Client, task: str = "") -> str:
    answer = browser.get(f"{URL}inspector/{task}{'/' if task else ''}")
    assert answer.status_code == 200, answer.content.decode()[:500]
    assert "no-store" in answer["Cache-Control"]
    return answer.content.decode()


def names(browser: Client, task: str) -> dict[str, dict[str, str]]:
    answer = browser.get(f"{URL}known/{task}/")
    assert answer.status_code == 200
    return {one["name"]: one for one in answer.json()["names"]}


def tried(
    browser: Client, text: str, kind: str = "expression", *, of: str = "check", at: str = "conditions"
) -> Any:
    given = {"task": of, "text": text, "kind": kind, "path": json.dumps([at])}
    answer = browser.post(f"{URL}evaluate/", given)
    assert answer.status_code == 200, answer.content.decode()[:500]
    return answer.json()


def addresses() -> Iterator[tuple[str, str]]:
    yield "get", f"{URL}inspector/"
    yield "get", f"{URL}inspector/load/"
    yield "get", f"{URL}known/load/"
    yield "post", f"{URL}evaluate/"


@pytest.mark.parametrize(
    ("roles", "status"),
    [((), 404), (("viewer",), 403), (("operator",), 403), (("designer",), 200), (("admin",), 200)],
)
def test_who_may_look(workflow: Workflow, roles: tuple[str, ...], status: int) -> None:
    client = Client()
    client.force_login(person("somebody", *roles))
    for method, url in addresses():
        answer = getattr(client, method)(url, {"task": "load", "text": "1"})
        assert answer.status_code == status, url


def test_an_owner_may_look_another_owner_sees_nothing_and_a_stranger_is_asked_who_he_is(
    workflow: Workflow,
) -> None:
    owner, other = person("olga"), person("otto")
    Workflow.objects.update(owner=owner)
    for user, status in ((owner, 200), (other, 404), (None, 302)):
        client = Client()
        if user:
            client.force_login(user)
        for method, url in addresses():
            assert getattr(client, method)(url, {"task": "load", "text": "1"}).status_code == status, url


def test_what_an_owner_without_roles_sees_of_runs_is_of_this_workflow_alone(
    workflow: Workflow, run: Run
) -> None:
    client = Client()
    client.force_login(person("olga"))
    Workflow.objects.update(owner=User.objects.get(username="olga"))
    assert f"Run #{run.pk}" in panel(client, "load")
    Run.objects.update(workflow=engine.save_workflow({**FLOW, "name": "Other"}))
    assert "It has not run yet" in panel(client, "load")


@pytest.mark.parametrize("action", list(actions.ACTIONS))
def test_every_parameter_of_an_action_has_a_control(browser: Client, ann: User, action: str) -> None:
    made = engine.start_draft(f"of {action}", user=ann)
    for number, example in enumerate(actions.get(action).examples):
        one = {"action": action, "parameters": example.parameters}
        one |= {"compensation": {"action": action, "parameters": example.parameters}}
        drafts.change(made, [{"op": "add", "key": f"t{number}", "task": one}], base_rev=number + 1, user=ann)
        answer = browser.get(f"/workflows/{made.key}/edit/inspector/t{number}/")
        marked = Marked(answer.content.decode()).found
        for field in actions.get(action).parameters.fields:
            for path in (["parameters", field.name], ["compensation", "parameters", field.name]):
                assert json.dumps(path) in marked, path
                assert marked[json.dumps(path)]["data-kind"]


def test_a_control_shows_what_is_set_and_says_of_which_kind_it_is(
    browser: Client, workflow: Workflow
) -> None:
    marked = Marked(panel(browser, "store")).found
    assert marked['["name"]']["value"] == ""
    assert marked['["key"]']["value"] == "store" and marked['["key"]']["data-op"] == "rename"
    assert marked['["retry_count"]']["value"] == "0" and marked['["retry_count"]']["data-kind"] == "integer"
    said = marked['["parameters", "description"]']
    assert (said["tag"], said["data-kind"], said["data-expression"]) == ("textarea", "text", "template")
    assert "data-secrets" in said
    assert marked['["for_each"]']["data-expression"] == "expression"
    assert "data-or-template" not in marked['["timeout_seconds"]']


def test_a_draft_of_any_shape_can_be_looked_at(browser: Client, workflow: Workflow) -> None:
    odd: list[Any] = [3, None, "x", [], {}, {"a": [1]}, True, [{"type": "dependency", "task": "a"}], ["a", 3]]
    fields = ["name", "description", "action", "agent_id", "parameters", "dependencies"]
    fields += [
        "join",
        "conditions",
        "execution_mode",
        "timeout_seconds",
        "on_failure",
        "compensation",
        "for_each",
    ]
    fields += ["resources", "cache", "output_schema", "checkpoint"]
    for value in odd:
        shapes = {
            "a": dict.fromkeys(fields, value),
            "b": {"action": "api_call", "parameters": {"url": value}},
        }
        shapes["c"] = {
            "action": "approval_gate",
            "parameters": {"approvers": value},
            "on_failure": {"action": value},
        }
        shapes["e"] = {
            "action": "approval_gate",
            "parameters": {"levels": value, "form": [value, {"name": value}], "quorum": value},
        }
        shapes["f"] = {
            "action": "approval_gate",
            "parameters": {"levels": [dict.fromkeys(("name", "approvers", "quorum", "veto"), value)]},
        }
        shapes["d"] = {"action": "condition_check", "parameters": {"checks": value}}
        Workflow.objects.update(
            draft={"name": value, "parameters": value, "settings": value, "tasks": shapes}
        )
        panel(browser)
        for key in shapes:
            panel(browser, key)
        names(browser, "a")
        tried(browser, "params.x", of="a")
    Workflow.objects.update(
        draft={"name": "x", "parameters": {"p": 3, "q": {"type": ["x"], "enum": 5}}, "tasks": []}
    )
    panel(browser)
    for key in ("a", "nobody"):
        assert browser.get(f"{URL}inspector/{key}/").status_code == 204  # it may be gone since the page asked
        assert browser.get(f"{URL}known/{key}/").status_code == 404
    assert browser.post(f"{URL}evaluate/", {"task": "a", "text": "1"}).status_code == 404


def test_a_problem_stands_beside_its_field_and_above_with_a_way_there(
    browser: Client, workflow: Workflow
) -> None:
    change(
        workflow,
        {
            "op": "set",
            "key": "store",
            "field": ["parameters", "description"],
            "value": "{{ tasks.lod.output }}",
        },
    )
    page = panel(browser, "store")
    said = "There is no task &#x27;lod&#x27;. Did you mean &#x27;load&#x27;?"
    assert page.count(said) == 2
    where = 'data-jump="tasks.store.parameters.description"'
    assert where in page
    beside = page[page.index('id="inspect-parameters-description-notes"') :]
    assert said in beside[: beside.index("</div>")]
    marked = Marked(page).found['["parameters", "description"]']
    assert marked["aria-invalid"] == "true"
    assert marked["aria-describedby"] == "inspect-parameters-description-notes"
    assert said not in panel(browser, "check")


def test_a_text_within_a_list_of_maps_is_tried_out_too(browser: Client, workflow: Workflow, run: Run) -> None:
    path = json.dumps(["parameters", "levels", 0, "approvers"])
    given = {"task": "check", "text": "{{ params.version }}", "kind": "template", "path": path}
    answer = browser.post(f"{URL}evaluate/", given)
    assert answer.status_code == 200, answer.content.decode()[:500]
    assert json.loads(answer.json()["value"]) == "2.5"


def test_a_problem_of_one_level_stands_beside_its_field(browser: Client, workflow: Workflow) -> None:
    levels = [{"name": "Lead", "approvers": ["ann"]}, {"approvers": ["olga"], "quorum": 3, "veto": "x"}]
    gate = {"action": "approval_gate", "parameters": {"levels": levels}}
    change(workflow, {"op": "add", "key": "gate", "task": gate})
    page = panel(browser, "gate")
    for where in ("quorum", "veto"):
        assert f'data-jump="tasks.gate.parameters.levels[1].{where}"' in page
        beside = page[page.index(f'id="inspect-parameters-levels-1-{where}-notes"') :]
        assert 'class="err' in beside[beside.index("data-refused") : beside.index("</div>")]
    assert page.count("<details open>") == 1  # that of the second level


def test_a_problem_of_a_rung_of_a_level_stands_beside_its_field(browser: Client, workflow: Workflow) -> None:
    levels = [{"approvers": ["ann"], "escalation": [{"after_seconds": 5}, {"after_seconds": "x"}]}]
    gate = {"action": "approval_gate", "parameters": {"levels": levels}}
    change(workflow, {"op": "add", "key": "gate", "task": gate})
    page = panel(browser, "gate")
    where = page.index('id="inspect-parameters-levels-0-escalation-1-after_seconds-notes"')
    first = page.index('id="inspect-parameters-levels-0-escalation-0-after_seconds-notes"')
    wrong = '<p class="err s-failed">'
    assert wrong in page[where : page.index("</div>", where)]
    assert wrong not in page[first:where]


def test_what_it_runs_after_can_be_taken_away_and_what_waits_for_it_is_not_offered(
    browser: Client, workflow: Workflow
) -> None:
    page = panel(browser, "check")
    assert 'aria-label="No longer after Load rows"' in page
    offered = page[page.index('data-op="connect"') :].partition("</select>")[0]
    assert 'value="side"' in offered
    assert 'value="store"' not in offered and 'value="load"' not in offered


def test_input_and_output_of_the_last_run_stand_beside_the_settings(
    browser: Client, workflow: Workflow, run: Run
) -> None:
    page = panel(browser, "load")
    assert f'href="/runs/{run.pk}/?task=load"' in page and "https://a.example" in page
    assert "hunter2" not in page


def test_what_is_long_is_cut_and_the_run_has_all_of_it(browser: Client, workflow: Workflow) -> None:
    crank = Crank()
    run = crank.start_of(workflow, params={"key": "hunter2", "size": 1})
    crank.play(run, lambda claim: succeeded(claim, {"text": "z" * 10_000}))
    page = panel(browser, "load")
    assert "z" * 3_000 in page and "z" * 5_000 not in page
    assert f'href="/runs/{run.pk}/?task=load&amp;tab=output"' in page


def test_names_are_of_the_steps_before_it_with_their_values_cut(
    browser: Client, workflow: Workflow, run: Run
) -> None:
    known = names(browser, "check")
    assert known["params.version"]["value"] == '"2.5"'
    assert known["params.version"]["about"] == "What is rolled out"
    assert known["tasks.load.output.rows"]["value"] == "12"
    assert known['tasks.load.output.deep["x y"]']["value"] == "[1, 2]"
    assert len(known["tasks.load.output.long"]["value"]) == 201
    assert known["tasks.load.status"] == {
        "name": "tasks.load.status",
        "about": "Load rows, status",
        "value": '"completed"',
    }
    assert known["run.id"]["value"] == str(run.pk)
    assert not [
        name for name in known if name.startswith(("tasks.side", "tasks.store", "tasks.check", "item"))
    ]


def test_secrets_are_named_and_never_shown(browser: Client, workflow: Workflow, run: Run) -> None:
    vault.put("crm", "swordfish")
    known = names(browser, "check")
    assert known["secrets.crm"] == {"name": "secrets.crm", "about": "a secret", "only": "secrets"}
    assert known["params.key"]["only"] == "secrets" and "value" not in known["params.key"]
    text = browser.get(f"{URL}known/check/").content.decode() + panel(browser, "check")
    assert "swordfish" not in text and "hunter2" not in text
    assert tried(browser, "{{ secrets.crm }}", "template", at="parameters")["why"].startswith(
        "Holds a secret"
    )
    assert tried(browser, "{{ params.key }}", "template", at="parameters")["why"].startswith("Holds a secret")
    assert tried(browser, "secrets.crm == 'swordfish'")["ok"] is False


def test_what_undoes_a_step_may_name_what_the_step_gave(
    browser: Client, workflow: Workflow, run: Run
) -> None:
    change(
        workflow, {"op": "set", "key": "load", "field": ["compensation"], "value": {"action": "agent_task"}}
    )
    assert names(browser, "load")["tasks.load.output.rows"]["only"] == "compensation"
    path = json.dumps(["compensation", "parameters", "title"])
    given = {"task": "load", "text": "{{ tasks.load.output.rows }}", "kind": "template", "path": path}
    assert browser.post(f"{URL}evaluate/", given).json()["value"] == "12"
    assert (
        tried(browser, "tasks.load.output.rows > 1", of="load")["error"]
        == "A task cannot look at its own result."
    )


def test_items_are_known_where_a_step_runs_for_each(browser: Client, workflow: Workflow) -> None:
    assert "item" not in names(browser, "check")
    assert "only in a task that has for_each" in tried(browser, "item > 1")["error"]
    change(workflow, {"op": "set", "key": "check", "field": ["for_each"], "value": "[7, 8]"})
    assert "value" not in names(browser, "check")["item"]
    assert tried(browser, "item > 1")["why"] == "Which items there are is known once it has run."


EVALUATED: list[tuple[str, str, str, dict[str, Any]]] = [
    ("tasks.load.output.rows > 10", "expression", "conditions", {"ok": True, "value": "true"}),
    ("{{ tasks.load.output.rows > 10 }}", "expression", "conditions", {"ok": True, "value": "true"}),
    ("tasks.load.output.rows * 2", "expression", "parameters", {"ok": True, "value": "24"}),
    ("size(tasks.load.output.url)", "expression", "parameters", {"ok": True, "value": "17"}),
    ("v{{ params.version }}!", "template", "parameters", {"ok": True, "value": '"v2.5!"'}),
    ("{{ tasks.load.output.deep }}", "template", "parameters", {"ok": True, "value": '{"x y": [1, 2]}'}),
    ('{"v": "{{ params.size }}"}', "json", "parameters", {"ok": True, "value": '{"v": 3}'}),
    ("workflow.name", "expression", "parameters", {"ok": True, "value": '"Drawn"'}),
    ("[1, 2]", "expression", "for_each", {"ok": True, "value": "[1, 2]"}),
    ("tasks.lod.output", "expression", "conditions", {"position": 0, "wrong": "lod", "hint": "load"}),
    ("a {{ tasks.lod.output }}", "template", "parameters", {"position": 5, "wrong": "lod", "hint": "load"}),
    ("tasks.store.output", "expression", "parameters", {"ok": False, "position": 0}),
    ("params.nothing", "expression", "conditions", {"ok": False, "wrong": "nothing"}),
    ("1 +", "expression", "conditions", {"ok": False, "position": 3}),
    ("x {{ 1 + }}", "template", "parameters", {"ok": False, "position": 9}),
    ("{{ 1", "template", "parameters", {"ok": False}),
    ("tasks.load.output.nothing", "expression", "parameters", {"ok": False}),
    ("1 / 0", "expression", "parameters", {"ok": False}),
    ("{broken", "json", "parameters", {"ok": False}),
    ("x" * 2_001, "expression", "conditions", {"ok": False}),
    (
        "tasks.load.output.rows",
        "expression",
        "conditions",
        {"error": "A condition must give true or false; this gives 12."},
    ),
    ("3", "expression", "for_each", {"error": "This must give a list; it gives 3."}),
]


@pytest.mark.parametrize(
    ("text", "kind", "at", "expected"), EVALUATED, ids=[one[0][:30] for one in EVALUATED]
)
def test_an_expression_gives_what_it_would_with_the_last_run(
    browser: Client, workflow: Workflow, run: Run, text: str, kind: str, at: str, expected: dict[str, Any]
) -> None:
    found = tried(browser, text, kind, at=at)
    assert {name: found.get(name) for name in expected} == expected, found
    assert found["ok"] or found["error"]


def test_before_the_first_run_defaults_are_known_and_the_rest_is_no_error(
    browser: Client, workflow: Workflow
) -> None:
    assert tried(browser, "{{ params.version }}", "template", at="parameters")["value"] == '"1.0"'
    assert tried(browser, "params.size > 1")["why"].startswith("size has no default")
    assert tried(browser, "tasks.load.output.rows > 10") == {
        "ok": True,
        "why": "Known once Load rows has run.",
    }
    assert tried(browser, "run.id > 1")["why"] == "Known once the workflow has run."


def test_a_value_is_of_the_newest_run_in_which_its_step_settled(
    browser: Client, workflow: Workflow, run: Run
) -> None:
    later = engine.start(workflow, {"version": "3", "key": "hunter2", "size": 4})
    found = tried(browser, "tasks.load.output.rows", at="parameters")
    assert (found["value"], found["run"]) == ("12", run.pk)
    assert tried(browser, "params.version", at="parameters")["value"] == '"3"'
    assert later.pk > run.pk


def test_what_is_asked_wrongly_is_refused(browser: Client, workflow: Workflow) -> None:
    paths = [{"path": path} for path in ("{", "[1]", '["a", 1.5]', '["a", true]', '["a", ["b"]]')]
    for given in ({"kind": "magic"}, *paths, {"text": "x" * 70_000}):
        answer = browser.post(f"{URL}evaluate/", {"task": "load", "text": "1", **given})
        assert answer.status_code == 422, given


def test_trying_out_changes_nothing(browser: Client, workflow: Workflow, run: Run) -> None:
    before = (workflow.draft_rev, run.seq, Run.objects.count())
    tried(browser, "tasks.load.output.rows > 1")
    workflow.refresh_from_db()
    run.refresh_from_db()
    assert (workflow.draft_rev, run.seq, Run.objects.count()) == before


def test_500_steps_cost_no_more_queries_than_four(
    browser: Client, workflow: Workflow, ann: User, run: Run, django_assert_max_num_queries: Any
) -> None:
    def ask() -> None:
        with django_assert_max_num_queries(13):
            panel(browser, "store")
        with django_assert_max_num_queries(11):
            names(browser, "store")
        with django_assert_max_num_queries(10):
            tried(browser, "tasks.load.output.rows > 10", of="store")

    ask()
    many = {f"t{number}": {"action": "agent_task"} for number in range(500)}
    change(workflow, {"op": "paste", "tasks": many}, {"op": "connect", "from": "t499", "to": "store"})
    ask()


def change(workflow: Workflow, *operations: dict[str, Any]) -> None:
    workflow.refresh_from_db()
    user = User.objects.get(username="ann")
    drafts.change(workflow, list(operations), base_rev=workflow.draft_rev, user=user)


def test_the_fields_of_an_approval_are_known_before_anybody_has_filled_them_in(
    browser: Client, ann: User
) -> None:
    form = [{"name": "centre", "label": "Cost centre"}, {"name": "until", "type": "date"}]
    gate = task(action="approval_gate", parameters={"approvers": ["bob"], "form": form})
    engine.save_workflow({**flow({"ask": gate, "check": task("ask")}), "name": "Drawn"}, user=ann)
    known = names(browser, "check")
    assert known["tasks.ask.output.fields.centre"]["about"] == "Cost centre"
    assert "tasks.ask.output.fields.until" in known
