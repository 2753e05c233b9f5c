"""Drafts over the API: read, changed by operations, undone, redone, published. Canvas and other systems use the same.

A browser comes with its session (and is asked for the CSRF token), everybody else with an API token.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib.auth.models import User
from django.shortcuts import get_object_or_404
from django.urls import path
from rest_framework import serializers
from rest_framework.authentication import SessionAuthentication
from rest_framework.request import Request
from rest_framework.response import Response

from editor import drafts
from editor.drafts import DisputeError, Draft
from editor.operations.table import MAX_OPERATIONS
from orchestrator.api.answers import IssueSerializer, ObjectField
from orchestrator.api.authentication import TokenAuthentication
from orchestrator.api.base import ApiView
from orchestrator.api.errors import answer
from orchestrator.api.fields import StrictCharField, StrictSerializer
from orchestrator.api.openapi import operation
from orchestrator.api.requests import StrictObjectField
from orchestrator.models import Workflow
from orchestrator.permissions import require, workflows_for

_REV = {"min_value": 1, "max_value": 2**31 - 1}


class DraftSerializer(serializers.Serializer[Draft]):
    rev = serializers.IntegerField(help_text="Goes up with every change.")
    definition = ObjectField(help_text="The draft, which may be wrong in any way.")
    issues = IssueSerializer(many=True)
    can_undo = serializers.BooleanField()
    can_redo = serializers.BooleanField()


class OperationsSerializer(StrictSerializer):
    base_rev = serializers.IntegerField(help_text="The revision on which they were made.", **_REV)
    ops = serializers.ListField(child=StrictObjectField(), max_length=MAX_OPERATIONS)
    batch = StrictCharField(
        max_length=drafts.MAX_BATCH,
        default="",
        help_text="Your own name for it: the same one twice is done once.",
    )


class StepSerializer(StrictSerializer):
    batch = StrictCharField(max_length=drafts.MAX_BATCH, default="")


class PublishSerializer(StrictSerializer):
    base_rev = serializers.IntegerField(**_REV)
    note = StrictCharField(max_length=500, allow_blank=True, default="")


class PublishedSerializer(serializers.Serializer[Any]):
    version = serializers.IntegerField()
    rev = serializers.IntegerField()


class DraftApi(ApiView):
    authentication_classes = (TokenAuthentication, SessionAuthentication)

    def workflow(self, request: Request, key: str) -> Workflow:
        found = get_object_or_404(workflows_for(request.user), key=key)
        require(request.user, "design", found)
        return found

    def answered(self, act: Callable[[], Draft]) -> Response:
        """The draft after it, or both sides where two people want different things."""
        try:
            return Response(DraftSerializer(act()).data)
        except DisputeError as error:
            return disputed(error)

    def step(self, request: Request, key: str, act: Callable[..., Draft]) -> Response:
        """Undo or redo."""
        workflow = self.workflow(request, key)
        batch, user = self.body(StepSerializer)["batch"], person_of(request)
        return self.answered(lambda: act(workflow, user=user, batch=batch))


def disputed(error: DisputeError) -> Response:
    response = answer(error.status, error.code, error.message)
    response.data |= {"rev": error.rev, "disputes": [one.as_json() for one in error.disputes]}
    return response


def person_of(request: Request) -> User:
    assert isinstance(request.user, User)
    return request.user


class DraftView(DraftApi):
    @operation("draft_read", "Read a draft", answers=DraftSerializer, errors=(403, 404))
    def get(self, request: Request, key: str) -> Response:
        """With everything that keeps it from being published."""
        return Response(
            DraftSerializer(drafts.draft_of(self.workflow(request, key), person_of(request))).data
        )


class OperationsView(DraftApi):
    @operation(
        "draft_change",
        "Change a draft",
        answers=DraftSerializer,
        takes=OperationsSerializer,
        errors=(403, 404, 409, 413, 415),
    )
    def post(self, request: Request, key: str) -> Response:
        """By operations, all or none. 409 with both sides where somebody has changed the same places since `base_rev`."""
        workflow = self.workflow(request, key)
        body = self.body(OperationsSerializer)
        user = person_of(request)
        return self.answered(
            lambda: drafts.change(
                workflow, body["ops"], base_rev=body["base_rev"], user=user, batch=body["batch"]
            )
        )


class UndoView(DraftApi):
    @operation(
        "draft_undo", "Undo", answers=DraftSerializer, takes=StepSerializer, errors=(403, 404, 409, 413, 415)
    )
    def post(self, request: Request, key: str) -> Response:
        """Takes back your own latest change, past what others have done elsewhere since."""
        return self.step(request, key, drafts.undo)


class RedoView(DraftApi):
    @operation(
        "draft_redo", "Redo", answers=DraftSerializer, takes=StepSerializer, errors=(403, 404, 409, 413, 415)
    )
    def post(self, request: Request, key: str) -> Response:
        """Makes what you took back last once more."""
        return self.step(request, key, drafts.redo)


class PublishView(DraftApi):
    @operation(
        "draft_publish",
        "Publish a draft",
        answers=PublishedSerializer,
        code=201,
        takes=PublishSerializer,
        errors=(403, 404, 409, 413, 415),
    )
    def post(self, request: Request, key: str) -> Response:
        """As it stands at `base_rev`; 409 when somebody has changed it since. Runs under way keep their version."""
        workflow = self.workflow(request, key)
        body = self.body(PublishSerializer)
        try:
            version = drafts.publish(workflow, user=person_of(request), **body)
        except DisputeError as error:
            return disputed(error)
        return Response({"version": version.number, "rev": version.workflow.draft_rev}, status=201)


app_name = "draft"
_ROUTES = {
    "": DraftView,
    "/ops": OperationsView,
    "/undo": UndoView,
    "/redo": RedoView,
    "/publish": PublishView,
}
urlpatterns = [
    path(f"workflows/<slug:key>/draft{end}", view.as_view(), name=end.strip("/") or "read")
    for end, view in _ROUTES.items()
]
