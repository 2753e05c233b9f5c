"""Approvals: what waits for a decision, and the decision."""

from __future__ import annotations

from typing import Any, Literal

from django.contrib.auth.models import User
from django.db.models import OuterRef, QuerySet, Subquery
from django.shortcuts import get_object_or_404
from rest_framework.request import Request
from rest_framework.response import Response

from orchestrator import engine
from orchestrator.api.answers import ApprovalPageSerializer, ApprovalSerializer, OutcomesSerializer
from orchestrator.api.base import ApiView, page
from orchestrator.api.openapi import operation
from orchestrator.api.requests import (
    ApprovalQuery,
    DecisionSerializer,
    DecisionsSerializer,
    RecallSerializer,
    SendBackSerializer,
)
from orchestrator.models import Approval, Vote
from orchestrator.permissions import (
    Person,
    approvals_delegated,
    approvals_for,
    approvals_to_decide,
    require,
)


def _shown(approvals: QuerySet[Approval]) -> QuerySet[Approval]:
    related = approvals.select_related("run__workflow", "task_run", "decided_by").prefetch_related(
        "approvers", "votes__person", "votes__for_person"
    )
    votes = Vote.objects.filter(approval=OuterRef("pk"), for_person__isnull=False, voided_at=None)
    return related.defer("run__workflow__draft", "task_run__input", "task_run__output").annotate(
        decided_for=Subquery(votes.values("for_person__username")[:1])
    )


def _approval(user: Person, pk: int) -> Approval:
    return get_object_or_404(_shown(approvals_for(user)), pk=pk)


def _chosen(user: Person, query: dict[str, Any]) -> QuerySet[Approval]:
    if query["delegated"]:
        return approvals_delegated(user)
    ever = query.get("status") != Approval.Status.OPEN
    return approvals_to_decide(user, ever=ever) if query["mine"] else approvals_for(user)


class ApprovalsView(ApiView):
    @operation("approvals_list", "List approvals", answers=ApprovalPageSerializer, query=ApprovalQuery)
    def get(self, request: Request) -> Response:
        """Newest first, those you may see; with `mine`, those that ask you; with `delegated`, those that ask somebody in
        whose place you decide."""
        query = self.query(ApprovalQuery)
        rows = _chosen(request.user, query)
        if "status" in query:
            rows = rows.filter(status=query["status"])
        return page(_shown(rows), query, ApprovalSerializer)


class ApprovalView(ApiView):
    @operation("approvals_read", "Read an approval", answers=ApprovalSerializer, errors=(404,))
    def get(self, request: Request, pk: int) -> Response:
        return Response(ApprovalSerializer(_approval(request.user, pk)).data)


class DecisionView(ApiView):
    """What approving and rejecting share."""

    def decide(self, request: Request, pk: int, decision: Literal["approve", "reject"]) -> Response:
        user = request.user
        approval = _approval(user, pk)
        require(user, "approve", approval)
        body = self.body(DecisionSerializer)
        given = engine.Beside(body.get("fields", {}), body.get("edits", {}), body.get("seal", ""))
        said = {"comment": body["comment"], "override": body["override"]}
        engine.decide(approval.pk, decision, user=user, beside=given, **said)
        return Response(ApprovalSerializer(_approval(user, pk)).data)


class ApproveView(DecisionView):
    @operation(
        "approvals_approve",
        "Approve",
        answers=ApprovalSerializer,
        takes=DecisionSerializer,
        errors=(403, 404, 409, 415),
    )
    def post(self, request: Request, pk: int) -> Response:
        """409, with the name of whoever decided, when somebody was first."""
        return self.decide(request, pk, "approve")


class RejectView(DecisionView):
    @operation(
        "approvals_reject",
        "Reject",
        answers=ApprovalSerializer,
        takes=DecisionSerializer,
        errors=(403, 404, 409, 415),
    )
    def post(self, request: Request, pk: int) -> Response:
        """409, with the name of whoever decided, when somebody was first."""
        return self.decide(request, pk, "reject")


class DecisionsView(ApiView):
    @operation(
        "approvals_decide",
        "Decide several",
        answers=OutcomesSerializer,
        takes=DecisionsSerializer,
        errors=(403, 415),
    )
    def post(self, request: Request) -> Response:
        """Each by itself, with a check of its own: what one refuses changes nothing for the others, and is said in its
        result. Deciding in the stead of those who are asked is not done here."""
        user = request.user
        require(user, "approve")
        given = self.body(DecisionsSerializer)
        outcomes = engine.decide_many(given["ids"], given["decision"], user=user, comment=given["comment"])
        done = sum(one.done for one in outcomes)
        return Response(OutcomesSerializer({"done": done, "results": outcomes}).data)


class RecallView(ApiView):
    @operation(
        "approvals_recall",
        "Recall an approval",
        answers=ApprovalSerializer,
        takes=RecallSerializer,
        errors=(403, 404, 409, 415),
    )
    def post(self, request: Request, pk: int) -> Response:
        """Take the request back, as the person who started the run. 409, with the name of whoever decided, when somebody
        was first."""
        approval = _approval(request.user, pk)
        assert isinstance(request.user, User)
        engine.recall(approval.pk, user=request.user, reason=self.body(RecallSerializer)["reason"])
        return Response(ApprovalSerializer(_approval(request.user, pk)).data)


class SendBackView(ApiView):
    @operation(
        "approvals_send_back",
        "Send back",
        answers=ApprovalSerializer,
        takes=SendBackSerializer,
        errors=(403, 404, 409, 415),
    )
    def post(self, request: Request, pk: int) -> Response:
        """The task named in `to`, and everything behind it, is done again; then it is asked anew. 409, with the name of
        whoever decided, when somebody was first."""
        approval = _approval(request.user, pk)
        require(request.user, "approve", approval)
        given = self.body(SendBackSerializer)
        said = {"comment": given["comment"], "override": given["override"]}
        engine.send_back(approval.pk, given["to"], user=request.user, **said)
        return Response(ApprovalSerializer(_approval(request.user, pk)).data)
