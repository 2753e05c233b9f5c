"""What is kept beside drafts: the record by which undo, redo and merging work, who has one open, and what is pinned for
test runs."""

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


class Presence(models.Model):
    """An open page of a draft, for as long as its web process renews it: what other web processes know of it.

    In the database, because every installation has one and several web processes may share nothing else. A process
    writes all its pages in one statement, at most twice a second and only while somebody edits; whatever it leaves
    behind when it dies is not shown after `until`, and the next one deletes it.
    """

    tab = models.CharField(max_length=32, primary_key=True)
    process = models.CharField(max_length=32)
    workflow = models.ForeignKey(Workflow, on_delete=models.CASCADE, related_name="+")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    at = models.CharField(max_length=64, blank=True)
    moved_at = models.DateTimeField()
    until = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.user_id} at {self.workflow_id}"


class Pin(models.Model):
    """What a task gives in test runs of the draft, until it is unpinned. Beside the draft and not in it: outputs are no
    part of a definition, are neither published nor exported, and make no revision."""

    workflow = models.ForeignKey(Workflow, on_delete=models.CASCADE, related_name="pins")
    task = models.CharField(max_length=100)
    data = OrderedJSONField()
    source = models.CharField(max_length=40, blank=True)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ("workflow_id", "task")
        constraints = (models.UniqueConstraint(fields=["workflow", "task"], name="pin_once"),)

    def __str__(self) -> str:
        return f"{self.workflow_id}:{self.task}"
