"""Templates are filled in one pass: whole values keep their kind, text stays text, nothing put in is read again."""

from __future__ import annotations

import json
from time import thread_time
from typing import Any, Final

import pytest

from orchestrator.definition import templates
from orchestrator.definition.expressions import MAX_STRING_BYTES
from orchestrator.definition.issues import DefinitionError
from orchestrator.definition.templates import (
    MAX_DEPTH,
    MAX_SUBSTITUTIONS,
    MAX_WEIGHT,
    TemplateError,
    compile_template,
    is_heavier_than,
)

CONTEXT: Final = {
    "params": {
        "name": "Ada",
        "count": 3,
        "ratio": 2.5,
        "strict": True,
        "note": None,
        "rows": [1, "é", None, {"k": False}],
        "map": {"b": 1, "a": [2.0]},
        "sly": "{{ params.count }}",
        "open": "{{ params.",
        "empty": "",
    },
    "secrets": {"token": "hunter2"},
}


def filled(value: Any, context: dict[str, Any] = CONTEXT) -> Any:
    return compile_template(value).resolve(context)


def findings(value: Any, path: str = "$") -> list[tuple[str, str]]:
    """Code and path of every fault that compiling finds."""
    with pytest.raises(DefinitionError) as caught:
        compile_template(value, path)
    return [(issue.code, issue.path) for issue in caught.value.issues]


# One string -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("{{ params.name }}", "Ada"),
        ("{{params.count}}", 3),
        ("{{ params.ratio }}", 2.5),
        ("{{ params.strict }}", True),
        ("{{ params.note }}", None),
        ("{{ params.rows }}", [1, "é", None, {"k": False}]),
        ("{{ params.map }}", {"b": 1, "a": [2.0]}),
        ("{{ params.count + 1 }}", 4),
        ("{{ params.count > 2 ? 'many' : 'few' }}", "many"),
        ("{{ [params.count, params.name] }}", [3, "Ada"]),
        ("{{\n\tparams.count\n}}", 3),
        ("{{ {'a': 1} }}", {"a": 1}),
        ("{{{'a': {'b': 1}}}}", {"a": {"b": 1}}),
        ("{{ {'a': {'b': params.count}}.a.b }}", 3),
        ("{{ '}}' }}", "}}"),
        ('{{ "{{" }}', "{{"),
        (r"{{ '\'}}' }}", "'}}"),
        (r'{{ "\\" }}', "\\"),
    ],
)
def test_a_string_that_is_one_substitution_becomes_its_value(source: str, expected: Any) -> None:
    found = filled(source)
    assert (found, type(found)) == (expected, type(expected))


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("Hello {{ params.name }}!", "Hello Ada!"),
        ("{{ params.name }}{{ params.count }}", "Ada3"),
        (" {{ params.count }}", " 3"),
        ("{{ params.count }} ", "3 "),
        ("n={{ params.note }}", "n=null"),
        ("s={{ params.strict }}", "s=true"),
        ("r={{ params.ratio }}", "r=2.5"),
        ("e={{ params.empty }}.", "e=."),
        ("l={{ params.rows }}", 'l=[1,"é",null,{"k":false}]'),
        ("m={{ params.map }}", 'm={"b":1,"a":[2.0]}'),
        ("it's {{ params.name }}'s", "it's Ada's"),
        ("{ {{ params.count }} }", "{ 3 }"),
        ("}} {{ params.count }}", "}} 3"),
        ("{{ params.count }} }}", "3 }}"),
        ("{{ '{{' }} params.count }}", "{{ params.count }}"),
        ("{{{ 'a': 1 }}} b", '{"a":1} b'),
        ("a {{ '}}' }} b", "a }} b"),
        ('{{ "a" }}"{{ \'b\' }}', 'a"b'),
    ],
)
def test_in_other_text_a_substitution_becomes_text(source: str, expected: str) -> None:
    assert filled(source) == expected


@pytest.mark.parametrize(
    "value",
    [
        "",
        "plain",
        "{ params.name }",
        "}}",
        "{",
        "{%",
        "${params.name}",
        "{\u200b{",
        1,
        2.5,
        True,
        None,
        [],
        {},
        [[{}]],
    ],
)
def test_a_value_without_substitutions_is_left_as_it_is(value: Any) -> None:
    template = compile_template(value)
    assert template.resolve({}) == value
    assert template.static
    assert template.references == frozenset()


def test_lists_and_maps_are_filled_to_any_depth() -> None:
    value = {
        "to": ["{{ params.name }}", {"n": "{{ params.count }}", "x": [["{{ params.rows }}"]]}],
        "{{ a }}": 1,
    }
    expected = {"to": ["Ada", {"n": 3, "x": [[CONTEXT["params"]["rows"]]]}], "{{ a }}": 1}
    assert filled(value) == expected


def test_the_keys_of_maps_are_not_substituted() -> None:
    assert filled({"{{ params.name }}": "{{ params.name }}"}) == {"{{ params.name }}": "Ada"}


def test_what_is_put_in_is_never_read_again() -> None:
    assert filled("{{ params.sly }}") == "{{ params.count }}"
    assert filled("a {{ params.sly }}") == "a {{ params.count }}"
    assert filled("{{ params.open }}count }}") == "{{ params.count }}"
    assert filled(["{{ [params.sly] }}", {"a": "{{ {'b': params.sly} }}"}]) == [
        ["{{ params.count }}"],
        {"a": {"b": "{{ params.count }}"}},
    ]


def test_a_parameter_that_names_itself_is_put_in_once() -> None:
    context = {"params": {"a": "{{ params.a }} and {{ params.a }}"}}
    assert filled("{{ params.a }}", context) == context["params"]["a"]


def test_the_same_template_can_be_filled_again() -> None:
    template = compile_template("{{ item }}!")
    assert [template.resolve({"item": number}) for number in range(3)] == ["0!", "1!", "2!"]


# What is wrong, and where ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("source", "code", "column"),
    [
        ("{{", "unclosed_template", 1),
        ("a {{ params.name", "unclosed_template", 3),
        ("a {{ params.name }", "unclosed_template", 3),
        ("{{ params.name } }", "unclosed_template", 1),
        ("{{ {'a': 1 }}", "unclosed_template", 1),
        ("{{ params.name }} {{", "unclosed_template", 19),
        ("{{ 'a }}", "expression_syntax", 4),
        ('{{ params.name }} {{ "a }}', "expression_syntax", 22),
        ("{{}}", "expression_syntax", 3),
        ("{{ }}", "expression_syntax", 4),
        ("ab {{ 1 + }}", "expression_syntax", 11),
        ("ab {{ parms.name }}", "expression_unknown_name", 7),
        ("ab {{ {{ params.name }} }}", "expression_syntax", 22),
        ("{{ 1 +* 2 }}", "expression_syntax", 7),
        ("{{ len(params.rows) }}", "expression_unknown_function", 4),
        ("{{ 9223372036854775808 }}", "expression_overflow", 4),
        ("{{ " + "(" * 50 + " }}", "expression_too_deep", 44),
        ("{{ " + "1 " * 1_100 + " }}", "expression_too_long", 2_003),
        ("{{ params.name | upper }}", "expression_syntax", 16),
        ("{{ # a }}", "expression_syntax", 4),
        ("{{\0}}", "expression_syntax", 3),
        ("{{ '\ud800' }}", "expression_syntax", 4),
    ],
)
def test_a_fault_is_found_when_it_is_compiled_and_located(source: str, code: str, column: int) -> None:
    with pytest.raises(DefinitionError) as caught:
        compile_template({"message": ["", source]}, "tasks.a.parameters")
    (issue,) = caught.value.issues
    assert (issue.code, issue.path) == (code, "tasks.a.parameters.message[1]")
    assert f"column {column}" in issue.message.replace(":", " ").replace(".", " ") + " "


def test_an_unclosed_substitution_says_how_to_write_two_braces() -> None:
    with pytest.raises(DefinitionError) as caught:
        compile_template("{{ params.name")
    (issue,) = caught.value.issues
    assert issue.message == "The {{ at column 1 is never closed with }}."
    assert filled(issue.hint.removesuffix(" gives two literal braces")) == "{{"


def test_every_fault_is_found_at_once() -> None:
    value = {"a": "{{ x }}", "b": ["{{ 1 + }} {{ y }}", "{{ params.name }}"], "c": {"d e": "{{"}}
    assert findings(value, "p") == [
        ("expression_unknown_name", "p.a"),
        ("expression_syntax", "p.b[0]"),
        ("expression_unknown_name", "p.b[0]"),
        ("unclosed_template", "p.c['d e']"),
    ]


@pytest.mark.parametrize(
    ("value", "path", "code", "position"),
    [
        ("{{ params.nme }}", "$", "missing", 10),
        ("ab {{ params.nme }}", "$", "missing", 13),
        ({"a": ["", "{{ 1 / 0 }}"]}, "a[1]", "division_by_zero", 5),
        ({"a": "{{ params.name }} {{ -params.name }}"}, "a", "type", 21),
        ("{{ secrets.other }}", "$", "missing", 11),
    ],
)
def test_a_failure_to_fill_names_the_string_and_the_column(
    value: Any, path: str, code: str, position: int
) -> None:
    with pytest.raises(TemplateError) as caught:
        filled(value)
    error = caught.value
    assert (error.path, error.code, error.position) == (path, code, position)
    start = "" if path == "$" else f"{path}, "
    assert str(error).startswith(f"{start}at column {position + 1}: ")


def test_a_failure_to_fill_keeps_the_advice() -> None:
    with pytest.raises(TemplateError, match="did you mean name"):
        filled("{{ params.nme }}")


# References -----------------------------------------------------------------------------------------------


def test_references_are_those_of_all_expressions_moved_to_their_place() -> None:
    template = compile_template(
        {"a": "x {{ params.name }}", "b": ["{{ tasks.t.output.n + params.count }}"]}, "p"
    )
    found = [(path, one.root, one.path, one.position) for path, one in template.located_references]
    assert found == [
        ("p.a", "params", ("name",), 5),
        ("p.b[0]", "tasks", ("t", "output", "n"), 3),
        ("p.b[0]", "params", ("count",), 22),
    ]
    assert template.references == {reference for _, reference in template.located_references}
    assert not template.static


def test_an_expression_without_references_is_static() -> None:
    assert compile_template(["{{ 1 + 1 }}", "a {{ 'b' }}"]).static


@pytest.mark.parametrize(
    ("value", "names"),
    [
        ("{{ secrets.token }}", {"token"}),
        ({"a": "Bearer {{ secrets.token }}", "b": ["{{ secrets['other one'] }}"]}, {"token", "other one"}),
        ("{{ has(secrets.token) }}", {"token"}),
        ("{{ false && secrets.a == '' }}", {"a"}),
        ("{{ params.secrets }}", set()),
        ("{{ 'secrets.token' }}", set()),
        ("secrets.token", set()),
        ("{{ secrets }}", set()),
    ],
)
def test_the_secrets_a_template_needs_are_known_before_it_is_filled(value: Any, names: set[str]) -> None:
    assert compile_template(value).secret_names == names


@pytest.mark.parametrize(
    "source", ["{{ secrets }}", "{{ secrets[params.name] }}", "{{ [secrets][0].token }}"]
)
def test_a_secret_that_is_not_named_is_marked_so_that_a_check_can_refuse_it(source: str) -> None:
    codes = {one.code for one in compile_template(source).references if one.root == "secrets"}
    assert codes == {"dynamic_reference"}


def test_a_secret_is_put_in_where_it_is_named_and_nowhere_else() -> None:
    value = {"header": "Bearer {{ secrets.token }}", "body": "{{ params.name }}"}
    assert filled(value) == {"header": "Bearer hunter2", "body": "Ada"}


# Caps -----------------------------------------------------------------------------------------------------


def test_text_may_be_as_long_as_the_cap_and_no_longer() -> None:
    context = {"params": {"s": "é" * ((MAX_STRING_BYTES - 2) // 4)}}
    template = compile_template("{{ params.s }}abcd{{ params.s }}")
    assert len(template.resolve(context).encode()) == MAX_STRING_BYTES
    context["params"]["s"] += "!"
    with pytest.raises(TemplateError) as caught:
        template.resolve(context)
    assert caught.value.code == "limit"


@pytest.mark.parametrize(
    "source",
    [
        "{{ params.s }}" * 2,
        "{{ params.s }}" * MAX_SUBSTITUTIONS,
        "x{{ params.l }}",
        "x{{ [" + "params.l, " * 90 + "] }}",
        "x" * MAX_STRING_BYTES + "{{ 1 }}",
    ],
    ids=["two strings", "a thousand strings", "a list", "a list many times", "its own text"],
)
def test_text_over_the_cap_is_refused_before_it_is_put_together(source: str) -> None:
    context = {"params": {"s": "x" * 60_000, "l": ["x" * 60] * 10_000}}
    template = compile_template({"a": source})
    started = thread_time()
    with pytest.raises(TemplateError, match="the text would be longer than") as caught:
        template.resolve(context)
    assert thread_time() - started < 0.5
    assert (caught.value.code, caught.value.path) == ("limit", "a")


def test_a_whole_value_may_be_larger_than_text() -> None:
    rows = ["x" * 1_000] * 1_000
    assert filled("{{ params.rows }}", {"params": {"rows": rows}}) == rows


@pytest.mark.parametrize(
    "value",
    [
        "{{ [" + "params.rows, " * 10 + "] }}",
        ["{{ params.rows }}"] * 10,
        {str(number): {"a": ["{{ params.rows }}"]} for number in range(10)},
    ],
    ids=["in one expression", "in a list", "in maps"],
)
def test_one_large_output_cannot_be_multiplied_without_end(value: Any) -> None:
    context = {"params": {"rows": ["x" * 1_000] * 1_000}}
    with pytest.raises(TemplateError, match="the value would be larger than 4 MiB") as caught:
        compile_template(value, "tasks.a.parameters").resolve(context)
    assert (caught.value.code, caught.value.path) == ("limit", "tasks.a.parameters")


def test_a_template_has_as_many_substitutions_as_the_cap_and_no_more() -> None:
    assert filled("{{ 1 }}" * MAX_SUBSTITUTIONS) == "1" * MAX_SUBSTITUTIONS
    assert findings("{{ 1 }}" * (MAX_SUBSTITUTIONS + 1)) == [("too_many_substitutions", "$")]
    assert findings({"a": ["{{ 1 }}"] * MAX_SUBSTITUTIONS, "b": ["{{ 1 }}"] * 5}) == [
        ("too_many_substitutions", "b[0]")
    ]


def test_a_template_is_as_deep_as_the_cap_and_no_deeper() -> None:
    def nested(depth: int) -> Any:
        value: Any = "{{ 1 }}"
        for _ in range(depth):
            value = [value]
        return value

    assert json.dumps(filled(nested(MAX_DEPTH))) == "[" * MAX_DEPTH + "1" + "]" * MAX_DEPTH
    assert findings(nested(MAX_DEPTH + 1)) == [("too_deep", "$" + "[0]" * (MAX_DEPTH + 1))]
    assert findings(nested(20_000))[0][0] == "too_deep"


@pytest.mark.parametrize(
    "source",
    [
        "{{" * 500_000,
        "{{ '" + "\"'" * 500_000,
        "{{ " + "{" * 1_000_000,
        "{{ " + "'a' " * 250_000,
        "{{" + "}" * 999_999,
        "{" * 1_000_000,
        "{{ 1 }}" * 140_000,
        "{{ " + "\\" * 1_000_000,
        "{{ '" + "\\'" * 500_000,
    ],
    ids=["openings", "quotes", "braces", "strings", "closings", "single openings", "many", "backslashes", "escaped quotes"],
)  # fmt: skip
def test_a_megabyte_of_braces_is_judged_within_a_second(source: str) -> None:
    started = thread_time()
    with pytest.raises(DefinitionError):
        compile_template(source)
    assert thread_time() - started < 1.0


def test_what_json_cannot_hold_is_not_written_into_text() -> None:
    for value in ({1, 2}, float("nan"), b"x", object(), [float("inf")], [{1}]):
        with pytest.raises(TemplateError):
            filled("a {{ item }}", {"item": value})


def test_the_weight_of_plain_data_is_close_to_its_json() -> None:
    rows = [{"name": "Ada Lovelace", "score": 7}] * 1_000
    size = len(json.dumps(rows, separators=(",", ":")))
    assert is_heavier_than(rows, size // 2)
    assert not is_heavier_than(rows, size)


def test_a_large_value_is_refused_without_walking_all_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(templates, "MAX_WEIGHT", 100)
    walked = _Counting(range(1_000))
    with pytest.raises(TemplateError):
        filled("{{ item }}", {"item": [walked] * 50_000})
    assert walked.times <= 1
    assert MAX_WEIGHT > 100


class _Counting(list[int]):
    times = 0

    def __iter__(self) -> Any:
        self.times += 1
        return super().__iter__()
