"""Drafts over the API: read, changed by operations, undone, redone, published. Canvas and other systems use the same.

A browser comes with its session (and is asked for the CSRF token), everybody else with an API token.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib.auth.models import User
from django.shortcuts import get_object_or_404
from django.urls import path, reverse
from rest_framework import serializers
from rest_framework.authentication import SessionAuthentication
from rest_framework.request import Request
from rest_framework.response import Response

from editor import drafts
from editor.drafts import DisputeError, Draft
from editor.fixes import with_fixes
from editor.operations.table import MAX_OPERATIONS
from orchestrator import actions
from orchestrator.api.answers import IssueSerializer, ObjectField
from orchestrator.api.authentication import TokenAuthentication
from orchestrator.api.base import ApiView
from orchestrator.api.errors import answer
from orchestrator.api.fields import StrictCharField, StrictSerializer
from orchestrator.api.openapi import operation
from orchestrator.api.requests import StrictObjectField
from orchestrator.definition.language import MAX_TASKS, NAME_LENGTH
from orchestrator.exceptions import BatonError
from orchestrator.models import Workflow
from orchestrator.permissions import require, workflows_for

_REV = {"min_value": 1, "max_value": 2**31 - 1}


class DraftSerializer(serializers.Serializer[Draft]):
    rev = serializers.IntegerField(help_text="Goes up with every change.")
    definition = ObjectField(help_text="The draft, which may be wrong in any way.")
    issues = IssueSerializer(many=True)
    can_undo = serializers.BooleanField()
    can_redo = serializers.BooleanField()


class ChangedSerializer(serializers.Serializer[Any]):
    rev = serializers.IntegerField(help_text="Goes up with every change.")
    changes = serializers.ListField(
        child=ObjectField(),
        required=False,
        help_text="What made it of `known_rev`, in order: at `path` stands `now`, or nothing.",
    )
    definition = ObjectField(required=False, help_text="The draft, where no `known_rev` was given.")
    issues = IssueSerializer(many=True, required=False)
    can_undo = serializers.BooleanField()
    can_redo = serializers.BooleanField()


class FixSerializer(serializers.Serializer[Any]):
    label = serializers.CharField(help_text="What a button says.")
    ops = serializers.ListField(child=ObjectField(), help_text="The operations that mend it.")


class FindingSerializer(IssueSerializer):
    fix = FixSerializer(required=False, help_text="What mends it at once, where something does.")


class IssuesSerializer(serializers.Serializer[Any]):
    rev = serializers.IntegerField()
    issues = FindingSerializer(many=True)


_KNOWN = {
    "required": False,
    "help_text": "The revision you have: the answer then holds what changed since instead of the draft and its issues.",
    **_REV,
}


class OperationsSerializer(StrictSerializer):
    base_rev = serializers.IntegerField(help_text="The revision on which they were made.", **_REV)
    ops = serializers.ListField(child=StrictObjectField(), max_length=MAX_OPERATIONS)
    batch = StrictCharField(
        max_length=drafts.MAX_BATCH,
        default="",
        help_text="Your own name for it: the same one twice is done once. Names alike up to the last dash are one sitting, "
        "which does not dispute with itself.",
    )
    known_rev = serializers.IntegerField(**_KNOWN)


class ExtractSerializer(StrictSerializer):
    base_rev = serializers.IntegerField(
        help_text="The revision on which the steps were chosen: refused if the draft has gone on since.",
        **_REV,
    )
    steps = serializers.ListField(child=StrictCharField(), min_length=1, max_length=MAX_TASKS)
    name = StrictCharField(max_length=NAME_LENGTH, help_text="What the new workflow is called.")
    step = StrictCharField(
        max_length=64, default="", allow_blank=True, help_text="The key for the step that starts it."
    )
    batch = StrictCharField(
        max_length=drafts.MAX_BATCH,
        default="",
        help_text="Your own name for it: the same one twice makes one workflow.",
    )
    known_rev = serializers.IntegerField(**_KNOWN)


class ExtractedSerializer(ChangedSerializer):
    step = serializers.CharField(help_text="The key of the step that stands in their place.")
    workflow = serializers.CharField(help_text="The id of the new workflow.")
    name = serializers.CharField(help_text="What it is called.")
    url = serializers.CharField(help_text="Where it is edited.")
    notes = serializers.ListField(
        child=serializers.CharField(), help_text="What a run does otherwise now, in sentences."
    )


class StepSerializer(StrictSerializer):
    batch = StrictCharField(max_length=drafts.MAX_BATCH, default="")
    known_rev = serializers.IntegerField(**_KNOWN)


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

    def answered(self, workflow: Workflow, known_rev: int | None, act: Callable[[], Draft]) -> Response:
        """The draft after it, or both sides where two people want different things."""
        try:
            draft = act()
        except DisputeError as error:
            return disputed(error)
        return Response(
            DraftSerializer(draft).data if known_rev is None else _news(workflow, draft, known_rev)
        )

    def step(self, request: Request, key: str, act: Callable[..., Draft]) -> Response:
        """Undo or redo."""
        workflow = self.workflow(request, key)
        body, user = self.body(StepSerializer), person_of(request)
        return self.answered(
            workflow, body.get("known_rev"), lambda: act(workflow, user=user, batch=body["batch"])
        )


def findings(draft: Draft) -> list[dict[str, Any]]:
    """What is wrong, with what mends it at once."""
    return with_fixes(draft.definition, draft.issues, actions.schemas())


def disputed(error: DisputeError) -> Response:
    response = answer(error.status, error.code, error.message)
    response.data |= {"rev": error.rev, "disputes": [one.as_json() for one in error.disputes]}
    return response


def _news(workflow: Workflow, draft: Draft, known_rev: int) -> dict[str, Any]:
    """What changed since; the whole where that cannot be told."""
    said = {"rev": draft.rev, "can_undo": draft.can_undo, "can_redo": draft.can_redo}
    workflow.draft_rev = draft.rev
    try:
        rows = drafts.changes_since(workflow, known_rev)
    except BatonError:
        return {**said, "definition": draft.definition}
    return {**said, "changes": [one for row in rows for one in row.changes]}


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


class IssuesView(DraftApi):
    @operation("draft_issues", "Read what is wrong with a draft", answers=IssuesSerializer, errors=(403, 404))
    def get(self, request: Request, key: str) -> Response:
        """Everything that keeps it from being published, and advice."""
        draft = drafts.draft_of(self.workflow(request, key), person_of(request))
        return Response(IssuesSerializer({"rev": draft.rev, "issues": findings(draft)}).data)


class OperationsView(DraftApi):
    @operation(
        "draft_change",
        "Change a draft",
        answers=ChangedSerializer,
        takes=OperationsSerializer,
        errors=(403, 404, 409, 413, 415),
    )
    def post(self, request: Request, key: str) -> Response:
        """By operations, all or none. 409 with both sides where somebody has changed the same places since `base_rev`."""
        workflow = self.workflow(request, key)
        body = self.body(OperationsSerializer)
        user = person_of(request)
        return self.answered(
            workflow,
            body.get("known_rev"),
            lambda: drafts.change(
                workflow, body["ops"], base_rev=body["base_rev"], user=user, batch=body["batch"]
            ),
        )


class ExtractView(DraftApi):
    @operation(
        "draft_extract",
        "Extract steps to a workflow",
        answers=ExtractedSerializer,
        code=201,
        takes=ExtractSerializer,
        errors=(403, 404, 409, 413, 415),
    )
    def post(self, request: Request, key: str) -> Response:
        """They become a published workflow of yours, and one step that starts it and waits for it takes their place.

        Undo gives the steps back; the new workflow stays.
        """
        workflow = self.workflow(request, key)
        require(request.user, "design")
        body = self.body(ExtractSerializer)
        known_rev, steps = body.pop("known_rev", None), body.pop("steps")
        try:
            found = drafts.extract(workflow, steps, user=person_of(request), **body)
        except DisputeError as error:
            return disputed(error)
        response = self.answered(workflow, known_rev, lambda: found.draft)
        response.data |= {
            "step": found.step,
            "workflow": found.workflow.key,
            "name": found.workflow.name,
            "url": reverse("workflow-canvas", args=[found.workflow.key]),
            "notes": list(found.notes),
        }
        response.status_code = 201
        return response


class UndoView(DraftApi):
    @operation(
        "draft_undo",
        "Undo",
        answers=ChangedSerializer,
        takes=StepSerializer,
        errors=(403, 404, 409, 413, 415),
    )
    def post(self, request: Request, key: str) -> Response:
        """Takes back your own latest change, past what others have done elsewhere since."""
        return self.step(request, key, drafts.undo)


class RedoView(DraftApi):
    @operation(
        "draft_redo",
        "Redo",
        answers=ChangedSerializer,
        takes=StepSerializer,
        errors=(403, 404, 409, 413, 415),
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
    "/issues": IssuesView,
    "/ops": OperationsView,
    "/extract": ExtractView,
    "/undo": UndoView,
    "/redo": RedoView,
    "/publish": PublishView,
}
urlpatterns = [
    path(f"workflows/<slug:key>/draft{end}", view.as_view(), name=end.strip("/") or "read")
    for end, view in _ROUTES.items()
]
