"""The list view as a browser without scripts uses it: forms, refusals in words, nothing typed lost."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.http import HttpResponse
from django.test import Client

from editor import drafts
from orchestrator import actions, engine
from orchestrator.models import Workflow
from tests.engine.flows import flow, task
from tests.people import person

pytestmark = pytest.mark.django_db

FLOW = {**flow({"a": task(), "b": task("a"), "c": task("b")}), "name": "Drawn"}


LESS_COMMON: list[dict[str, Any]] = [
    {"retry_count": 2, "conditions": ["true"], "on_failure": "skip", "checkpoint": True},
    {
        "retry_delay": 0.5,
        "conditions": [{"type": "dependency", "task": "a"}],
        "on_failure": {"action": "rollback", "checkpoint": "start"},
        "checkpoint": "named",
        "compensation": {"action": "agent_task"},
        "output_schema": {"type": "object", "title": "{{ not a template }}"},
        "cache": {"ttl_seconds": 5},
    },
]


class Inputs(HTMLParser):
    """What a form whose fields are left alone would send, by the `aria-label` of the form."""

    def __init__(self, label: str) -> None:
        super().__init__()
        self.label, self.inside = label, False
        self.values: dict[str, list[str]] = {}
        self._name = self._select = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "form":
            self.inside = given.get("aria-label") == self.label
        if not self.inside or tag not in ("input", "select", "textarea", "option"):
            return
        name = given.get("name") or ""
        if tag == "select":
            self._select = name
        elif tag == "option" and "selected" in given:
            self._keep(self._select, given.get("value") or "")
        elif tag == "textarea":
            self._name = name
            self._keep(name, "")
        elif tag == "input" and (given.get("type") != "checkbox" or "checked" in given):
            self._keep(name, given.get("value") or "")

    def handle_data(self, data: str) -> None:
        if self.inside and self._name:
            self.values[self._name][-1] += data

    def handle_endtag(self, tag: str) -> None:
        if tag == "textarea" and self._name:
            self.values[self._name][-1] = self.values[self._name][-1].removeprefix("\n")
            self._name = ""

    def _keep(self, name: str, value: str) -> None:
        if name:
            self.values.setdefault(name, []).append(value)


@pytest.fixture
def workflow() -> Workflow:
    return engine.save_workflow(FLOW)


URL = "/workflows/drawn/edit/"


def filled(page: HttpResponse, step: str) -> dict[str, Any]:
    """The form of the open step, as it stands on the page."""
    inputs = Inputs(f"Step {step}")
    inputs.feed(page.content.decode())
    assert inputs.values, page.content.decode()[:2000]
    return inputs.values


def draft(workflow: Workflow) -> dict[str, Any]:
    workflow.refresh_from_db()
    return workflow.draft


@pytest.mark.parametrize(
    ("roles", "status"),
    [((), 404), (("viewer",), 403), (("operator",), 403), (("designer",), 200), (("admin",), 200)],
)
def test_who_may_edit(workflow: Workflow, roles: tuple[str, ...], status: int) -> None:
    client = Client()
    client.force_login(person("somebody", *roles))
    assert client.get(URL).status_code == status
    answer = client.post(URL, {"do": "remove", "step": "c", "base_rev": "1"})
    assert answer.status_code == (303 if status == 200 else status)
    assert ("c" in draft(workflow)["tasks"]) == (status != 200)


def test_an_owner_may_edit_and_another_owner_sees_nothing(workflow: Workflow) -> None:
    owner, other = person("olga"), person("bob")
    Workflow.objects.update(owner=owner)
    for user, status in ((owner, 200), (other, 404)):
        client = Client()
        client.force_login(user)
        assert client.get(URL).status_code == status


@pytest.mark.parametrize("action", list(actions.ACTIONS))
def test_a_form_that_is_sent_as_it_stands_changes_nothing(browser: Client, ann: User, action: str) -> None:
    """Of every action, with each of its own examples: what a form shows is what it would store."""
    for number, example in enumerate(actions.get(action).examples):
        one = {"action": action, "parameters": example.parameters, **LESS_COMMON[number % len(LESS_COMMON)]}
        made = engine.start_draft(f"{action}-{number}", user=ann)
        drafts.change(made, [{"op": "add", "key": "only", "task": one}], base_rev=1, user=ann)
        url = f"/workflows/{made.key}/edit/"
        values = filled(browser.get(f"{url}?step=only"), "only")
        answer = browser.post(url, {**values, "do": "save"})
        assert answer.status_code == 303, answer.content.decode()
        assert (draft(made)["tasks"]["only"], made.draft_rev) == (one, 2)


def test_a_form_that_is_sent_twice_is_carried_out_once(browser: Client, workflow: Workflow) -> None:
    page = browser.get(f"{URL}?step=%2B")
    form = {"do": "add", "step": "+", "base_rev": "1", "once": page.context["once"], "name": "New one"}
    for _ in range(2):
        assert browser.post(URL, {**form, "action": "agent_task"}).status_code == 303
    assert list(draft(workflow)["tasks"]) == ["a", "b", "c", "new_one"]


def test_a_draft_of_any_shape_can_be_looked_at(browser: Client, workflow: Workflow) -> None:
    for tasks in ({"a": 3}, [], "x", {"a": {"dependencies": 5, "parameters": 7, "conditions": {"x": 1}}}):
        Workflow.objects.update(draft={"name": ["no text"], "tasks": tasks})
        for step in ("", "?step=a", "?step=%2B"):
            assert browser.get(URL + step).status_code == 200
        assert browser.post(URL, {"do": "save", "step": "a", "base_rev": "1"}).status_code in (303, 422)
        assert browser.get(f"{URL}json/").status_code == 200
        assert browser.get("/workflows/drawn/diff/1/draft/").status_code == 200


def test_what_is_entered_is_stored_and_only_that(browser: Client, workflow: Workflow) -> None:
    values = filled(browser.get(f"{URL}?step=b"), "b")
    values |= {"name": ["Check it"], "retry_count": ["5"], "conditions": ["tasks.a.status == 'completed'\n"]}
    answer = browser.post(URL, {**values, "do": "save"})
    assert (answer.status_code, answer["Location"]) == (303, f"{URL}?step=b#step-b")
    assert draft(workflow)["tasks"]["b"] == {
        **FLOW["tasks"]["b"],
        "name": "Check it",
        "retry_count": 5,
        "conditions": ["tasks.a.status == 'completed'"],
    }


LOOSE = [
    ("all", "all"),
    ("2", 2),
    ("60%", "60%"),
    ('{"bob": 1}', {"bob": 1}),
    ('"2"', "2"),
    ("{{ params.n }}", "{{ params.n }}"),
    ("", None),
    ("[", "The text ends too early"),
]


@pytest.mark.parametrize(("text", "value"), LOOSE, ids=[text or "nothing" for text, _ in LOOSE])
def test_names_and_the_quorum_need_no_quotes(browser: Client, ann: User, text: str, value: object) -> None:
    made = engine.start_draft("Loose", user=ann)
    gate = {"action": "approval_gate", "parameters": {"approvers": "bob", "quorum": "any"}}
    drafts.change(made, [{"op": "add", "key": "only", "task": gate}], base_rev=1, user=ann)
    url = f"/workflows/{made.key}/edit/"
    values = filled(browser.get(f"{url}?step=only"), "only")
    assert (values["parameter-approvers"], values["parameter-quorum"]) == (["bob"], ["any"])
    typed = {"parameter-approvers": "bob, group:finance", "parameter-quorum": text}
    answer = browser.post(url, {**values, **typed, "do": "save"})
    if text == "[":
        assert answer.status_code == 422 and "[" in filled(answer, "only")["parameter-quorum"]
        return
    assert answer.status_code == 303, answer.content.decode()[:2000]
    found = draft(made)["tasks"]["only"]["parameters"]
    assert (found["approvers"], found.get("quorum")) == ("bob, group:finance", value)


def test_what_cannot_be_read_is_shown_again_with_the_reason(browser: Client, workflow: Workflow) -> None:
    values = filled(browser.get(f"{URL}?step=b"), "b") | {"name": ["Kept"], "other_parameters": ["{broken"]}
    answer = browser.post(URL, {**values, "do": "save"})
    page = answer.content.decode()
    assert answer.status_code == 422
    assert "{broken" in page and "Kept" in page
    assert draft(workflow)["tasks"]["b"] == FLOW["tasks"]["b"]


def test_a_step_runs_after_others_but_never_after_those_that_wait_for_it(
    browser: Client, workflow: Workflow
) -> None:
    page = browser.get(f"{URL}?step=a").content.decode()
    assert 'name="after"' not in page
    values = filled(browser.get(f"{URL}?step=c"), "c")
    assert browser.post(URL, {**values, "after": ["a", "b"], "do": "save"}).status_code == 303
    assert draft(workflow)["tasks"]["c"]["dependencies"] == ["b", "a"]
    forged = browser.post(URL, {**filled(browser.get(f"{URL}?step=a"), "a"), "after": ["c"], "do": "save"})
    assert forged.status_code == 422


def test_both_sides_are_shown_and_what_was_typed_stays(browser: Client, workflow: Workflow) -> None:
    values = filled(browser.get(f"{URL}?step=b"), "b")
    theirs = [
        {"op": "set", "key": "b", "field": ["name"], "value": "Bob's"},
        {"op": "set", "key": "b", "field": ["retry_count"], "value": 9},
    ]
    drafts.change(workflow, theirs, base_rev=1, user=person("bob", "designer"))
    answer = browser.post(URL, {**values, "name": ["Ann's"], "do": "save"})
    page = answer.content.decode()
    assert answer.status_code == 409
    assert "bob has <q>Bob&#x27;s</q>, you have <q>Ann&#x27;s</q>" in page
    assert draft(workflow)["tasks"]["b"]["name"] == "Bob's"
    again = browser.post(URL, {**filled(answer, "Bob's"), "do": "save"})
    assert again.status_code == 303
    stored = draft(workflow)["tasks"]["b"]
    assert (stored["name"], stored["retry_count"]) == ("Ann's", 9)


def test_others_may_have_changed_other_fields_meanwhile(browser: Client, workflow: Workflow) -> None:
    values = filled(browser.get(f"{URL}?step=b"), "b")
    theirs = [{"op": "set", "key": "b", "field": ["retry_count"], "value": 9}]
    drafts.change(workflow, theirs, base_rev=1, user=person("bob", "designer"))
    assert browser.post(URL, {**values, "name": ["Ann's"], "do": "save"}).status_code == 303
    stored = draft(workflow)["tasks"]["b"]
    assert (stored["name"], stored["retry_count"]) == ("Ann's", 9)


def test_undo_redo_order_and_removal(browser: Client, workflow: Workflow) -> None:
    def press(**given: str) -> int:
        workflow.refresh_from_db()
        return browser.post(URL, {"base_rev": str(workflow.draft_rev), **given}).status_code

    assert press(do="remove_joined", step="b") == 303
    assert draft(workflow)["tasks"]["c"]["dependencies"] == ["a"]
    assert press(do="undo") == 303
    assert draft(workflow) == engine.check_definition(FLOW).definition.data  # type: ignore[union-attr]
    assert press(do="redo") == 303
    assert "b" not in draft(workflow)["tasks"]
    assert press(do="redo") == 409
    assert press(do="up", step="c") == 303
    assert list(draft(workflow)["tasks"]) == ["c", "a"]
    assert press(do="down", step="c") == 303
    assert list(draft(workflow)["tasks"]) == ["a", "c"]
    assert press(do="remove", step="nobody") == 422
    assert press(do="dance", step="a") == 303


EXTRACT = {"do": "extract", "base_rev": "1", "name": "Both ends", "steps": ["a", "b"]}


def test_steps_are_extracted_and_one_that_starts_them_is_opened(browser: Client, workflow: Workflow) -> None:
    page = browser.get(f"{URL}?extract").content.decode()
    assert re.findall(r'name="steps"\s+value="(\w)"', page) == ["a", "b", "c"]
    assert 'href="#extract"' in page  # past however many steps
    answer = browser.post(URL, {**EXTRACT, "once": "one"}, follow=True)
    assert answer.redirect_chain[0][0] == f"{URL}?step=both_ends#step-both_ends"
    assert "2 steps are now the workflow Both ends." in answer.content.decode()
    tasks = draft(workflow)["tasks"]
    assert {key: one.get("dependencies") for key, one in tasks.items()} == {
        "both_ends": [],
        "c": ["both_ends"],
    }
    made = Workflow.objects.get(name="Both ends")
    assert (made.owner.username if made.owner else "", made.versions.count()) == ("ann", 1)
    browser.post(URL, {**EXTRACT, "once": "one"})  # sent twice
    assert Workflow.objects.count() == 2
    workflow.refresh_from_db()
    browser.post(URL, {"do": "undo", "base_rev": str(workflow.draft_rev)})
    assert list(draft(workflow)["tasks"]) == ["a", "b", "c"]


@pytest.mark.parametrize(
    ("changes", "status", "said"),
    [
        ({"steps": ["a"]}, 422, "Choose two steps or more in the list."),
        ({"steps": []}, 422, "Choose two steps or more in the list."),
        ({"steps": ["a", "z"]}, 422, "There is no step z any more."),
        ({"name": " "}, 422, "Say what the new workflow is called."),
        ({"steps": ["a", "c"]}, 422, "so it would have to run within the new step"),
        ({"base_rev": "0"}, 409, "changed"),
    ],
)
def test_what_cannot_be_extracted_is_refused_and_stays_chosen(
    changes: dict[str, Any], status: int, said: str, browser: Client, workflow: Workflow
) -> None:
    sent = {**EXTRACT, **changes}
    answer = browser.post(URL, sent)
    page = answer.content.decode()
    assert (answer.status_code, said in page) == (status, True), page
    chosen = re.findall(r'name="steps"\s+value="(\w)"\s+aria-label="Choose \w" checked', page)
    assert chosen == [key for key in sent["steps"] if key in "abc"]
    assert f'value="{sent["name"].strip()}"' in page or not sent["name"].strip()
    assert Workflow.objects.count() == 1


def test_one_step_alone_is_not_offered_to_be_extracted(
    browser: Client, workflow: Workflow, ann: User
) -> None:
    assert "?extract" in browser.get(URL).content.decode()
    drafts.change(workflow, [{"op": "remove", "key": key} for key in "bc"], base_rev=1, user=ann)
    assert "?extract" not in browser.get(URL).content.decode()


def test_a_draft_with_problems_says_so_and_is_not_published(
    browser: Client, workflow: Workflow, ann: User
) -> None:
    drafts.change(workflow, [{"op": "action", "key": "a", "action": "nope"}], base_rev=1, user=ann)
    page = browser.get(f"{URL}?step=a").content.decode()
    assert "nope (not known here)" in page and "keeps it from being published" in page
    assert f'href="{URL}?step=a#step-a">a</a>' in page
    answer = browser.post(URL, {"do": "publish", "base_rev": "2"})
    assert (answer.status_code, workflow.versions.count()) == (422, 1)
    assert "This cannot be published yet" in answer.content.decode()


class Buttons(HTMLParser):
    """The forms that mend a finding, by what their button says: each with what it sends."""

    def __init__(self) -> None:
        super().__init__()
        self.forms: dict[str, dict[str, str]] = {}
        self._sent: dict[str, str] = {}
        self._is_fix = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self._sent = {}
        elif tag == "input" and given.get("type") == "hidden":
            self._sent[given["name"]] = given["value"]
        elif tag == "button":
            self._is_fix = given.get("value") == "fix"

    def handle_data(self, data: str) -> None:
        if self._is_fix:
            self.forms[data] = self._sent
            self._is_fix = False


def fixes_on(page: HttpResponse) -> dict[str, dict[str, str]]:
    buttons = Buttons()
    buttons.feed(page.content.decode())
    return buttons.forms


WRONG: list[dict[str, Any]] = [
    {"op": "set", "key": "b", "field": ["conditions"], "value": ["tasks.aa.output.n > 1"]},
    {"op": "set", "key": "c", "field": ["timeout_secs"], "value": 2},
]


def test_a_button_beside_a_problem_mends_it(browser: Client, workflow: Workflow, ann: User) -> None:
    drafts.change(workflow, WRONG, base_rev=1, user=ann)
    page = browser.get(URL)
    forms = fixes_on(page)
    assert set(forms) == {"Change to a", "Change to timeout_seconds"}
    for rev, label in enumerate(("Change to a", "Change to timeout_seconds"), start=2):
        form = fixes_on(browser.get(URL))[label]
        assert form["base_rev"] == str(rev)
        answer = browser.post(URL, {**form, "do": "fix"})
        assert (answer.status_code, answer["Location"]) == (303, f"{URL}?problems=shown#problems")
    stored = draft(workflow)["tasks"]
    assert stored["b"]["conditions"] == ["tasks.a.output.n > 1"]
    assert (stored["c"]["timeout_seconds"], "timeout_secs" in stored["c"]) == (2, False)
    assert engine.check_definition(draft(workflow)).issues == ()
    assert browser.post(URL, {"do": "undo", "base_rev": "4"}).status_code == 303
    assert "timeout_secs" in draft(workflow)["tasks"]["c"]


def test_what_is_left_of_the_problems_stays_open(browser: Client, workflow: Workflow, ann: User) -> None:
    drafts.change(workflow, WRONG, base_rev=1, user=ann)
    for url, is_open in ((URL, False), (f"{URL}?problems=shown", True)):
        page = " ".join(browser.get(url).content.decode().split())
        assert ('id="problems" open>' in page, 'id="problems">' in page) == (is_open, not is_open)


def test_a_fix_of_what_somebody_has_changed_meanwhile_overwrites_nothing(
    browser: Client, workflow: Workflow, ann: User
) -> None:
    drafts.change(workflow, WRONG, base_rev=1, user=ann)
    form = fixes_on(browser.get(URL))["Change to a"]
    theirs = [{"op": "set", "key": "b", "field": ["conditions"], "value": ["true"]}]
    drafts.change(workflow, theirs, base_rev=2, user=person("bob", "designer"))
    assert browser.post(URL, {**form, "do": "fix"}).status_code == 409
    assert draft(workflow)["tasks"]["b"]["conditions"] == ["true"]


@pytest.mark.parametrize(
    "operations", ["", "{", "3", '{"op": "remove"}', '["x"]', '[{"op": "remove", "key": "z"}]']
)
def test_operations_that_cannot_be_read_change_nothing(
    browser: Client, workflow: Workflow, operations: str
) -> None:
    answer = browser.post(URL, {"do": "fix", "base_rev": "1", "operations": operations})
    assert answer.status_code == 422
    assert "This was not done" in answer.content.decode()
    assert (draft(workflow), workflow.draft_rev) == (engine.check_definition(FLOW).definition.data, 1)  # type: ignore[union-attr]


def test_a_workflow_that_has_no_version_yet_is_met_everywhere(browser: Client, ann: User) -> None:
    made = engine.start_draft("Fresh", user=ann)
    assert browser.get("/workflows/").status_code == 200
    assert browser.get(f"/workflows/{made.key}/")["Location"] == f"/workflows/{made.key}/edit/"
    page = browser.get(f"/workflows/{made.key}/edit/").content.decode()
    assert "There is no step yet" in page
    other = Client()
    other.force_login(person("viewer", "viewer"))
    assert other.get(f"/workflows/{made.key}/").status_code == 404
    assert browser.post(f"/workflows/{made.key}/edit/", {"do": "publish", "base_rev": "1"}).status_code == 422


def test_500_steps_cost_no_more_queries_than_three(
    browser: Client, workflow: Workflow, ann: User, django_assert_max_num_queries: Any
) -> None:
    with django_assert_max_num_queries(14):
        browser.get(f"{URL}?step=b")
    many = {f"t{number}": {"action": "agent_task"} for number in range(500)}
    drafts.change(workflow, [{"op": "paste", "tasks": many}], base_rev=1, user=ann)
    with django_assert_max_num_queries(14):
        assert browser.get(f"{URL}?step=b").status_code == 200
