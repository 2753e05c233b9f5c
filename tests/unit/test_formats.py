"""Definitions as text: which format a text is in, and that what is written reads back."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.definition import formats
from orchestrator.definition.issues import DefinitionError
from tests.unit.definitions import TEXT, VALUES, a_definition, checked, valid_definitions

AS_JSON = '{"name": "x", "n": 1}'
AS_YAML = "name: x\nn: 1\n"
READ = {"name": "x", "n": 1}


@pytest.mark.parametrize("name", ["", "a", "a.txt", "a.json.bak", "yaml"])
@pytest.mark.parametrize(
    "text", [AS_JSON, AS_YAML, f"  \n\t{AS_JSON}", f"\ufeff{AS_JSON}", f"# {AS_JSON}\n{AS_YAML}"]
)
def test_without_a_telling_name_the_text_itself_decides(name: str, text: str) -> None:
    assert formats.read(text, name) == READ
    assert formats.read(text.encode(), name) == READ


@pytest.mark.parametrize("name", ["a.json", "A.JSON", "dir/a.b.json"])
def test_a_json_name_makes_it_json(name: str) -> None:
    assert formats.read(AS_JSON, name) == READ
    with pytest.raises(DefinitionError) as caught:
        formats.read(AS_YAML, name)
    assert [issue.code for issue in caught.value.issues] == ["bad_json"]


@pytest.mark.parametrize("name", ["a.yaml", "a.yml", "A.YML"])
def test_a_yaml_name_makes_it_yaml(name: str) -> None:
    assert formats.read(AS_YAML, name) == READ
    assert formats.read('{name: x, "n": 1}', name) == READ


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "empty"),
        ("  \n", "empty"),
        (b"", "empty"),
        ('{"a": 1,}', "bad_json"),
        ("[1, 2", "bad_json"),
        ("{a: 1}", "bad_json"),
        ("a: [1", "bad_yaml"),
        ("<xml/>: [", "bad_yaml"),
        (b"\xff\xfe{\x00", "bad_unicode"),
        ('{"a": 1, "a": 2}', "duplicate_key"),
        ("a: 1\na: 2", "duplicate_key"),
        ("[" * 100_000, "too_deep"),
        ('{"a": NaN}', "bad_number"),
    ],
    ids=str,
)
def test_a_text_that_cannot_be_read_is_refused_in_the_words_of_its_format(
    text: str | bytes, code: str
) -> None:
    with pytest.raises(DefinitionError) as caught:
        formats.read(text)
    assert {issue.code for issue in caught.value.issues} == {code}


@pytest.mark.parametrize("text", ["true", "null", "3", '"text"', "[]", "just text", "<xml/>"])
def test_what_is_read_but_no_definition_is_for_the_check_to_say(text: str) -> None:
    assert [issue.code for issue in checked(formats.read(text)).issues] == ["not_a_map"]


@given(st.dictionaries(TEXT, VALUES))
@settings(max_examples=300, deadline=None)
def test_what_is_written_reads_back_as_it_was_in_either_format(data: dict[str, Any]) -> None:
    for text in (formats.to_json(data), formats.to_yaml(data)):
        for source in (text, text.encode()):
            assert repr(formats.read(source)) == repr(data)


@given(valid_definitions())
@settings(max_examples=50, deadline=None)
def test_a_definition_is_the_same_after_any_format(data: dict[str, Any]) -> None:
    assert formats.read(formats.to_yaml(data), "a.yaml") == data
    assert formats.read(formats.to_json(data), "a.json") == data
    assert checked(formats.read(formats.to_yaml(data))).ok


def test_json_is_written_for_people() -> None:
    text = formats.to_json(a_definition(description="Größe"))
    assert text == json.dumps(a_definition(description="Größe"), ensure_ascii=False, indent=2) + "\n"
    assert "Größe" in text
    assert '\n  "name"' in text


def test_a_wfformat_document_becomes_a_definition_in_json_and_in_yaml() -> None:
    document = {"name": "w", "workflow": {"specification": {"tasks": [{"id": "a.b", "parents": []}]}}}
    for text in (formats.to_json(document), formats.to_yaml(document)):
        assert list(formats.read(text)["tasks"]) == ["a_b"]
