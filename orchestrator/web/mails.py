"""The list of the inbox as the page shows it: its folders as tabs, what is searched for as chips that can be removed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse

from orchestrator.models import Approval
from orchestrator.permissions import (
    Person,
    approvals_asked_about,
    approvals_by_way,
    approvals_for,
    sees_all_approvals,
    standing,
)
from orchestrator.reads.mails import (
    DUE,
    TESTS,
    Folders,
    InboxPage,
    InboxQuery,
    Reader,
    as_query,
    decided_by,
    decided_page,
    folders,
    lately,
    open_page,
    requesters_of,
    workflows_of,
)
from orchestrator.web.context import waiting_at_first

_DECISIONS: Final = (("approve", "Approve"), ("reject", "Reject"))
_CALLED: Final = {
    "": "For you",
    "mine": "Mine",
    "groups": "Groups",
    "delegated": "Others",
    "all": "All",
}


@dataclass(frozen=True, slots=True)
class Tab:
    """A folder; `count` is None where nothing is counted."""

    word: str
    url: str
    current: bool
    count: int | None = None


@dataclass(frozen=True, slots=True)
class Chip:
    """One thing that is searched for, and the address without it."""

    word: str
    value: str
    url: str


def list_context(request: HttpRequest) -> dict[str, Any]:
    """What the list and its search are drawn with."""
    as_of, query = waiting_at_first(request).mark, as_query(request.GET)
    waiting, visible = approvals_by_way(request.user), approvals_for(request.user)
    reader = standing(request.user)
    counts = folders(waiting, visible, approvals_asked_about(request.user))
    page = _page(request.user, query, waiting, visible, reader)
    here = reverse("inbox")
    return {
        "as_of": as_of,
        "query": query,
        "counts": counts,
        "page": page,
        "tabs": list(_tabs(query, counts, is_delegate=bool(reader[1]))),
        "chips": list(_chips(query)),
        "list_url": here + query.address,
        "clear_url": here + query.without("text", "workflow", "by", "due", "tests"),
        "halves": _halves(query),
        "first_url": here + query.at(),
        "next_url": here + query.at(after=page.after),
        # Asked for by the form alone, which a part of the page does not hold.
        "workflows": cache(lambda: _with_chosen(workflows_of(visible), query.workflow)),
        "requesters": cache(lambda: _with_chosen(requesters_of(visible), query.by)),
        "due": DUE.items(),
        "tests": TESTS.items(),
        "decisions": _DECISIONS,
        "sees_all": sees_all_approvals(request.user),
    }


def _page(
    user: Person,
    query: InboxQuery,
    waiting: QuerySet[Approval],
    visible: QuerySet[Approval],
    reader: Reader,
) -> InboxPage:
    if query.show != "decided":
        rows, questions = visible if query.show == "all" else waiting, approvals_asked_about(user)
        return open_page(rows, query, reader, questions=questions)
    if query.who:
        return decided_page(decided_by(visible, user.pk or 0), query)
    return decided_page(visible if sees_all_approvals(user) else lately(visible), query)


def _halves(query: InboxQuery) -> list[Tab]:
    """What is open and what is decided, the two halves of the inbox."""
    decided = query.show == "decided"
    return [
        Tab("Open", _url(query, ""), not decided),
        Tab("Decided", _url(query, "decided"), decided),
    ]


def _tabs(query: InboxQuery, counts: Folders, *, is_delegate: bool) -> Iterator[Tab]:
    if query.show == "decided":
        yield Tab("All", _url(query, "decided"), not query.who)
        yield Tab("By me", _url(query, "decided", who="me"), bool(query.who))
        return
    numbers = {"": counts.asked, "mine": counts.mine, "groups": counts.groups, "delegated": counts.delegated}
    for show, word in _CALLED.items():
        if show != "delegated" or is_delegate or query.show == show:
            yield Tab(word, _url(query, show), query.show == show, numbers.get(show, counts.all))


def _url(query: InboxQuery, show: str, who: str = "") -> str:
    return reverse("inbox") + query.at(show=show, who=who)


def _chips(query: InboxQuery) -> Iterator[Chip]:
    said = {
        "text": ("Holds", query.text),
        "workflow": ("Workflow", query.workflow),
        "by": ("Started by", query.by),
        "due": (DUE.get(query.due, ""), ""),
        "tests": (TESTS.get(query.tests, ""), ""),
    }
    for name, (word, value) in said.items():
        if getattr(query, name):
            yield Chip(word, value, reverse("inbox") + query.without(name))


def _with_chosen(choices: list[tuple[str, str]], chosen: str) -> list[tuple[str, str]]:
    """What is chosen stays a choice, even if nothing open is of it."""
    known = not chosen or any(name == chosen for name, _ in choices)
    return choices if known else [*choices, (chosen, chosen)]
