"""The inbox of approvals, and deciding."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from orchestrator import engine
from orchestrator.exceptions import ConflictError, InvalidError
from orchestrator.models import Approval
from orchestrator.permissions import approvals_for
from orchestrator.reads.inbox import request_of
from orchestrator.reads.keyset import parse_number
from orchestrator.reads.mails import as_query
from orchestrator.web.answers import UNPROCESSABLE, answer, go, refusal, refusals_as_pages, wants_part
from orchestrator.web.decision_forms import Parts, parts_of
from orchestrator.web.forms import SendBackForm
from orchestrator.web.mails import list_context
from orchestrator.web.offers import decision_context, earlier_tasks
from orchestrator.web.talk import talk_context
from orchestrator.web.tasks import panel_again


@require_safe
@never_cache
def inbox(request: HttpRequest) -> HttpResponse:
    """What waits for this person, folder by folder, searched and filtered by the address; htmx gets the list alone.

    Beside the list stands its first request, where there is room for both.
    """
    context = list_context(request)
    if wants_part(request):
        return answer(request, "approvals/inbox.html", context, part="approvals/_list.html")
    first = next((mail.approval.pk for mail in context["page"].mails), None)
    context |= _request(request, _approval(request, first)) if first else {"request_": None}
    return answer(request, "approvals/inbox.html", context | {"open": False})


@require_safe
@never_cache
def detail(request: HttpRequest, pk: int) -> HttpResponse:
    """One request, with what is decided on. Looking changes nothing, so links in mails are safe."""
    approval = _approval(request, pk)
    context = list_context(request) | _request(request, approval) | {"open": True}
    return answer(request, "approvals/inbox.html", context)


@require_POST
@refusals_as_pages
def decide(request: HttpRequest, pk: int) -> HttpResponse:
    """Approve or reject; on the run page the panel shows the outcome. If somebody else was first: 409, with who."""
    approval = _approval(request, pk)
    parts = parts_of(approval, request.POST)
    try:
        if not (parts.are_valid() and _decided(request, approval, parts)):
            return _once_more(request, approval, parts)
    except ConflictError as error:
        return refusal(request, error, _stands(request, approval))
    decision = parts.decision.cleaned_data["decision"]
    approval.refresh_from_db(fields=["status"])
    if _in_panel(request):
        return panel_again(request, approval.task_run)
    return go(request, _next(request, approval), _said(approval, decision))


def _stands(request: HttpRequest, approval: Approval) -> str:
    """Where one sees how it stands; the inbox it was sent from may not hold it any more."""
    if request.POST.get("back") == "run":
        return ""
    return reverse("approval-detail", args=[approval.pk]) + as_query(request.GET).address


def _said(approval: Approval, decision: str) -> str:
    word = "approved" if decision == "approve" else "rejected"
    if approval.status == Approval.Status.OPEN:
        return f"You {word} “{approval.title}”; it waits for others."
    return f"“{approval.title}” was {word}."


@require_POST
@refusals_as_pages
def decide_chosen(request: HttpRequest) -> HttpResponse:
    """Approve or reject all that is chosen in the list, each checked by itself; the answer says what became of each."""
    decision = request.POST.get("decision", "")
    comment = request.POST.get(f"{decision}-comment", "")
    ids = [parse_number(text) for text in request.POST.getlist("id")]
    outcomes = engine.decide_many(ids, decision, user=request.user, comment=comment)
    refused = [one.id for one in outcomes if not one.done]
    context = list_context(request) | {
        "outcomes": outcomes,
        "done": len(outcomes) - len(refused),
        "chosen": refused,
        "bulk_decision": decision,
        "bulk_comment": comment if refused else "",
        "open": True,
    }
    return answer(request, "approvals/inbox.html", context)


def _decided(request: HttpRequest, approval: Approval, parts: Parts) -> bool:
    """Whether it was taken; what was wrong stands beside the inputs."""
    given = parts.decision.cleaned_data
    beside, override = parts.beside(request.POST.get("seal", "")), "override" in request.POST
    said = {"comment": given["comment"], "beside": beside, "override": override}
    try:
        engine.decide(approval.pk, given["decision"], user=request.user, **said)
    except InvalidError as error:
        if not parts.take(error):
            raise
        return False
    return True


def _once_more(request: HttpRequest, approval: Approval, parts: Parts) -> HttpResponse:
    """The forms as they were sent, with what is wrong; on the run page in its panel."""
    if _in_panel(request):
        return panel_again(request, approval.task_run, parts.context, UNPROCESSABLE)
    context = list_context(request) | _request(request, approval) | parts.context | {"open": True}
    part = "approvals/_decide.html"
    return answer(request, "approvals/inbox.html", context, part=part, status=UNPROCESSABLE)


@require_POST
@refusals_as_pages
def recall(request: HttpRequest, pk: int) -> HttpResponse:
    """Who started the run takes the request back. If somebody has decided meanwhile: 409, with who."""
    approval = _approval(request, pk)
    engine.recall(approval.pk, user=request.user, reason=request.POST.get("reason", ""))
    if _in_panel(request):
        return panel_again(request, approval.task_run)
    return go(request, _next(request, approval), f"You recalled “{approval.title}”.")


def _in_panel(request: HttpRequest) -> bool:
    """Whether the form stood in the panel of the run, and not on the page of the request that was opened from there."""
    return wants_part(request) and request.htmx.target == "panel"


@require_POST
@refusals_as_pages
def send_back(request: HttpRequest, pk: int) -> HttpResponse:
    """Have an earlier task done again. If somebody else was first: 409, with who."""
    approval = _approval(request, pk)
    form = SendBackForm(request.POST, auto_id="back-%s", tasks=earlier_tasks(approval))
    if not form.is_valid():
        context = list_context(request) | _request(request, approval) | {"send_back_form": form, "open": True}
        part = "approvals/_decide.html"
        return answer(request, "approvals/inbox.html", context, part=part, status=UNPROCESSABLE)
    to, comment = form.cleaned_data["to"], form.cleaned_data["comment"]
    engine.send_back(approval.pk, to, user=request.user, comment=comment)
    if _in_panel(request):
        return panel_again(request, approval.task_run)
    return go(request, _next(request, approval), f"“{approval.title}” was sent back.")


def _next(request: HttpRequest, approval: Approval) -> str:
    """Back to the run for who came from there, else on to the request that the page says is next, else to the list."""
    if request.POST.get("back") == "run":
        return f"{reverse('run-detail', args=[approval.run_id])}?task={approval.task_run.key}"
    address = as_query(request.GET).address
    following = parse_number(request.POST.get("next", ""))
    if following and approvals_for(request.user).filter(pk=following).exists():
        return reverse("approval-detail", args=[following]) + address
    return reverse("inbox") + address


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
        **talk_context(request, approval),
    }
