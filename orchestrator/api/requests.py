"""The shapes that come in: bodies and query parameters. What is not declared here is refused."""

from __future__ import annotations

import re
from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.exceptions import ValidationError

from orchestrator.api.fields import LARGEST_ID, StrictCharField, StrictSerializer
from orchestrator.definition.language import NAME_LENGTH
from orchestrator.engine.bulk import MOST as MOST_DECIDED
from orchestrator.engine.delegations import REASON_LENGTH as REASON_OF_DELEGATION
from orchestrator.engine.limits import COMMENT_LENGTH, REASON_LENGTH
from orchestrator.models import Approval
from orchestrator.planning.machine import RunStatus


@extend_schema_field({"type": "object", "additionalProperties": {}})
class StrictObjectField(serializers.Field[dict[str, Any], Any, Any, Any]):
    """A JSON object whose inside is checked by whoever it is for."""

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        if not isinstance(data, dict):
            raise ValidationError("Expected an object.", code="wrong_type")
        return data


class NewVersionSerializer(StrictSerializer):
    definition = StrictObjectField()
    note = StrictCharField(max_length=500, allow_blank=True, default="")


class NewWorkflowSerializer(StrictSerializer):
    """Either a definition, or the name of a template and the parameters to make one from."""

    definition = StrictObjectField(required=False)
    template = StrictCharField(max_length=80, required=False)
    template_version = serializers.IntegerField(
        required=False,
        min_value=1,
        max_value=2**31 - 1,
        help_text="Of a team's template; the newest if left out.",
    )
    parameters = StrictObjectField(required=False)
    note = StrictCharField(max_length=500, allow_blank=True, default="")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if ("definition" in attrs) == ("template" in attrs):
            raise ValidationError("Give either a definition or a template.", code="required")
        for name, said in (("parameters", "Parameters go"), ("template_version", "A version goes")):
            if name in attrs and "template" not in attrs:
                raise ValidationError({name: [f"{said} with a template."]}, code="unknown_field")
        return attrs


class DefinitionSerializer(StrictSerializer):
    definition = StrictObjectField()


class BareDefinitionSerializer(serializers.Serializer[Any]):
    """A definition as it is, schema 1.0.0 to 2.0.0. What it may hold is said by the definition language."""

    tasks = StrictObjectField(help_text="Task key to task.")


@extend_schema_field({"type": "string", "pattern": "^[!-~]{1,100}$"})
class IdempotencyKeyField(StrictCharField):
    """Printable ASCII without spaces, so that it is the same in a header and in a body."""

    def to_internal_value(self, data: Any) -> str:
        text = super().to_internal_value(data)
        if not re.fullmatch(r"[!-~]{1,100}", text):
            raise ValidationError(
                "Expected 1 to 100 printable ASCII characters without spaces.", code="invalid"
            )
        return text


class ItemQuery(StrictSerializer):
    item = serializers.IntegerField(
        default=-1,
        min_value=-1,
        max_value=100_000,
        help_text="Of an item of a for_each task, counted from 0.",
    )


class StartSerializer(StrictSerializer):
    parameters = StrictObjectField(required=False)
    idempotency_key = IdempotencyKeyField(
        required=False,
        help_text="The same key gives the same run. May be sent as the header Idempotency-Key instead.",
    )


class CancelSerializer(StrictSerializer):
    reason = StrictCharField(max_length=REASON_LENGTH, allow_blank=True, default="")


class DecisionSerializer(StrictSerializer):
    comment = StrictCharField(max_length=COMMENT_LENGTH, allow_blank=True, default="")
    fields = StrictObjectField(  # type: ignore[assignment]  # taken out of the class by its metaclass
        required=False, help_text="Values of the form, by name."
    )
    edits = StrictObjectField(
        required=False, help_text="Facts to change as you approve, by name; each keeps its type."
    )
    seal = StrictCharField(
        max_length=64,
        required=False,
        help_text="The `content_hash` of what you were shown: 409 `content_changed` if it has changed since.",
    )
    override = serializers.BooleanField(
        default=False,
        help_text="Decide over those who are asked, for whoever may; the comment then says why, and they are told.",
    )


class RecallSerializer(StrictSerializer):
    reason = StrictCharField(max_length=REASON_LENGTH, allow_blank=True, default="")


class DecisionsSerializer(StrictSerializer):
    ids = serializers.ListField(
        child=serializers.IntegerField(min_value=1, max_value=LARGEST_ID),
        min_length=1,
        max_length=MOST_DECIDED,
        help_text="Approvals, decided in this order.",
    )
    decision = serializers.ChoiceField(["approve", "reject"])
    comment = StrictCharField(max_length=COMMENT_LENGTH, allow_blank=True, default="")


class SendBackSerializer(StrictSerializer):
    to = StrictCharField(max_length=NAME_LENGTH, help_text="The key of one of `send_back_to`.")
    comment = StrictCharField(max_length=COMMENT_LENGTH, help_text="What is to be done again.")
    override = serializers.BooleanField(
        default=False, help_text="Over those who are asked, by who may decide any approval."
    )


class PageQuery(StrictSerializer):
    after = serializers.IntegerField(
        required=False, min_value=0, max_value=LARGEST_ID, help_text="Take it from `next` of the page before."
    )
    limit = serializers.IntegerField(default=50, min_value=1, max_value=200)


class WorkflowQuery(PageQuery):
    q = serializers.CharField(required=False, max_length=100, help_text="Part of the name or the id.")
    archived = serializers.BooleanField(default=False)


class RunQuery(PageQuery):
    workflow = serializers.CharField(required=False, max_length=80, help_text="The id of a workflow.")
    status = serializers.ChoiceField(RunStatus.choices(), required=False)
    test_runs = serializers.BooleanField(
        allow_null=True, default=None, help_text="true: only test runs; false: none of them."
    )


class ApprovalQuery(PageQuery):
    status = serializers.ChoiceField(Approval.Status.choices, required=False)
    mine = serializers.BooleanField(default=False, help_text="Only those you may decide.")
    delegated = serializers.BooleanField(
        default=False, help_text="Only those you may decide in the place of somebody who is away."
    )


class DelegationQuery(PageQuery):
    past = serializers.BooleanField(default=False, help_text="Also those that are over or revoked.")


class NewDelegationSerializer(StrictSerializer):
    to = StrictCharField(max_length=150, help_text="The user name of whoever decides meanwhile.")
    starts_at = serializers.DateTimeField(required=False, help_text="Now if left out, and at the earliest.")
    ends_at = serializers.DateTimeField(help_text="At most 366 days after its start.")
    reason = StrictCharField(max_length=REASON_OF_DELEGATION, allow_blank=True, default="")
    person = StrictCharField(
        max_length=150,
        required=False,
        help_text="Who is away; another than yourself for administrators only.",
    )


class EventQuery(StrictSerializer):
    since = serializers.IntegerField(
        default=0, min_value=0, max_value=LARGEST_ID, help_text="Events after this `seq`."
    )
    limit = serializers.IntegerField(default=200, min_value=1, max_value=1000)
