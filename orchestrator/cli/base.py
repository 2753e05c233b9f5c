"""What the commands share: the decorator that makes one, its output, and the person who acts."""

from __future__ import annotations

import getpass
import json
import logging
import os
import sys
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import click
from django.contrib.auth import get_user_model
from django.contrib.auth.models import AbstractUser
from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

from orchestrator import database
from orchestrator.cli.exits import JSON_FLAG, plain
from orchestrator.exceptions import InvalidError, NotFoundError

Function = TypeVar("Function", bound=Callable[..., Any])
_PIPED_WIDTH = 160  # a file has no edge; wide enough that no cell is folded


class BatonCommand(click.Command):
    """A command that finds the database ready. It takes --json like every other."""

    needs_database = True

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.params.append(_json_option())

    def invoke(self, ctx: click.Context) -> Any:
        if "BATON_LOG_LEVEL" not in os.environ:
            logging.getLogger("orchestrator").setLevel(logging.WARNING)
        if self.needs_database:
            done = database.prepare()
            if done:
                click.echo(done, err=True)
        return super().invoke(ctx)


class OfflineCommand(BatonCommand):
    """A command that needs no database."""

    needs_database = False


def _json_option() -> click.Option:
    def remember(ctx: click.Context, _option: click.Parameter, value: bool) -> None:
        ctx.meta[JSON_FLAG] = value

    return click.Option(
        ["--json", "as_json"],
        is_flag=True,
        expose_value=False,
        is_eager=True,
        callback=remember,
        help="Print JSON and nothing else on stdout.",
    )


def wants_json() -> bool:
    return bool(click.get_current_context().meta.get(JSON_FLAG))


def console() -> Console:
    width = None if sys.stdout.isatty() or "COLUMNS" in os.environ else _PIPED_WIDTH
    return Console(markup=False, highlight=False, emoji=False, width=width)


def emit(data: Any, shown: Callable[[], RenderableType]) -> None:
    """Print the data as JSON when that was asked for, else what `shown` makes of it."""
    if wants_json():
        click.echo(json.dumps(data, indent=2))
    else:
        console().print(shown())


def emit_line(data: Any) -> None:
    """One JSON value on a line of its own, for commands that report as they go."""
    click.echo(json.dumps(data))


def say(sentence: str) -> None:
    """A remark for people, never on stdout."""
    click.echo(plain(sentence), err=True)


def table(*columns: str, title: str = "") -> Table:
    found = Table(box=None, header_style="bold", pad_edge=False, title=title or None, title_justify="left")
    for column in columns:
        found.add_column(column, overflow="fold")
    return found


def row(found: Table, *cells: object, style: Mapping[int, str] | None = None) -> None:
    """Add a row of plain text; `style` gives a cell by its position a style."""
    styles = style or {}
    found.add_row(*(Text(plain(_cell(cell)), style=styles.get(n, "")) for n, cell in enumerate(cells)))


def _cell(value: object) -> str:
    return "" if value is None else str(value)


def as_user(function: Function) -> Function:
    """The option --as, for commands that act in somebody's name."""
    option = click.option("--as", "user", metavar="USER", envvar="BATON_USER", help="Act as this user.")
    return option(function)


def acting(user: str | None) -> AbstractUser | None:
    """The person a command acts as.

    Whoever may read the data directory holds its keys and is trusted as its administrator. So without a name it is the
    account called like the operating system's user, else the first administrator; None while nobody has an account.
    """
    people = get_user_model().objects.filter(is_active=True)
    if user:
        named = people.filter(username=user).first()
        if named is None:
            raise NotFoundError(f"There is no user {user!r}.")
        return named
    own = people.filter(username=_system_user()).first()
    return own or people.filter(is_superuser=True).order_by("pk").first()


def person(user: str | None) -> AbstractUser:
    """The same, where it takes a person."""
    found = acting(user)
    if found is None:
        raise InvalidError(
            "Nobody has an account yet who could do this: make the first one in the browser, "
            "or with 'python manage.py createsuperuser'.",
            code="no_user",
        )
    return found


def _system_user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return ""  # a container may run under a number that has no name
