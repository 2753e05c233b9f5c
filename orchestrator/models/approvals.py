"""What a person is asked, who may answer, and what they said."""

from __future__ import annotations

from django.conf import settings
from django.contrib.auth.models import Group
from django.db import models
from django.db.models import Q

from orchestrator.models.fields import OrderedJSONField
from orchestrator.models.runs import Run, TaskRun


class Approval(models.Model):
    """One request for a decision, opened by an approval gate and closed once."""

    class Status(models.TextChoices):
        OPEN = "open"
        APPROVED = "approved"
        REJECTED = "rejected"
        EXPIRED = "expired"
        CANCELLED = "cancelled"
        SENT_BACK = "sent_back", "Sent back"
        RECALLED = "recalled"

    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="approvals")
    task_run = models.ForeignKey(TaskRun, on_delete=models.CASCADE, related_name="approvals")
    epoch = models.PositiveIntegerField()
    status = models.CharField(max_length=16, choices=Status.choices, default=Status.OPEN)
    title = models.CharField(max_length=300)
    instructions = models.TextField(blank=True)
    data = OrderedJSONField(default=dict)
    content_hash = models.CharField(max_length=64)
    form = OrderedJSONField(default=list, blank=True, db_default=models.Value([], OrderedJSONField()))
    editable = OrderedJSONField(default=list, blank=True, db_default=models.Value([], OrderedJSONField()))
    allow_requester = models.BooleanField(default=False)
    allow_author = models.BooleanField(default=False, db_default=False)
    # The level that is asked, of several the first; and how all of them stand, nothing where the gate names its approvers.
    level = models.PositiveSmallIntegerField(default=1, db_default=1)
    levels = OrderedJSONField(default=list, blank=True, db_default=models.Value([], OrderedJSONField()))
    on_timeout = models.CharField(max_length=16, default="reject")
    send_back_to = OrderedJSONField(default=list, blank=True, db_default=models.Value([], OrderedJSONField()))
    requested_at = models.DateTimeField()
    deadline_at = models.DateTimeField(null=True, blank=True)
    decided_at = models.DateTimeField(null=True, blank=True)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    comment = models.TextField(blank=True)

    class Meta:
        ordering = ("deadline_at", "id")
        permissions = (
            ("decide_approval", "Can decide approvals that name them"),
            ("override_approval", "Can decide any approval"),
        )
        constraints = (
            models.UniqueConstraint(
                fields=["task_run"], condition=Q(status="open"), name="one_open_approval_per_task"
            ),
        )
        indexes = (
            models.Index(fields=["requested_at"], condition=Q(status="open"), name="approval_open"),
            models.Index(fields=["status", "-id"], name="approval_by_status"),
            # The whole order of the list: several may be closed in one moment.
            models.Index(
                fields=["-decided_at", "-id"], condition=Q(decided_at__isnull=False), name="approval_closed"
            ),
        )

    def __str__(self) -> str:
        return self.title


class Approver(models.Model):
    """A person or group that may decide on a level; `name` is what the definition said, known or not.

    `done`: the level was decided while others still are not, so these are asked no more.
    """

    approval = models.ForeignKey(Approval, on_delete=models.CASCADE, related_name="approvers")
    level = models.PositiveSmallIntegerField(default=1, db_default=1)
    done = models.BooleanField(default=False, db_default=False)
    name = models.CharField(max_length=200)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.CASCADE, related_name="+"
    )
    group = models.ForeignKey(Group, null=True, blank=True, on_delete=models.CASCADE, related_name="+")

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["approval", "level", "name"], name="approver_named_once"),
        )
        indexes = (models.Index(fields=["name"], name="approver_by_name"),)

    def __str__(self) -> str:
        return self.name


class Vote(models.Model):
    """What one person decided, for themselves or, by delegation, for another. One that is void is only record."""

    approval = models.ForeignKey(Approval, on_delete=models.CASCADE, related_name="votes")
    level = models.PositiveSmallIntegerField(default=1)
    person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    for_person = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    decision = models.CharField(max_length=16)
    comment = models.TextField(blank=True)
    override = models.BooleanField(default=False)
    fields = OrderedJSONField(default=dict, blank=True, db_default=models.Value({}, OrderedJSONField()))
    # Of an approval with edits: what was changed ({name, before, after}), and the seal of what was shown before.
    edits = OrderedJSONField(default=list, blank=True, db_default=models.Value([], OrderedJSONField()))
    seal = models.CharField(max_length=64, blank=True, default="", db_default="")
    seal_shown = models.CharField(max_length=64, blank=True, default="", db_default="")
    at = models.DateTimeField()
    voided_at = models.DateTimeField(null=True, blank=True)  # somebody changed what had been agreed to

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=["approval", "level", "person"],
                condition=Q(voided_at=None),
                name="one_standing_vote_per_person",
            ),
        )
        indexes = (models.Index(fields=["approval", "person"], name="vote_by_person"),)

    def __str__(self) -> str:
        return f"{self.person_id} {self.decision}"
