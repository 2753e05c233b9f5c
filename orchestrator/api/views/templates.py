"""The templates that a workflow can be made from: those that ship, and the team's."""

from __future__ import annotations

from rest_framework.request import Request
from rest_framework.response import Response

from orchestrator import catalog, engine
from orchestrator.api.answers import TemplatesSerializer
from orchestrator.api.base import ApiView
from orchestrator.api.openapi import operation
from orchestrator.permissions import can


class TemplatesView(ApiView):
    @operation("templates_list", "List workflow templates", answers=TemplatesSerializer)
    def get(self, request: Request) -> Response:
        """With the parameters that `POST /api/workflows` takes for each. Those of the team are for whoever may design."""
        found = engine.all_templates() if can(request.user, "design") else catalog.templates()
        return Response(TemplatesSerializer({"items": found}).data)
