"""Requests for approval: the lists of the inbox, and what one decides on."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from django.contrib.auth.models import User
from django.db.models import QuerySet
from django.utils import timezone

from orchestrator.definition.normal import approver_names
from orchestrator.models import Approval, Approver, Vote
from orchestrator.planning import quorum
from orchestrator.planning.delegation import Asked, Decider, right_of
from orchestrator.reads.canvas import graph
from orchestrator.reads.delegations import decided_for
from orchestrator.reads.live import in_short, task_looks
from orchestrator.reads.outline import Outline, outline_of
from orchestrator.reads.shown import Entry, entries
from orchestrator.reads.states import Look, approval_look

MOST: Final = 100
SOON: Final = timedelta(hours=4)


@dataclass(frozen=True, slots=True)
class Mail:
    """A line of the inbox. `in_place_of` is whom the reader would decide for, `decided_for` whom somebody decided for."""

    approval: Approval
    look: Look
    names: str
    in_place_of: str = ""
    decided_for: User | None = None

    @property
    def due_soon(self) -> bool:
        deadline = self.approval.deadline_at
        return self.approval.status == "open" and deadline is not None and deadline - timezone.now() < SOON


@dataclass(frozen=True, slots=True)
class Request:
    """One request with everything a person needs to decide it."""

    approval: Approval
    look: Look
    task_name: str
    approvers: list[Approver]
    votes: list[Vote]
    data: list[Entry]
    place: dict[str, Any]

    @property
    def quorum(self) -> str:
        """How many it takes, in words, where more than one is asked."""
        asked, names = self._asked()
        several = len(names) > 1 or asked not in (None, quorum.ANY)
        return quorum.said(asked, names) if several else ""

    @property
    def so_far(self) -> str:
        """ "1 of 2 approvals", while it is open and one is not enough."""
        asked, names = self._asked()
        ballots = [quorum.Ballot.of(one) for one in (self.approval.task_run.output or {}).get("votes", [])]
        given, needed = quorum.progress(asked, names, ballots)
        return f"{given} of {needed} approvals" if needed > 1 and self.approval.status == "open" else ""

    def _asked(self) -> tuple[Any, list[str]]:
        # Who was asked on a rung later decides alone, and is no part of the quorum.
        content = self.approval.task_run.input or {}
        return content.get("quorum"), approver_names(content.get("approvers"))

    def decided_for(self) -> User | None:
        """In whose place it was decided, if it was by delegation."""
        return next((vote.for_person for vote in self.votes if vote.for_person_id), None)

    @property
    def seal(self) -> str:
        """The start of the content hash, in two groups for the eye."""
        digest = self.approval.content_hash
        return f"{digest[:4]} {digest[4:8]}"

    @property
    def on_timeout(self) -> str:
        """What happens when nobody decides, in words."""
        words = {"approve": "approved", "reject": "rejected", "fail": "failed"}
        return words.get(self.approval.on_timeout, self.approval.on_timeout)

    @property
    def share_left(self) -> float | None:
        """Of the time to decide in, how much is left: from 0 to 100."""
        start, end = self.approval.requested_at, self.approval.deadline_at
        if end is None or end <= start:
            return None
        left = (end - timezone.now()) / (end - start)
        return round(100 * min(1.0, max(0.0, left)), 1)


def mails(rows: QuerySet[Approval], reader: tuple[Decider, Sequence[Decider]] | None = None) -> list[Mail]:
    """The lines for these requests, in their order; two queries, and one more if some are closed.

    `reader` is who reads them, with those in whose place they decide.
    """
    found = list(
        rows.select_related("run__workflow", "run__started_by", "decided_by").defer(
            "run__workflow__draft", "run__params", "data"
        )[:MOST]
    )
    asked = _asked([approval.pk for approval in found])
    decided = decided_for(approval.pk for approval in found if approval.decided_by_id)
    return [
        Mail(
            approval,
            approval_look(approval.status),
            in_short([one.name.removeprefix("group:") for one in asked.get(approval.pk, ())] or ["nobody"]),
            _in_place_of(reader, asked.get(approval.pk, ())) if approval.status == "open" else "",
            decided.get(approval.pk),
        )
        for approval in found
    ]


def _in_place_of(reader: tuple[Decider, Sequence[Decider]] | None, asked: Sequence[Asked]) -> str:
    if reader is None or not reader[1]:
        return ""
    right = right_of(*reader, asked, None)
    return right.of.shown if right.of else ""


def _asked(approval_ids: Iterable[int]) -> dict[int, list[Asked]]:
    found: dict[int, list[Asked]] = {}
    rows = Approver.objects.filter(approval_id__in=list(approval_ids)).order_by("pk")
    for approval_id, *asked in rows.values_list("approval_id", "user_id", "name", "group_id"):
        found.setdefault(approval_id, []).append(Asked(*asked))
    return found


def request_of(approval: Approval) -> Request:
    shape = outline_of(approval.run.version_id)
    return Request(
        approval=approval,
        look=approval_look(approval.status),
        task_name=shape.name_of(approval.task_run.key),
        approvers=list(approval.approvers.select_related("user", "group").order_by("pk")),
        votes=list(approval.votes.select_related("person", "for_person").order_by("at")),
        data=entries(approval.data),
        place=_place(approval, shape),
    )


def _place(approval: Approval, shape: Outline) -> dict[str, Any]:
    """The gate on the canvas, with what leads to it and what follows, as they stand."""
    key = approval.task_run.key
    task = shape.tasks[key]
    near = [*task.dependencies, key, *(follower.key for follower in shape.followers(key))]
    crop = graph(Outline(shape.name, {name: shape.tasks[name] for name in shape.tasks if name in near}))
    looks = task_looks(approval.run, shape, near)
    nodes = [
        {name: value for name, value in node.items() if name != "position"} | looks[node["key"]].as_dict()
        for node in crop["nodes"]
    ]
    shown = {node["key"] for node in nodes}
    edges = [edge for edge in crop["edges"] if edge["from"] in shown]
    return {"nodes": nodes, "edges": edges, "selected": key}


def decided_since(rows: QuerySet[Approval], days: int = 7) -> tuple[QuerySet[Approval], datetime]:
    """The requests closed in the last days, newest first."""
    since = timezone.now() - timedelta(days=days)
    closed = rows.exclude(status=Approval.Status.OPEN).filter(decided_at__gte=since)
    return closed.order_by("-decided_at"), since
