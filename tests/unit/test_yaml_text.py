"""YAML as a way to write JSON: plain values come back as they were, everything else is refused with its place."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from orchestrator.definition.issues import DefinitionError, Issue
from orchestrator.definition.strict_json import MAX_BYTES
from orchestrator.definition.yaml_text import dumps, loads
from tests.unit.definitions import TEXT, VALUES, within


def refused(text: str | bytes) -> list[Issue]:
    with pytest.raises(DefinitionError) as caught:
        loads(text)
    return list(caught.value.issues)


def only(text: str | bytes) -> Issue:
    (issue,) = refused(text)
    return issue


# What plain values are ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("no", "no"),
        ("NO", "NO"),
        ("yes", "yes"),
        ("on", "on"),
        ("off", "off"),
        ("y", "y"),
        ("true", True),
        ("false", False),
        ("True", "True"),
        ("TRUE", "TRUE"),
        ("null", None),
        ("~", None),
        ("", None),
        ("Null", "Null"),
        ("2026-01-01", "2026-01-01"),
        ("2026-01-01T10:00:00Z", "2026-01-01T10:00:00Z"),
        ("10:30", "10:30"),
        ("010", "010"),
        ("0o17", "0o17"),
        ("0x1F", "0x1F"),
        ("0b11", "0b11"),
        ("1_000", "1_000"),
        ("0", 0),
        ("-0", 0),
        ("+12", 12),
        ("9007199254740992", 2**53),
        ("1.5", 1.5),
        (".5", 0.5),
        ("1.", 1.0),
        ("1e3", 1000.0),
        ("-2.5E-3", -0.0025),
        (".nan", ".nan"),
        (".inf", ".inf"),
        ("NaN", "NaN"),
        ("=", "="),
        ("'1'", "1"),
        ('"true"', "true"),
        ("''", ""),
        ("! 12", "12"),
        ("!!str 12", "12"),
        ("|\n  two\n  lines\n", "two\nlines\n"),
        (">\n  one\n  line\n", "one line\n"),
        ("'<<'", "<<"),
    ],
)
def test_only_the_spellings_of_json_have_a_type(written: str, value: Any) -> None:
    found = loads(f"a: {written}")["a"]
    assert (found, type(found)) == (value, type(value))


def test_the_country_of_norway_is_text() -> None:
    assert loads("countries: [dk, no, se]\nparameters: {no: {type: string}}") == {
        "countries": ["dk", "no", "se"],
        "parameters": {"no": {"type": "string"}},
    }


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("# a comment\nname: x # another\n", {"name": "x"}),
        ("%YAML 1.1\n---\nname: x\n...\n", {"name": "x"}),
        ("\ufeffname: x", {"name": "x"}),
        (b"\xef\xbb\xbfname: x", {"name": "x"}),
        ("- - - 1", [[[1]]]),
        ("just text", "just text"),
        ("# nothing but a comment", None),
        ("---\n...\n", None),
        ("? a\n: 1", {"a": 1}),
        ('{"json": [1, {"is": "yaml"}]}', {"json": [1, {"is": "yaml"}]}),
        ("condition: tasks.a.output.x == 1 && true\nt: '{{ params.x }}'", None),
    ],
)
def test_documents_are_read(text: str | bytes, value: Any) -> None:
    found = loads(text)
    assert found == (
        {"condition": "tasks.a.output.x == 1 && true", "t": "{{ params.x }}"}
        if value is None and found
        else value
    )


# What is refused ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "code", "path", "words"),
    [
        (
            "a: &x 1\nb: *x",
            "alias",
            "$",
            "The anchor &x is not taken: write the value out (line 1, column 4)",
        ),
        ("a: [1, *x]", "alias", "$", "The alias *x is not taken: write the value out (line 1, column 8)"),
        ("&r {a: 1}", "alias", "$", "The anchor &r"),
        ("a: &x [*x]", "alias", "$", "The anchor &x"),
        (
            "a: !!python/object/apply:os.system ['id']",
            "tag",
            "$",
            "python/object/apply:os.system' is not taken",
        ),
        ("a: !ENV secret", "tag", "$", "'!ENV' is not taken: definitions hold plain values only (line 1"),
        ("--- !!set\n? a", "tag", "$", "set' is not taken"),
        ("a: !!binary aGk=", "tag", "$", "binary' is not taken"),
        ("a: !!int '3'", "tag", "$", "int' is not taken"),
        ("base: {x: 1}\na:\n  <<: {x: 1}", "merge", "$", "write the fields out (line 3, column 3)"),
        ("a: 1\nb: 2\na: 3", "duplicate_key", "a", "'a' stands here more than once"),
        ("tasks:\n  x: {}\n  x: {}", "duplicate_key", "tasks.x", "'x' stands here more than once"),
        ("a: 1\n---\nb: 2", "several_documents", "$", "Only one definition can be read at once (line 2"),
        ("1: a", "not_json", "$", "The key 1 is not text; put it in quotes"),
        ("true: a", "not_json", "$", "The key true is not text"),
        ("on: a\n~: b", "not_json", "$", "The key null is not text"),
        ("? [a]\n: 1", "bad_yaml", "$", "has a list or a map for a key"),
        ("? {a: 1}\n: 1", "bad_yaml", "$", "has a list or a map for a key"),
        ("a: 1e999", "bad_number", "a", "1e999 cannot be kept exactly"),
        ("a: [9007199254740993]", "bad_number", "a[0]", "within ±2^53"),
        ("a: " + "9" * 5_000, "bad_number", "a", "cannot be kept exactly"),
        ('a: "\\0"', "null_character", "a", "null character"),
        ("a: b\x00", "bad_yaml", "$", "not YAML"),
        ('a: "\\ud800"', "bad_yaml", "$", "not YAML that can be read: found invalid Unicode"),
        ("a: [1, 2", "bad_yaml", "$", "at line 2, column 1"),
        ("a:\n  - b\n c: 1", "bad_yaml", "$", "at line 3, column 2"),
        ("\ta: 1", "bad_yaml", "$", "cannot start any token at line 1, column 1"),
        ("a: 'x\x07'", "bad_yaml", "$", "control characters are not allowed"),
        (b"a: \xff", "bad_unicode", "$", "byte 3 cannot be read"),
        ("a: 1".encode("utf-16"), "bad_unicode", "$", "not UTF-8"),
        ("", "empty", "$", "nothing here"),
        (" \n\n", "empty", "$", "nothing here"),
        ("a: " + "[" * 33 + "]" * 33, "too_deep", "$", "more than 32 deep (line 1, column 36)"),
        ("a: " + "[" * 100_000, "too_deep", "$", "nesting depth"),
        ("- " * 50_000 + "1", "too_deep", "$", "more than 32 deep"),
        ("a: '" + "x" * MAX_BYTES + "'", "too_large", "$", "at most 2,097,152 are taken"),
        ("[" + "1," * 400_000 + "]", "too_large", "$", "more than 300,000 values"),
    ],
    ids=lambda value: str(value)[:30] if isinstance(value, str | bytes) else None,
)
def test_what_is_refused_is_refused_once_and_with_its_place(
    text: str | bytes, code: str, path: str, words: str
) -> None:
    with within(1):
        issue = only(text)
    assert (issue.code, issue.path, issue.severity) == (code, path, "error")
    assert words in issue.message
    assert issue.message.endswith((".", "?"))


def test_every_duplicate_key_and_number_is_named() -> None:
    found = refused("{a: 1, a: 2, b: {c: 1, c: 2}, d: 1e999}")
    assert [(issue.path, issue.code) for issue in found] == [
        ("a", "duplicate_key"),
        ("d", "bad_number"),
        ("b.c", "duplicate_key"),
    ]


def test_as_deep_as_json_may_be_is_not_too_deep() -> None:
    assert loads("[" * 32 + "1" + "]" * 32) == loads("- " * 31 + "[1]")


BOMB = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 30)
)


@pytest.mark.parametrize(
    "text",
    [
        BOMB,
        BOMB.replace("&", "").replace("*", "") * 400,
        "[" + "1," * 1_000_000 + "]",
        "- {}\n" * 400_000,
        "a: 1\n" * 400_000,
        "[{" * 1_000_000,
        "[a: " * 500_000,
        "? " * 1_000_000,
        "!" * 2_000_000,
        "&" * 2_000_000,
        "a: " + "1" * 2_000_000,
        "a: " + "1" * 2_000_000 + "x",
        "a: " + "1." * 1_000_000,
        "%" * 2_000_000,
        "a b " * 500_000,
        "'" + "''" * 1_000_000,
    ],
    ids=lambda text: text[:12],
)
def test_nothing_takes_long(text: str) -> None:
    with within(2):
        try:
            loads(text)
        except DefinitionError as error:
            assert error.issues


# What is written ---------------------------------------------------------------------------------------

# What YAML might take for something else, or not print as it is.
AWKWARD = st.sampled_from(
    [
        *(
            "no",
            "~",
            "<<",
            "=",
            "1",
            "010",
            "1e5",
            "010e1",
            ".5",
            "1.",
            "+1",
            "0x1",
            "0o7",
            "1:30",
            "1e999",
            "NaN",
        ),
        *(
            "2026-01-01",
            "null",
            "true",
            "-",
            "- a",
            "a: b",
            "#",
            "a #b",
            " a ",
            "!x",
            "&a",
            "*a",
            "%a",
            "@",
            "`",
        ),
        *("{{ x }}", "---", "...", "? a", "|", ">", "'", '"', "\\", ",", "[", "a\n", "\n", "\t", "a\rb"),
        *("\x85", "a\u2028b", "\u2029", "\ufeff", "\x7f", "\ue000", "😀"),
    ]
)


@given(st.dictionaries(TEXT | AWKWARD, VALUES | AWKWARD | st.lists(AWKWARD)))
@settings(max_examples=500, deadline=None)
@example({"a": [{"b": []}, {}, "", None, 0.1, 1e22, -0.0, 5e-324, 2**53]})
@example({"long": "word " * 100, "b" * 500: "x" * 300})
def test_what_is_written_reads_back_as_it_was(data: dict[str, Any]) -> None:
    again = loads(dumps(data))
    assert again == data
    assert repr(again) == repr(data)  # the order of the keys, and 1 is not 1.0


@given(st.text(max_size=200))
@settings(max_examples=300, deadline=None)
def test_any_text_at_all_is_read_or_refused(text: str) -> None:
    try:
        loads(text)
    except DefinitionError as error:
        assert all(issue.message and issue.path for issue in error.issues)


def test_a_value_met_twice_is_written_out_twice() -> None:
    shared = ["x"]
    assert dumps({"a": shared, "b": shared}) == "a:\n- x\nb:\n- x\n"


def test_keys_stay_in_their_order_and_letters_as_they_are() -> None:
    assert dumps({"z": "Größe", "a": {"y": 1, "b": "no"}}) == "z: Größe\na:\n  y: 1\n  b: 'no'\n"
