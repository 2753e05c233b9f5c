"""What people and chats are told: the outbox of notices, who gets each, and what they have chosen."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models
from django.db.models import Q

from orchestrator.models.approvals import Approval
from orchestrator.models.fields import OrderedJSONField
from orchestrator.models.workflows import Workflow


class Notice(models.Model):
    """Something that happened and is to be told, written in the transaction in which it happened.

    `key` says what it is, so that a repeated turn writes it once. Whom it is told is worked out afterwards, outside of it.
    """

    class Kind(models.TextChoices):
        ASKED = "asked"
        REMINDED = "reminded"
        ESCALATED = "escalated"
        APPROVED = "approved"
        REJECTED = "rejected"
        EXPIRED = "expired"
        WITHDRAWN = "withdrawn"
        OVERRIDDEN = "overridden"
        RECALLED = "recalled"
        SENT_BACK = "sent_back"
        QUESTION = "question"
        ANSWER = "answer"
        COMMENT = "comment"
        DELEGATED = "delegated"
        TASK = "task"
        DIGEST = "digest"

    key = models.CharField(max_length=120, unique=True)
    kind = models.CharField(max_length=16, choices=Kind.choices)
    approval = models.ForeignKey(
        Approval, null=True, blank=True, on_delete=models.CASCADE, related_name="notices"
    )
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    to = OrderedJSONField(default=list, blank=True)  # ids of people, where it is not worked out
    text = models.TextField(blank=True)
    at = models.DateTimeField()
    told_at = models.DateTimeField(null=True, blank=True)
    error = models.TextField(blank=True)

    class Meta:
        ordering = ("id",)
        indexes = (
            models.Index(fields=["id"], condition=Q(told_at__isnull=True), name="notice_untold"),
            models.Index(fields=["at"], name="notice_by_age"),
        )

    def __str__(self) -> str:
        return self.key


class ChatHook(models.Model):
    """A channel of a chat, or a program, that is told by webhook. Address and signing key are sealed for `uid`."""

    class Kind(models.TextChoices):
        SLACK = "slack", "Slack"
        TEAMS = "teams", "Teams"
        PLAIN = "plain", "Plain JSON"

    uid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    name = models.CharField(max_length=100, unique=True)
    kind = models.CharField(max_length=10, choices=Kind.choices, default=Kind.SLACK)
    url_sealed = models.TextField()
    signing_sealed = models.TextField(blank=True)
    host = models.CharField(max_length=255)
    events = OrderedJSONField(default=list)
    workflows = models.ManyToManyField(Workflow, blank=True, related_name="+")  # none: of all
    paused_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )

    class Meta:
        ordering = ("name",)

    def __str__(self) -> str:
        return self.name


class Delivery(models.Model):
    """One notice to one person by mail, or to one chat. A claim moves `due_at` on, so that what a sender which died had
    taken becomes due again."""

    class Channel(models.TextChoices):
        MAIL = "mail"
        CHAT = "chat"

    class State(models.TextChoices):
        WAITING = "waiting"
        SENT = "sent"
        HELD = "held"  # for the digest of the day
        GATHERED = "gathered"  # in a digest
        SKIPPED = "skipped"  # nobody needed to know any more; `error` says why
        FAILED = "failed"

    notice = models.ForeignKey(Notice, on_delete=models.CASCADE, related_name="deliveries")
    channel = models.CharField(max_length=8, choices=Channel.choices)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.CASCADE, related_name="deliveries"
    )
    in_place_of = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    hook = models.ForeignKey(
        ChatHook, null=True, blank=True, on_delete=models.CASCADE, related_name="deliveries"
    )
    state = models.CharField(max_length=10, choices=State.choices, default=State.WAITING)
    due_at = models.DateTimeField(null=True, blank=True)
    tries = models.PositiveSmallIntegerField(default=0)
    claim = models.CharField(max_length=32, blank=True)
    error = models.TextField(blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    digest = models.ForeignKey(
        Notice, null=True, blank=True, on_delete=models.SET_NULL, related_name="gathered"
    )

    class Meta:
        ordering = ("id",)
        verbose_name_plural = "deliveries"
        constraints = (
            models.UniqueConstraint(
                fields=["notice", "user"], condition=Q(user__isnull=False), name="delivery_to_person_once"
            ),
            models.UniqueConstraint(
                fields=["notice", "hook"], condition=Q(hook__isnull=False), name="delivery_to_chat_once"
            ),
            models.CheckConstraint(
                condition=Q(channel="mail", user__isnull=False, hook__isnull=True)
                | Q(channel="chat", user__isnull=True, hook__isnull=False),
                name="delivery_to_somebody",
            ),
        )
        indexes = (
            models.Index(fields=["channel", "due_at"], condition=Q(state="waiting"), name="delivery_due"),
            models.Index(fields=["user", "id"], condition=Q(state="held"), name="delivery_held"),
            models.Index(fields=["ended_at"], condition=Q(state="failed"), name="delivery_failed"),
        )

    def __str__(self) -> str:
        return f"{self.notice_id} by {self.channel} to {self.user_id or self.hook_id}"


class NoticePreference(models.Model):
    """How a person is told. Who has none of these rows is told of each thing at once."""

    class Mail(models.TextChoices):
        AT_ONCE = "at_once", "Each at once"
        DAILY = "daily", "Once a day, together"
        NONE = "none", "No mail"

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="notice_preference"
    )
    mail = models.CharField(max_length=10, choices=Mail.choices, default=Mail.AT_ONCE)
    hour = models.PositiveSmallIntegerField(default=8)
    zone = models.CharField(max_length=64, blank=True)  # '' is that of the server
    digest_at = models.DateTimeField(null=True, blank=True)  # when the next is due
    digest_on = models.DateField(null=True, blank=True)  # the day of the last, in their own time zone

    class Meta:
        constraints = (models.CheckConstraint(condition=Q(hour__lte=23), name="digest_hour_of_the_day"),)
        indexes = (models.Index(fields=["digest_at"], condition=Q(mail="daily"), name="digest_due"),)

    def __str__(self) -> str:
        return f"{self.user}: {self.mail}"
