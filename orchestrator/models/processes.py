"""The processes that say they are alive."""

from __future__ import annotations

from django.db import models

from orchestrator.models.fields import OrderedJSONField


class Process(models.Model):
    """One web, worker or clock process and its last heartbeat."""

    class Kind(models.TextChoices):
        WEB = "web"
        WORKER = "worker"
        CLOCK = "clock"

    name = models.CharField(max_length=150, unique=True)
    kind = models.CharField(max_length=10, choices=Kind.choices)
    host = models.CharField(max_length=100)
    pid = models.PositiveIntegerField()
    started_at = models.DateTimeField()
    beat_at = models.DateTimeField(db_index=True)
    data = OrderedJSONField(default=dict)

    class Meta:
        ordering = ("kind", "name")
        verbose_name_plural = "processes"

    def __str__(self) -> str:
        return self.name
