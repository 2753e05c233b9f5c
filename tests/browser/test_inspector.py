"""The inspector in a real browser: what is typed becomes operations, and whatever happens it is not lost."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Page, expect

from editor.steps import as_loose
from orchestrator import actions
from tests.browser.conftest import People
from tests.browser.inspecting import Inspecting

pytestmark = [pytest.mark.browser, pytest.mark.slow]

CALL = {
    "action": "api_call",
    "name": "Call it",
    "parameters": {"url": "https://a.example"},
    "dependencies": ["first"],
}
STEPS = [
    {"op": "set", "field": ["parameters"], "value": {"version": {"type": "string", "default": "1.0"}}},
    {"op": "add", "key": "first", "task": {"action": "agent_task", "name": "First", "checkpoint": "start"}},
    {"op": "add", "key": "other", "task": {"action": "agent_task", "name": "Other"}},
    {"op": "add", "key": "call", "task": CALL},
]
RARE: dict[str, Any] = {
    "conditions": ["true", {"type": "expression", "expression": "1 > 0"}],
    "on_failure": {"action": "rollback", "checkpoint": "start", "then": "continue"},
    "checkpoint": True,
    "cache": {"ttl_seconds": 5, "key": "{{ params.version }}"},
    "resources": {"cpu": 0.5, "memory_mb": 100},
    "retry_backoff": 1.5,
    "output_schema": {"type": "object"},
}


@pytest.fixture
def page(people: People) -> Page:
    return people.sign_in("admin", viewport={"width": 1280, "height": 900})


@pytest.fixture
def call(page: Page) -> Inspecting:
    return Inspecting(page, "Inspected", STEPS, "call")


def test_a_panel_that_is_left_alone_changes_nothing(page: Page) -> None:
    tasks = {
        f"{name}_{number}": {"action": name, "parameters": example.parameters, **RARE}
        for name in actions.ACTIONS
        for number, example in enumerate(actions.get(name).examples)
    }
    for key, task in list(tasks.items()):
        tasks[key] = {**task, "compensation": {"action": task["action"], "parameters": task["parameters"]}}
    odd = {
        "name": ["x"],
        "retry_count": "3",
        "conditions": {"a": 1},
        "on_failure": 5,
        "checkpoint": 3,
        "cache": 1,
    }
    tasks["odd"] = {
        "action": "nobody",
        "parameters": {"a": 1},
        **odd,
        "compensation": 3,
        "execution_mode": "x",
    }
    added = [{"op": "add", "key": key, "task": task} for key, task in tasks.items()]
    inspecting = Inspecting(page, "Left alone", [*STEPS, *added], None)
    for key in (None, *tasks):
        inspecting.show(key)
        page.wait_for_function(f"document.querySelector('.inspect').dataset.task === {key or ''!r}")
        found = page.evaluate(
            """async (key) => {
                const { operationsOf } = await import("/static/js/editor/fields.js");
                const draft = held.draft.definition;
                const place = key === null ? { key, value: draft } : { key, value: draft.tasks[key] };
                return [...document.querySelectorAll("#inspector [data-path]")]
                  .map((control) => [control.dataset.path, operationsOf(control, place)])
                  .filter(([, found]) => (Array.isArray(found) ? found.length : key !== "odd"));
            }""",
            key,
        )
        assert found == [], key


def test_what_is_entered_is_stored_field_by_field(call: Inspecting) -> None:
    call.at("name").fill("Call them")
    call.at("parameters", "url").fill("https://b.example/{{ params.version }}")
    call.at("parameters", "method").select_option("POST")
    call.at("parameters", "json").fill('{"share": 0.05}')
    call.at("timeout_seconds").fill("90")
    call.panel.get_by_text("More of this action").click()
    call.at("parameters", "follow_redirects").select_option("Yes")
    call.tab("Retry")
    call.at("retry_count").fill("")
    call.at("retry_delay").fill("2.5")
    call.at("resources", "cpu").fill("0.5")
    call.tab("Notes")
    call.at("description").fill("Two\nlines")
    call.at("description").blur()
    call.wait_for_sent(9)
    call.settle()
    assert call.draft()["tasks"]["call"] == {
        **CALL,
        "name": "Call them",
        "parameters": {
            "url": "https://b.example/{{ params.version }}",
            "method": "POST",
            "json": {"share": 0.05},
            "follow_redirects": True,
        },
        "timeout_seconds": 90,
        "retry_delay": 2.5,
        "resources": {"cpu": 0.5},
        "description": "Two\nlines",
    }
    assert all(len(ops) == 1 for ops in call.sent)
    assert call.page.evaluate("held.labels[0]") == "Change Name of call"


def test_an_emptied_field_is_no_longer_set_and_takes_an_empty_map_with_it(call: Inspecting) -> None:
    call.tab("Retry")
    for text in ("0.5", ""):
        call.at("resources", "cpu").fill(text)
        call.at("resources", "cpu").blur()
        call.settle()
    assert call.sent[-1] == [{"op": "unset", "key": "call", "field": ["resources"]}]
    assert call.draft()["tasks"]["call"] == CALL


WRONG = [
    (("parameters", "json"), "{broken", "This is not JSON"),
    (("parameters", "json"), "hello", 'Text stands in quotes: "hello".'),
    (("parameters", "json"), "12345678901234567890", "too many digits"),
    (("parameters", "headers"), "[1]", "This must be a JSON map"),
    (("timeout_seconds",), "soon", "“soon” is not a number"),
]


@pytest.mark.parametrize(("path", "text", "said"), WRONG, ids=[one[1] for one in WRONG])
def test_what_cannot_be_read_says_why_and_stays_as_it_was_typed(
    call: Inspecting, path: tuple[str, ...], text: str, said: str
) -> None:
    control = call.at(*path)
    control.fill(text)
    control.blur()
    note = call.panel.locator("[data-refused]:not([hidden])")
    expect(note).to_contain_text(said)
    expect(control).to_have_attribute("aria-invalid", "true")
    assert control.get_attribute("aria-describedby") == note.locator("..").get_attribute("id")
    call.someone_else({"op": "set", "key": "call", "field": ["name"], "value": "Theirs"})
    expect(call.at("name")).to_have_value("Theirs")
    expect(control).to_have_value(text)
    expect(note).to_contain_text(said)
    call.show("first")
    expect(call.at("name")).to_have_value("First")
    call.show("call")
    expect(call.at(*path)).to_have_value(text)
    expect(call.panel.locator("[data-refused]:not([hidden])")).to_contain_text(said)
    assert call.sent == []


def test_what_is_being_typed_is_not_replaced_and_goes_out_when_another_step_is_shown(
    call: Inspecting,
) -> None:
    field = call.at("parameters", "url")
    field.click()
    field.press("End")
    field.press_sequentially("/mine")
    theirs = [
        {"op": "set", "key": "call", "field": one, "value": "theirs"}
        for one in (["description"], ["parameters", "url"])
    ]
    call.someone_else(*theirs)
    expect(call.at("description")).to_have_value("theirs")
    expect(field).to_have_value("https://a.example/mine")
    expect(field).to_be_focused()
    call.show("first")
    call.wait_for_sent(1)
    assert call.sent == [
        [{"op": "set", "key": "call", "field": ["parameters", "url"], "value": "https://a.example/mine"}]
    ]


def test_what_the_server_refuses_is_said_beside_the_field(call: Inspecting, people: People) -> None:
    key = call.at("key")
    key.fill("first")
    key.blur()
    expect(call.panel.locator("[data-refused]:not([hidden])")).to_contain_text(
        "There is a task 'first' already"
    )
    expect(key).to_have_value("first")
    call.page.evaluate("held.sent.length = 0")
    key.fill("called")
    key.blur()
    call.wait_for_sent(1)
    call.settle()
    expect(call.panel.locator(".inspect")).to_have_attribute("data-task", "called")
    assert list(call.draft()["tasks"]) == ["first", "other", "called"]
    # The browser itself reports the request that was refused.
    people.wrong = [line for line in people.wrong if "/draft/ops" not in line]


def test_another_action_keeps_what_hangs_on_the_step_and_brings_its_own_fields(call: Inspecting) -> None:
    call.at("action").select_option("Approval")
    expect(call.at("parameters", "approvers")).to_be_visible()
    call.at("parameters", "approvers").fill("alice, group:finance")
    call.at("parameters", "approvers").blur()
    call.settle()
    task = call.draft()["tasks"]["call"]
    assert task == {
        **CALL,
        "action": "approval_gate",
        "parameters": {"approvers": ["alice", "group:finance"]},
    }


def test_steps_it_runs_after_are_taken_away_and_added(call: Inspecting) -> None:
    call.panel.get_by_label("No longer after First").click()
    expect(call.panel.get_by_text("Starts the run")).to_be_visible()
    call.panel.get_by_label("Add a step it runs after").select_option("Other")
    expect(call.panel.get_by_label("No longer after Other")).to_be_visible()
    assert call.draft()["tasks"]["call"]["dependencies"] == ["other"]


def test_conditions_come_and_go_row_by_row(call: Inspecting) -> None:
    group = call.at("conditions").first
    for text in ("tasks.first.status == 'completed'", "params.version != ''"):
        group.get_by_role("button", name="Condition").click()
        group.get_by_role("textbox").last.fill(text)
        group.get_by_role("textbox").last.blur()
        call.settle()
    assert call.draft()["tasks"]["call"]["conditions"] == [
        "tasks.first.status == 'completed'",
        "params.version != ''",
    ]
    group.get_by_role("button", name="Remove").first.click()
    call.wait_for_sent(3)
    call.settle()
    assert call.draft()["tasks"]["call"]["conditions"] == ["params.version != ''"]


LOOSE = [
    "all",
    "2",
    2,
    60.5,
    "60%",
    {"ann": 1},
    "{{ params.q }}",
    '"x',
    "[",
    " a ",
    "true",
    True,
    "",
    [1],
    "two words",
]


_READ = """async (texts) => {
  const { operationsOf } = await import("/static/js/editor/fields.js");
  return texts.map((value) => {
    const control = document.createElement("input");
    Object.assign(control.dataset, { path: '["quorum"]', kind: "loose", orTemplate: "" });
    control.value = value;
    return operationsOf(control, { key: "gate", value: {} })[0]?.value ?? null;
  });
}"""
READ = {"majority": "majority", "3": 3, '{"ann": 1}': {"ann": 1}, '"3"': "3", " 60% ": "60%", "": None}


def test_text_that_needs_no_quotes_means_what_it_says(page: Page) -> None:
    page.goto("/workflows/")
    assert page.evaluate(_READ, [as_loose(value) for value in LOOSE]) == LOOSE
    assert page.evaluate(_READ, list(READ)) == list(READ.values())


def test_after_the_last_failure_it_goes_back_to_a_checkpoint(call: Inspecting) -> None:
    call.panel.get_by_label("Roll back").check(force=True)
    call.panel.get_by_label("Back to").select_option("start")
    call.wait_for_sent(2)
    call.settle()
    assert call.draft()["tasks"]["call"]["on_failure"] == {"action": "rollback", "checkpoint": "start"}
    call.panel.get_by_label("Ask").check(force=True)
    call.wait_for_sent(3)
    call.settle()
    assert call.draft()["tasks"]["call"]["on_failure"] == "manual"
    call.tab("Retry")
    call.panel.get_by_label("Record one").check()
    call.wait_for_sent(4)
    call.panel.get_by_label("Undo it by").select_option("File operation")
    expect(call.at("compensation", "parameters", "operation")).to_be_visible()
    stored = call.draft()["tasks"]["call"]
    assert (stored["checkpoint"], stored["compensation"]) == (True, {"action": "file_operation"})


def test_names_are_listed_and_taken_by_keyboard(call: Inspecting) -> None:
    field = call.at("parameters", "url")
    field.fill("")
    field.press_sequentially("x-{{ ver")
    names = call.panel.get_by_role("listbox", name="Names known here")
    expect(names.get_by_role("option")).to_have_count(1)
    expect(names.get_by_role("option", selected=True)).to_contain_text("params.version")
    expect(names.get_by_role("option")).to_contain_text('"1.0"')
    expect(field).to_have_attribute("aria-expanded", "true")
    field.press("Enter")
    expect(field).to_have_value("x-{{ params.version }}")
    expect(names).to_have_count(0)
    expect(call.panel.locator("[data-result]:not([hidden])")).to_contain_text('= "x-1.0"')
    field.fill("{{ tasks.")
    field.press("End")
    field.press_sequentially("f")
    expect(names.get_by_role("option").first).to_contain_text("tasks.first")
    assert not names.get_by_role("option").filter(has_text="tasks.other").count()
    first = field.get_attribute("aria-activedescendant")
    field.press("ArrowDown")
    assert field.get_attribute("aria-activedescendant") != first
    field.press("Escape")
    expect(names).to_have_count(0)
    expect(field).to_have_value("{{ tasks.f")


def test_a_name_that_is_not_known_is_told_while_typing_and_mended_by_a_press(call: Inspecting) -> None:
    group = call.at("conditions").first
    group.get_by_role("button", name="Condition").click()
    text = group.get_by_role("textbox")
    text.press_sequentially("tasks.frst.status == 'completed'")
    result = group.locator("[data-result]:not([hidden])")
    expect(result).to_contain_text("Column 1: There is no task 'frst'")
    result.get_by_role("button", name="Change to first").click()
    expect(text).to_have_value("tasks.first.status == 'completed'")
    expect(result).to_contain_text("Known once First has run.")


def test_tabs_are_worked_by_arrows_and_a_finding_leads_to_its_field(call: Inspecting) -> None:
    tabs = call.panel.get_by_role("tab")
    expect(tabs).to_have_text(["Settings", "Data", "Retry", "Notes"])
    tabs.first.focus()
    for key, name in (
        ("ArrowRight", "Data"),
        ("End", "Notes"),
        ("ArrowRight", "Settings"),
        ("ArrowLeft", "Notes"),
    ):
        call.page.keyboard.press(key)
        expect(call.panel.get_by_role("tab", name=name)).to_be_focused()
        expect(call.panel.get_by_role("tabpanel", name=name)).to_be_visible()
        expect(call.panel.get_by_role("tabpanel")).to_have_count(1)
    call.someone_else({"op": "set", "key": "call", "field": ["retry_count"], "value": 1000})
    call.panel.get_by_role("link", name="Retries").click()
    expect(call.at("retry_count")).to_be_focused()
    expect(call.panel.get_by_role("tabpanel", name="Retry")).to_be_visible()
    assert call.page.evaluate("held.inspector.focusField('tasks.call.parameters.url')") is True
    expect(call.at("parameters", "url")).to_be_focused()


def test_the_workflow_has_a_form_of_its_own(page: Page) -> None:
    whole = Inspecting(page, "The whole", STEPS, None)
    whole.at("name").fill("Renamed")
    whole.tab("Inputs")
    whole.panel.get_by_label("Add an input").fill("size")
    whole.page.keyboard.press("Enter")
    row = whole.panel.locator("details", has_text="size").last
    row.locator("summary").click()
    row.get_by_label("Type").select_option("integer")
    expect(row.locator("summary")).to_contain_text("integer")
    row.get_by_label("When not given").fill("3")
    row.get_by_label("Must be given").select_option("Yes")
    row.get_by_label("Name").fill("amount")
    row.get_by_label("Name").blur()
    expect(whole.panel.locator("summary", has_text="amount")).to_be_visible()
    whole.panel.locator("summary", has_text="version").click()
    whole.panel.get_by_role("button", name="Remove version").click()
    expect(whole.panel.locator("summary", has_text="version")).to_have_count(0)
    whole.tab("Settings")
    whole.at("settings", "max_parallel").fill("4")
    whole.at("settings", "max_parallel").blur()
    whole.settle()
    draft = whole.draft()
    assert draft["name"] == "Renamed"
    assert draft["parameters"] == {"amount": {"type": "integer", "default": 3, "required": True}}
    assert draft["settings"] == {"max_parallel": 4}


def test_a_step_that_cannot_be_loaded_can_be_asked_for_again(call: Inspecting, people: People) -> None:
    call.page.route("**/edit/inspector/first/", lambda route: route.abort())
    call.show("first")
    expect(call.panel).to_contain_text("The settings could not be loaded.")
    call.page.unroute("**/edit/inspector/first/")
    call.panel.get_by_role("button", name="Try again").click()
    expect(call.at("name")).to_have_value("First")
    people.wrong = [line for line in people.wrong if "ERR_FAILED" not in line]
