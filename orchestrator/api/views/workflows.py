"""Workflows: list, create, publish, archive, start, and how the latest run stands."""

from __future__ import annotations

from typing import Any

from django.db.models import OuterRef, Q, QuerySet, Subquery
from django.shortcuts import get_object_or_404
from django.urls import reverse
from drf_spectacular.utils import OpenApiParameter, PolymorphicProxySerializer
from rest_framework.request import Request
from rest_framework.response import Response

from orchestrator import engine
from orchestrator.api.answers import (
    ReportSerializer,
    RunSerializer,
    StandingSerializer,
    WorkflowDetailSerializer,
    WorkflowPageSerializer,
    WorkflowSerializer,
)
from orchestrator.api.base import ApiView, page
from orchestrator.api.openapi import operation
from orchestrator.api.requests import (
    BareDefinitionSerializer,
    DefinitionSerializer,
    NewVersionSerializer,
    NewWorkflowSerializer,
    StartSerializer,
    WorkflowQuery,
)
from orchestrator.definition.issues import Issue
from orchestrator.exceptions import InvalidError, NotFoundError
from orchestrator.models import Run, Workflow, WorkflowVersion
from orchestrator.permissions import Person, require, workflows_for
from orchestrator.reads.status import latest_run, status

IDEMPOTENCY_HEADER = OpenApiParameter(
    "Idempotency-Key", str, OpenApiParameter.HEADER, description="The same key gives the same run."
)


def _or_bare(name: str, envelope: type[Any]) -> PolymorphicProxySerializer:
    return PolymorphicProxySerializer(
        name, [envelope, BareDefinitionSerializer], resource_type_field_name=None
    )


def _enveloped(data: Any) -> Any:
    """A definition may be sent as it is, without an envelope; its tasks tell it apart."""
    return {"definition": data} if isinstance(data, dict) and "tasks" in data else data


def _with_version(workflows: QuerySet[Workflow], *more: str) -> QuerySet[Workflow]:
    """With what is told of the newest version; `more` names further fields of it, such as the definition."""
    newest = WorkflowVersion.objects.filter(workflow=OuterRef("pk")).order_by("-number")
    return (
        workflows.select_related("owner")
        .defer("draft")
        .annotate(
            last_version=Subquery(newest.values("number")[:1]),
            schema_version=Subquery(newest.values("schema_version")[:1]),
            **{name: Subquery(newest.values(name)[:1]) for name in more},
        )
    )


def _workflow(user: Person, key: str) -> Workflow:
    return get_object_or_404(workflows_for(user), key=key)


def _detail(user: Person, key: str) -> Response:
    workflow = get_object_or_404(_with_version(workflows_for(user), "definition"), key=key)
    return Response(WorkflowDetailSerializer(workflow).data)


class WorkflowsView(ApiView):
    @operation("workflows_list", "List workflows", answers=WorkflowPageSerializer, query=WorkflowQuery)
    def get(self, request: Request) -> Response:
        """Newest first, those you may see. Archived ones only when asked for."""
        query = self.query(WorkflowQuery)
        rows = _with_version(workflows_for(request.user))
        rows = rows.filter(archived_at__isnull=not query["archived"])
        if "q" in query:
            rows = rows.filter(Q(name__icontains=query["q"]) | Q(key__icontains=query["q"]))
        return page(rows, query, WorkflowSerializer)

    @operation(
        "workflows_create",
        "Create a workflow",
        answers=WorkflowDetailSerializer,
        code=201,
        takes=_or_bare("NewWorkflowOrDefinition", NewWorkflowSerializer),
        errors=(403, 409, 413, 415),
    )
    def post(self, request: Request) -> Response:
        """From a definition, bare or as `definition`, or from a `template` and its `parameters`."""
        require(request.user, "design")
        body = self.body(NewWorkflowSerializer, _enveloped(request.data))
        workflow = engine.save_workflow(
            _definition_of(body), user=request.user, template=body.get("template", ""), note=body["note"]
        )
        answer = _detail(request.user, workflow.key)
        return Response(
            answer.data, status=201, headers={"Location": reverse("api:workflow", args=[workflow.key])}
        )


def _definition_of(body: dict[str, Any]) -> dict[str, Any]:
    if "definition" in body:
        return body["definition"]
    return engine.make_definition(
        body["template"], body.get("parameters"), number=body.get("template_version")
    )


class ValidateView(ApiView):
    @operation(
        "workflows_validate",
        "Check a definition without keeping it",
        answers=ReportSerializer,
        takes=_or_bare("DefinitionOrEnvelope", DefinitionSerializer),
        errors=(413, 415),
    )
    def post(self, request: Request) -> Response:
        """Every problem with its path. Nothing is stored and nothing is executed."""
        body = self.body(DefinitionSerializer, _enveloped(request.data))
        report = engine.check_definition(body["definition"])
        return Response({"ok": report.ok, "issues": [issue.as_dict() for issue in report.issues]})


class WorkflowView(ApiView):
    @operation("workflows_read", "Read a workflow", answers=WorkflowDetailSerializer, errors=(404,))
    def get(self, request: Request, key: str) -> Response:
        """With its last published definition."""
        return _detail(request.user, key)

    @operation(
        "workflows_publish",
        "Publish a new version",
        answers=WorkflowDetailSerializer,
        takes=_or_bare("NewVersionOrDefinition", NewVersionSerializer),
        errors=(403, 404, 413, 415),
    )
    def put(self, request: Request, key: str) -> Response:
        """The earlier versions stay, and runs under way keep the version they were started with."""
        workflow = _workflow(request.user, key)
        require(request.user, "design", workflow)
        body = self.body(NewVersionSerializer, _enveloped(request.data))
        engine.publish(workflow, body["definition"], user=request.user, note=body["note"])
        return _detail(request.user, key)

    @operation("workflows_archive", "Archive a workflow", answers=None, code=204, errors=(403, 404))
    def delete(self, request: Request, key: str) -> Response:
        """It leaves the lists; its versions, runs and history stay."""
        workflow = _workflow(request.user, key)
        require(request.user, "design", workflow)
        engine.archive(workflow)
        return Response(status=204)


class StartView(ApiView):
    @operation(
        "workflows_start",
        "Start a run",
        answers=RunSerializer,
        code=201,
        takes=StartSerializer,
        headers=(IDEMPOTENCY_HEADER,),
        errors=(403, 404, 409, 413, 415),
    )
    def post(self, request: Request, key: str) -> Response:
        """Of the last published version. A request repeated with its idempotency key gets the run it started."""
        workflow = _workflow(request.user, key)
        require(request.user, "operate", workflow)
        body = self.body(StartSerializer, _with_header_key(request))
        given = body.get("idempotency_key")
        run = engine.start(
            workflow,
            body.get("parameters", {}),
            user=request.user,
            trigger="api",
            # The caller's and the workflow's own: nobody gets another's run by guessing a key.
            idempotency_key=f"api:{request.user.pk}:{workflow.pk}:{given}" if given else None,
        )
        return Response(
            RunSerializer(run).data, status=201, headers={"Location": reverse("api:run", args=[run.pk])}
        )


def _with_header_key(request: Request) -> Any:
    """The body with the key of the Idempotency-Key header in its place."""
    key = request.headers.get("Idempotency-Key")
    if key is None or not isinstance(request.data, dict):
        return request.data
    if request.data.get("idempotency_key", key) != key:
        message = "The header Idempotency-Key and the field idempotency_key differ."
        raise InvalidError(message, [Issue("idempotency_key", "invalid", message)])
    return {**request.data, "idempotency_key": key}


class StatusView(ApiView):
    @operation("workflows_status", "How the latest run stands", answers=StandingSerializer, errors=(404,))
    def get(self, request: Request, key: str) -> Response:
        run: Run | None = latest_run(_workflow(request.user, key))
        if run is None:
            raise NotFoundError("This workflow has not been started yet.")
        return Response(status(run))
