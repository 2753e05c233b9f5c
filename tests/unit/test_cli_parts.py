"""What the commands are made of: parameters from text, exit codes, text that cannot steer a terminal."""

from __future__ import annotations

import json
from typing import Any

import click
import pytest
from click.testing import CliRunner
from django.db import OperationalError
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.catalog import UnknownTemplateError
from orchestrator.cli.exits import Exit, Failure, exit_code, plain, sentence
from orchestrator.cli.params import param_option, typed
from orchestrator.definition.fields import FieldType
from orchestrator.definition.issues import DefinitionError, Issue
from orchestrator.exceptions import ConflictError, InvalidError, NotAllowedError, NotFoundError

READ: list[tuple[FieldType, str, Any]] = [
    ("string", "007", "007"),
    ("string", '{"a": 1}', '{"a": 1}'),
    ("string", "", ""),
    ("integer", "42", 42),
    ("integer", "-1", -1),
    ("number", "1", 1),
    ("number", "0.5", 0.5),
    ("boolean", "true", True),
    ("boolean", "No", False),
    ("boolean", "1", True),
    ("list", '["a", 1]', ["a", 1]),
    ("map", '{"a": [true]}', {"a": [True]}),
    ("any", "[1]", [1]),
    ("any", "plain words", "plain words"),
]
REFUSED: list[tuple[FieldType, str]] = [
    ("integer", "1.5"),
    ("integer", "many"),
    ("number", "NaN"),
    ("number", "true"),
    ("boolean", "maybe"),
    ("list", '{"a": 1}'),
    ("list", "a,b"),
    ("map", "[1]"),
    ("map", '{"a": 1, "a": 2}'),
]


@pytest.mark.parametrize(("kind", "text", "value"), READ)
def test_a_value_is_read_as_the_declared_type(kind: FieldType, text: str, value: Any) -> None:
    found = typed({"x": text}, {"x": kind})["x"]
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(("kind", "text"), REFUSED)
def test_a_value_of_another_type_is_refused_with_its_place(kind: FieldType, text: str) -> None:
    with pytest.raises(InvalidError, match="x must be") as caught:
        typed({"x": text}, {"x": kind})
    assert [issue.path for issue in caught.value.issues] == ["parameters.x"]


def test_a_name_that_was_not_declared_stays_text() -> None:
    assert typed({"other": "1"}, {"x": "integer"}) == {"other": "1"}


@click.command()
@param_option
def echo(params: dict[str, str]) -> None:
    click.echo(json.dumps(params))


def test_pairs_are_split_at_the_first_equals_sign() -> None:
    result = CliRunner().invoke(echo, ["--param", "a=b=c", "--param", " d =e"])
    assert json.loads(result.stdout) == {"a": "b=c", "d": "e"}


@pytest.mark.parametrize("pairs", [["novalue"], ["=x"], ["a=1", "a=2"]])
def test_what_is_no_pair_or_given_twice_is_wrong_usage(pairs: list[str]) -> None:
    arguments = [word for pair in pairs for word in ("--param", pair)]
    assert CliRunner().invoke(echo, arguments).exit_code == Exit.USAGE


CODES = [
    (NotFoundError("no"), Exit.NOT_FOUND),
    (UnknownTemplateError("x"), Exit.NOT_FOUND),
    (ConflictError("no"), Exit.CONFLICT),
    (InvalidError("no"), Exit.FAILED),
    (NotAllowedError("no"), Exit.FAILED),
    (DefinitionError([Issue("$", "c", "no")]), Exit.FAILED),
    (OperationalError("away"), Exit.FAILED),
    (ZeroDivisionError("oops"), Exit.FAILED),
]


@pytest.mark.parametrize(("error", "code"), CODES, ids=lambda value: type(value).__name__)
def test_every_error_has_an_exit_code_and_a_sentence_without_a_trace(error: Exception, code: Exit) -> None:
    assert exit_code(error) == code
    assert "\n" not in sentence(error)
    assert "Traceback" not in sentence(error)


def test_with_json_an_error_is_an_object_on_stdout_and_a_sentence_on_stderr(
    capsys: pytest.CaptureFixture[str],
) -> None:
    issues = [Issue("tasks.a", "one", "First."), Issue("tasks.b", "two", "Second.")]
    Failure(DefinitionError(issues), as_json=True).show()
    printed = capsys.readouterr()
    body = json.loads(printed.out)["error"]
    assert (body["code"], [issue["path"] for issue in body["issues"]]) == ("one", ["tasks.a", "tasks.b"])
    assert printed.err.splitlines()[0].startswith("Error: tasks.a: First.")
    assert "  tasks.b: Second." in printed.err.splitlines()


@given(st.text())
def test_no_text_can_steer_a_terminal(text: str) -> None:
    shown = plain(text)
    assert len(shown) == len(text)
    assert all(character.isprintable() or character in "\n\t�" for character in shown)


def test_an_escape_sequence_is_made_harmless() -> None:
    assert plain("\x1b[2Jhello\x9b") == "�[2Jhello�"
