"""Strict JSON: what is ambiguous, unbounded or cannot be stored is refused with its place; all else comes back as it was."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.definition.issues import DefinitionError, Issue
from orchestrator.definition.strict_json import MAX_BYTES, MAX_DEPTH, check_value, decode, loads
from tests.unit.definitions import VALUES, places, within


def refused(text: str | bytes) -> tuple[Issue, ...]:
    with pytest.raises(DefinitionError) as caught:
        loads(text)
    return caught.value.issues


def nested(depth: int, opening: str = "[", closing: str = "]") -> str:
    return opening * depth + closing * depth


# Texts -------------------------------------------------------------------------------------------------

REFUSED = [
    ("", "empty", "$", "nothing here"),
    (" \n\t ", "empty", "$", "nothing here"),
    (b"", "empty", "$", "nothing here"),
    (b"\xef\xbb\xbf", "empty", "$", "nothing here"),
    ("{", "bad_json", "$", "line 1, column 2"),
    ('{"a": 1,}', "bad_json", "$", "line 1"),
    ('{\n "a" 1}', "bad_json", "$", "line 2, column 6"),
    ("[1] [2]", "bad_json", "$", "column 5"),
    ("{'a': 1}", "bad_json", "$", "column 2"),
    ("<a/>", "bad_json", "$", "not JSON"),
    ('"\x01"', "bad_json", "$", "not JSON"),
    (b'{"a": "\xff"}', "bad_unicode", "$", "byte 7"),
    ("{}".encode("utf-16"), "bad_unicode", "$", "not UTF-8"),
    ('{"a": "\ud800"}', "bad_unicode", "a", "half of a character"),
    (r'{"a": "\ud800"}', "bad_unicode", "a", "half of a character"),
    (r'{"a": ["x", "\udc00\ud800"]}', "bad_unicode", "a[1]", "half of a character"),
    (r'{"\udfff": 1}', "bad_unicode", r"$['\udfff']", "half of a character"),
    (r'{"a": "x\u0000"}', "null_character", "a", "null character"),
    (r'{"a": {"\u0000": 1}}', "null_character", r"a['\x00']", "null character"),
    ('{"a": 1, "a": 2}', "duplicate_key", "a", "'a' stands here more than once"),
    ('{"tasks": {"x": {}, "y": {}, "x": {}}}', "duplicate_key", "tasks.x", "more than once"),
    ('{"a": 1, "\\u0061": 2}', "duplicate_key", "a", "more than once"),
    ("NaN", "bad_number", "$", "NaN cannot be kept"),
    ('{"a": -Infinity}', "bad_number", "a", "-Infinity"),
    ('{"a": [Infinity]}', "bad_number", "a[0]", "Infinity"),
    ("1e999", "bad_number", "$", "1e999"),
    ("-1e999", "bad_number", "$", "-1e999"),
    ("9007199254740993", "bad_number", "$", "9007199254740993"),
    ("-9007199254740993", "bad_number", "$", "2^53"),
    ("9" * 4_000, "bad_number", "$", "Write it as text"),
    ("[" + "9" * 500_000 + "]", "bad_number", "$[0]", "Write it as text"),
    (nested(33), "too_deep", "$" + "[0]" * 32, "32 deep"),
    (nested(100_000), "too_deep", "$", "32 deep"),
    ('{"a":' * 300 + "1" + "}" * 300, "too_deep", ".".join("a" * 32), "32 deep"),
    ('{"a":' * 100_000, "too_deep", "$", "32 deep"),
    (" " * (MAX_BYTES + 1), "too_large", "$", "2,097,153 bytes"),
    ('"' + "ü" * (MAX_BYTES // 2) + '"', "too_large", "$", "2,097,152 are taken"),
    (b"\xff" * (MAX_BYTES + 1), "too_large", "$", "bytes long"),
]


@pytest.mark.parametrize(
    ("text", "code", "path", "words"),
    REFUSED,
    ids=[f"{code}-{place}" for place, (_, code, *_) in enumerate(REFUSED)],
)
def test_it_is_refused_with_its_place(text: str | bytes, code: str, path: str, words: str) -> None:
    with within(1):
        issues = refused(text)
    assert places(issues) == {(code, path)}
    assert words in issues[0].message
    assert str(issues[0]).encode()  # nothing unprintable is carried on to the reader


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("null", None),
        (" [1, 2.5, -0.0, true]\n", [1, 2.5, -0.0, True]),
        ("9007199254740992", 2**53),
        ("-9007199254740992", -(2**53)),
        ("9007199254740993.0", 9007199254740992.0),
        ("1e308", 1e308),
        ("1e-999", 0.0),
        (b'\xef\xbb\xbf{"a": "\xc3\xbc"}', {"a": "ü"}),
        (r'"\ud83d\ude00"', "😀"),
        ('{"a": {"a": {"a": 1}}}', {"a": {"a": {"a": 1}}}),
        ('{"": ""}', {"": ""}),
        (r'"\u0001\ufffe"', "\x01\ufffe"),
    ],
)
def test_it_is_accepted_as_it_is(text: str | bytes, value: Any) -> None:
    found = loads(text)
    assert found == value
    assert type(found) is type(value)


def test_depth_and_size_are_accepted_up_to_their_limits() -> None:
    loads(nested(MAX_DEPTH))
    loads('{"a":' * MAX_DEPTH + "1" + "}" * MAX_DEPTH)
    loads('"' + "x" * (MAX_BYTES - 2) + '"')


@pytest.mark.parametrize("depth", [900, 970, 1_000, 5_000])
def test_depth_about_that_of_the_stack_is_refused_like_any_other(depth: int) -> None:
    assert [issue.code for issue in refused(nested(depth))] == ["too_deep"]


def test_a_smaller_limit_may_be_asked_for() -> None:
    assert loads("[1]", max_bytes=3) == [1]
    with pytest.raises(DefinitionError, match="4 bytes long; at most 3"):
        loads("[12]", max_bytes=3)


def test_everything_that_is_wrong_is_reported_at_once() -> None:
    text = r'{"a": NaN, "b": "\ud800", "b": "\u0000", "c": {"d": 12345678901234567890, "d": [1e999]}}'
    assert places(refused(text)) == {
        ("bad_number", "a"),
        ("duplicate_key", "b"),
        ("null_character", "b"),
        ("duplicate_key", "c.d"),
        ("bad_number", "c.d[0]"),
    }


def test_reports_end_after_a_hundred_faults() -> None:
    assert len(refused("[" + ",".join(["NaN"] * 100_000) + "]")) == 100
    repeated = ",".join(f'"k{n}": 1, "k{n}": 2' for n in range(20_000))
    assert len(refused("{" + repeated + "}")) == 100


@given(st.binary(max_size=200))
def test_bytes_give_a_value_or_a_refusal(text: bytes) -> None:
    try:
        value = loads(text)
    except DefinitionError as error:
        assert all(issue.message and issue.code for issue in error.issues)
    else:
        assert check_value(value) == []


_PIECES = [
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    '"a"',
    '"',
    "\\u0000",
    "\\ud800",
    "1",
    "-",
    "1e999",
    "NaN",
    "null",
    "9" * 20,
    " ",
]


@given(st.lists(st.sampled_from(_PIECES), max_size=40).map("".join))
def test_what_looks_like_json_gives_a_value_or_a_refusal(text: str) -> None:
    try:
        value = loads(text)
    except DefinitionError as error:
        assert error.issues
    else:
        assert check_value(value) == []


@given(VALUES)
def test_a_value_comes_back_as_it_was_written(value: Any) -> None:
    for text in (json.dumps(value), json.dumps(value, ensure_ascii=False)):
        found = loads(text)
        assert json.dumps(found) == json.dumps(value)
        assert loads(text.encode()) == found
    assert check_value(value) == []


# Values that are parsed already -------------------------------------------------------------------------


def _circle() -> list[Any]:
    circle: list[Any] = []
    circle.append(circle)
    return circle


def _doublings(times: int) -> list[Any]:
    value: list[Any] = [1, 1]
    for _ in range(times):
        value = [value, value]
    return value


@pytest.mark.parametrize(
    ("value", "code", "path", "words"),
    [
        pytest.param({"a": float("nan")}, "bad_number", "result.a", "nan", id="nan"),
        pytest.param([float("inf")], "bad_number", "result[0]", "inf", id="infinity"),
        pytest.param(2**53 + 1, "bad_number", "result", "2^53", id="an integer out of range"),
        pytest.param(10**5_000, "bad_number", "result", "a very large number", id="a huge integer"),
        pytest.param({"a": "\x00"}, "null_character", "result.a", "remove it", id="nul"),
        pytest.param("\ud800", "bad_unicode", "result", "remove it", id="a lone surrogate"),
        pytest.param({1: "a"}, "not_json", "result", "put it in quotes", id="a key that is a number"),
        pytest.param({None: "a"}, "not_json", "result", "null", id="a key that is null"),
        pytest.param({"a": {1, 2}}, "not_json", "result.a", "A set is not a JSON value", id="a set"),
        pytest.param([b"x"], "not_json", "result[0]", "A bytes", id="bytes"),
        pytest.param(object(), "not_json", "result", "use text", id="an object"),
        pytest.param(_circle(), "too_deep", "result" + "[0]" * 32, "32 deep", id="a list that holds itself"),
        pytest.param({"a b": [1j]}, "not_json", "result['a b'][0]", "complex", id="a key with a space"),
    ],
)
def test_a_value_is_judged_by_the_same_rules(value: Any, code: str, path: str, words: str) -> None:
    issues = check_value(value, "result")
    assert places(issues) == {(code, path)}
    assert words in issues[0].message


def test_a_value_that_shares_its_parts_is_not_walked_for_ever() -> None:
    with within(10):
        assert [issue.code for issue in check_value(_doublings(30))] == ["too_large"]


def test_a_value_is_measured_as_compact_json() -> None:
    value = {"a": "ü", "b": [1, 2]}
    size = len('{"a":"ü","b":[1,2]}'.encode())
    assert check_value(value, max_bytes=size) == []
    assert places(check_value(value, max_bytes=size - 1)) == {("too_large", "$")}


def test_depth_may_be_bounded_otherwise() -> None:
    assert check_value([[[]]], max_depth=3) == []
    assert places(check_value([[[]]], max_depth=2)) == {("too_deep", "$[0][0]")}


def test_a_subclass_of_text_is_text() -> None:
    class Word(str):
        __slots__ = ()

    assert check_value({Word("a"): Word("b")}) == []


def test_decoding_refuses_before_it_looks_inside() -> None:
    assert decode(b"\xef\xbb\xbfname: x") == "name: x"
    with pytest.raises(DefinitionError) as caught:
        decode(b"abc", max_bytes=2)
    assert places(caught.value.issues) == {("too_large", "$")}
