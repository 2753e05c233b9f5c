"""The first page."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.http import require_safe

from orchestrator.permissions import approvals_waiting, can, runs_for, standing
from orchestrator.reads import home as reads
from orchestrator.reads.first_steps import first_steps
from orchestrator.reads.health import health
from orchestrator.web.answers import answer
from orchestrator.web.charts import hour_bars
from orchestrator.web.context import waiting_at_first


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """What needs this person, what runs, how the last day went."""
    as_of = waiting_at_first(request).mark
    runs = runs_for(request.user).filter(is_trial=False)
    asked = reads.asked(approvals_waiting(request.user), standing(request.user))
    failures = reads.failures(runs, request.user.pk)
    stuck = reads.stuck(runs) if can(request.user, "operate") else []
    running, active = reads.running(runs)
    day = reads.day(runs)
    parts = health()
    context = {
        "as_of": as_of,
        "now": timezone.now(),
        "asked": asked,
        "failures": failures,
        "stuck": stuck,
        "needs": len(asked) + len(failures) + len(stuck),
        "soonest": next((mail.approval.deadline_at for mail in asked if mail.approval.deadline_at), None),
        "running": running,
        "active": active,
        "day": day,
        "bars": hour_bars(day),
        "health_parts": parts,
        "healthy": all(part["ok"] for part in parts.values()),
        "first_steps": first_steps(request.user),
    }
    return answer(request, "home/home.html", context, part="home/_home.html")
