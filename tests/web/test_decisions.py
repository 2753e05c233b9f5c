"""The forms of a decision: fields and facts as inputs, what is wrong beside them, overriding and recalling."""

from __future__ import annotations

import re
from html import unescape
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.http import QueryDict
from django.test import Client
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator import engine
from orchestrator.definition.decision_form import kind_of
from orchestrator.models import Approval, Run
from orchestrator.web.decision_forms import FactsForm
from tests.api.conftest import gate
from tests.people import person

pytestmark = pytest.mark.django_db

FORM = [
    {"name": "centre", "label": "Cost centre", "type": "enum", "enum": ["A10", 20], "required": True},
    {"name": "until", "type": "date", "description": "The last day."},
    {"name": "why", "type": "text", "required": True, "on": "reject"},
]
DATA = {"amount": 1200, "<b>of</b>": "desks\nand chairs", "urgent": True, "parts": [1, 2]}


@pytest.fixture
def olga() -> User:
    return person("olga", "designer", "operator")


@pytest.fixture
def ann() -> User:
    return person("ann", "approver")


@pytest.fixture
def asked(olga: User, ann: User) -> Approval:
    definition = gate("ann")
    definition["tasks"]["ask"]["parameters"] |= {"form": FORM, "editable": True, "data": DATA}
    run = engine.start(engine.save_workflow(definition, user=olga), user=olga)
    return run.approvals.get()


def browser(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def page(client: Client, approval: Approval) -> str:
    answer = client.get(f"/approvals/{approval.pk}/")
    assert answer.status_code == 200
    return answer.content.decode()


def inputs(html: str, decision: str) -> dict[str, str]:
    """What a browser would send of the form with this decision, as it was filled in by the server."""
    form = next(
        part
        for part in re.findall(r"<form.*?</form>", html, re.S)
        if f'value="{decision}"' in part and 'name="seal"' in part
    )
    found: dict[str, str] = {}
    for tag in re.findall(r"<input[^>]*>", form):
        attributes = dict(re.findall(r'([\w-]+)="([^"]*)"', tag))
        is_box = attributes.get("type") == "checkbox"
        if not is_box or " checked" in tag:
            found[attributes["name"]] = unescape(attributes.get("value", "on" if is_box else ""))
    for name, text in re.findall(r'<textarea[^>]*name="([^"]+)"[^>]*>(.*?)</textarea>', form, re.S):
        found[name] = unescape(text.removeprefix("\n")).replace("\n", "\r\n")
    return {name: value for name, value in found.items() if name != "csrfmiddlewaretoken"}


def send(client: Client, approval: Approval, given: dict[str, str], verb: str = "decide") -> Any:
    return client.post(f"/approvals/{approval.pk}/{verb}/", given)


def test_the_page_shows_the_inputs_of_each_decision(ann: User, asked: Approval) -> None:
    html = page(browser(ann), asked)
    approve, reject = inputs(html, "approve"), inputs(html, "reject")
    assert approve["seal"] == reject["seal"] == asked.content_hash
    assert (approve["fact-0"], approve["fact-1"]) == ("1200", "desks\r\nand chairs")
    assert "Cost centre" in html and "The last day." in html and 'type="date"' in html
    assert set(reject) == {"decision", "seal", "comment", "reject-why"}
    assert "&lt;b&gt;of&lt;/b&gt;" in html and "<b>of</b>" not in html


def test_what_is_sent_as_it_was_shown_changes_nothing(ann: User, asked: Approval) -> None:
    client = browser(ann)
    sent = inputs(page(client, asked), "approve") | {"approve-centre": "20", "approve-until": "2026-12-24"}
    assert send(client, asked, sent).status_code == 303
    vote = asked.votes.get()
    assert (vote.fields, vote.edits) == ({"centre": 20, "until": "2026-12-24"}, [])
    assert asked.task_run.__class__.objects.get(pk=asked.task_run_id).output["data"] == DATA


def test_what_was_changed_stands_in_the_record(ann: User, asked: Approval) -> None:
    client = browser(ann)
    sent = inputs(page(client, asked), "approve") | {"approve-centre": "A10", "fact-0": "900"}
    del sent["fact-2"]  # the box is not ticked any more
    assert send(client, asked, sent).status_code == 303
    asked.refresh_from_db()
    assert asked.data == {**DATA, "amount": 900, "urgent": False}
    html = page(client, asked)
    assert re.search(r"<del>1200</del>.*?<ins>900</ins>", html, re.S)
    assert "Cost centre" in html
    viewer = browser(person("vera", "viewer"))
    panel = viewer.get(f"/runs/{asked.run_id}/tasks/ask/").content.decode()
    assert re.search(r"<del>1200</del>.*?<ins>900</ins>", panel, re.S)
    events = viewer.get(f"/runs/{asked.run_id}/events/").content.decode()
    assert "amount: 1200 → 900, urgent: true → false" in events


def test_what_is_wrong_stands_beside_the_input_and_nothing_typed_is_lost(ann: User, asked: Approval) -> None:
    client = browser(ann)
    sent = inputs(page(client, asked), "approve")
    sent |= {"fact-0": "", "fact-3": "[1", "approve-until": "soon", "comment": "my words"}
    answer = send(client, asked, sent)
    html = answer.content.decode()
    assert answer.status_code == 422
    for name in ("in-approve-centre", "in-approve-until", "fact-fact-0", "fact-fact-3"):
        assert f'id="{name}_error"' in html, name
    kept = inputs(html, "approve")
    assert (kept["fact-3"], kept["approve-until"], kept["comment"]) == ("[1", "soon", "my words")
    assert asked.votes.count() == 0


def test_a_page_that_shows_something_else_is_told_so(ann: User, asked: Approval) -> None:
    client = browser(ann)
    sent = inputs(page(client, asked), "approve") | {"approve-centre": "20", "seal": "0" * 64}
    answer = send(client, asked, sent)
    assert answer.status_code == 409
    assert "has changed since it was shown" in answer.content.decode()


def test_in_the_panel_of_the_run_what_is_wrong_stands_in_the_panel(ann: User, asked: Approval) -> None:
    ann.groups.add(*person("vera", "viewer").groups.all())
    client = browser(ann)
    given = {"decision": "reject", "back": "run", "reject-why": "", "seal": asked.content_hash}
    answer = client.post(
        f"/approvals/{asked.pk}/decide/", given, headers={"HX-Request": "true", "HX-Target": "panel"}
    )
    assert answer.status_code == 422
    html = answer.content.decode()
    assert 'id="panel-main"' in html and 'id="in-reject-why_error"' in html


def test_an_administrator_is_told_that_they_override_and_says_why(asked: Approval) -> None:
    client = browser(person("ada", "admin"))
    html = page(client, asked)
    assert "You are not asked." in html and "Approve instead" in html and "data-decision" not in html
    sent = inputs(html, "approve") | {"approve-centre": "A10"}
    assert sent["override"] == "1"
    answer = send(client, asked, sent)
    assert answer.status_code == 422
    assert "Say why you decide over those who are asked" in answer.content.decode()
    assert send(client, asked, sent | {"comment": "ann is ill"}).status_code == 303
    assert "over those who were asked" in page(client, asked)


def test_who_started_it_takes_it_back_and_nobody_else(olga: User, ann: User, asked: Approval) -> None:
    assert "data-recall" not in page(browser(ann), asked)
    assert send(browser(ann), asked, {}, "recall").status_code == 403
    client = browser(olga)
    assert "data-recall" in page(client, asked)
    assert "data-recall" in client.get(f"/runs/{asked.run_id}/tasks/ask/").content.decode()
    assert send(client, asked, {"reason": "x" * 1001}, "recall").status_code == 422
    assert send(client, asked, {"reason": "wrong sum"}, "recall").status_code == 303
    html = page(client, asked)
    assert "Recalled by olga" in html and "wrong sum" in html
    late = send(client, asked, {}, "recall")
    assert late.status_code == 409 and "olga recalled it" in late.content.decode()
    assert Run.objects.get().status == "failed"


LETTERS = st.characters(exclude_categories=("Cs", "Cc")) | st.just("\n")
SIMPLE = (
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(LETTERS, max_size=120)
)
JSON = (
    SIMPLE | st.lists(SIMPLE, max_size=3) | st.dictionaries(st.text(LETTERS, max_size=5), SIMPLE, max_size=3)
)
FACTS = st.dictionaries(st.text(LETTERS, max_size=12), JSON, max_size=5)


def as_sent(form: FactsForm) -> QueryDict:
    """What a browser sends of this form if nothing is touched."""
    sent = QueryDict(mutable=True)
    for field in form:
        value = field.value()
        if isinstance(value, bool):
            sent.update({field.html_name: "on"} if value else {})
        else:
            widget = field.field.widget
            text = widget.format_value(value) or ""
            sent[field.html_name] = text.replace("\n", "\r\n")
    return sent


@given(FACTS)
@settings(max_examples=200)
def test_facts_that_are_sent_as_they_were_shown_are_as_they_were(data: dict[str, Any]) -> None:
    form = FactsForm(data, list(data), as_sent(FactsForm(data, list(data))))
    assert form.is_valid(), form.errors
    assert form.edits() == {}


@given(FACTS, st.lists(st.text(max_size=20), max_size=5))
@settings(max_examples=200)
def test_whatever_is_typed_a_fact_keeps_its_kind(data: dict[str, Any], typed: list[str]) -> None:
    sent = as_sent(FactsForm(data, list(data)))
    for place, text in enumerate(typed):
        sent[f"fact-{place}"] = text
    form = FactsForm(data, list(data), sent)
    if form.is_valid():
        for name, value in form.edits().items():
            assert data[name] is None or kind_of(value) == kind_of(data[name])
