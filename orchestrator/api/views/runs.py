"""Runs: read, steer, and follow their events."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.shortcuts import get_object_or_404
from rest_framework.request import Request
from rest_framework.response import Response

from orchestrator import engine
from orchestrator.api.answers import (
    EventPageSerializer,
    EventSerializer,
    RunPageSerializer,
    RunSerializer,
    StandingSerializer,
    TaskStandingSerializer,
    WhySerializer,
)
from orchestrator.api.base import ApiView, page
from orchestrator.api.fields import NothingSerializer
from orchestrator.api.openapi import operation
from orchestrator.api.requests import CancelSerializer, EventQuery, ItemQuery, RunQuery
from orchestrator.models import Run, TaskRun, Workflow
from orchestrator.permissions import Person, require, runs_for
from orchestrator.reads.status import status
from orchestrator.reads.why import for_person, why

STEERING_ERRORS = (403, 404, 409, 415)


def _run(user: Person, pk: int) -> Run:
    return get_object_or_404(_shown(user), pk=pk)


def _shown(user: Person) -> Any:
    return runs_for(user).select_related("workflow", "version", "started_by").defer("version__definition")


def _run_to_steer(user: Person, pk: int) -> Run:
    run = _run(user, pk)
    require(user, "operate", run)
    return run


class RunsView(ApiView):
    @operation("runs_list", "List runs", answers=RunPageSerializer, query=RunQuery)
    def get(self, request: Request) -> Response:
        """Newest first, those you may see."""
        query = self.query(RunQuery)
        rows = _shown(request.user)
        within = ""
        if query["test_runs"] is not None:
            rows = rows.filter(is_trial=query["test_runs"])
        # As ranges, for the reason that `newest_of` gives.
        if "status" in query:
            within, rows = "status", rows.filter(status__gte=query["status"], status__lte=query["status"])
        if "workflow" in query:
            key = Workflow.objects.filter(key=query["workflow"]).values_list("pk", flat=True).first() or 0
            if within:
                rows = rows.filter(workflow_id=key)
            else:
                within, rows = "workflow_id", rows.filter(workflow_id__gte=key, workflow_id__lte=key)
        return page(rows, query, RunSerializer, within=within)


class RunView(ApiView):
    @operation("runs_read", "Read a run", answers=RunSerializer, errors=(404,))
    def get(self, request: Request, pk: int) -> Response:
        return Response(RunSerializer(_run(request.user, pk)).data)


class RunStatusView(ApiView):
    @operation("runs_status", "How the tasks of a run stand", answers=StandingSerializer, errors=(404,))
    def get(self, request: Request, pk: int) -> Response:
        return Response(status(_run(request.user, pk)))


class WhyView(ApiView):
    @operation("runs_why", "Why a run waits or failed", answers=WhySerializer, errors=(404,))
    def get(self, request: Request, pk: int) -> Response:
        """What holds it up, or made it fail, and what you may do about it. Empty when nothing does."""
        run = _run(request.user, pk)
        return Response(WhySerializer({"items": for_person(request.user, run, why(run))}).data)


class TaskToldView(ApiView):
    """What retrying and skipping share."""

    def told(self, request: Request, pk: int, key: str, tell: Callable[..., TaskRun]) -> Response:
        run = _run_to_steer(request.user, pk)
        self.body(NothingSerializer)
        row = get_object_or_404(run.tasks, key=key, index=self.query(ItemQuery)["item"])
        return Response(TaskStandingSerializer(tell(row.pk, user=request.user)).data)


class RetryView(TaskToldView):
    @operation(
        "tasks_retry",
        "Try a task again",
        answers=TaskStandingSerializer,
        takes=NothingSerializer,
        query=ItemQuery,
        errors=STEERING_ERRORS,
    )
    def post(self, request: Request, pk: int, key: str) -> Response:
        """One that failed, or waits for an agent, a retry or a person."""
        return self.told(request, pk, key, engine.retry_task)


class SkipView(TaskToldView):
    @operation(
        "tasks_skip",
        "Go on without a task",
        answers=TaskStandingSerializer,
        takes=NothingSerializer,
        query=ItemQuery,
        errors=STEERING_ERRORS,
    )
    def post(self, request: Request, pk: int, key: str) -> Response:
        """What follows sees a null output."""
        return self.told(request, pk, key, engine.skip_task)


class PauseView(ApiView):
    @operation(
        "runs_pause", "Pause a run", answers=RunSerializer, takes=NothingSerializer, errors=STEERING_ERRORS
    )
    def post(self, request: Request, pk: int) -> Response:
        """Nothing new is started; what is running finishes."""
        run = _run_to_steer(request.user, pk)
        self.body(NothingSerializer)
        engine.pause(run.pk, user=request.user)
        return Response(RunSerializer(_run(request.user, pk)).data)


class ResumeView(ApiView):
    @operation(
        "runs_resume", "Resume a run", answers=RunSerializer, takes=NothingSerializer, errors=STEERING_ERRORS
    )
    def post(self, request: Request, pk: int) -> Response:
        run = _run_to_steer(request.user, pk)
        self.body(NothingSerializer)
        engine.resume(run.pk, user=request.user)
        return Response(RunSerializer(_run(request.user, pk)).data)


class CancelView(ApiView):
    @operation(
        "runs_cancel", "Cancel a run", answers=RunSerializer, takes=CancelSerializer, errors=STEERING_ERRORS
    )
    def post(self, request: Request, pk: int) -> Response:
        """The run ends now; a result that arrives later changes nothing."""
        run = _run_to_steer(request.user, pk)
        reason = self.body(CancelSerializer)["reason"]
        engine.cancel(run.pk, user=request.user, reason=reason)
        return Response(RunSerializer(_run(request.user, pk)).data)


class EventsView(ApiView):
    @operation(
        "runs_events", "The events of a run", answers=EventPageSerializer, query=EventQuery, errors=(404,)
    )
    def get(self, request: Request, pk: int) -> Response:
        """In order. `seq` has no gaps, so a reader that remembers the last one misses nothing."""
        run = _run(request.user, pk)
        query = self.query(EventQuery)
        events = list(run.events.filter(seq__gt=query["since"]).order_by("seq")[: query["limit"]])
        last = events[-1].seq if events else query["since"]
        shown = EventSerializer(events, many=True).data
        return Response({"events": shown, "last": last, "more": last < run.seq, "status": run.status})
