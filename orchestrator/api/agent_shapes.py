"""The shapes of the routes about and for agents, coming in and going out."""

from __future__ import annotations

from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.models import AbstractUser
from rest_framework import serializers

from orchestrator.api.answers import AnyField, ObjectField, UserNameField
from orchestrator.api.fields import StrictCharField, StrictSerializer
from orchestrator.api.requests import StrictObjectField
from orchestrator.engine import agents
from orchestrator.engine.agent_work import LEVELS, MOST_AT_ONCE
from orchestrator.engine.agents import MOST_CAPACITY, MOST_NAMES
from orchestrator.engine.attempts import MAX_LOG_LENGTH
from orchestrator.models import Agent, AgentToken

MOST_LINES = 100
LONGEST_WAIT = 60  # seconds


class AgentSerializer(serializers.ModelSerializer[Agent]):
    id = serializers.CharField(source="key")
    user = UserNameField()
    online = serializers.SerializerMethodField()
    revision = serializers.SerializerMethodField(
        help_text="Another one whenever something else is said of it."
    )

    class Meta:
        model = Agent
        fields = (
            "id",
            "name",
            "kind",
            "transport",
            "description",
            "capabilities",
            "pools",
            "capacity",
            "resources",
            "cost_per_hour",
            "user",
            "state",
            "failures_in_a_row",
            "revision",
            "online",
            "seen_at",
            "created_at",
        )
        read_only_fields = fields

    def get_revision(self, agent: Agent) -> str:
        return agents.revision_of(agent)

    def get_online(self, agent: Agent) -> bool:
        return agents.is_online(agent)


class AgentPageSerializer(serializers.Serializer[Any]):
    items = AgentSerializer(many=True)
    next = serializers.IntegerField(allow_null=True)


class AgentTokenSerializer(serializers.ModelSerializer[AgentToken]):
    class Meta:
        model = AgentToken
        fields = ("id", "name", "prefix", "created_at", "last_used_at", "revoked_at")
        read_only_fields = fields


class NewAgentTokenSerializer(serializers.Serializer[Any]):
    agent = AgentSerializer()
    id = serializers.IntegerField(help_text="By which the token is revoked.")
    token = serializers.CharField(help_text="Shown this once.")


def _word_list() -> serializers.ListField:
    return serializers.ListField(child=StrictCharField(max_length=80), max_length=MOST_NAMES, required=False)


class DescriptionSerializer(StrictSerializer):
    """What an agent says of itself."""

    name = StrictCharField(max_length=200, required=False)
    description = StrictCharField(max_length=500, allow_blank=True, required=False)
    capabilities = _word_list()
    pools = _word_list()
    capacity = serializers.IntegerField(min_value=1, max_value=MOST_CAPACITY, required=False)
    resources = StrictObjectField(required=False)


_TRANSPORT_HELP = "How it gets its tasks: by asking for them, or in a file of its own."


class ChangedAgentSerializer(DescriptionSerializer):
    """What an administrator changes of an agent; what is left out stays."""

    kind = serializers.ChoiceField(Agent.Kind.choices, required=False)
    transport = serializers.ChoiceField(Agent.Transport.choices, required=False, help_text=_TRANSPORT_HELP)
    cost_per_hour = serializers.DecimalField(
        max_digits=10, decimal_places=2, min_value=0, required=False, allow_null=True
    )
    user = StrictCharField(
        max_length=150, required=False, allow_null=True, help_text="Who does its tasks by hand: a user name."
    )
    revision = StrictCharField(
        max_length=64, required=False, help_text="That which you know: 409 `changed` if it is another by now."
    )

    def validate_user(self, name: str | None) -> AbstractUser | None:
        if name is None:
            return None
        found: AbstractUser | None = get_user_model().objects.filter(username=name, is_active=True).first()
        if found is None:
            raise serializers.ValidationError(f"There is no active user {name!r}.")
        return found


class NewAgentSerializer(DescriptionSerializer):
    id = StrictCharField(max_length=80)
    kind = serializers.ChoiceField(Agent.Kind.choices, default=Agent.Kind.SERVICE)
    transport = serializers.ChoiceField(
        Agent.Transport.choices, default=Agent.Transport.HTTP, help_text=_TRANSPORT_HELP
    )
    cost_per_hour = serializers.DecimalField(
        max_digits=10, decimal_places=2, min_value=0, required=False, allow_null=True
    )


class NewTokenSerializer(StrictSerializer):
    name = StrictCharField(max_length=100, allow_blank=True, default="")


class ClaimSerializer(StrictSerializer):
    wait = serializers.FloatField(
        default=30, min_value=0, max_value=LONGEST_WAIT, help_text="Seconds to wait for a task."
    )
    most = serializers.IntegerField(
        default=1, min_value=1, max_value=MOST_AT_ONCE, help_text="How many tasks at once."
    )


class AssignmentSerializer(serializers.Serializer[Any]):
    lease = serializers.IntegerField(source="lease.pk")
    run = serializers.IntegerField()
    workflow = serializers.CharField()
    task = serializers.CharField()
    index = serializers.IntegerField(help_text="Of an item of a for_each task; otherwise -1.")
    attempt = serializers.IntegerField()
    parameters = ObjectField()
    idempotency_key = serializers.CharField(help_text="The same for each attempt of this task.")
    lease_until = serializers.DateTimeField()
    timeout_at = serializers.DateTimeField(allow_null=True)


class AssignmentsSerializer(serializers.Serializer[Any]):
    tasks = AssignmentSerializer(many=True)


class SignSerializer(serializers.Serializer[Any]):
    lease_until = serializers.DateTimeField(allow_null=True)
    cancelled = serializers.BooleanField(source="is_cancelled")


class LineSerializer(StrictSerializer):
    level = serializers.ChoiceField(LEVELS, default="info")
    message = StrictCharField(max_length=MAX_LOG_LENGTH)


class LinesSerializer(StrictSerializer):
    lines = serializers.ListField(child=LineSerializer(), min_length=1, max_length=MOST_LINES)


class CompletionSerializer(StrictSerializer):
    output = AnyField(required=False, allow_null=True, default=None)


class FailureSerializer(StrictSerializer):
    message = StrictCharField(max_length=4000)
    code = StrictCharField(max_length=100, default="agent_failed")
    retryable = serializers.BooleanField(default=True)


class SettledSerializer(serializers.Serializer[Any]):
    status = serializers.CharField()
