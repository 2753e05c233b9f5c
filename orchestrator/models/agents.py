"""Who does agent tasks from outside: the agents, their tokens, and what each has taken up."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q

from orchestrator.models.fields import OrderedJSONField
from orchestrator.models.runs import TaskRun


class Agent(models.Model):
    """A program, an AI, a person or a service that carries out tasks. `agent_id` of a task names one by its key, by a pool
    (`pool:name`) or by what it can do (`can:name`)."""

    class Kind(models.TextChoices):
        AI = "ai", "AI"
        HUMAN = "human", "Human"
        HYBRID = "hybrid", "Hybrid"
        SERVICE = "service", "Service"

    class State(models.TextChoices):
        ACTIVE = "active"
        DRAINING = "draining"
        QUARANTINED = "quarantined"

    class Transport(models.TextChoices):
        HTTP = "http", "HTTP"
        OUTBOX = "outbox", "Outbox"

    key = models.SlugField(max_length=80, unique=True)
    name = models.CharField(max_length=200)
    kind = models.CharField(max_length=10, choices=Kind.choices, default=Kind.SERVICE)
    transport = models.CharField(max_length=10, choices=Transport.choices, default=Transport.HTTP)
    description = models.CharField(max_length=500, blank=True)
    capabilities = OrderedJSONField(default=list, blank=True)
    pools = OrderedJSONField(default=list, blank=True)
    capacity = models.PositiveSmallIntegerField(default=1)
    resources = OrderedJSONField(default=dict, blank=True)
    cost_per_hour = models.DecimalField(max_digits=10, decimal_places=2, null=True, blank=True)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="agents"
    )
    state = models.CharField(max_length=12, choices=State.choices, default=State.ACTIVE)
    failures_in_a_row = models.PositiveIntegerField(default=0)
    created_at = models.DateTimeField(auto_now_add=True)
    seen_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("key",)

    def __str__(self) -> str:
        return self.key

    @property
    def addresses(self) -> list[str]:
        """What `agent_id` may say to mean this agent, among others."""
        pools = [f"pool:{name}" for name in self.pools]
        return [self.key, *pools, *(f"can:{name}" for name in self.capabilities)]


class AgentToken(models.Model):
    """What an agent proves itself by; only its prefix and SHA-256 are kept."""

    agent = models.ForeignKey(Agent, on_delete=models.CASCADE, related_name="tokens")
    name = models.CharField(max_length=100, blank=True)
    prefix = models.CharField(max_length=12, unique=True)
    digest = models.CharField(max_length=64)
    created_at = models.DateTimeField(auto_now_add=True)
    last_used_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("-id",)

    def __str__(self) -> str:
        return f"{self.agent_id} ({self.prefix}…)"


class Lease(models.Model):
    """One attempt of a task that an agent took up. It holds while the task runs under the same `claim`."""

    class Outcome(models.TextChoices):
        COMPLETED = "completed"
        FAILED = "failed"
        RELEASED = "released"
        LOST = "lost"

    agent = models.ForeignKey(Agent, on_delete=models.CASCADE, related_name="leases")
    task_run = models.ForeignKey(TaskRun, on_delete=models.CASCADE, related_name="leases")
    claim = models.PositiveIntegerField()
    attempt = models.PositiveIntegerField()
    logged = models.PositiveIntegerField(default=0)
    taken_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)
    outcome = models.CharField(max_length=10, choices=Outcome.choices, blank=True)

    class Meta:
        ordering = ("-id",)
        constraints = (models.UniqueConstraint(fields=["task_run", "claim"], name="one_lease_per_claim"),)
        indexes = (
            models.Index(fields=["agent"], condition=Q(ended_at__isnull=True), name="lease_open"),
            models.Index(fields=["agent", "ended_at"], name="lease_of_agent"),
        )

    def __str__(self) -> str:
        return f"lease {self.pk}"
