"""What is said about a request besides deciding it: comments, questions that stop its clock, and files."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models
from django.db.models import Q

from orchestrator.files import KEY_LENGTH, NAME_LENGTH, in_words
from orchestrator.models.approvals import Approval


class Comment(models.Model):
    """What somebody said of a request. Never changed and never deleted by itself; `text` is empty beside files alone."""

    approval = models.ForeignKey(Approval, on_delete=models.CASCADE, related_name="comments")
    uid = models.UUIDField(unique=True, default=uuid.uuid4, editable=False)
    person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    text = models.TextField(blank=True)
    at = models.DateTimeField()

    class Meta:
        ordering = ("id",)

    def __str__(self) -> str:
        return self.text[:80]


class Question(models.Model):
    """What one of those asked needs to know before they decide; the clock of the request stands while it is open."""

    class Outcome(models.TextChoices):
        OPEN = "open"
        ANSWERED = "answered"
        WITHDRAWN = "withdrawn"
        CLOSED = "closed"  # the request ended before the answer

    approval = models.ForeignKey(Approval, on_delete=models.CASCADE, related_name="questions")
    uid = models.UUIDField(unique=True, default=uuid.uuid4, editable=False)
    asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    asked_of = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    text = models.TextField()
    asked_at = models.DateTimeField()
    outcome = models.CharField(max_length=16, choices=Outcome.choices, default=Outcome.OPEN)
    answer = models.TextField(blank=True)
    ended_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("id",)
        constraints = (
            models.UniqueConstraint(
                fields=["approval"], condition=Q(outcome="open"), name="one_open_question_per_approval"
            ),
        )
        indexes = (models.Index(fields=["asked_of", "outcome"], name="question_by_person"),)

    def __str__(self) -> str:
        return self.text[:80]


class Attachment(models.Model):
    """A file beside a request, given with a comment or with the answer to a question.

    `name` is what its owner called it and `key` where it is kept; the two never meet on disk.
    """

    approval = models.ForeignKey(Approval, on_delete=models.CASCADE, related_name="attachments")
    comment = models.ForeignKey(
        Comment, null=True, blank=True, on_delete=models.CASCADE, related_name="attachments"
    )
    question = models.ForeignKey(
        Question, null=True, blank=True, on_delete=models.CASCADE, related_name="attachments"
    )
    person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    name = models.CharField(max_length=NAME_LENGTH)
    key = models.CharField(max_length=KEY_LENGTH, unique=True)
    size = models.PositiveBigIntegerField()
    sha256 = models.CharField(max_length=64)
    content_type = models.CharField(max_length=100)
    at = models.DateTimeField()

    class Meta:
        ordering = ("id",)

    def __str__(self) -> str:
        return self.name

    @property
    def size_text(self) -> str:
        return in_words(self.size)
