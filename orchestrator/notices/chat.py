"""Messages to chats, in the shape that each takes. Pure: no network, no database.

What people wrote goes only where no chat reads commands, mentions or links in it: `plain_text` and escaped text of Slack,
text runs of Teams.
"""

from __future__ import annotations

import hmac
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from orchestrator.models import ChatHook, Notice

Kind = Notice.Kind
EVENTS: Final[dict[str, str]] = {
    "asked": "Somebody is asked to decide",
    "escalated": "Others are asked, because nobody decided",
    "decided": "It was approved, rejected or withdrawn",
    "overdue": "Nobody decided: a reminder is due, or the time is over",
    "overridden": "An administrator decided in others’ stead",
}
_EVENT_OF: Final[dict[str, str]] = {
    Kind.ASKED: "asked",
    Kind.ESCALATED: "escalated",
    Kind.APPROVED: "decided",
    Kind.REJECTED: "decided",
    Kind.WITHDRAWN: "decided",
    Kind.RECALLED: "decided",
    Kind.SENT_BACK: "decided",
    Kind.REMINDED: "overdue",
    Kind.EXPIRED: "overdue",
    Kind.OVERRIDDEN: "overridden",
}
_HEADER, _TEXT = 150, 1000  # characters; Slack refuses longer headers and sections of over 3,000


@dataclass(frozen=True, slots=True)
class Message:
    """What is told, before it has a shape. `facts` are names and values in the order in which they are read."""

    id: str
    event: str
    kind: str
    title: str
    sentence: str
    quote: str
    facts: Mapping[str, str]
    link: str
    at: str


def event_of(kind: str) -> str:
    """The event that a hook may ask for; '' for what chats are not told."""
    return _EVENT_OF.get(kind, "")


def body_of(kind: str, message: Message) -> bytes:
    """What is posted to a chat of this kind."""
    return json.dumps(_SHAPES[kind](message), ensure_ascii=False).encode()


def signature(key: str, timestamp: str, body: bytes) -> str:
    """By which a receiver tells that this came from here, and when: HMAC-SHA256 over `timestamp.body`."""
    return "sha256=" + hmac.digest(key.encode(), timestamp.encode() + b"." + body, "sha256").hex()


def _slack(message: Message) -> dict[str, Any]:
    lines = [_escaped(message.sentence)]
    if message.quote:
        lines += ["\n".join(f"> {line}" for line in _escaped(_cut(message.quote, _TEXT)).splitlines())]
    facts = " · ".join(f"{_escaped(name)}: {_escaped(value)}" for name, value in message.facts.items())
    title = {"type": "plain_text", "text": _cut(message.title, _HEADER) or "–", "emoji": False}
    link = f"<{_escaped(message.link)}|Look at it in Baton>"
    return {
        # Read in notifications, where no blocks are shown.
        "text": _escaped(f"{_cut(message.title, _HEADER)}: {message.sentence}"),
        "unfurl_links": False,
        "blocks": [
            {"type": "header", "text": title},
            {"type": "section", "text": {"type": "mrkdwn", "text": "\n".join(lines), "verbatim": True}},
            {"type": "context", "elements": [{"type": "mrkdwn", "text": facts, "verbatim": True}]},
            {"type": "section", "text": {"type": "mrkdwn", "text": link}},
        ],
    }


def _escaped(text: str) -> str:
    """The three signs by which Slack knows mentions such as `<!channel>` and links."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _teams(message: Message) -> dict[str, Any]:
    facts = " · ".join(f"{name}: {value}" for name, value in message.facts.items())
    body = [_run(_cut(message.title, _HEADER), size="Large", weight="Bolder"), _run(message.sentence)]
    if message.quote:
        body.append(_run(_cut(message.quote, _TEXT), italic=True))
    body.append(_run(facts, isSubtle=True, size="Small"))
    card = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "body": body,
        "actions": [{"type": "Action.OpenUrl", "title": "Look at it in Baton", "url": message.link}],
    }
    attachment = {
        "contentType": "application/vnd.microsoft.card.adaptive",
        "contentUrl": None,
        "content": card,
    }
    return {"type": "message", "attachments": [attachment]}


def _run(text: str, **looks: Any) -> dict[str, Any]:
    """A text run: unlike a text block it reads no markdown, so that no link can pose as ours."""
    return {"type": "RichTextBlock", "inlines": [{"type": "TextRun", "text": text, **looks}]}


def _plain(message: Message) -> dict[str, Any]:
    return {
        "id": message.id,
        "event": message.event,
        "kind": message.kind,
        "title": message.title,
        "sentence": message.sentence,
        "text": message.quote,
        **{name.lower().replace(" ", "_"): value for name, value in message.facts.items()},
        "link": message.link,
        "at": message.at,
    }


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"


_SHAPES: Final[dict[str, Callable[[Message], dict[str, Any]]]] = {
    ChatHook.Kind.SLACK: _slack,
    ChatHook.Kind.TEAMS: _teams,
    ChatHook.Kind.PLAIN: _plain,
}
