"""Artifacts: files that agents hand in while they hold a task, for people to list and to download."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from drf_spectacular.types import OpenApiTypes
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from orchestrator.api.base import ApiView, page
from orchestrator.api.openapi import operation
from orchestrator.api.parsers import RawParser
from orchestrator.api.requests import PageQuery
from orchestrator.api.views.agents import AgentWorkView
from orchestrator.downloads import download
from orchestrator.engine import artifacts
from orchestrator.models import Artifact
from orchestrator.permissions import runs_for

ANY_BYTES = "application/octet-stream"
BYTES = {ANY_BYTES: {"type": "string", "format": "binary"}}


class ArtifactSerializer(serializers.ModelSerializer[Artifact]):
    run = serializers.IntegerField(source="task_run.run_id")
    task = serializers.CharField(source="task_run.key")
    index = serializers.IntegerField(
        source="task_run.index", help_text="Of an item of a for_each task; otherwise -1."
    )
    by = serializers.CharField(help_text="The agent that handed it in.")

    class Meta:
        model = Artifact
        fields = (
            "id",
            "run",
            "task",
            "index",
            "attempt",
            "name",
            "size",
            "sha256",
            "content_type",
            "by",
            "created_at",
        )
        read_only_fields = fields


class ArtifactPageSerializer(serializers.Serializer[Any]):
    items = ArtifactSerializer(many=True)
    next = serializers.IntegerField(allow_null=True)


class LeaseArtifactView(AgentWorkView):
    """No view takes JSON here: what is sent is the file."""

    parser_classes = (RawParser,)

    @operation(
        "lease_attach",
        "Hand in a file",
        answers=ArtifactSerializer,
        takes=BYTES,
        errors=(404, 409, 413, 507),
        code=201,
    )
    def put(self, request: Request, pk: int, name: str) -> Response:
        """The body is the file. Under the same name it takes the place of what this attempt handed in before."""
        kept = artifacts.attach(self.lease(request, pk), name, request.data or ())
        return Response(ArtifactSerializer(kept).data, status=201)

    @operation(
        "lease_attach_post",
        "Hand in a file",
        answers=ArtifactSerializer,
        takes=BYTES,
        errors=(404, 409, 413, 507),
        code=201,
    )
    def post(self, request: Request, pk: int, name: str) -> Response:
        """The same as PUT, for programs that know no other way to send."""
        return self.put(request, pk, name)


class RunArtifactsView(ApiView):
    @operation(
        "runs_artifacts",
        "List the artifacts of a run",
        answers=ArtifactPageSerializer,
        query=PageQuery,
        errors=(404,),
    )
    def get(self, request: Request, pk: int) -> Response:
        """Newest first, those of attempts that failed, too."""
        run = get_object_or_404(runs_for(request.user), pk=pk)
        rows = Artifact.objects.filter(task_run__run=run).select_related("task_run")
        return page(rows, self.query(PageQuery), ArtifactSerializer)


class RunArtifactView(ApiView):
    @operation(
        "runs_artifact", "Download an artifact", answers=OpenApiTypes.BINARY, media=ANY_BYTES, errors=(404,)
    )
    def get(self, request: Request, pk: int, artifact: int) -> HttpResponse:
        run = get_object_or_404(runs_for(request.user), pk=pk)
        found = get_object_or_404(Artifact, pk=artifact, task_run__run=run)
        return download(found.key, found.name, found.content_type)
