"""Test runs of drafts over the API: what one would do, its start, and what is pinned for them."""

from __future__ import annotations

from typing import Any

from django.urls import path, reverse
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from editor import drafts, pins, trying
from editor.api import DraftApi, disputed, person_of
from editor.drafts import DisputeError
from editor.models import Pin
from editor.trial import KINDS, MAX_WORDS, Scope
from editor.trying import Prepared, Wish
from orchestrator.api.answers import AnyField, IssueSerializer, ObjectField, UserNameField
from orchestrator.api.fields import LARGEST_ID, StrictCharField, StrictSerializer
from orchestrator.api.openapi import operation
from orchestrator.api.requests import StrictObjectField
from orchestrator.exceptions import NotFoundError
from orchestrator.permissions import runs_for

_KEY_LENGTH = 100
_RUN = {"min_value": 1, "max_value": LARGEST_ID}
_HOW = ("earnest", "pin", "past", "mock", "nothing", "left_out")
_PAST = {"required": False, "help_text": "A run whose outcomes stand in for what is not tried.", **_RUN}


class ScopeSerializer(StrictSerializer):
    kind = serializers.ChoiceField(KINDS, default="all")
    task = StrictCharField(
        max_length=_KEY_LENGTH, default="", allow_blank=True, help_text="From, up to or only this."
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if attrs["kind"] != "all" and not attrs["task"]:
            raise ValidationError({"task": [f"Name the task: {attrs['kind']} which one?"]}, code="required")
        return attrs


class TrySerializer(StrictSerializer):
    base_rev = serializers.IntegerField(
        required=False, min_value=1, max_value=2**31 - 1, help_text="Refused if the draft has gone on since."
    )
    scope = ScopeSerializer(default=lambda: {"kind": "all", "task": ""})
    pins = StrictObjectField(
        required=False, help_text="For this once, by task: as of a pin, or null for none."
    )
    mocks = StrictObjectField(
        required=False,
        help_text="By task: `{output}`, `{status, error?}`, `{decision, by?, comment?, fields?}` of an approval, or `{past: true}`.",
    )
    past_run = serializers.IntegerField(**_PAST)
    parameters = StrictObjectField(required=False)
    batch = StrictCharField(
        max_length=drafts.MAX_BATCH,
        default="",
        help_text="Your own name for it: the same one twice is one run.",
    )


class TryQuery(StrictSerializer):
    scope = serializers.ChoiceField(KINDS, default="all")
    task = serializers.CharField(max_length=_KEY_LENGTH, default="", allow_blank=True)
    past_run = serializers.IntegerField(**_PAST)


class TrialStepSerializer(serializers.Serializer[Any]):
    key = serializers.CharField()
    name = serializers.CharField()
    how = serializers.ChoiceField(
        _HOW,
        help_text="Run in earnest, by what stands in for it, or not at all; `nothing`: no output is known.",
    )
    acts = serializers.CharField(help_text="What it does beyond Baton; empty where it only looks or decides.")


class TrialSerializer(serializers.Serializer[Prepared]):
    rev = serializers.IntegerField(help_text="Of the draft.")
    title = serializers.CharField(help_text="Such as `From Load`.")
    ready = serializers.BooleanField(help_text="Whether it could start.")
    warning = serializers.CharField(help_text="Which tasks act in earnest, in a sentence.")
    steps = TrialStepSerializer(many=True)
    problems = IssueSerializer(many=True)
    missing = IssueSerializer(many=True)


class TriedSerializer(serializers.Serializer[Any]):
    run = serializers.IntegerField()
    url = serializers.CharField(help_text="Its page.")
    socket = serializers.CharField(help_text="The websocket that tells of it.")


class PinBodySerializer(StrictSerializer):
    """Either what the task gives, or the run whose outcome is pinned."""

    output = serializers.JSONField(required=False, allow_null=True)
    status = serializers.ChoiceField(("completed", "failed", "skipped"), required=False)
    error = serializers.JSONField(required=False, help_text="A text, or `{code, message}`.")
    decision = serializers.ChoiceField(("approved", "rejected"), required=False)
    by = StrictCharField(max_length=MAX_WORDS, required=False, help_text="Who is said to have decided.")
    comment = StrictCharField(max_length=MAX_WORDS, required=False, allow_blank=True)
    run = serializers.IntegerField(required=False, help_text="Pin what the task came to in this run.", **_RUN)
    last_run = serializers.BooleanField(
        required=False, help_text="true: pin what it came to in the last run in which it came to something."
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        ways = [name for name in ("output", "status", "decision", "run") if name in attrs]
        taken = "run" in attrs or attrs.get("last_run")
        if not ways and not taken:
            raise ValidationError("Give an output, a status, a decision, a run or last_run.", code="required")
        if taken and set(attrs) - {"run", "last_run"}:
            raise ValidationError("Either name a run, or say what the task gives.", code="invalid")
        return attrs


class PinSerializer(serializers.ModelSerializer[Pin]):
    data = ObjectField(help_text="Such as `{output}` or `{status, error}`.")
    source = serializers.CharField(help_text="Such as `run 12`; empty where somebody wrote it.")
    by = UserNameField(source="user")

    class Meta:
        model = Pin
        fields = ("task", "data", "source", "by", "at")
        read_only_fields = fields


class PinsSerializer(serializers.Serializer[Any]):
    pins = AnyField(help_text="By task: `{task, data, source, by, at}`.")


class TryView(DraftApi):
    @operation(
        "draft_try_read",
        "What a test run would do",
        answers=TrialSerializer,
        query=TryQuery,
        errors=(403, 404),
    )
    def get(self, request: Request, key: str) -> Response:
        """With what is pinned: which tasks run in earnest and act, which do not, and what is missing. Starts nothing."""
        workflow = self.workflow(request, key)
        query = self.query(TryQuery)
        wish = Wish(Scope(query["scope"], query["task"]), past_run=query.get("past_run"))
        return Response(TrialSerializer(trying.prepare(workflow, wish, runs_for(request.user))).data)

    @operation(
        "draft_try",
        "Try a draft",
        answers=TriedSerializer,
        code=201,
        takes=TrySerializer,
        errors=(403, 404, 409, 413, 415),
    )
    def post(self, request: Request, key: str) -> Response:
        """Starts a test run of the draft as it is. It is marked as such, counts nowhere and is removed after a week."""
        workflow = self.workflow(request, key)
        body = self.body(TrySerializer)
        wish = Wish(Scope(**body["scope"]), body.get("pins", {}), body.get("mocks", {}), body.get("past_run"))
        try:
            run = trying.start(
                workflow,
                wish,
                runs_for(request.user),
                body.get("parameters"),
                user=person_of(request),
                base_rev=body.get("base_rev"),
                batch=body["batch"],
            )
        except DisputeError as error:
            return disputed(error)
        url = reverse("run-detail", args=[run.pk])
        return Response({"run": run.pk, "url": url, "socket": f"/ws/runs/{run.pk}/"}, status=201)


class PinsView(DraftApi):
    @operation("draft_pins", "List what is pinned", answers=PinsSerializer, errors=(403, 404))
    def get(self, request: Request, key: str) -> Response:
        """What tasks give in test runs of the draft."""
        found = pins.pinned(self.workflow(request, key))
        return Response({"pins": {task: PinSerializer(pin).data for task, pin in found.items()}})


class PinView(DraftApi):
    @operation("draft_pin_read", "Read a pin", answers=PinSerializer, errors=(403, 404))
    def get(self, request: Request, key: str, task: str) -> Response:
        found = pins.pinned(self.workflow(request, key)).get(task)
        if found is None:
            raise NotFoundError(f"Nothing is pinned for {task}.", code="not_pinned")
        return Response(PinSerializer(found).data)

    @operation(
        "draft_pin",
        "Pin an outcome",
        answers=PinSerializer,
        takes=PinBodySerializer,
        errors=(403, 404, 409, 413, 415),
    )
    def put(self, request: Request, key: str, task: str) -> Response:
        """In test runs the task then gives this and is not done, until it is unpinned."""
        workflow = self.workflow(request, key)
        body = self.body(PinBodySerializer)
        user, number = person_of(request), body.pop("run", None)
        if body.pop("last_run", False) or number is not None:
            found = pins.pin_outcome(workflow, task, runs_for(request.user), number, user=user)
        else:
            found = pins.pin(workflow, task, body, user=user)
        return Response(PinSerializer(found).data)

    @operation("draft_unpin", "Unpin", answers=None, code=204, errors=(403, 404))
    def delete(self, request: Request, key: str, task: str) -> Response:
        """The task is done again in test runs. Nothing happens when nothing was pinned."""
        pins.unpin(self.workflow(request, key), task)
        return Response(status=204)


app_name = "trial"
urlpatterns = [
    path("workflows/<slug:key>/draft/try", TryView.as_view(), name="try"),
    path("workflows/<slug:key>/draft/pins", PinsView.as_view(), name="pins"),
    path("workflows/<slug:key>/draft/pins/<slug:task>", PinView.as_view(), name="pin"),
]
