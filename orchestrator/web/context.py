"""What the frame around every page shows: the way to other pages, and what waits for this person."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any, NamedTuple

from django.db import Error
from django.db.models import Count, Max, Sum
from django.http import HttpRequest
from django.urls import reverse

from orchestrator.permissions import Person, approvals_asked_about, approvals_waiting, can

logger = logging.getLogger(__name__)


class Entry(NamedTuple):
    key: str
    label: str
    route: str
    icon: str
    may: Callable[[Person], bool] = lambda _: True
    last: bool = False


ENTRIES = (
    Entry("home", "Home", "home", "i-house"),
    Entry("workflows", "Workflows", "workflow-list", "i-workflow"),
    Entry("runs", "Runs", "run-list", "i-history"),
    Entry("approvals", "Approvals", "inbox", "i-hand"),
    Entry("my-tasks", "My tasks", "my-tasks", "i-check"),
    Entry("agents", "Agents", "agent-list", "i-bot", may=lambda user: can(user, "view")),
    Entry("chats", "Chats", "chats", "i-message-square", may=lambda user: can(user, "admin")),
    Entry("secrets", "Secrets", "secrets", "i-key-round", may=lambda user: can(user, "admin")),
    Entry("settings", "Profile", "profile", "i-settings", last=True),
)


def frame(request: HttpRequest) -> dict[str, Any]:
    """For base.html. Nobody signed in: no frame, so nothing is asked of the database."""
    user = getattr(request, "user", None)
    if user is None or not user.is_authenticated:
        return {}
    entries = [_shown(entry, request) for entry in ENTRIES if entry.may(user)]
    return {
        "nav_items": entries,
        "section": _section(request.path, entries),
        "search_url": reverse("workflow-list"),
        "new_url": reverse("workflow-new") if can(user, "design") else "",
        "user_initials": _initials(user.get_full_name() or user.get_username()),
    }


class Waiting(NamedTuple):
    """How many requests ask a person to decide, or for an answer; `mark` differs as soon as they are others."""

    number: int
    mark: str


UNKNOWN = Waiting(0, "")


def waiting_now(user: Person) -> Waiting:
    """The mark holds of each kind how many, the newest and the sum: as one comes and another goes there are as many."""
    kinds = (approvals_waiting(user), approvals_asked_about(user))
    found = [rows.aggregate(number=Count("pk"), newest=Max("pk"), sum=Sum("pk")) for rows in kinds]
    mark = "-".join(str(figure or 0) for one in found for figure in one.values())
    return Waiting(sum(one["number"] for one in found), mark)


def waiting_at_first(request: HttpRequest) -> Waiting:
    """What waited when the answer to this request was begun: a part that shows it asks before it reads anything else.

    The page compares the mark with what its socket tells, so what came while the page was made is shown as well.
    """
    if "_waiting" not in vars(request):
        vars(request)["_waiting"] = _waiting_if_known(request.user)
    known: Waiting = vars(request)["_waiting"]
    return known


def _waiting_if_known(user: Person) -> Waiting:
    """A page that has all of its own is not thrown away for the number beside it, nor does it ask for it again."""
    try:
        return waiting_now(user)
    except Error as error:
        logger.warning("The number of waiting approvals is not known: %s", error)
        return UNKNOWN


def _shown(entry: Entry, request: HttpRequest) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "key": entry.key,
        "label": entry.label,
        "url": reverse(entry.route),
        "icon": entry.icon,
    }
    if entry.key == "approvals":
        # A template that does not draw the frame, such as a fragment, never asks.
        shown["count"] = lambda: waiting_at_first(request).number
    return {**shown, "last": entry.last}


def _section(path: str, entries: list[dict[str, Any]]) -> str:
    """The entry that the page stands below, by the longest address."""
    holding = [
        entry for entry in entries if path.startswith(entry["url"]) and (entry["url"] != "/" or path == "/")
    ]
    return max(holding, key=lambda entry: len(entry["url"]), default={"key": ""})["key"]


def _initials(name: str) -> str:
    words = name.split()
    letters = words[0][:2] if len(words) == 1 else words[0][0] + words[-1][0]
    return letters.upper()
