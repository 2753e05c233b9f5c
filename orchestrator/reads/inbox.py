"""A request for approval, with what one decides on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.contrib.auth.models import User
from django.utils import timezone

from orchestrator.models import Approval, Approver, Vote
from orchestrator.planning import quorum
from orchestrator.planning.levels import Level, only_level, request_in
from orchestrator.reads.canvas import graph
from orchestrator.reads.levels import LevelLine, level_lines
from orchestrator.reads.live import task_looks
from orchestrator.reads.outline import Outline, outline_of
from orchestrator.reads.shown import Entry, entries
from orchestrator.reads.states import Look, approval_look


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
        if self.approval.levels:
            return ""
        only = self._level()
        several = len(only.approvers) > 1 or only.quorum not in (None, quorum.ANY)
        return quorum.said(only.quorum, only.approvers) if several else ""

    @property
    def so_far(self) -> str:
        """ "1 of 2 approvals", while it is open and one is not enough."""
        if self.approval.status != "open" or self.approval.levels:
            return ""
        only, ballots = self._level(), request_in(self.approval.task_run, veto=True, on_timeout="").ballots
        given, needed = quorum.progress(only.quorum, only.approvers, ballots)
        return f"{given} of {needed} approvals" if needed > 1 else ""

    def _level(self) -> Level:
        # Who was asked on a rung later decides alone, and is no part of the quorum.
        return only_level(self.approval.task_run.input or {}, True, "", None)

    @property
    def levels(self) -> list[LevelLine]:
        """Each level of a gate that has several."""
        return level_lines(self.approval, self.approvers, self.votes)

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
        words = {
            "approve": "it is approved",
            "reject": "it is rejected",
            "fail": "the task fails",
            "escalate": "others are asked",
        }
        return words.get(self.approval.on_timeout, self.approval.on_timeout)

    @property
    def share_left(self) -> float | None:
        """Of the time to decide in, how much is left: from 0 to 100."""
        start, end = self.approval.requested_at, self.approval.deadline_at
        if end is None or end <= start:
            return None
        left = (end - timezone.now()) / (end - start)
        return round(100 * min(1.0, max(0.0, left)), 1)


def request_of(approval: Approval) -> Request:
    shape = outline_of(approval.run.version_id)
    return Request(
        approval=approval,
        look=approval_look(approval.status),
        task_name=shape.name_of(approval.task_run.key),
        approvers=list(approval.approvers.select_related("user", "group").order_by("level", "pk")),
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
