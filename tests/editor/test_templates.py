"""The gallery, the page of a template, and a workflow that becomes one: by those who may, with what goes wrong in words."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.http import HttpResponse
from django.test import Client

from editor import drafts, templates_view
from orchestrator import engine
from orchestrator.models import Run, TeamTemplate, TeamTemplateVersion, Workflow
from tests.engine.flows import flow, task
from tests.people import person

pytestmark = pytest.mark.django_db

SAVE = "/workflows/weather/template/"
PAGE = "/workflows/new/forecast/"
PARAMETERS = {
    "city": {"type": "string", "default": "Rome", "description": "Where <b>it</b> is."},
    "rain": {"type": "boolean", "default": False},
    "count": {"type": "integer", "required": True},
    "key": {"type": "string", "secret": True},
}
TASKS = {
    "look": task(agent_id="{{ params.city }}"),
    "umbrella": task("look", name="Umbrella", conditions=["params.rain"]),
}
FORM = {
    "into": "",
    "made_of": "1",
    "name": "Forecast",
    "key": "",
    "description": "Says <i>what</i> comes.",
    "documentation": "One\r\n<script>two</script>",
}


@pytest.fixture(autouse=True)
def workflow(ann: User) -> Workflow:
    return engine.save_workflow({**flow(TASKS, parameters=PARAMETERS), "name": "Weather"}, user=ann)


@pytest.fixture
def head(browser: Client) -> TeamTemplate:
    assert browser.post(SAVE, FORM).status_code == 303
    return TeamTemplate.objects.get()


def client_of(name: str, *roles: str) -> Client:
    client = Client()
    client.force_login(User.objects.filter(username=name).first() or person(name, *roles))
    return client


def told(answer: HttpResponse) -> dict[str, tuple[str, str]]:
    """Of each task what it comes to, and who does it."""
    return {one.key: (one.word, one.who) for one in answer.context["preview"].tasks}


# A workflow becomes a template


def test_a_version_is_saved_as_a_template_and_stands_in_the_gallery(
    browser: Client, head: TeamTemplate
) -> None:
    assert (head.key, head.name, head.owner and head.owner.username) == ("forecast", "Forecast", "ann")
    version = head.versions.get()
    assert version.documentation == "One\n<script>two</script>"
    gallery = browser.get("/workflows/new/")
    assert [(one.key, count, bool(drawing)) for one, count, drawing in gallery.context["team"]] == [
        ("forecast", 2, True)
    ]
    assert len(gallery.context["templates"]) == 4
    page = browser.get(PAGE).content.decode()
    for text in ("Says &lt;i&gt;what&lt;/i&gt; comes.", "&lt;script&gt;two", "Where &lt;b&gt;it", "by ann"):
        assert text in page
    assert "<script>two" not in page


def test_a_draft_that_checks_is_saved_and_one_that_does_not_says_why(
    browser: Client, workflow: Workflow, ann: User
) -> None:
    drafts.change(workflow, [{"op": "remove", "key": "umbrella"}], base_rev=1, user=ann)
    assert browser.post(SAVE, {**FORM, "made_of": "draft"}).status_code == 303
    version = TeamTemplateVersion.objects.get()
    assert (list(version.definition["tasks"]), version.source_version) == (["look"], 0)
    wrong = {"op": "set", "key": "look", "field": ["join"], "value": "sing"}
    drafts.change(workflow, [wrong], base_rev=2, user=ann)
    answer = browser.post(SAVE, {**FORM, "made_of": "draft", "key": "other"})
    assert answer.status_code == 422
    text = answer.content.decode()
    assert "tasks.look.join" in text and "Says &lt;i&gt;what&lt;/i&gt; comes." in text
    assert TeamTemplateVersion.objects.count() == 1


def test_a_secret_in_plain_text_is_refused_with_its_place_and_without_itself(
    browser: Client, workflow: Workflow, ann: User
) -> None:
    tells = {"op": "set", "key": "look", "field": ["parameters"], "value": {"password": "hunter2"}}
    drafts.change(workflow, [tells], base_rev=1, user=ann)
    answer = browser.post(SAVE, {**FORM, "made_of": "draft"})
    text = answer.content.decode()
    assert answer.status_code == 422 and "tasks.look.parameters.password" in text
    assert "hunter2" not in text and not TeamTemplate.objects.exists()


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"key": "approval_chain"}, "ships with Baton"),
        ({"key": "blank"}, "cannot be called blank"),
        ({"key": "Über"}, "A key is a small letter"),
        ({"key": "9x"}, "A key is a small letter"),
        ({"name": ""}, "required"),
        ({"name": "天気"}, "makes no key"),
        ({"name": "a\u202eb"}, "direction of text"),
        ({"made_of": "9"}, "valid choice"),
        ({"into": "nothing"}, "valid choice"),
        ({"documentation": "x" * 20_001}, "at most 20000"),
    ],
)
def test_what_does_not_do_is_said_beside_its_field_and_what_was_typed_stays(
    browser: Client, changed: dict[str, str], said: str
) -> None:
    answer = browser.post(SAVE, {**FORM, **changed})
    text = answer.content.decode()
    assert answer.status_code == 422 and said in text
    assert "Says &lt;i&gt;what" in text and not TeamTemplate.objects.exists()


def test_the_next_version_begins_with_what_the_last_one_said(
    browser: Client, head: TeamTemplate, workflow: Workflow, ann: User
) -> None:
    initial = browser.get(SAVE).context["form"].initial
    assert (initial["into"], initial["name"], initial["documentation"]) == (
        "forecast", "Forecast", "One\n<script>two</script>",
    )  # fmt: skip
    engine.publish(workflow, {**flow({"b": task()}), "name": "Weather"}, user=ann)
    assert browser.get(SAVE).context["form"].initial["made_of"] == "2"
    again = {**FORM, "into": "forecast", "made_of": "2", "name": "Forecast 2"}
    assert browser.post(SAVE, again).status_code == 303
    assert browser.post(SAVE, again).status_code == 303
    assert [one.number for one in head.versions.all()] == [2, 1]
    page = browser.get(PAGE)
    assert list(told(page)) == ["b"] and "Forecast 2" in page.content.decode()
    assert list(told(browser.get(f"{PAGE}?version=1"))) == ["look", "umbrella"]
    made = browser.post(PAGE, {"name": "Older", "version": "1", "open": "1", "p-city": "Oslo"})
    assert made.status_code == 303
    older = Workflow.objects.get(key="older")
    assert list(older.draft["tasks"]) == ["look", "umbrella"]
    assert older.versions.get().note == "From version 1 of the template forecast"


@pytest.mark.parametrize("version", ["9", "x", "0", "-1", "99999999999"])
def test_a_version_that_is_not_there_is_not_found(browser: Client, head: TeamTemplate, version: str) -> None:
    assert browser.get(f"{PAGE}?version={version}").status_code == 404
    assert browser.post(PAGE, {"name": "X", "version": version}).status_code == 404


# The page of a template


def test_what_is_typed_is_foretold_without_making_anything(browser: Client, head: TeamTemplate) -> None:
    assert told(browser.get(PAGE)) == {"look": ("Runs", "Rome"), "umbrella": ("Not taken", "demo")}
    given = {"name": "", "p-city": "Oslo", "p-rain": "on"}
    answer = browser.post(f"{PAGE}preview/", given, headers={"HX-Request": "true"})
    assert answer.status_code == 200
    assert told(answer) == {"look": ("Runs", "Oslo"), "umbrella": ("Runs", "demo")}
    assert 'data-redraws="drawing"' in answer.content.decode() and "<h1" not in answer.content.decode()
    nodes = {node["key"]: node for node in answer.context["drawing"]["nodes"]}
    assert (nodes["look"]["state"], nodes["look"]["figure"]) == ("success", "Oslo")
    plain = browser.post(PAGE, given | {"name": "X", "preview": "1"})
    assert plain.status_code == 200 and told(plain) == told(answer)
    assert "only if rain" in browser.get(PAGE).content.decode()
    assert Workflow.objects.count() == 1


def test_values_that_do_not_do_leave_the_drawing_as_it_is_and_say_what_is_wrong(
    browser: Client, head: TeamTemplate
) -> None:
    answer = browser.post(f"{PAGE}preview/", {"name": "X", "p-city": "Oslo", "p-count": "many"})
    text = answer.content.decode()
    assert answer.status_code == 200 and "Count: Enter a whole number." in text
    assert "data-redraws" not in text
    whole = browser.post(PAGE, {"name": "X", "p-city": "<Oslo>", "p-count": "many", "preview": "1"})
    assert whole.status_code == 422 and "&lt;Oslo&gt;" in whole.content.decode()


def test_a_shipped_template_foretells_the_way_its_sample_takes(browser: Client) -> None:
    page = "/workflows/new/conditional_workflow/"
    high = told(browser.post(f"{page}preview/", {"p-sample_priority": "high", "p-request_title": "x"}))
    low = told(browser.post(f"{page}preview/", {"p-sample_priority": "low", "p-request_title": "x"}))
    assert high != low


def test_a_template_too_large_to_walk_through_is_only_drawn(
    browser: Client, head: TeamTemplate, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("editor.preview.MOST_WALKED", 1)
    monkeypatch.setattr(templates_view, "MOST_DRAWN", 1)
    answer = browser.get(PAGE)
    assert "too many to walk through" in answer.content.decode()
    assert len(answer.context["drawing"]["nodes"]) == 2
    assert "Too large to be drawn here" in browser.get("/workflows/new/").content.decode()


def test_created_and_opened_it_keeps_what_was_entered_and_leaves_open_what_was_not(
    browser: Client, head: TeamTemplate
) -> None:
    answer = browser.post(PAGE, {"name": "Mine", "p-city": "Oslo", "open": "1"})
    assert (answer.status_code, answer["Location"]) == (303, "/workflows/mine/")
    made = Workflow.objects.get(key="mine")
    parameters = made.draft["parameters"]
    assert {name: spec.get("default") for name, spec in parameters.items()} == {
        "city": "Oslo", "rain": False, "count": None, "key": None,
    }  # fmt: skip
    assert (made.template, parameters["count"]["required"]) == ("forecast", True)
    assert "p-key" not in browser.get(PAGE).content.decode()


def test_created_and_started_it_runs_or_asks_for_what_its_start_lacks(head: TeamTemplate) -> None:
    both = client_of("dora", "designer", "operator")
    lacks = both.post(PAGE, {"name": "Mine", "p-city": "Oslo", "start": "1"})
    assert lacks["Location"] == "/workflows/mine/start/"
    runs = both.post(PAGE, {"name": "Other", "p-city": "Oslo", "p-count": "3", "start": "1"})
    assert runs["Location"] == f"/runs/{Run.objects.get().pk}/"


# Retiring, and who may


def test_a_retired_template_is_shown_and_makes_nothing(browser: Client, head: TeamTemplate) -> None:
    assert browser.post(f"{PAGE}delete/").status_code == 409
    assert browser.post(f"{PAGE}retire/")["Location"] == PAGE
    page = browser.get(PAGE)
    assert page.status_code == 200 and "Bring back" in page.content.decode()
    assert browser.post(PAGE, {"name": "X", "p-city": "Oslo"}).status_code == 409
    gallery = browser.get("/workflows/new/")
    assert gallery.context["team"] == [] and [one.key for one in gallery.context["retired"]] == ["forecast"]
    assert browser.post(f"{PAGE}restore/").status_code == 303
    assert browser.post(PAGE, {"name": "X", "p-city": "Oslo"}).status_code == 303
    browser.post(f"{PAGE}retire/")
    assert browser.post(f"{PAGE}delete/")["Location"] == "/workflows/new/"
    assert browser.get(PAGE).status_code == 404
    assert Workflow.objects.filter(key__in=["weather", "x"]).count() == 2


def test_the_gallery_is_searched_by_words(browser: Client, head: TeamTemplate) -> None:
    def found(text: str) -> tuple[int, int]:
        context = browser.get("/workflows/new/", {"q": text}).context
        return len(context["team"]), len(context["templates"])

    assert found("foreCAST") == (1, 0)
    assert found("what</i> comes") == (1, 0)
    assert found("approval")[0] == 0 and found("approval")[1] >= 1
    assert found("%") == found("\x00") == (0, 0)


# owner: ann, who saved it. member: another designer. outsider: sees workflows and designs none.
WHO: dict[str, Any] = {"ann": (), "mia": ("designer",), "otto": ("viewer", "operator"), "ida": ("admin",)}


@pytest.mark.parametrize(
    ("who", "uses", "keeps"),
    [("ann", True, True), ("mia", True, False), ("ida", True, True), ("otto", False, False)],
)
def test_the_team_uses_it_and_its_owner_and_administrators_keep_it(
    who: str, uses: bool, keeps: bool, head: TeamTemplate
) -> None:
    client = client_of(who, *WHO[who])
    refused = 200 if uses else 403
    for path in ("/workflows/new/", PAGE, SAVE):
        assert client.get(path).status_code == refused, path
    assert client.post(f"{PAGE}preview/", {"p-city": "x"}).status_code == refused
    assert client.post(PAGE, {"name": "X", "p-city": "Oslo"}).status_code == (303 if uses else 403)
    page = client.get(PAGE).content.decode()
    assert ("Retire" in page) is keeps
    assert ("forecast" in client.get(SAVE).content.decode()) is keeps
    into = {**FORM, "into": "forecast", "documentation": "new"}
    assert client.post(SAVE, into).status_code == (303 if keeps else 422 if uses else 403)
    wanted = 303 if keeps else 403 if uses else 404
    for verb in ("retire", "restore", "retire", "delete"):
        assert client.post(f"{PAGE}{verb}/").status_code == wanted, verb
    assert TeamTemplate.objects.exists() is not keeps


def test_who_owns_a_workflow_and_may_not_design_saves_no_template(workflow: Workflow) -> None:
    Workflow.objects.update(owner=person("pat"))
    client = client_of("pat")
    assert client.get(SAVE).status_code == client.post(SAVE, FORM).status_code == 403


def test_of_a_workflow_that_is_not_there_or_a_verb_that_is_none_there_is_nothing(
    browser: Client, head: TeamTemplate
) -> None:
    assert browser.get("/workflows/nothing/template/").status_code == 404
    assert browser.post(f"{PAGE}burn/").status_code == 404
    assert browser.post("/workflows/new/approval_chain/retire/").status_code == 404
    assert browser.get(f"{PAGE}retire/").status_code == 405
    assert Client().get(PAGE).status_code == 302
