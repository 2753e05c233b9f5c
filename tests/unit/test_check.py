"""`check` as a whole: hostile input gets a plain answer in time, good input a definition that checks as itself again."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from orchestrator import actions
from orchestrator.definition import formats, language, parse
from orchestrator.definition.build import build
from orchestrator.definition.issues import DefinitionError, Issue
from orchestrator.definition.normal import normalise
from orchestrator.definition.versions import VERSIONS, migrate
from tests.unit.definitions import (
    TEXT,
    VALUES,
    a_definition,
    a_task,
    checked,
    places,
    valid_definitions,
    within,
)


def answer(text: str | bytes) -> tuple[Issue, ...]:
    """What somebody who sends this text is told."""
    try:
        data = formats.read(text, "definition.json")
    except DefinitionError as error:
        return error.issues
    return checked(data).issues


def with_condition(source: str) -> str:
    return json.dumps(
        a_definition({"a": a_task(), "load": a_task("a", conditions=[source])}, parameters={"a": {}})
    )


def with_title(text: str) -> str:
    parameters = {"a": {"default": "{{ params.a }}"}}
    return json.dumps(a_definition({"load": a_task(parameters={"title": text})}, parameters=parameters))


def with_task(**fields: Any) -> str:
    return json.dumps(a_definition({"load": a_task(**fields)}))


def with_path(path: str) -> str:
    return with_task(action="file_operation", parameters={"operation": "read", "path": path})


TASK = '{"action": "agent_task"}'
LOAD = "tasks.load"

HOSTILE = {
    "a body beyond 2 MiB": ('{"name": "' + "x" * 2_100_000 + '"}', "too_large", "$"),
    "100,000 tasks": (
        '{"name": "a", "tasks": {' + ",".join(f'"t{n}":{{}}' for n in range(100_000)) + "}}",
        "too_many_tasks",
        "tasks",
    ),
    "a loop": (
        json.dumps(a_definition({"a": a_task("b"), "b": a_task("a")})),
        "cycle",
        "tasks.a.dependencies[0]",
    ),
    "a task that waits for itself": (
        with_task(dependencies=["load"]),
        "self_dependency",
        f"{LOAD}.dependencies[0]",
    ),
    "an unknown dependency": (
        with_task(dependencies=["laod"]),
        "unknown_dependency",
        f"{LOAD}.dependencies[0]",
    ),
    "a dependency twice": (
        json.dumps(a_definition({"a": a_task(), "b": a_task("a", "a")})),
        "duplicate",
        "tasks.b.dependencies[1]",
    ),
    "no tasks": ('{"name": "a", "tasks": {}}', "no_tasks", "tasks"),
    "two tasks with one key": (
        f'{{"name": "a", "tasks": {{"a": {TASK}, "a": {TASK}}}}}',
        "duplicate_key",
        "tasks.a",
    ),
    "970 levels": ('{"a":' * 970 + "1" + "}" * 970, "too_deep", ""),
    "100,000 levels": ("[" * 100_000, "too_deep", "$"),
    "a lone surrogate": (r'{"name": "\ud800", "tasks": {}}', "bad_unicode", "name"),
    "a null character": (r'{"name": "a\u0000", "tasks": {}}', "null_character", "name"),
    "a null character in a key": (
        r'{"name": "a", "tasks": {"a\u0000": {}}}',
        "null_character",
        r"tasks['a\x00']",
    ),
    "NaN": ('{"name": NaN}', "bad_number", "name"),
    "Infinity": ('{"name": Infinity}', "bad_number", "name"),
    "1e999": ('{"name": 1e999}', "bad_number", "name"),
    "an integer of 4,000 digits": ('{"name": ' + "9" * 4_000 + "}", "bad_number", "name"),
    "a name of a megabyte": (json.dumps(a_definition(name="x" * 1_000_000)), "too_long", "name"),
    "a name that turns text round": (json.dumps(a_definition(name="a\u202eb")), "bad_text", "name"),
    "a name of zero width": (json.dumps(a_definition(name="a\u200bb")), "bad_text", "name"),
    "a name with a control character": (json.dumps(a_definition(name="a\x1b[31m")), "bad_text", "name"),
    "a name in loose form": (json.dumps(a_definition(name="e\u0301")), "bad_text", "name"),
    "an id of letters that look alike": (json.dumps(a_definition(id="\u0430dmin")), "bad_id", "id"),
    "an id that is a path": (json.dumps(a_definition(id="../../etc")), "bad_id", "id"),
    "a key that changes prototypes": (
        json.dumps(a_definition({"__proto__": a_task()})),
        "bad_key",
        "tasks.__proto__",
    ),
    "no time": (with_task(timeout_seconds=0), "out_of_range", f"{LOAD}.timeout_seconds"),
    "time before it began": (with_task(timeout_seconds=-1), "out_of_range", f"{LOAD}.timeout_seconds"),
    "thirty years": (with_task(timeout_seconds=1e9), "out_of_range", f"{LOAD}.timeout_seconds"),
    "a million retries": (with_task(retry_count=10**6), "out_of_range", f"{LOAD}.retry_count"),
    "a delay into the past": (with_task(retry_delay=-1), "out_of_range", f"{LOAD}.retry_delay"),
    "a backoff beyond numbers": (with_task(retry_backoff=1e308), "out_of_range", f"{LOAD}.retry_backoff"),
    "text for a number": (with_task(retry_count="3"), "wrong_type", f"{LOAD}.retry_count"),
    "an expression of 50,000 characters": (
        with_condition("1" * 50_000),
        "expression_too_long",
        f"{LOAD}.conditions[0]",
    ),
    "5,000 parentheses": (with_condition("(" * 5_000), "expression_too_long", f"{LOAD}.conditions[0]"),
    "999 parentheses": (
        with_condition("(" * 999 + "1" + ")" * 999),
        "expression_too_long",
        f"{LOAD}.conditions[0]",
    ),
    "60 parentheses": (
        with_condition("(" * 60 + "true" + ")" * 60),
        "expression_too_deep",
        f"{LOAD}.conditions[0]",
    ),
    "a.a.a": (with_condition("a" + ".a" * 300), "expression_too_long", f"{LOAD}.conditions[0]"),
    "__class__": (with_condition("params.__class__ == 1"), "undeclared_parameter", f"{LOAD}.conditions[0]"),
    "__import__": (with_condition("__import__('os').system('ls')"), "expression_", f"{LOAD}.conditions[0]"),
    "9**9**9": (with_condition("9**9**9 > 1"), "expression_syntax", f"{LOAD}.conditions[0]"),
    "1/0": (with_condition("1/0 == 1"), "expression_division_by_zero", f"{LOAD}.conditions[0]"),
    "an unknown task": (with_condition("tasks.nobody.output"), "unknown_task", f"{LOAD}.conditions[0]"),
    "an expression that is no condition": (with_condition("[1, 2]"), "wrong_type", f"{LOAD}.conditions[0]"),
    "braces that stay open": (with_title("{{ params.a"), "unclosed_template", f"{LOAD}.parameters.title"),
    "1,001 substitutions": (
        with_title("{{ 1 }}" * 1_001),
        "too_many_substitutions",
        f"{LOAD}.parameters.title",
    ),
    "100,000 braces": (with_title("{{" * 100_000), "", f"{LOAD}.parameters.title"),
    "a path upwards": (with_path("../secret"), "path_outside_workspace", f"{LOAD}.parameters.path"),
    "an absolute path": (
        with_path("/proc/self/environ"),
        "path_outside_workspace",
        f"{LOAD}.parameters.path",
    ),
    "a path with a backslash": (with_path("..\\secret"), "path_outside_workspace", f"{LOAD}.parameters.path"),
    "a file name of 300 letters": (with_path("x" * 300), "", f"{LOAD}.parameters.path"),
    "a workflow that starts itself": (
        json.dumps(
            a_definition({"a": a_task(action="workflow_trigger", parameters={"workflow_id": "x"})}, id="x")
        ),
        "self_trigger",
        "tasks.a.parameters.workflow_id",
    ),
    "an output schema that is fetched": (
        with_task(output_schema={"$ref": "http://169.254.169.254/"}),
        "bad_schema",
        f"{LOAD}.output_schema",
    ),
    "a url of another kind": (
        with_task(action="api_call", parameters={"url": "file:///etc/passwd"}),
        "bad_url",
        f"{LOAD}.parameters.url",
    ),
    "bytes that are not UTF-8": (b'{"name": "\xff"}', "bad_unicode", "$"),
    "nothing": (b"", "empty", "$"),
    "XML": ("<workflow/>", "bad_json", "$"),
}


@pytest.mark.parametrize(("text", "code", "path"), HOSTILE.values(), ids=HOSTILE.keys())
def test_hostile_input_gets_a_plain_answer_in_time(text: str | bytes, code: str, path: str) -> None:
    with within(1):
        issues = answer(text)
    fitting = [issue for issue in issues if issue.code.startswith(code) and issue.path.startswith(path)]
    assert fitting
    assert all(len(issue.message) < 500 and issue.message.isprintable() for issue in issues)
    assert all(issue.path.isprintable() for issue in issues)


def test_what_a_parameter_holds_is_no_template() -> None:
    assert answer(with_title("{{ params.a }} and {{ params.a }}")) == ()


def test_fields_that_only_the_system_sets_are_kept_and_mean_nothing() -> None:
    data = a_definition({"load": a_task(status="completed", attempts=7)}, owner="eve", status="published")
    report = checked(data)
    assert places(report.issues) == {
        ("unknown_field", "owner"),
        ("unknown_field", "status"),
        ("unknown_field", "tasks.load.status"),
        ("unknown_field", "tasks.load.attempts"),
    }
    assert report.ok


# The canonical form ------------------------------------------------------------------------------------


def test_a_definition_has_every_default() -> None:
    definition = checked({"name": "N", "tasks": {"a": {"action": "agent_task"}}}).definition
    assert definition is not None
    task = definition.tasks["a"]
    assert (task.id, task.name, task.description, task.agent_id) == ("a", "a", "", "system")
    assert (task.join, task.execution_mode, task.dependencies, task.conditions) == (
        "any_succeeded",
        "sequential",
        (),
        (),
    )
    assert (task.timeout_seconds, task.retry_count, task.retry_delay) == (3600, 3, 5)
    assert (task.retry_backoff, task.retry_max_delay) == (2.0, 300)
    assert (task.on_failure, task.rollback_to, task.rollback_then, task.checkpoint) == (
        "fail",
        "",
        "fail",
        False,
    )
    assert (task.for_each, task.compensation, task.resources, task.cache) == ("", None, None, None)
    assert (task.output_schema, task.position, task.parameters) == (None, None, {})
    assert (definition.version, definition.id, definition.description) == ("2.0.0", "", "")
    assert (definition.settings.max_parallel, definition.settings.rollback_limit) == (None, 3)


def test_the_several_ways_to_write_one_thing_become_one() -> None:
    tasks = {
        "a": a_task(),
        "b": a_task(
            "a",
            conditions=[
                "{{ 1 < 2 }}",
                True,
                {"type": "dependency", "task": "a", "status": "failed"},
                {"expression": "now != ''"},
                {"type": "custom", "expression": "{{ run.id != '' }}"},
            ],
            for_each=[1, "é"],
            retry_count=2.0,
            cache=None,
            compensation={"action": "agent_task", "agent_id": None},
        ),
    }
    definition = checked({"tasks": tasks, "name": "N", "x": 1}).definition
    assert definition is not None
    task = definition.tasks["b"]
    assert task.conditions == ("1 < 2", "true", 'tasks.a.status == "failed"', "now != ''", "run.id != ''")
    assert task.for_each == '[1, "é"]'
    assert task.retry_count == 2
    assert isinstance(task.retry_count, int)
    assert task.compensation is not None
    assert task.compensation.agent_id == "ada"
    assert "cache" not in task.raw
    assert list(definition.data) == ["name", "version", "tasks", "x"]


def test_null_is_as_if_nothing_were_given() -> None:
    empty = dict.fromkeys(["id", "description", "metadata", "parameters", "settings", "version"])
    definition = checked({"name": "N", "tasks": {"a": a_task(for_each=None)}} | empty).definition
    assert definition == checked({"name": "N", "tasks": {"a": a_task()}}).definition


def test_braces_around_the_expression_of_a_loop_are_taken_off() -> None:
    data = a_definition({"a": a_task(for_each="{{ params.files }}")}, parameters={"files": {"type": "list"}})
    definition = checked(data).definition
    assert definition is not None
    assert definition.tasks["a"].for_each == "params.files"


def test_the_inputs_of_a_run_are_checked_by_what_is_declared() -> None:
    declared = {
        "size": {"type": "integer", "enum": [1, 2], "default": 1},
        "key": {"secret": True, "required": True},
    }
    definition = checked(a_definition(parameters=declared)).definition
    assert definition is not None
    schema = definition.parameter_schema
    assert places(schema.check({"size": 3}, "parameters", resolved=True)) == {
        ("not_in_enum", "parameters.size"),
        ("missing_parameter", "parameters.key"),
    }
    assert places(schema.check({"size": "{{ 1 }}", "key": "k"}, "parameters")) == {
        ("not_templated", "parameters.size")
    }
    assert schema.with_defaults({"key": "k"}) == {"size": 1, "key": "k"}
    assert [field.widget for field in schema.fields] == ["", "secret"]


def test_parse_gives_the_definition_or_raises() -> None:
    assert parse(a_definition(), actions=actions.schemas()).name == "Nightly load"
    with pytest.raises(DefinitionError, match="There are no tasks"):
        parse(a_definition({}), actions=actions.schemas())


# Properties --------------------------------------------------------------------------------------------


@contextmanager
def unchanged(data: Any) -> Iterator[None]:
    before = copy.deepcopy(data)
    yield
    assert data == before


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(valid_definitions())
def test_a_valid_definition_is_accepted_and_checks_as_itself_again(data: dict[str, Any]) -> None:
    with unchanged(data):
        report = checked(data)
    assert report.errors == ()
    assert report.definition is not None
    stored = json.loads(json.dumps(report.definition.data))
    again = checked(stored).definition
    assert again == report.definition
    assert json.dumps(again.data) == json.dumps(report.definition.data)
    assert build(report.definition.data) == report.definition


_FIELDS = [field.name for table in (language.TOP_FIELDS, language.TASK_FIELDS) for field in table]
_WORDS = st.sampled_from(
    [
        "a",
        "b",
        "fail",
        "rollback",
        "pool:",
        "{{ params.a }}",
        "{{",
        "true",
        "tasks.a.output",
        "approval_gate",
        "0x1",
    ]
)
_ODD = st.recursive(
    VALUES | _WORDS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(_FIELDS) | _WORDS | TEXT, inner, max_size=4)
    ),
    max_leaves=15,
)


@st.composite
def _broken(draw: st.DrawFn) -> Any:
    """A definition in which anything may stand anywhere."""
    names = st.sampled_from(_FIELDS)
    task = st.dictionaries(names, _ODD, max_size=6).map(lambda fields: a_task() | fields)
    tasks = draw(st.dictionaries(st.sampled_from(["a", "b", "c", "x y"]), task | _ODD, max_size=4) | _ODD)
    changes = draw(st.dictionaries(names, _ODD, max_size=3))
    return a_definition(tasks) | changes | {"version": draw(st.sampled_from(VERSIONS) | _ODD)}


@settings(max_examples=300, suppress_health_check=[HealthCheck.too_slow])
@given(_ODD | _broken())
def test_whatever_it_is_given_a_check_has_an_answer(data: Any) -> None:
    with unchanged(data):
        report = checked(data)
    assert report.ok == (not report.errors)
    assert all(issue.path and issue.code and issue.message for issue in report.issues)
    assert len(set(report.issues)) == len(report.issues)


@pytest.mark.parametrize(
    "value", [{1: 2}, {"tasks": {1: {}}}, {None: 1}, {"a": {1}}, object(), b"x", (1,), 1j, float("nan")]
)
def test_what_is_no_json_at_all_has_an_answer_too(value: Any) -> None:
    assert not checked(value).ok


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(
    st.dictionaries(st.sampled_from(_FIELDS), _ODD, max_size=6)
    | _broken().filter(lambda data: isinstance(data, dict))
)
def test_the_canonical_form_of_a_canonical_form_is_itself(data: dict[str, Any]) -> None:
    with unchanged(data):
        once = normalise(data)
    assert json.dumps(normalise(once)) == json.dumps(once)


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(_broken())
def test_what_was_migrated_is_current(data: dict[str, Any]) -> None:
    with unchanged(data):
        migrated = migrate(data)
    if migrated.understood:
        assert migrate(migrated.data).issues == ()
        assert migrate(migrated.data).data == migrated.data


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(valid_definitions(), st.sampled_from(VERSIONS))
def test_an_accepted_older_definition_is_accepted_as_what_it_became(
    data: dict[str, Any], version: str
) -> None:
    report = checked({**data, "version": version})
    if report.definition is not None:
        again = checked(report.definition.data)
        assert again.errors == ()
        assert again.definition == report.definition
