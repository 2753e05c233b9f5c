"""What attempts leave behind beside their output: files."""

from __future__ import annotations

from django.db import models

from orchestrator import files
from orchestrator.models.runs import TaskRun


class Artifact(models.Model):
    """A file that an agent handed in while it held a task. `claim` is the fence it was handed in under, so that what an
    attempt left which was given up stands beside that of the next, not in its place."""

    task_run = models.ForeignKey(TaskRun, on_delete=models.CASCADE, related_name="artifacts", db_index=False)
    claim = models.PositiveIntegerField()
    attempt = models.PositiveIntegerField()
    name = models.CharField(max_length=files.NAME_LENGTH)
    key = models.CharField(max_length=files.KEY_LENGTH, unique=True)
    size = models.PositiveBigIntegerField()
    sha256 = models.CharField(max_length=64)
    content_type = models.CharField(max_length=100)
    by = models.CharField(max_length=100, blank=True)
    created_at = models.DateTimeField()

    class Meta:
        ordering = ("id",)
        constraints = (
            models.UniqueConstraint(fields=["task_run", "claim", "name"], name="artifact_name_once"),
        )

    def __str__(self) -> str:
        return self.name

    @property
    def size_text(self) -> str:
        return files.in_words(self.size)
