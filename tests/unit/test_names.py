"""What may be a key, what may be shown, which name was probably meant, and where a finding stands."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.definition.issues import DefinitionError, Issue, at, show, warning
from orchestrator.definition.names import Suggester, did_you_mean, is_key, limited_advice, nearest, text_fault


@pytest.mark.parametrize("text", ["a", "Z", "load", "load-2", "a_b", "a" * 64, "toString", "hasOwnProperty"])
def test_it_may_be_a_key(text: str) -> None:
    assert is_key(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "1a",
        "_a",
        "-a",
        "a b",
        "a.b",
        "a/b",
        "../a",
        "a\n",
        "a\x00",
        "ä",
        "аdmin",
        "a" * 65,
        "a'",
        "<b>",
        "a\u200b",
    ],
)
def test_it_may_not_be_a_key(text: str) -> None:
    assert not is_key(text)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a\x00b", "a control character (U+0000)"),
        ("a\nb", "a control character (U+000A)"),
        ("a\x7f", "a control character (U+007F)"),
        ("a\x9f", "a control character (U+009F)"),
        ("\u202eabc", "turns the direction of text (U+202E)"),
        ("a\u2066b", "turns the direction of text (U+2066)"),
        ("\u200fa", "turns the direction of text (U+200F)"),
        ("a\u200bb", "an invisible character (U+200B)"),
        ("\ufeffa", "an invisible character (U+FEFF)"),
        ("a\u00adb", "an invisible character (U+00AD)"),
        ("\u3164", "an invisible character (U+3164)"),
        ("\u2800", "an invisible character (U+2800)"),
        ("a\U000e0041", "an invisible character (U+E0041)"),
        ("a\ud800", "half of a character (U+D800)"),
        ("a\u2028b", "a line separator (U+2028)"),
        ("a\u2029b", "a paragraph separator (U+2029)"),
        ("u\u0308", "not in composed form (NFC)"),
    ],
)
def test_text_that_people_cannot_see_as_it_is_has_a_fault(text: str, words: str) -> None:
    assert words in text_fault(text)
    assert text_fault(f"line\n{text}", lines=True) or text == "a\nb"


@pytest.mark.parametrize(
    "text", ["", "plain", "Prüfung", "審査", "مراجعة", "a 😀 b", "a\u00a0b", "\ufffd", "¡!"]
)
def test_text_that_people_can_read_has_none(text: str) -> None:
    assert text_fault(text) == ""


def test_only_where_it_is_said_may_text_have_lines() -> None:
    assert text_fault("a\n\r\tb", lines=True) == ""
    assert text_fault("a\tb")
    assert text_fault("a\x0bb", lines=True)


@pytest.mark.parametrize("text", ["__proto__", "constructor", "prototype"])
def test_what_would_change_an_object_of_a_browser_is_no_key(text: str) -> None:
    assert not is_key(text)


# Nearest names -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "known", "expected"),
    [
        ("extrat", ["extract", "load"], "extract"),
        ("EXTRACT", ["extract"], "extract"),
        ("dependancies", ["description", "dependencies"], "dependencies"),
        ("xyz", ["extract", "load"], ""),
        ("", ["a"], ""),
        ("load", [], ""),
        ("load", ["load", "loads"], "load"),
    ],
)
def test_the_nearest_name_is_the_one_most_alike(name: str, known: list[str], expected: str) -> None:
    assert nearest(name, known) == expected


def test_advice_is_bounded_and_an_answer_is_not() -> None:
    suggester = Suggester(["extract"], budget=2)
    assert [suggester.nearest("extrac") for _ in range(3)] == ["extract", "extract", ""]
    assert Suggester(["a" * 200]).nearest("a" * 199) == ""


def test_where_advice_is_limited_it_ends_and_begins_again_outside() -> None:
    with limited_advice(2):
        assert [nearest("lod", ["load"]) for _ in range(4)] == ["load", "load", "", ""]
        with limited_advice(1):
            assert [nearest("lod", ["load"]) for _ in range(2)] == ["load", ""]
    assert nearest("lod", ["load"]) == "load"


def test_advice_is_the_tail_of_a_sentence() -> None:
    assert did_you_mean("load") == " Did you mean 'load'?"
    assert did_you_mean("") == ""


# Findings ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "key", "expected"),
    [
        ("$", "tasks", "tasks"),
        ("tasks", "load", "tasks.load"),
        ("tasks.load.dependencies", 0, "tasks.load.dependencies[0]"),
        ("$", 3, "$[3]"),
        ("tasks", "a b", "tasks['a b']"),
        ("$", "a.b", "$['a.b']"),
        ("tasks", "", "tasks['']"),
        ("tasks", "a\nb", r"tasks['a\nb']"),
        ("tasks", "load-2", "tasks.load-2"),
    ],
)
def test_a_path_reads_like_code(path: str, key: str | int, expected: str) -> None:
    assert at(path, key) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, "null"),
        (True, "true"),
        (False, "false"),
        (3, "3"),
        (2.5, "2.5"),
        ("a", "'a'"),
        ("it's", '"it\'s"'),
        ("a\nb", r"'a\nb'"),
        ("\u202e", r"'\u202e'"),
        ([1, 2], "a list of 2"),
        ({"a": 1}, "a map of 1"),
        (10**100, "a very large number"),
        ("x" * 60, f"'{'x' * 60}'"),
        ("x" * 61, f"'{'x' * 60}…'"),
        ("it's" + "x" * 57, f'"it\'s{"x" * 56}…"'),
    ],
)
def test_a_value_is_shown_as_json_people_would_say_it(value: object, expected: str) -> None:
    assert show(value) == expected


@given(st.text(max_size=200) | st.integers() | st.floats() | st.lists(st.integers()))
def test_whatever_is_shown_is_one_short_printable_line(value: object) -> None:
    text = show(value)
    assert text.isprintable()
    assert len(text) <= 60 * 10 + 5


def test_a_finding_says_where_and_what() -> None:
    issue = Issue("tasks.load", "bad_key", "It is wrong.", hint="load2")
    assert str(issue) == "tasks.load: It is wrong."
    assert str(Issue("$", "empty", "Nothing.")) == "Nothing."
    assert issue.as_dict() == {
        "path": "tasks.load",
        "code": "bad_key",
        "message": "It is wrong.",
        "severity": "error",
        "hint": "load2",
    }
    assert warning("a", "b", "c").severity == "warning"


def test_an_error_of_a_definition_counts_what_it_does_not_show() -> None:
    one, two = Issue("$", "a", "First."), Issue("x", "b", "Second.")
    assert str(DefinitionError([one])) == "First."
    assert str(DefinitionError([two, one])) == "x: Second. (and 1 more)"
    assert str(DefinitionError([])) == "The definition cannot be accepted."
