"""Commands for the chats that are told of approvals."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import click
from django.utils import timezone
from rich.console import RenderableType
from rich.text import Text

from orchestrator import conf
from orchestrator.cli.base import BatonCommand, as_user, emit, person, row, table
from orchestrator.cli.exits import Exit
from orchestrator.exceptions import NotFoundError
from orchestrator.models import ChatHook
from orchestrator.notices import hooks
from orchestrator.notices.chat import EVENTS
from orchestrator.reads.notices import Chat, chats
from orchestrator.reads.status import find_workflow


@click.group("chats")
def group() -> None:
    """Channels of Slack and Teams, and programs of your own, that are told of approvals."""


@group.command("list", cls=BatonCommand)
def chats_list() -> None:
    """List the chats that are told, of what, and how it goes."""
    found = chats()
    emit({"chats": [_described(one) for one in found]}, lambda: _table(found))


def _described(one: Chat) -> dict[str, Any]:
    hook = one.hook
    return {
        "name": hook.name,
        "kind": hook.kind,
        "host": hook.host,
        "events": hook.events,
        "workflows": [workflow.key for workflow in hook.workflows.all()],
        "paused": hook.paused_at is not None,
        "sent": one.sent,
        "failed": one.failed,
        "error": one.error,
    }


def _table(found: Sequence[Chat]) -> RenderableType:
    if not found:
        return Text("No chat is told. Name one by: baton chats add NAME --url URL")
    shown = table("Name", "Kind", "Is told", "Sent", "Given up", "Last error")
    for one in found:
        paused = " (paused)" if one.hook.paused_at else ""
        told = ", ".join(one.hook.events) + paused
        row(shown, one.hook.name, one.hook.kind, told, one.sent, one.failed, one.error)
    return shown


@group.command("add", cls=BatonCommand)
@click.argument("name")
@click.option("--url", required=True, help="The address of the webhook; it is encrypted and not shown again.")
@click.option("--kind", type=click.Choice(ChatHook.Kind.values), default="slack", show_default=True)
@click.option(
    "--event", "events", type=click.Choice(list(EVENTS)), multiple=True, help="Of what; of all if none is."
)
@click.option("--workflow", "keys", metavar="WORKFLOW", multiple=True, help="Of which; of all if none is.")
@as_user
def add(
    name: str, url: str, kind: str, events: tuple[str, ...], keys: tuple[str, ...], user: str | None
) -> None:
    """Tell a chat. The key that signs messages of the kind plain is printed this once."""
    workflows = [find_workflow(key) for key in keys]
    hook, key = hooks.add(name, kind, url, events or list(EVENTS), workflows=workflows, user=person(user))
    said = f"{hook.name} is told from now on. Try it: baton chats test {hook.name!r}"
    emit({"name": hook.name, "key": key}, lambda: Text(f"{said}\nIts key: {key}" if key else said))


@group.command("test", cls=BatonCommand)
@click.argument("name")
def try_out(name: str) -> None:
    """Send a test message to a chat, and say how it went. Exit code 1 if it was not taken."""
    ok, said = hooks.try_out(_called(name), conf.base_url(), timezone.now())
    emit({"ok": ok, "said": said}, lambda: Text(said))
    if not ok:
        raise click.exceptions.Exit(Exit.FAILED)


@group.command("remove", cls=BatonCommand)
@click.argument("name")
def remove(name: str) -> None:
    """Tell a chat nothing any more, and forget its address."""
    hooks.remove(_called(name))
    emit({"name": name}, lambda: Text(f"{name} is removed."))


def _called(name: str) -> ChatHook:
    found = ChatHook.objects.filter(name=name).first()
    if found is None:
        raise NotFoundError(f"There is no chat {name!r}; 'baton chats list' shows them.")
    return found


COMMANDS = (group,)
