"""Chats: making and removing them, and posting to one through the guard that `api_call` goes through, too."""

from __future__ import annotations

import secrets as random
from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Final

from django.contrib.auth.models import User
from django.utils import timezone

from orchestrator import conf
from orchestrator.actions.api_call import message as requests
from orchestrator.actions.api_call import reply
from orchestrator.actions.api_call.exchange import send
from orchestrator.actions.api_call.guard import Deadline
from orchestrator.actions.base import ActionError
from orchestrator.definition.issues import Issue
from orchestrator.engine.points import committing
from orchestrator.exceptions import ConflictError, InvalidError
from orchestrator.models import ChatHook, Workflow
from orchestrator.notices.chat import EVENTS, Message, body_of, signature
from orchestrator.secrets import Redactor, SecretError, seal, unseal

SECONDS: Final = 10.0  # for one message, all of it
MOST: Final = 50
_ANSWER_BYTES: Final = 64 * 1024


def add(
    name: str,
    kind: str,
    url: str,
    events: Collection[str],
    *,
    workflows: Iterable[Workflow] = (),
    user: User | None = None,
) -> tuple[ChatHook, str]:
    """Make a chat; with it the key that signs its messages, which only `plain` ones have and which is shown this once.

    Raises InvalidError naming the field, ConflictError when the name is taken.
    """
    _check(kind, url, events)
    hook = ChatHook(name=name, kind=kind, events=[one for one in EVENTS if one in events], created_by=user)
    hook.host = requests.parse_url(url).host
    hook.url_sealed = seal(url, _place(hook, "url"))
    key = random.token_urlsafe(32) if kind == ChatHook.Kind.PLAIN else ""
    hook.signing_sealed = seal(key, _place(hook, "key")) if key else ""
    with committing("chat"):
        if ChatHook.objects.count() >= MOST:
            raise ConflictError(f"There are {MOST} chats already; remove one first.", code="too_many")
        if ChatHook.objects.filter(name=name).exists():
            raise ConflictError(f"There is a chat called {name} already.", code="name_taken")
        hook.save()
        hook.workflows.set(workflows)
    return hook, key


def _check(kind: str, url: str, events: Collection[str]) -> None:
    if kind not in ChatHook.Kind.values:
        raise _wrong("kind", f"A chat is one of {', '.join(ChatHook.Kind.values)}.")
    if fault := requests.url_fault(url):
        raise _wrong("url", fault)
    if not events or set(events) - set(EVENTS):
        raise _wrong("events", f"Choose at least one of {', '.join(EVENTS)}.")


def _wrong(place: str, text: str) -> InvalidError:
    return InvalidError(text, [Issue(place, "bad_chat", text)])


def remove(hook: ChatHook) -> None:
    with committing("chat gone"):
        ChatHook.objects.filter(pk=hook.pk).delete()


def pause(hook: ChatHook, *, paused: bool) -> None:
    """A paused chat is told nothing, and is not told later of what happened meanwhile."""
    with committing("chat paused"):
        ChatHook.objects.filter(pk=hook.pk).update(paused_at=timezone.now() if paused else None)


def post(hook: ChatHook, message: Message, now: datetime) -> int:
    """Send it; the status of the answer. Raises ActionError, which never holds the address."""
    url = _opened(hook, "url", hook.url_sealed)
    try:
        request = requests.build(_parameters(hook, url, message, now), f"baton-{message.id}")
        answer = send(
            request,
            allowed=conf.api_allowed_hosts(),
            deadline=Deadline(SECONDS),
            max_bytes=_ANSWER_BYTES,
        )
        reply.require_expected(answer, ["2xx"], now)
    except ActionError as error:
        error.message = Redactor([url, requests.parse_url(url).path]).text(error.message)
        raise
    return answer.status


def _parameters(hook: ChatHook, url: str, message: Message, now: datetime) -> dict[str, object]:
    body = body_of(hook.kind, message)
    headers = {"Content-Type": "application/json"}
    if hook.signing_sealed:
        timestamp = str(int(now.timestamp()))
        key = _opened(hook, "key", hook.signing_sealed)
        headers |= {
            "X-Baton-Timestamp": timestamp,
            "X-Baton-Signature": signature(key, timestamp, body),
        }
    return {"method": "POST", "url": url, "headers": headers, "body": body.decode()}


def _opened(hook: ChatHook, what: str, token: str) -> str:
    try:
        return str(unseal(token, _place(hook, what)))
    except SecretError as error:
        raise ActionError("secret_unreadable", str(error), retryable=False) from None


def _place(hook: ChatHook, what: str) -> str:
    return f"chat:{hook.uid}:{what}"


def try_out(hook: ChatHook, link: str, now: datetime) -> tuple[bool, str]:
    """Post a test message at once; whether it was taken, and a sentence."""
    message = Message(
        id=f"test-{random.token_hex(8)}",
        event="test",
        kind="test",
        title="A test message from Baton",
        sentence="If you can read this, this chat is told what you chose.",
        quote="",
        facts={"Chat": hook.name},
        link=link,
        at=now.isoformat(),
    )
    try:
        status = post(hook, message, now)
    except ActionError as error:
        return False, f"It was not sent: {error.message}"
    return True, f"It was sent: {hook.host} answered {status}."
