"""What was done to a draft since a revision, over the API: a page catches up by it instead of reading the whole."""

from __future__ import annotations

from typing import Any

from django.shortcuts import get_object_or_404
from django.urls import path
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.authentication import SessionAuthentication
from rest_framework.request import Request
from rest_framework.response import Response

from editor import drafts
from editor.drafts import Made
from orchestrator.api.answers import ObjectField, UserNameField
from orchestrator.api.authentication import TokenAuthentication
from orchestrator.api.base import ApiView
from orchestrator.api.errors import answer
from orchestrator.api.fields import StrictSerializer
from orchestrator.api.openapi import operation
from orchestrator.exceptions import ConflictError
from orchestrator.models import Workflow
from orchestrator.permissions import require, workflows_for
from orchestrator.templatetags.baton import person


class SinceQuery(StrictSerializer):
    since = serializers.IntegerField(
        min_value=1, max_value=2**31 - 1, help_text="The revision that is known already."
    )


class MadeSerializer(serializers.Serializer[Made]):
    rev = serializers.IntegerField()
    by = UserNameField(source="user")
    name = serializers.SerializerMethodField(
        help_text="What people call who did it; empty when they are gone."
    )
    mine = serializers.SerializerMethodField(help_text="Whether it was you.")
    kind = serializers.ChoiceField(["edit", "undo", "redo", "publish"])
    at = serializers.DateTimeField()
    changes = serializers.ListField(
        child=ObjectField(),
        help_text="In order: at `path` stood `was` and stands `now`; one that is missing is nothing.",
    )

    @extend_schema_field(str)
    def get_name(self, made: Made) -> str:
        return person(made.user) if made.user else ""

    @extend_schema_field(bool)
    def get_mine(self, made: Made) -> bool:
        return made.user is not None and made.user == self.context["user"]


class ChangesSerializer(serializers.Serializer[Any]):
    rev = serializers.IntegerField(help_text="The revision that the draft is at.")
    changes = MadeSerializer(many=True)


class ChangesView(ApiView):
    authentication_classes = (TokenAuthentication, SessionAuthentication)

    @operation(
        "draft_changes",
        "What was done to a draft",
        answers=ChangesSerializer,
        query=SinceQuery,
        errors=(403, 404, 409),
    )
    def get(self, request: Request, key: str) -> Response:
        """Since a revision, oldest first. 409 `draft_replaced` when not all of it can be told: read the draft then."""
        workflow = get_object_or_404(workflows_for(request.user), key=key)
        require(request.user, "design", workflow)
        since: int = self.query(SinceQuery)["since"]
        try:
            made = drafts.changes_since(workflow, since)
        except ConflictError as error:
            return _replaced(error, workflow)
        changes = MadeSerializer(made, many=True, context={"user": request.user}).data
        return Response({"rev": workflow.draft_rev, "changes": changes})


def _replaced(error: ConflictError, workflow: Workflow) -> Response:
    response = answer(error.status, error.code, error.message)
    response.data["rev"] = workflow.draft_rev
    return response


app_name = "changes"
urlpatterns = [path("workflows/<slug:key>/draft/changes", ChangesView.as_view(), name="read")]
