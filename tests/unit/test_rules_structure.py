"""The shape of a definition: each fault of a field is found where it stands."""

from __future__ import annotations

from typing import Any

import pytest

from orchestrator.definition import language
from orchestrator.definition.language import ON_FAILURE, PARAMETER_TYPES
from tests.unit.definitions import (
    Row,
    a_definition,
    a_task,
    assert_found,
    checked,
    each_of,
    of_task,
    places,
    warned,
)


def of_top(code: str, path: str, words: str, /, **changes: Any) -> Row:
    return Row(a_definition(**changes), code, path, words)


def of_parameter(code: str, path: str, words: str, /, **spec: Any) -> Row:
    return Row(a_definition(parameters={"size": spec}), code, f"parameters.size.{path}", words)


def of_settings(code: str, path: str, words: str, /, **settings: Any) -> Row:
    return Row(a_definition(settings=settings), code, f"settings.{path}", words)


def without(name: str) -> dict[str, Any]:
    return {key: value for key, value in a_definition().items() if key != name}


TOP = [
    Row(without("name"), "required", "name", "'name' is missing. What people call it."),
    of_top("required", "name", "missing", name=None),
    of_top("required", "name", "The name is empty", name=" "),
    of_top("wrong_type", "name", "must be text; it is 3", name=3),
    of_top("too_long", "name", "At most 200 characters; these are 201", name="x" * 201),
    of_top("too_long", "name", "these are 2000000", name="x" * 2_000_000),
    of_top("bad_text", "name", "control character (U+0007)", name="a\x07"),
    of_top("bad_text", "name", "turns the direction of text (U+202E)", name="\u202egnp.exe"),
    of_top("bad_text", "name", "an invisible character (U+200B)", name="a\u200bb"),
    of_top("bad_text", "name", "a control character (U+000A)", name="a\nb"),
    of_top("bad_text", "name", "composed form (NFC)", name="u\u0308"),
    warned(of_top("not_filled", "name", "is not filled in here", name="Load of {{ params.day }}")),
    of_top("wrong_type", "description", "must be text", description=["a"]),
    of_top("too_long", "description", "At most 10000", description="x" * 10_001),
    of_top("bad_text", "description", "U+202E", description="a\nb\u202e"),
    of_top("bad_id", "id", "'../x' is no id: it must be a letter", id="../x"),
    of_top("bad_id", "id", "no id", id="__proto__"),
    of_top("bad_id", "id", "no id", id="аdmin"),
    of_top("wrong_type", "id", "must be text", id=7),
    of_top("wrong_type", "metadata", "must be a map; it is a list of 0", metadata=[]),
    of_top("wrong_type", "parameters", "must be a map", parameters=["size"]),
    of_top("wrong_type", "settings", "must be a map; it is 'fast'", settings="fast"),
    Row(without("tasks"), "required", "tasks", "'tasks' is missing"),
    Row(a_definition({}), "no_tasks", "tasks", "at least one"),
    Row(a_definition("load"), "wrong_type", "tasks", "must be a map; it is 'load'"),
    Row({**a_definition(), "tasks": None}, "required", "tasks", "missing"),
    warned(of_top("unknown_field", "owner", "kept, and ignored", owner="ada")),
    warned(of_top("unknown_field", "descripton", "Did you mean 'description'?", descripton="x")),
    warned(of_top("unknown_field", "$['a b']", "no field 'a b'", **{"a b": 1})),
]

PARAMETERS = [
    Row(
        a_definition(parameters={"size": 3}),
        "wrong_type",
        "parameters.size",
        "declared as a map like {type: string}",
    ),
    Row(a_definition(parameters={"a b": {}}), "bad_key", "parameters['a b']", "no key for a parameter"),
    Row(
        a_definition(parameters={"__proto__": {}}), "bad_key", "parameters.__proto__", "the name is reserved"
    ),
    Row(
        a_definition(parameters={f"p{n}": {} for n in range(501)}),
        "too_many_parameters",
        "parameters",
        "at most 500 parameters; these are 501",
    ),
    of_parameter("not_in_enum", "type", "none of the choices: string, integer", type="decimal"),
    of_parameter("wrong_type", "type", "must be text", type=["string"]),
    of_parameter("wrong_type", "required", "must be true or false; it is 'yes'", required="yes"),
    of_parameter("wrong_type", "secret", "must be true or false", secret=1),
    of_parameter("bad_text", "description", "U+200B", description="\u200b"),
    of_parameter("too_long", "description", "At most 10000", description="x" * 10_001),
    of_parameter("wrong_type", "enum", "must be a list", enum="a"),
    of_parameter("out_of_range", "enum", "Enum must number from 1 to 1,000; there are 0", enum=[]),
    of_parameter("out_of_range", "enum", "there are 1001", enum=["a"] * 1_001),
    of_parameter("wrong_type", "enum[1]", "3 is not of type string", enum=["a", 3]),
    of_parameter(
        "wrong_type", "default", "The default '3' is not of type integer", type="integer", default="3"
    ),
    of_parameter("wrong_type", "default", "true is not of type integer", type="integer", default=True),
    of_parameter("not_in_enum", "default", "none of the values in enum", enum=["a", "b"], default="c"),
    of_parameter("not_in_enum", "default", "The default true", type="any", enum=[1], default=True),
    of_parameter("secret_default", "default", "for all to read", secret=True, default="hunter2"),
    warned(of_parameter("unknown_field", "requierd", "Did you mean 'required'?", requierd=True)),
]

SETTINGS = [
    of_settings("out_of_range", "max_parallel", "from 1 to 10,000; it is 0", max_parallel=0),
    of_settings("wrong_type", "max_parallel", "a whole number; it is 1.5", max_parallel=1.5),
    of_settings("wrong_type", "max_parallel", "it is '{{ params.n }}'", max_parallel="{{ params.n }}"),
    of_settings("out_of_range", "timeout_seconds", "it is -1", timeout_seconds=-1),
    of_settings("out_of_range", "expected_seconds", "31,622,400", expected_seconds=1e9),
    of_settings("out_of_range", "rollback_limit", "from 0 to 100", rollback_limit=101),
    of_settings("wrong_type", "review_required", "true or false", review_required="no"),
    of_settings("not_in_enum", "on_failure", "'explode' is none of the choices", on_failure="explode"),
    of_settings("wrong_type", "on_failure", "is one of fail, skip, rollback, manual, or a map", on_failure=3),
    of_settings("required", "on_failure.action", "'action' is missing", on_failure={}),
    of_settings(
        "not_in_enum", "on_failure.then", "fail, continue", on_failure={"action": "rollback", "then": "stop"}
    ),
    warned(of_settings("unknown_field", "max_paralel", "Did you mean 'max_parallel'?", max_paralel=3)),
]

TASKS = [
    Row(
        a_definition({"load": "agent_task"}),
        "wrong_type",
        "tasks.load",
        "A task is a map; this is 'agent_task'",
    ),
    Row(a_definition({"load": None}), "wrong_type", "tasks.load", "this is null"),
    Row(a_definition({"a b": a_task()}), "bad_key", "tasks['a b']", "'a b' is no key for a task"),
    Row(a_definition({"": a_task()}), "bad_key", "tasks['']", "no key for a task"),
    Row(a_definition({"constructor": a_task()}), "bad_key", "tasks.constructor", "reserved"),
    Row(a_definition({"k" * 65: a_task()}), "bad_key", f"tasks.{'k' * 65}", "at most 63"),
    Row(a_definition({"k" * 101: a_task()}), "bad_key", f"tasks['{'k' * 60}…']", "at most 63"),
    of_task("required", "action", "'action' is missing. What is done.", action=None),
    of_task("wrong_type", "action", "must be text", action=["agent_task"]),
    of_task("bad_id", "id", "no id", id="a b"),
    of_task("wrong_type", "id", "must be text", id=1),
    of_task("too_long", "name", "At most 200", name="x" * 201),
    of_task("bad_text", "name", "U+202E", name="\u202ea"),
    warned(of_task("not_filled", "name", "{{ }} is not filled in here", name="{{ params.x }}")),
    of_task("wrong_type", "description", "must be text", description={}),
    of_task(
        "bad_text",
        "agent_id",
        "This name holds a control character",
        agent_id="a\x01b",
    ),
    of_task("bad_agent", "agent_id", "1 to 200 characters", agent_id=" "),
    of_task("bad_agent", "agent_id", "1 to 200 characters", agent_id="a" * 201),
    of_task("bad_agent", "agent_id", "write a name, pool:name or can:capability", agent_id="pol:x"),
    of_task("bad_agent", "agent_id", "names no agent", agent_id="pool: "),
    of_task("wrong_type", "agent_id", "must be text", agent_id=["ada"]),
    of_task("wrong_type", "parameters", "must be a map", parameters=[]),
    of_task("wrong_type", "dependencies", "must be a list; it is 'a'", dependencies="a"),
    of_task("wrong_type", "dependencies[0]", "the key of a task; this is 1", dependencies=[1]),
    of_task("wrong_type", "dependencies[0]", "this is a map of 1", dependencies=[{"task": "a"}]),
    Row(
        a_definition({"a": a_task(), "b": a_task("a", join="all_setled")}),
        "not_in_enum",
        "tasks.b.join",
        "Did you mean 'all_settled'?",
    ),
    of_task(
        "not_in_enum", "execution_mode", "sequential, parallel, conditional", execution_mode="serial-ish"
    ),
    of_task("no_condition", "conditions", "needs at least one condition", execution_mode="conditional"),
    of_task("wrong_type", "conditions", "must be a list", conditions=3),
    of_task("bad_condition", "conditions[1]", "A condition is an expression", conditions=["true", 1]),
    of_task("bad_condition", "conditions[0]", "this is a map of 1", conditions=[{"expression": 3}]),
    of_task(
        "bad_condition",
        "conditions[0]",
        "this is a map of 2",
        conditions=[{"type": "magic", "expression": "true"}],
    ),
    of_task("bad_condition", "conditions[0]", "this is a map", conditions=[{"type": ["expression"]}]),
    of_task("out_of_range", "conditions", "at most 100; there are 101", conditions=["true"] * 101),
    of_task("out_of_range", "timeout_seconds", "from 1 to 2,678,400; it is 0", timeout_seconds=0),
    of_task("out_of_range", "timeout_seconds", "it is -1", timeout_seconds=-1),
    of_task("out_of_range", "timeout_seconds", "it is 1000000000", timeout_seconds=10**9),
    of_task("wrong_type", "timeout_seconds", "a number; it is '60'", timeout_seconds="60"),
    of_task("wrong_type", "timeout_seconds", "a number; it is true", timeout_seconds=True),
    of_task("out_of_range", "retry_count", "from 0 to 100; it is 1000000", retry_count=10**6),
    of_task("wrong_type", "retry_count", "a whole number", retry_count=1.5),
    of_task("out_of_range", "retry_delay", "it is -1", retry_delay=-1),
    of_task("out_of_range", "retry_delay", "to 3,600", retry_delay=3_601),
    of_task("out_of_range", "retry_backoff", "from 1 to 100", retry_backoff=1e300),
    of_task("out_of_range", "retry_backoff", "it is 0.5", retry_backoff=0.5),
    of_task("out_of_range", "retry_max_delay", "to 3,600", retry_max_delay=86_400),
    of_task("not_in_enum", "on_failure", "Did you mean 'skip'?", on_failure="skipp"),
    of_task("wrong_type", "on_failure", "or a map with an action; this is a list of 1", on_failure=["skip"]),
    of_task("not_in_enum", "on_failure.action", "none of the choices", on_failure={"action": "x"}),
    warned(
        of_task(
            "no_rollback",
            "on_failure.checkpoint",
            "only used with",
            on_failure={"action": "skip", "checkpoint": "a"},
        )
    ),
    warned(
        of_task(
            "unknown_field", "on_failure.to", "no field 'to'", on_failure={"action": "rollback", "to": "a"}
        )
    ),
    of_task("wrong_type", "compensation", "must be a map", compensation="undo"),
    of_task("required", "compensation.action", "missing. What is done to undo the task", compensation={}),
    of_task(
        "bad_agent",
        "compensation.agent_id",
        "names no agent",
        compensation={"action": "agent_task", "agent_id": "a:b"},
    ),
    of_task("wrong_type", "for_each", "must be an expression; it is 3", for_each=3),
    of_task("wrong_type", "resources", "must be a map", resources=2),
    of_task("out_of_range", "resources.cpu", "it is -1", resources={"cpu": -1}),
    of_task("wrong_type", "resources.memory_mb", "a number; it is '1G'", resources={"memory_mb": "1G"}),
    warned(
        of_task("unknown_field", "resources.memory", "Did you mean 'memory_mb'?", resources={"memory": 1})
    ),
    of_task("wrong_type", "cache", "must be a map; it is true", cache=True),
    of_task("required", "cache.ttl_seconds", "missing", cache={}),
    of_task("out_of_range", "cache.ttl_seconds", "it is 0", cache={"ttl_seconds": 0}),
    of_task("too_long", "cache.key", "At most 2000", cache={"ttl_seconds": 1, "key": "x" * 2_001}),
    of_task("wrong_type", "checkpoint", "true, false or a name; this is 1", checkpoint=1),
    of_task("bad_key", "checkpoint", "cannot name a checkpoint", checkpoint="a b"),
    of_task("bad_key", "checkpoint", "not begin with cp-", checkpoint="cp-12"),
    of_task("wrong_type", "position", "must be a map", position=[1, 2]),
    of_task("required", "position.y", "Down, in pixels", position={"x": 1}),
    of_task("out_of_range", "position.x", "from -1,000,000 to 1,000,000", position={"x": 1e9, "y": 0}),
    warned(of_task("unknown_field", "dependancies", "Did you mean 'dependencies'?", dependancies=["a"])),
    warned(of_task("unknown_field", "status", "kept, and ignored", status="completed")),
    Row(
        a_definition({"a": a_task(id="x"), "b": a_task(id="x")}),
        "duplicate",
        "tasks.b.id",
        "The task 'a' has the id 'x' already",
    ),
]

ROWS = [*TOP, *PARAMETERS, *SETTINGS, *TASKS]


@each_of(ROWS)
def test_a_fault_of_shape_is_found_where_it_stands(row: Row) -> None:
    assert_found(row)


ACCEPTED = [
    {"name": "審査 😀"},
    {"description": "One line.\n\tAnother."},
    {"version": None},
    {"id": "nightly-load"},
    {"metadata": {"anything": [{"goes": None}]}},
    {"parameters": {"size": {}}},
    {"parameters": {name: {"type": name} for name in PARAMETER_TYPES}},
    {"parameters": {"n": {"type": "integer", "default": 2.0, "enum": [1, 2]}}},
    {"parameters": {"n": {"secret": True, "required": True}}},
    {"parameters": {"n": {"default": None, "enum": None}}},
    {"parameters": {"n": {"type": "list", "enum": [[1], []], "default": []}}},
    {"settings": {"max_parallel": 1, "timeout_seconds": 1, "expected_seconds": 0, "rollback_limit": 0}},
    *({"settings": {"on_failure": word}} for word in ON_FAILURE),
    {"settings": {"on_failure": {"action": "rollback", "then": "continue"}}},
]

ACCEPTED_TASKS = [
    {"agent_id": agent}
    for agent in ["pool:fast", "can:python", "group:finance", "{{ run.id }}", "Ada Lovelace"]
] + [
    {"id": "other", "name": "Load", "description": ""},
    {
        "retry_count": 0,
        "retry_delay": 0,
        "retry_backoff": 1,
        "retry_max_delay": 0,
        "timeout_seconds": 0.5 + 0.5,
    },
    {"retry_count": 100, "retry_delay": 3_600, "retry_backoff": 100, "retry_max_delay": 3_600},
    {"conditions": None, "for_each": None, "cache": None, "position": None, "on_failure": None},
    {"execution_mode": "conditional", "conditions": [{"type": "custom", "expression": "1 < 2"}]},
    {"checkpoint": "before-load"},
    {"checkpoint": True},
    {"resources": {}},
    {"cache": {"ttl_seconds": 1, "key": "{{ run.id }}"}},
    {"compensation": {"action": "agent_task", "parameters": None}},
    {"position": {"x": -1.5, "y": 1_000_000}},
]


@pytest.mark.parametrize("changes", ACCEPTED, ids=str)
def test_a_definition_without_a_fault_is_accepted(changes: dict[str, Any]) -> None:
    assert checked(a_definition(**changes)).issues == ()


@pytest.mark.parametrize("fields", ACCEPTED_TASKS, ids=str)
def test_a_task_without_a_fault_is_accepted(fields: dict[str, Any]) -> None:
    assert checked(a_definition({"load": a_task(**fields)})).issues == ()


@pytest.mark.parametrize(("alias", "name"), language.TYPE_ALIASES.items())
def test_the_type_of_another_system_is_translated_in_the_hint(alias: str, name: str) -> None:
    issues = checked(a_definition(parameters={"p": {"type": alias}})).issues
    assert ("unknown_type", "parameters.p.type") in places(issues)
    assert name in {issue.hint for issue in issues}


def test_unknown_fields_are_kept() -> None:
    data = a_definition({"load": a_task(colour="red")}, owner="ada")
    report = checked(data)
    assert report.definition is not None
    assert report.definition.data["owner"] == "ada"
    assert report.definition.tasks["load"].raw["colour"] == "red"
    assert {issue.severity for issue in report.issues} == {"warning"}


@pytest.mark.parametrize("given", ["rollback", {"action": "rollback"}, {"action": "rollback", "then": None}])
def test_what_happens_on_failure_may_be_a_word_or_a_map(given: Any) -> None:
    definition = checked(a_definition({"load": a_task(on_failure=given)})).definition
    assert definition is not None
    task = definition.tasks["load"]
    assert (task.on_failure, task.rollback_to, task.rollback_then) == ("rollback", "", "fail")


def test_a_task_does_on_failure_what_holds_for_the_whole_workflow() -> None:
    tasks = {"mark": a_task(checkpoint=True), "load": a_task("mark"), "own": a_task(on_failure="skip")}
    failure = {"action": "rollback", "checkpoint": "mark", "then": "continue"}
    definition = checked(a_definition(tasks, settings={"on_failure": failure})).definition
    assert definition is not None
    load, own = definition.tasks["load"], definition.tasks["own"]
    assert (load.on_failure, load.rollback_to, load.rollback_then) == ("rollback", "mark", "continue")
    assert (own.on_failure, own.rollback_to, own.rollback_then) == ("skip", "", "fail")
    assert definition.settings.on_failure == "rollback"
