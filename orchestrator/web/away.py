"""The page on which somebody who will be away names who decides in their place."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from orchestrator import engine
from orchestrator.exceptions import BatonError, InvalidError
from orchestrator.models import Delegation
from orchestrator.permissions import can, delegations_for, require_own
from orchestrator.reads.delegations import to_come
from orchestrator.web.account_forms import AwayForm
from orchestrator.web.answers import UNPROCESSABLE, refusals_as_pages

_CONFLICT = 409
_FIELDS = {"to": "to", "starts_at": "first_day", "ends_at": "last_day", "reason": "reason"}


@never_cache
@require_http_methods(["GET", "POST"])
def away(request: HttpRequest) -> HttpResponse:
    """One's own delegations that are not over, those given to one, and the form for another."""
    form = AwayForm(request.POST or None)
    if not form.is_valid():
        return _page(request, form, UNPROCESSABLE if form.is_bound else 200)
    try:
        made = _delegate(request, form)
    except BatonError as error:
        _put(error, form)
        return _page(request, form, UNPROCESSABLE if isinstance(error, InvalidError) else error.status)
    messages.success(request, f"{made.to} decides for you while you are away.")
    return redirect("away")


def _delegate(request: HttpRequest, form: AwayForm) -> Delegation:
    given = form.cleaned_data
    return engine.delegate(
        request.user,
        given["to"],
        starts_at=form.starts_at(),
        ends_at=form.ends_at(),
        reason=given["reason"],
        by=request.user,
    )


def _put(error: BatonError, form: AwayForm) -> None:
    """The refusal beside the field it is about, or above the form."""
    place = error.issues[0].path if isinstance(error, InvalidError) and error.issues else ""
    form.add_error(_FIELDS.get(place), error.message)


def _page(request: HttpRequest, form: AwayForm, status: int) -> HttpResponse:
    now = timezone.now()
    context = {
        "form": form,
        "own": to_come(request.user.delegations.all(), now),
        "given": to_come(request.user.delegated.all(), now),
        "decides": can(request.user, "approve"),
        "now": now,
    }
    return render(request, "accounts/away.html", context, status=status)


@require_POST
@refusals_as_pages
def revoke(request: HttpRequest, pk: int) -> HttpResponse:
    delegation = get_object_or_404(delegations_for(request.user).select_related("to", "person"), pk=pk)
    require_own(request.user, delegation)
    engine.revoke_delegation(delegation)
    messages.success(request, f"{delegation.to} no longer decides for {delegation.person}.")
    return redirect("away")
