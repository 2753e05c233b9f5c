"""The inbox of approvals, and deciding."""

from __future__ import annotations

from typing import Any, Final

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from orchestrator import engine
from orchestrator.models import Approval
from orchestrator.permissions import approvals_delegated, approvals_for, approvals_waiting, standing
from orchestrator.reads.inbox import decided_since, mails, request_of
from orchestrator.web.answers import UNPROCESSABLE, answer, go, refusals_as_pages, wants_part
from orchestrator.web.forms import DecisionForm
from orchestrator.web.offers import decision_context
from orchestrator.web.tasks import panel_again

_SHOWN: Final = ("mine", "delegated", "all", "decided")


@require_safe
@never_cache
def inbox(request: HttpRequest) -> HttpResponse:
    """What waits for this person; `?show=` that of people in whose place they decide, all that they may see, or what was
    decided of late.

    Beside the list stands its first request, where there is room for both.
    """
    lists = _lists(request)
    first = lists["mails"][0].approval.pk if lists["mails"] else None
    context = _request(request, _approval(request, first)) if first else {"request_": None}
    return answer(request, "approvals/inbox.html", lists | context | {"open": False})


@require_safe
@never_cache
def detail(request: HttpRequest, pk: int) -> HttpResponse:
    """One request, with what is decided on. Looking changes nothing, so links in mails are safe."""
    approval = _approval(request, pk)
    context = _lists(request) | _request(request, approval) | {"open": True}
    return answer(request, "approvals/inbox.html", context)


@require_POST
@refusals_as_pages
def decide(request: HttpRequest, pk: int) -> HttpResponse:
    """Approve or reject; on the run page the panel shows the outcome. If somebody else was first: 409, with who."""
    approval = _approval(request, pk)
    form = DecisionForm(request.POST, auto_id="decision-%s")
    if not form.is_valid():
        context = _lists(request) | _request(request, approval) | {"decision_form": form, "open": True}
        part = "approvals/_decide.html"
        return answer(request, "approvals/inbox.html", context, part=part, status=UNPROCESSABLE)
    decision = form.cleaned_data["decision"]
    engine.decide(approval.pk, decision, user=request.user, comment=form.cleaned_data["comment"])
    if request.POST.get("back") == "run" and wants_part(request):
        return panel_again(request, approval.task_run)
    said = "approved" if decision == "approve" else "rejected"
    return go(request, _next(request, approval), f"“{approval.title}” was {said}.")


def _next(request: HttpRequest, approval: Approval) -> str:
    """Back to the run for who came from there, else to the inbox."""
    if request.POST.get("back") == "run":
        return f"{reverse('run-detail', args=[approval.run_id])}?task={approval.task_run.key}"
    return reverse("inbox")


def _approval(request: HttpRequest, pk: int) -> Approval:
    rows = approvals_for(request.user).select_related(
        "run__workflow", "run__version", "run__started_by", "task_run", "decided_by"
    )
    return get_object_or_404(rows.defer("run__version__definition", "run__workflow__draft"), pk=pk)


def _request(request: HttpRequest, approval: Approval) -> dict[str, Any]:
    return {
        "request_": request_of(approval),
        "approval": approval,
        "back": "run" if "run" in {request.GET.get("from"), request.POST.get("back")} else "",
        **decision_context(request, approval),
    }


def _lists(request: HttpRequest) -> dict[str, Any]:
    show = request.GET.get("show", "")
    show = show if show in _SHOWN else "mine"
    to_decide = approvals_waiting(request.user)
    visible = approvals_for(request.user)
    reader = standing(request.user)
    delegated = approvals_delegated(request.user) if reader[1] or show == "delegated" else None
    chosen = delegated if show == "delegated" and delegated is not None else to_decide
    return {
        "show": show,
        "mails": mails(_chosen(show, chosen, visible), reader),
        "delegated": _open(delegated).count() if delegated is not None else None,
        "mine": _open(to_decide).count(),
        "all": _open(visible).count(),
    }


def _chosen(show: str, asking: QuerySet[Approval], visible: QuerySet[Approval]) -> QuerySet[Approval]:
    if show == "decided":
        return decided_since(visible)[0]
    return _open(visible if show == "all" else asking).order_by("deadline_at", "pk")


def _open(rows: QuerySet[Approval]) -> QuerySet[Approval]:
    return rows.filter(status=Approval.Status.OPEN)
