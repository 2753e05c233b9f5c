"""Exit codes that scripts can use, and how an error becomes one of them and a sentence."""

from __future__ import annotations

import json
from enum import IntEnum
from typing import IO, Any

import click
from django.db import DatabaseError

from orchestrator.catalog import UnknownTemplateError
from orchestrator.definition.issues import DefinitionError, Issue
from orchestrator.exceptions import BatonError, ConflictError, NotFoundError

JSON_FLAG = "baton.json"
_SHOWN = 50


class Exit(IntEnum):
    """What the exit code of `baton` means."""

    OK = 0
    FAILED = 1  # the run failed, the definition is not valid, or it could not be done
    USAGE = 2  # the command line was wrong
    NOT_FOUND = 3
    CONFLICT = 4  # the state does not allow it, or somebody else was first
    TIMEOUT = 5  # the time given was over before the run
    INTERRUPTED = 130


class Failure(click.ClickException):
    """An error as people and programs get it: sentences on stderr, with --json also an object on stdout."""

    def __init__(self, error: Exception, *, as_json: bool) -> None:
        super().__init__(sentence(error))
        self.exit_code = int(exit_code(error))
        self.as_json = as_json
        self.body = {
            "code": getattr(error, "code", None) or _code(error),
            "message": self.message,
            "issues": [issue.as_dict() for issue in issues_of(error)],
        }

    def show(self, file: IO[Any] | None = None) -> None:
        if self.as_json:
            click.echo(json.dumps({"error": self.body}))
        click.echo(f"Error: {plain(self.message)}", file=file, err=True)
        issues = self.body["issues"]
        for issue in issues[:_SHOWN] if len(issues) > 1 else ():
            click.echo(f"  {plain(issue['path'])}: {plain(issue['message'])}", file=file, err=True)


def exit_code(error: Exception) -> Exit:
    if isinstance(error, NotFoundError | UnknownTemplateError):
        return Exit.NOT_FOUND
    if isinstance(error, ConflictError):
        return Exit.CONFLICT
    return Exit.FAILED


def sentence(error: Exception) -> str:
    """What went wrong, without a trace."""
    if isinstance(error, BatonError | DefinitionError):
        return str(error)
    if isinstance(error, DatabaseError):
        return f"The database does not do as asked: {_first_line(error)}"
    if isinstance(error, OSError) and error.strerror:
        return f"{error.strerror}: {error.filename}" if error.filename else error.strerror
    return f"Something unexpected happened ({type(error).__name__}: {_first_line(error)}). BATON_DEBUG=1 shows where."


def issues_of(error: Exception) -> tuple[Issue, ...]:
    return tuple(getattr(error, "issues", ()))


def plain(text: str) -> str:
    """Text without the control characters by which a name or an output could steer a terminal."""
    return "".join(character if character.isprintable() or character in "\n\t" else "�" for character in text)


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or ["no details"])[0]


def _code(error: Exception) -> str:
    if isinstance(error, DefinitionError):
        return error.issues[0].code if error.issues else "invalid"
    return "database" if isinstance(error, DatabaseError) else "error"
