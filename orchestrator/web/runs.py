"""The list of runs and the page of one, with the parts that the page asks for again."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone
from django.utils.dateparse import parse_date
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from orchestrator.models import Run
from orchestrator.permissions import can, own_workflows, runs_for, workflows_for
from orchestrator.reads.history import events_before
from orchestrator.reads.keyset import parse_number
from orchestrator.reads.lists import RUN_FILTERS, RunQuery, names_of_filters, run_page, with_names
from orchestrator.reads.live import facts, live
from orchestrator.reads.panel import task_panel
from orchestrator.reads.run_page import RunPage
from orchestrator.reads.run_page import run_page as whole_page
from orchestrator.reads.shown import entries
from orchestrator.reads.states import LEGEND
from orchestrator.reads.timeline import timeline
from orchestrator.reads.why import for_person, why
from orchestrator.web.answers import answer
from orchestrator.web.offers import run_verbs, task_context

_VIEWS = ("graph", "timeline", "list")


@require_safe
def run_list(request: HttpRequest) -> HttpResponse:
    """All runs the person may see, newest first, filtered by the address."""
    query = _query(request)
    workflow = None
    if query.workflow:
        workflow = workflows_for(request.user).filter(key=query.workflow).only("key", "name").first()
    context = {
        "query": query,
        "workflow": workflow,
        "page": run_page(runs_for(request.user), query, workflows=own_workflows(request.user)),
        "filters": names_of_filters(RUN_FILTERS),
        "filtered": query != RunQuery(after=query.after),
        "may_start": can(request.user, "operate"),
    }
    return answer(request, "runs/list.html", context, part="runs/_results.html")


def _query(request: HttpRequest) -> RunQuery:
    show = request.GET.get("show", "")
    return RunQuery(
        text=request.GET.get("q", "").strip()[:200],
        show=show if show in RUN_FILTERS else "",
        workflow=request.GET.get("workflow", "")[:80],
        agent=request.GET.get("agent", "")[:200],
        started_by=request.user.pk if request.GET.get("by") == "me" else None,
        since=_day(request.GET.get("from", "")),
        until=_day(request.GET.get("to", ""), after=1),
        after=request.GET.get("after", ""),
    )


def _day(text: str, *, after: int = 0) -> datetime | None:
    """The beginning of a day in the server's zone, or of a later one; None for what is no date."""
    try:
        day = parse_date(text)
    except ValueError:
        return None
    if day is None or day.year >= datetime.max.year:
        return None
    midnight = datetime.combine(day + timedelta(days=after), datetime.min.time())
    return timezone.make_aware(midnight)


@require_safe
@never_cache
def detail(request: HttpRequest, pk: int) -> HttpResponse:
    """The run: drawn, as a timeline and as a list; with the panel of the task the address names."""
    run = _run(request, pk)
    page = whole_page(run)
    key = request.GET.get("task", "")
    chosen = key if any(line.key == key for line in page.tasks) else ""
    view = request.GET.get("view", "")
    state = request.GET.get("state", "")
    context = _head(request, run) | {
        "page": page,
        "data": page.data | _addresses(run),
        "view": view if view in _VIEWS else "auto",
        "selected": chosen,
        "filter": state if state in LEGEND else "",
        "filters": _filters(run, page),
        "panel": task_panel(run, chosen) if chosen else None,
        "events": events_before(run, size=30),
        "params": entries(run.params),
    }
    if context["panel"]:
        context |= task_context(request, run, context["panel"])
    return answer(request, "runs/detail.html", context)


def _addresses(run: Run) -> dict[str, str]:
    """Where the script of the page asks; KEY stands in place of a task's key."""
    return {
        "socket": f"/ws/runs/{run.pk}/",
        "poll": reverse("run-live", args=[run.pk]),
        "panel": reverse("task-panel", args=[run.pk, "KEY"]),
        "timelineUrl": reverse("run-timeline", args=[run.pk]),
    }


def _filters(run: Run, page: RunPage) -> list[dict[str, Any]]:
    """The chips over the list of tasks; they work without scripts too."""
    url = reverse("run-detail", args=[run.pk])
    return [{**asdict(count), "url": f"{url}?view=list&state={count.state}"} for count in page.legend]


@require_safe
@never_cache
def head(request: HttpRequest, pk: int) -> HttpResponse:
    """The buttons of the run, which change with its state."""
    return answer(request, "runs/_actions.html", _head(request, _run(request, pk)))


def _head(request: HttpRequest, run: Run) -> dict[str, Any]:
    return {"run": run, "facts": facts(run), "verbs": run_verbs(request.user, run)}


@require_safe
@never_cache
def reasons(request: HttpRequest, pk: int) -> HttpResponse:
    """Why the run waits or failed, and what this person may do about it: a page, or what its dialog shows."""
    run = _run(request, pk)
    answers = for_person(request.user, run, why(run))
    context = {"run": run, "answers": answers, "facts": facts(run)}
    return answer(request, "runs/why.html", context, part="runs/_why.html")


@require_safe
@never_cache
def live_state(request: HttpRequest, pk: int) -> JsonResponse:
    """What has happened since event `since`: the message of the websocket, for when there is none."""
    run = _run(request, pk)
    return JsonResponse(live(run, parse_number(request.GET.get("since", ""))))


@require_safe
@never_cache
def timeline_data(request: HttpRequest, pk: int) -> JsonResponse:
    """The timeline as a whole, for a page that has missed a part of it or has seen the run end."""
    return JsonResponse(timeline(_run(request, pk)))


@require_safe
@never_cache
def events(request: HttpRequest, pk: int) -> HttpResponse:
    """The history of the run, newest first, and what it was started with."""
    run = _run(request, pk)
    before = parse_number(request.GET.get("before", ""))
    context = {
        "run": run,
        "events": events_before(run, before),
        "before": before,
        "params": entries(run.params),
    }
    return answer(request, "runs/events.html", context, part="runs/_events.html")


def _run(request: HttpRequest, pk: int) -> Run:
    return get_object_or_404(with_names(runs_for(request.user)).select_related("parent"), pk=pk)
