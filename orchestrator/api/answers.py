"""The shapes that go out. Each field is chosen by hand: a new column of a model is not published by accident."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from orchestrator import secrets
from orchestrator.models import Approval, Delegation, Event, Run, TaskRun, Vote, Workflow
from orchestrator.planning.levels import STATUSES as LEVEL_STATUSES
from orchestrator.planning.machine import RunStatus

USER = {"type": "string", "nullable": True, "description": "A user name."}


@extend_schema_field(USER)
class UserNameField(serializers.SlugRelatedField):  # type: ignore[type-arg]
    """A person by user name; null when there is none or the account is gone."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(slug_field="username", read_only=True, **kwargs)


@extend_schema_field({"description": "Any JSON value."})
class AnyField(serializers.JSONField):
    pass


@extend_schema_field({"type": "object", "additionalProperties": {}})
class ObjectField(serializers.JSONField):
    """A JSON object."""


class IssueSerializer(serializers.Serializer[Any]):
    path = serializers.CharField(help_text="Such as `tasks.load.dependencies[0]`; `$` is the whole.")
    code = serializers.CharField()
    message = serializers.CharField()
    severity = serializers.ChoiceField(["error", "warning"])
    hint = serializers.CharField(allow_blank=True)


class ErrorBodySerializer(serializers.Serializer[Any]):
    code = serializers.CharField(help_text="Stable; made for programs.")
    message = serializers.CharField(help_text="A sentence made for people.")
    issues = IssueSerializer(many=True)


class ErrorSerializer(serializers.Serializer[Any]):
    error = ErrorBodySerializer()


class WorkflowSerializer(serializers.ModelSerializer[Workflow]):
    id = serializers.CharField(source="key")
    owner = UserNameField()
    version = serializers.IntegerField(
        source="last_version", allow_null=True, help_text="The last one published."
    )

    class Meta:
        model = Workflow
        fields = (
            "id",
            "name",
            "description",
            "owner",
            "template",
            "version",
            "created_at",
            "updated_at",
            "archived_at",
        )
        read_only_fields = fields


class WorkflowDetailSerializer(WorkflowSerializer):
    schema_version = serializers.CharField()
    definition = ObjectField(help_text="The last published version.")

    class Meta(WorkflowSerializer.Meta):
        fields = (*WorkflowSerializer.Meta.fields, "schema_version", "definition")
        read_only_fields = fields


class RunCountsSerializer(serializers.ModelSerializer[Run]):
    class Meta:
        model = Run
        fields = ("total", "unsettled", "completed", "failed", "skipped")
        read_only_fields = fields


class RunSerializer(serializers.ModelSerializer[Run]):
    workflow = serializers.CharField(source="workflow.key")
    version = serializers.IntegerField(
        source="version.number", allow_null=True, help_text="Null: of a test run."
    )
    test_run = serializers.BooleanField(
        source="is_trial", help_text="Whether it tries a draft out, or was started by such a run."
    )
    started_by = UserNameField()
    parameters = serializers.SerializerMethodField(help_text="Secret ones are masked.")
    counts = RunCountsSerializer(source="*")
    error = AnyField(help_text="Why the run failed, or null.")

    class Meta:
        model = Run
        fields = (
            "id",
            "workflow",
            "version",
            "test_run",
            "status",
            "trigger",
            "started_by",
            "parameters",
            "counts",
            "error",
            "seq",
            "created_at",
            "started_at",
            "finished_at",
            "deadline_at",
        )
        read_only_fields = fields

    @extend_schema_field({"type": "object", "additionalProperties": {}})
    def get_parameters(self, run: Run) -> Any:
        return secrets.mask(run.params)


class EventSerializer(serializers.ModelSerializer[Event]):
    data = ObjectField()

    class Meta:
        model = Event
        fields = ("seq", "type", "task", "index", "actor", "at", "data")
        read_only_fields = fields


class LevelSerializer(serializers.Serializer[Any]):
    """How one level of a request stands."""

    level = serializers.IntegerField()
    name = serializers.CharField()
    status = serializers.ChoiceField(LEVEL_STATUSES)
    approvers = serializers.ListField(child=serializers.CharField())
    quorum = serializers.CharField(help_text="How many it takes, in words.")
    given = serializers.IntegerField(help_text="Approvals so far.")
    needed = serializers.IntegerField(help_text="Approvals it takes.")
    by = serializers.ListField(child=serializers.CharField(), help_text="Who has decided on it.")
    escalated = serializers.ListField(
        child=serializers.CharField(), help_text="Who was asked later, because nobody decided."
    )
    on_timeout = serializers.CharField()
    asked_at = serializers.DateTimeField(allow_null=True)
    deadline_at = serializers.DateTimeField(allow_null=True)


class EditSerializer(serializers.Serializer[Any]):
    name = serializers.CharField()
    before = AnyField(allow_null=True)
    after = AnyField(allow_null=True)


class VoteSerializer(serializers.ModelSerializer[Vote]):
    person = UserNameField()
    for_person = UserNameField(help_text="In whose place it was decided, if it was by delegation.")
    fields = ObjectField(help_text="What was filled in.")  # type: ignore[assignment]  # see requests.DecisionSerializer
    edits = EditSerializer(many=True)
    seal = serializers.CharField(help_text="The content hash of what it holds for.")
    seal_shown = serializers.CharField(help_text="That of what was shown, before the edits.")
    voided_at = serializers.DateTimeField(
        allow_null=True, help_text="When somebody changed what had been decided on; null while it stands."
    )

    class Meta:
        model = Vote
        fields = (
            "person",
            "for_person",
            "decision",
            "comment",
            "override",
            "fields",
            "edits",
            "seal",
            "seal_shown",
            "at",
            "voided_at",
        )
        read_only_fields = fields


class ApprovalSerializer(serializers.ModelSerializer[Approval]):
    workflow = serializers.CharField(source="run.workflow.key")
    task = serializers.CharField(source="task_run.key")
    data = ObjectField(help_text="What the decision is about.")
    form = serializers.ListField(
        child=ObjectField(), help_text="What is filled in with a decision: fields as the gate has them."
    )
    editable = serializers.ListField(
        child=serializers.CharField(), help_text="The facts of `data` that may be changed on approving."
    )
    votes = VoteSerializer(many=True, help_text="What each person decided.")
    approvers = serializers.StringRelatedField(many=True, help_text="Names, as the definition gives them.")
    level = serializers.IntegerField(help_text="The number of the level that is asked; 1 where there is one.")
    levels = LevelSerializer(many=True, help_text="Empty where the gate names its approvers itself.")
    send_back_to = serializers.ListField(
        child=serializers.CharField(), help_text="Keys of the earlier tasks that it may be sent back to."
    )
    decided_by = UserNameField()
    decided_for = serializers.CharField(
        allow_null=True, read_only=True, help_text="In whose place it was decided, if it was by delegation."
    )

    class Meta:
        model = Approval
        fields = (
            "id",
            "run",
            "workflow",
            "task",
            "status",
            "title",
            "instructions",
            "data",
            "content_hash",
            "form",
            "editable",
            "approvers",
            "level",
            "levels",
            "send_back_to",
            "requested_at",
            "deadline_at",
            "decided_at",
            "decided_by",
            "decided_for",
            "comment",
            "votes",
        )
        read_only_fields = fields


class OutcomeSerializer(serializers.Serializer[Any]):
    """What became of one of several approvals: `orchestrator.engine.bulk.Outcome`."""

    id = serializers.IntegerField()
    title = serializers.CharField(allow_blank=True)
    status = serializers.CharField(
        allow_blank=True, help_text="As it stands now; empty if there is none that you may see."
    )
    done = serializers.BooleanField()
    code = serializers.CharField(allow_blank=True, help_text="Why not, such as `already_decided`.")
    message = serializers.CharField(allow_blank=True)


class OutcomesSerializer(serializers.Serializer[Any]):
    done = serializers.IntegerField(help_text="How many were decided.")
    results = OutcomeSerializer(many=True)


class DelegationSerializer(serializers.ModelSerializer[Delegation]):
    person = UserNameField(help_text="Who is away.")
    to = UserNameField(help_text="Who decides meanwhile.")
    created_by = UserNameField()

    class Meta:
        model = Delegation
        fields = (
            "id",
            "person",
            "to",
            "starts_at",
            "ends_at",
            "reason",
            "created_at",
            "created_by",
            "revoked_at",
        )
        read_only_fields = fields


class _Page(serializers.Serializer[Any]):
    next = serializers.IntegerField(
        allow_null=True, help_text="Send it as `after` for the next page; null on the last."
    )


class WorkflowPageSerializer(_Page):
    items = WorkflowSerializer(many=True)


class RunPageSerializer(_Page):
    items = RunSerializer(many=True)


class ApprovalPageSerializer(_Page):
    items = ApprovalSerializer(many=True)


class DelegationPageSerializer(_Page):
    items = DelegationSerializer(many=True)


class EventPageSerializer(serializers.Serializer[Any]):
    events = EventSerializer(many=True)
    last = serializers.IntegerField(help_text="Send it as `since` to go on from here.")
    more = serializers.BooleanField(help_text="Whether there are events after the last one shown.")
    status = serializers.ChoiceField(RunStatus.choices(), help_text="Of the run.")


class ReportSerializer(serializers.Serializer[Any]):
    ok = serializers.BooleanField(help_text="Whether it could be published: there may still be warnings.")
    issues = IssueSerializer(many=True)


class StandingSerializer(serializers.Serializer[Any]):
    """What `orchestrator.reads.status` gives, the same as `baton status --json`."""

    workflow = serializers.CharField()
    name = serializers.CharField()
    version = serializers.IntegerField(allow_null=True, help_text="Null: of a test run.")
    test_run = serializers.BooleanField()
    run = serializers.IntegerField()
    status = serializers.ChoiceField(RunStatus.choices())
    error = AnyField(allow_null=True)
    parameters = ObjectField()
    created_at = serializers.DateTimeField(allow_null=True)
    started_at = serializers.DateTimeField(allow_null=True)
    finished_at = serializers.DateTimeField(allow_null=True)
    counts = RunCountsSerializer()
    tasks = ObjectField(help_text="By key: status, attempts, output and more.")


class MendSerializer(serializers.Serializer[Any]):
    text = serializers.CharField(help_text="What it does, in words.")
    action = serializers.CharField(help_text="Stable; made for programs.")
    command = serializers.CharField(help_text="The same on the command line.")
    method = serializers.CharField(allow_blank=True)
    href = serializers.CharField(
        allow_blank=True, help_text="Here; a page where it takes a person to say more."
    )


class BlockingSerializer(serializers.Serializer[Any]):
    task = serializers.CharField(allow_blank=True, help_text="Empty: it is about the run.")
    index = serializers.IntegerField(help_text="Of an item of a for_each task; otherwise -1.")
    reason = serializers.CharField()
    sentence = serializers.CharField()
    hint = serializers.CharField(source="fix", allow_blank=True)
    fix = serializers.SerializerMethodField(help_text="The first of `fixes`.")
    fixes = serializers.SerializerMethodField(help_text="What you may do about it.")

    @extend_schema_field(MendSerializer(allow_null=True))
    def get_fix(self, one: Any) -> Any:
        return next(iter(self.get_fixes(one)), None)

    @extend_schema_field(MendSerializer(many=True))
    def get_fixes(self, one: Any) -> Any:
        return [fix.as_dict() for fix in one.fixes]


class WhySerializer(serializers.Serializer[Any]):
    items = BlockingSerializer(many=True)


class TaskStandingSerializer(serializers.ModelSerializer[TaskRun]):
    class Meta:
        model = TaskRun
        fields = ("run", "key", "index", "status", "reason", "attempt")
        read_only_fields = fields


class TemplateParameterSerializer(serializers.Serializer[Any]):
    name = serializers.CharField()
    type = serializers.CharField()
    required = serializers.BooleanField()
    default = AnyField()
    description = serializers.CharField()
    enum = serializers.ListField(child=AnyField())


class TemplateSerializer(serializers.Serializer[Any]):
    key = serializers.CharField()
    name = serializers.CharField()
    version = serializers.CharField()
    description = serializers.CharField()
    use_cases = serializers.ListField(child=serializers.CharField())
    features = serializers.ListField(child=serializers.CharField())
    team = serializers.BooleanField(help_text="Whether it was made here; otherwise it ships with Baton.")
    owner = serializers.CharField(help_text="Who made it; empty for those that ship.")
    documentation = serializers.CharField()
    parameters = TemplateParameterSerializer(many=True)


class TemplatesSerializer(serializers.Serializer[Any]):
    items = TemplateSerializer(many=True)
