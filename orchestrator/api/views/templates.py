"""The templates that a workflow can be made from."""

from __future__ import annotations

from rest_framework.request import Request
from rest_framework.response import Response

from orchestrator import catalog
from orchestrator.api.answers import TemplatesSerializer
from orchestrator.api.base import ApiView
from orchestrator.api.openapi import operation


class TemplatesView(ApiView):
    @operation("templates_list", "List workflow templates", answers=TemplatesSerializer)
    def get(self, request: Request) -> Response:  # noqa: ARG002 - the framework's signature
        """With the parameters that `POST /api/workflows` takes for each."""
        return Response(TemplatesSerializer({"items": catalog.templates()}).data)
