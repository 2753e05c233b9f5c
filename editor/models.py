"""The record of what was done to drafts: undo, redo and the merging of two people's work read it."""

from __future__ import annotations

from django.conf import settings
from django.db import models

from orchestrator.models import Workflow
from orchestrator.models.fields import OrderedJSONField


class DraftChange(models.Model):
    """What made a revision of a draft out of the one before. `of` is the revision of the edit that an undo or redo is
    about; `batch` is the sender's own name for it, by which the same message sent twice is known."""

    workflow = models.ForeignKey(Workflow, on_delete=models.CASCADE, related_name="draft_changes")
    rev = models.PositiveIntegerField()
    kind = models.CharField(max_length=10)
    of = models.PositiveIntegerField(null=True, blank=True)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    batch = models.CharField(max_length=64, blank=True)
    operations = OrderedJSONField(default=list)
    changes = OrderedJSONField(default=list)
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("workflow_id", "rev")
        constraints = (
            models.UniqueConstraint(fields=["workflow", "rev"], name="draft_change_once"),
            models.UniqueConstraint(
                fields=["workflow", "user", "batch"], condition=~models.Q(batch=""), name="draft_batch_once"
            ),
        )

    def __str__(self) -> str:
        return f"{self.workflow_id} revision {self.rev}"
