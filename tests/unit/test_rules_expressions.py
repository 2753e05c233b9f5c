"""Expressions and templates: they compile, and name only what is there where they stand."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.definitions import (
    Row,
    a_definition,
    a_gate,
    a_task,
    assert_found,
    checked,
    each_of,
)

PARAMETERS = {"size": {"type": "integer"}, "key": {"secret": True}, "a-b": {}}


def flow(**load: Any) -> dict[str, Any]:
    """`extract` and `load` in a chain; `other` beside them, `after` behind them."""
    tasks = {
        "extract": a_task(),
        "load": a_task("extract", **load),
        "other": a_task(),
        "after": a_task("load"),
        "load-2": a_task(),
    }
    return a_definition(tasks, parameters=PARAMETERS)


def condition(code: str, words: str, source: str, *, hint: str = "") -> Row:
    return Row(flow(conditions=[source]), code, "tasks.load.conditions[0]", words, hint=hint)


def given(code: str, words: str, value: Any, path: str = "title") -> Row:
    return Row(flow(parameters={"title": value}), code, f"tasks.load.parameters.{path}", words)


COMPILED = [
    condition("expression_syntax", "At column 5", "1 < "),
    condition("expression_syntax", "At column", "1 = 1"),
    condition("expression_syntax", "At column", ""),
    condition("expression_syntax", "At column", "true; drop"),
    condition("expression_too_long", "At column", "1 < 2 " + " " * 50_000),
    condition("expression_too_long", "At column", "(" * 5_000 + "true" + ")" * 5_000),
    condition("expression_too_long", "At column", " || ".join(["true"] * 300)),
    condition("expression_too_deep", "At column", "(" * 60 + "true" + ")" * 60),
    condition("expression_unknown_name", "did you mean tasks?", "task.extract.status == 'x'", hint="tasks"),
    condition("expression_unknown_name", "__import__", "__import__ == 1"),
    condition("expression_unknown_function", "At column 1", "sizee('a') == 1"),
    condition("expression_type", "cannot compare", "1 < 'a'"),
    condition("expression_type", "expected true or false", "!1"),
    condition("expression_division_by_zero", "division by zero", "1 / 0 == 1"),
    condition("expression_overflow", "64 bits", "9223372036854775807 + 1 > 0"),
    condition("expression_missing", "there is no item 3", "[1, 2][3] == 1"),
    condition("wrong_type", "must give true or false; it always gives 3", "1 + 2"),
    condition("wrong_type", "it always gives null", "null"),
    Row(
        flow(for_each="'abc'"), "wrong_type", "tasks.load.for_each", "must give a list; it always gives 'abc'"
    ),
    Row(flow(for_each=""), "expression_syntax", "tasks.load.for_each", "At column 1"),
    given("unclosed_template", "The {{ at column 7 is never closed", "Dear: {{ params.size"),
    given("expression_syntax", "At column 4", "{{ }}"),
    given("expression_syntax", "At column", "{{ 1 + }}"),
    given("expression_division_by_zero", "At column 8", "n: {{ 1/0 }}"),
    Row(
        flow(parameters={"context": ["{{ parms.size }}"]}),
        "expression_unknown_name",
        "tasks.load.parameters.context[0]",
        "did you mean params?",
    ),
    given("too_many_substitutions", "more than 1000", "{{ 1 }}" * 1_001),
    Row(
        flow(agent_id="{{ parms.x }}"),
        "expression_unknown_name",
        "tasks.load.agent_id",
        "did you mean params?",
    ),
    Row(
        flow(cache={"ttl_seconds": 1, "key": "{{ item }}"}),
        "no_item",
        "tasks.load.cache.key",
        "exists only in a task",
    ),
    Row(
        flow(parameters={"context": {"a b": [{"x": "{{ now. }}"}]}}),
        "expression_syntax",
        "tasks.load.parameters.context['a b'][0].x",
        "At column",
    ),
]

NAMED = [
    condition(
        "unknown_task",
        "There is no task 'extrac'. Did you mean 'extract'?",
        "tasks.extrac.status == 'completed'",
    ),
    condition("unknown_task", "'__class__'", "tasks.__class__.output == 1"),
    condition("not_upstream", "add it to the dependencies of 'load'", "tasks.other.status == 'completed'"),
    condition(
        "not_upstream", "At column 9: 'after' need not be settled", "1 < 2 ? tasks.after.output.ok : true"
    ),
    condition("not_upstream", "cannot look at its own result", "tasks.load.status == 'failed'"),
    condition(
        "unknown_member",
        "tasks.extract has no 'result'; it has status, output",
        "tasks.extract.result == 1",
        hint="output",
    ),
    condition("unknown_member", "Did you mean 'status'?", "tasks.extract.stauts == 'x'", hint="status"),
    condition("unknown_member", "workflow has no 'tasks'", "size(workflow.tasks) > 0"),
    condition("unknown_member", "Did you mean 'metadata'?", "workflow.metdata.x == 1", hint="metadata"),
    condition("dynamic_reference", "Name the task, as in tasks.key.output", "tasks[params.size].output == 1"),
    condition("dynamic_reference", "must stand in the definition", "size(tasks) > 1"),
    condition(
        "undeclared_parameter", "no parameter 'siz'. Did you mean 'size'?", "params.siz > 1", hint="size"
    ),
    condition("undeclared_parameter", "Declare it under parameters", "params.zzzzz == 1"),
    condition("no_item", "'item' exists only in a task that has for_each", "item == 1"),
    condition("no_item", "'index' exists only", "index == 1"),
    Row(flow(for_each="[item]"), "no_item", "tasks.load.for_each", "not in for_each itself"),
    condition("secret_not_allowed", "A secret may stand only in the parameters", "secrets.token == 'x'"),
    condition("secret_not_allowed", "A secret parameter may stand only", "params.key == 'x'"),
    condition("secret_not_allowed", "A secret parameter", "size(params) == 1"),
    Row(
        flow(agent_id="{{ secrets.agent }}"),
        "secret_not_allowed",
        "tasks.load.agent_id",
        "A secret may stand only",
    ),
    Row(flow(for_each="[params.key]"), "secret_not_allowed", "tasks.load.for_each", "A secret parameter"),
    given("dynamic_reference", "Name the secret, as in secrets.name", "{{ secrets[run.id] }}"),
    Row(
        a_definition({"ask": a_gate(instructions="It is {{ secrets.token }}")}),
        "secret_not_allowed",
        "tasks.ask.parameters.instructions",
        "At column 10",
    ),
    Row(
        a_definition(
            {
                "c": a_task(action="condition_check", parameters={"checks": {"a b": "tasks.d.output"}}),
                "d": a_task(),
            }
        ),
        "not_upstream",
        "tasks.c.parameters.checks['a b']",
        "add it to the dependencies of 'c'",
    ),
    Row(
        flow(compensation={"action": "agent_task", "parameters": {"title": "{{ tasks.after.output.id }}"}}),
        "not_upstream",
        "tasks.load.compensation.parameters.title",
        "'after' need not be settled",
    ),
    Row(
        flow(compensation={"action": "agent_task", "agent_id": "{{ params.nobody }}"}),
        "undeclared_parameter",
        "tasks.load.compensation.agent_id",
        "Declare it",
    ),
]

ROWS = [*COMPILED, *NAMED]


@each_of(ROWS)
def test_a_fault_of_an_expression_is_found_with_its_column(row: Row) -> None:
    assert_found(row)


@pytest.mark.parametrize(
    "load",
    [
        {"conditions": ["tasks.extract.output.rows > params.size"]},
        {"conditions": ["{{ tasks.extract.status == 'completed' }}"]},
        {"conditions": ["has(params.size) && workflow.metadata.level >= 1 && run.id != '' && now != ''"]},
        {"conditions": ['params["a-b"] == 1']},
        {"conditions": [True]},
        {"conditions": "tasks.extract.attempts == 1"},
        {"conditions": {"type": "dependency", "task": "extract"}},
        {
            "for_each": "tasks.extract.output.files",
            "conditions": ["index < 3"],
            "parameters": {"title": "{{ item }}"},
        },
        {"for_each": [1, "{{ no template }}"], "agent_id": "{{ item }}"},
        {"parameters": {"title": "{{ secrets.token }}", "context": "{{ params.key }}"}},
        {"parameters": {"title": "{{ params }}"}},
        {"parameters": {"title": '{{ "{{" }} and }} are braces'}},
        {"parameters": {"title": "{{ 1 }}" * 1_000}},
        {"compensation": {"action": "agent_task", "parameters": {"title": "{{ tasks.load.output.id }}"}}},
        {"cache": {"ttl_seconds": 1, "key": "{{ params.size }}-{{ index }}"}, "for_each": "[1]"},
    ],
    ids=str,
)
def test_what_names_only_what_is_there_is_accepted(load: dict[str, Any]) -> None:
    assert checked(flow(**load)).issues == ()


def test_a_task_whose_key_is_no_plain_name_is_named_in_brackets() -> None:
    data = flow(
        conditions={"type": "dependency", "task": "load-2", "status": "failed"}, dependencies=["load-2"]
    )
    definition = checked(data).definition
    assert definition is not None
    assert definition.tasks["load"].conditions == ('tasks["load-2"].status == "failed"',)


def test_every_reference_of_one_expression_is_reported() -> None:
    found = checked(
        flow(conditions=["tasks.other.status == tasks.nothing.status || params.no == secrets.x"])
    ).issues
    assert [issue.code for issue in found] == [
        "not_upstream",
        "unknown_task",
        "undeclared_parameter",
        "secret_not_allowed",
    ]


def test_a_template_is_never_read_twice() -> None:
    """What stands in a string of an expression is text, whatever it looks like."""
    assert checked(flow(parameters={"title": "{{ '{{ params.nothing }}' }}"})).issues == ()
