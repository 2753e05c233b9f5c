"""Schemas written by users: what cannot be used or would take for ever is refused, outputs are judged with their place."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.definition.issues import Issue
from orchestrator.definition.output_schema import MOST_UNFOLDED, OutputSchema, SchemaError
from tests.unit.definitions import VALUES, places, within

PERSON = {
    "type": "object",
    "required": ["name"],
    "properties": {"name": {"type": "string"}, "age": {"$ref": "#/$defs/count"}},
    "$defs": {"count": {"type": "integer", "minimum": 0}},
}


def doublings(times: int) -> dict[str, Any]:
    """Each part names the next twice: small to write, 2^times to unfold."""
    parts: dict[str, Any] = {f"d{n}": {"anyOf": [{"$ref": f"#/$defs/d{n + 1}"}] * 2} for n in range(times)}
    return {"$ref": "#/$defs/d0", "$defs": {**parts, f"d{times}": {"type": "string"}}}


@pytest.mark.parametrize(
    ("schema", "value", "expected"),
    [
        pytest.param(True, {"a": 1}, set(), id="true takes anything"),
        pytest.param(False, None, {"output"}, id="false takes nothing"),
        pytest.param({}, [1], set(), id="an empty schema"),
        pytest.param(PERSON, {"name": "Ada", "age": 3}, set(), id="a person"),
        pytest.param(PERSON, {"age": -1}, {"output", "output.age"}, id="several faults"),
        pytest.param(
            {"items": {"type": "integer"}}, [1, "a", 2, None], {"output[1]", "output[3]"}, id="items"
        ),
        pytest.param({"properties": {"a b": {"const": 1}}}, {"a b": 2}, {"output['a b']"}, id="an odd key"),
        pytest.param({"pattern": "^a+$"}, "b", {"output"}, id="a pattern"),
        pytest.param({"$id": "urn:x", "type": "string"}, "a", set(), id="an id at the top"),
        pytest.param(
            {"not": {"$ref": "#/$defs/x~1y"}, "$defs": {"x/y": False}}, [1], set(), id="an escaped pointer"
        ),
        pytest.param(
            {"prefixItems": [{}, {"$ref": "#/prefixItems/0"}]}, [1, 2], set(), id="a pointer into a list"
        ),
        pytest.param(
            {"properties": {"$ref": {"type": "string"}}}, {"$ref": 1}, {"output['$ref']"}, id="a field $ref"
        ),
    ],
)
def test_an_output_is_judged_where_it_is_wrong(schema: Any, value: Any, expected: set[str]) -> None:
    issues = OutputSchema(schema).issues(value)
    assert places(issues) == {("output_schema", path) for path in expected}
    assert all(issue.message.endswith(".") and "\n" not in issue.message for issue in issues)


def test_a_fault_is_named_from_the_place_it_was_asked_for() -> None:
    assert places(OutputSchema({"type": "string"}).issues(1, "result")) == {("output_schema", "result")}


def test_the_first_twenty_faults_are_told() -> None:
    assert len(OutputSchema({"items": {"type": "string"}}).issues([1] * 1_000)) == 20


@pytest.mark.parametrize(
    ("schema", "path", "words"),
    [
        pytest.param({"type": "strin"}, "$", "no usable JSON Schema", id="no type"),
        pytest.param({"required": "a"}, "$", "no usable", id="a keyword of the wrong type"),
        pytest.param({"pattern": "("}, "$", "no usable", id="a broken pattern"),
        pytest.param({"pattern": "(a)\\1"}, "$", "no usable", id="a pattern that looks back"),
        pytest.param({"$ref": "http://10.0.0.1/x"}, "$", "nothing is fetched", id="a remote reference"),
        pytest.param({"$ref": "file:///etc/passwd"}, "$", "nothing is fetched", id="a file"),
        pytest.param({"$ref": "other.json"}, "$", "nothing is fetched", id="a relative reference"),
        pytest.param({"items": {"$ref": "#anchor"}}, "items", "nothing is fetched", id="an anchor"),
        pytest.param({"$ref": "#/$defs/none"}, "$", "nothing at #/$defs/none", id="a missing part"),
        pytest.param({"allOf": [{"$ref": "#/allOf/7"}]}, "allOf[0]", "nothing at", id="a missing item"),
        pytest.param({"$ref": "#"}, "$", "leads back to itself", id="itself"),
        pytest.param({"items": {"$ref": "#"}}, "items", "leads back", id="itself, below"),
        pytest.param(
            {"$ref": "#/$defs/a", "$defs": {"a": {"not": {"$ref": "#/$defs/b"}}, "b": {"$ref": "#/$defs/a"}}},
            "$['$defs'].b",
            "leads back",
            id="itself by a detour",
        ),
        pytest.param({"items": {"$id": "http://x/y"}}, "items", "$id is not supported", id="an id below"),
        pytest.param({"items": {"$anchor": "a"}}, "items", "$anchor is not supported", id="an anchor's name"),
        pytest.param({"$dynamicRef": "#a"}, "$", "$dynamicRef is not", id="a dynamic reference"),
        pytest.param({"$recursiveRef": "#"}, "$", "$recursiveRef is not", id="a recursive reference"),
        pytest.param(doublings(20), "$", "more than 20,000 parts", id="twenty doublings"),
        pytest.param(
            doublings(2_000), "$['$defs'].d49.anyOf[0]", "more than 150 levels", id="two thousand doublings"
        ),
    ],
)
def test_a_schema_that_cannot_be_used_is_refused_at_once(schema: Any, path: str, words: str) -> None:
    with within(1), pytest.raises(SchemaError) as caught:
        OutputSchema(schema)
    assert words in str(caught.value)
    assert caught.value.path == path


def test_a_long_chain_is_found_in_whatever_order_it_is_written() -> None:
    parts = {f"d{n}": {"$ref": f"#/$defs/d{n + 1}"} for n in range(1_000)} | {"d1000": {}}
    uses = {f"p{n}": {"$ref": f"#/$defs/d{n}"} for n in reversed(range(1_001))}
    with pytest.raises(SchemaError, match="150 levels"):
        OutputSchema({"properties": uses, "$defs": parts})


def test_what_unfolds_to_little_is_accepted() -> None:
    assert OutputSchema(doublings(8)).issues("a") == []
    assert MOST_UNFOLDED == 20_000


def test_a_pattern_runs_in_linear_time() -> None:
    with within(1):
        assert len(OutputSchema({"pattern": "^(a+)+$"}).issues("a" * 50_000 + "b")) == 1


_SCHEMA_WORDS = st.sampled_from(
    ["type", "items", "anyOf", "$ref", "$defs", "properties", "pattern", "enum", "minimum"]
)
_SCHEMA_VALUES = st.sampled_from(
    ["string", "#/$defs/a", "#", "#/", "#/anyOf/0", "(", 1, None, True, "integer"]
)
_SCHEMAS = st.recursive(
    _SCHEMA_VALUES,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(_SCHEMA_WORDS | st.just("a"), inner, max_size=4)
    ),
    max_leaves=12,
).filter(lambda value: isinstance(value, dict))


@given(_SCHEMAS, VALUES)
def test_any_map_is_a_schema_or_refused(schema: dict[str, Any], value: Any) -> None:
    try:
        compiled = OutputSchema(schema)
    except SchemaError as error:
        assert str(error)
    else:
        assert all(isinstance(issue, Issue) for issue in compiled.issues(value))
