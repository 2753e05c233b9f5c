"""The append-only history of a run, and the log lines of its tasks."""

from __future__ import annotations

from django.db import models

from orchestrator.models.fields import OrderedJSONField, RowNumberField
from orchestrator.models.runs import Run, TaskRun


class Event(models.Model):
    """What happened in a run: its history, live feed and audit are this one table.

    `seq` is gap-free within a run, taken under the run's lock. `digest` chains the row to the one before it.
    """

    id = RowNumberField(primary_key=True)
    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="events", db_index=False)
    seq = models.PositiveIntegerField()
    type = models.CharField(max_length=40)
    task = models.CharField(max_length=64, blank=True)
    index = models.IntegerField(default=-1)
    actor = models.CharField(max_length=200, blank=True)
    at = models.DateTimeField()
    data = OrderedJSONField(default=dict)
    digest = models.CharField(max_length=64)

    class Meta:
        ordering = ("run_id", "seq")
        constraints = (models.UniqueConstraint(fields=["run", "seq"], name="event_seq_once"),)

    def __str__(self) -> str:
        return f"{self.run_id}/{self.seq} {self.type}"


class LogLine(models.Model):
    """A line an attempt logged; not part of the history, may be pruned."""

    id = RowNumberField(primary_key=True)
    task_run = models.ForeignKey(TaskRun, on_delete=models.CASCADE, related_name="log")
    attempt = models.PositiveIntegerField()
    at = models.DateTimeField()
    level = models.CharField(max_length=10)
    message = models.TextField()

    class Meta:
        ordering = ("task_run_id", "id")

    def __str__(self) -> str:
        return self.message[:80]
