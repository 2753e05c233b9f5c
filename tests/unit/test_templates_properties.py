"""What holds for every template and every value put into it."""

from __future__ import annotations

import json
from copy import deepcopy
from typing import Any

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from orchestrator.definition.expressions import ExpressionError
from orchestrator.definition.issues import DefinitionError
from orchestrator.definition.templates import TemplateError, compile_template, is_heavier_than
from tests.unit.expression_strategies import cases, literal, nonsense, values
from tests.unit.expression_strategies import text as texts
from tests.unit.test_templates import filled

often = settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@often
@given(value=values)
@example(value="{{ params.sly }}")
@example(value=["{{", "}}"])
def test_a_value_put_in_whole_is_the_value(value: Any) -> None:
    assert filled("{{ item }}", {"item": value}) is value or filled("{{ item }}", {"item": value}) == value
    assert json.dumps(filled(["{{ item }}"], {"item": value})) == json.dumps([value])


@often
@given(before=texts, value=values, after=texts)
@example(before="", value="{{ 1 }}", after="!")
def test_a_value_in_text_is_its_compact_json(before: str, value: Any, after: str) -> None:
    before, after = before.replace("{", "("), after.replace("{", "(")
    shown = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    assert filled(f"x{before}{{{{ item }}}}{after}", {"item": value}) == f"x{before}{shown}{after}"


@often
@given(pieces=st.lists(st.tuples(texts, values), max_size=5))
def test_literal_expressions_are_found_whatever_their_strings_hold(pieces: list[tuple[str, Any]]) -> None:
    source = "x" + "".join(f"{plain.replace('{', '(')}{{{{ {literal(value)} }}}}" for plain, value in pieces)
    expected = "x" + "".join(
        plain.replace("{", "(")
        + (value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, separators=(",", ":")))
        for plain, value in pieces
    )
    assert filled(source) == expected


@often
@given(
    source=nonsense.map("{{{{ {} }}}}".format) | nonsense | st.text("{}'\"\\ a1.", max_size=40),
    context=values,
)
def test_any_text_is_filled_or_refused_with_a_located_error(source: str, context: Any) -> None:
    try:
        template = compile_template({"a": [source]}, "p")
    except DefinitionError as error:
        assert {issue.path for issue in error.issues} == {"p.a[0]"}
        assert all(issue.message and issue.code for issue in error.issues)
        return
    try:
        template.resolve({"params": context, "item": context})
    except ExpressionError as error:
        assert isinstance(error, TemplateError)
        assert 0 <= error.position <= len(source)


@often
@given(case=cases)
def test_filling_changes_neither_the_template_nor_the_context(case: Any) -> None:
    value = {"a": [f"{{{{ {case.source} }}}}", "x {{ item }}"]}
    before, context = deepcopy(value), deepcopy(case.context)
    try:
        template = compile_template(value)
        first = template.resolve(case.context)
        assert json.dumps(template.resolve(case.context)) == json.dumps(first)
    except (DefinitionError, ExpressionError):
        pass
    assert (value, case.context) == (before, context)


@often
@given(value=values, limit=st.integers(0, 60))
def test_the_weight_of_a_value_is_never_more_than_its_json(value: Any, limit: int) -> None:
    size = len(json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode())
    if is_heavier_than(value, limit):
        assert size > limit
