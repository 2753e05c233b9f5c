"""A workflow and its immutable published versions."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models

from orchestrator.models.fields import OrderedJSONField


class Workflow(models.Model):
    """A named definition with a stable key, an owner, a mutable draft and published versions."""

    key = models.SlugField(max_length=80, unique=True)
    name = models.CharField(max_length=200)
    description = models.TextField(blank=True)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="workflows"
    )
    draft = OrderedJSONField(default=dict)
    draft_rev = models.PositiveIntegerField(default=1)
    template = models.CharField(max_length=80, blank=True)
    archived_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ("name", "id")
        indexes = (models.Index(fields=["updated_at", "id"], name="workflow_updated"),)

    def __str__(self) -> str:
        return self.name


class PublishedVersions(models.Manager["WorkflowVersion"]):
    """Those that were published, and so are listed, compared and started."""

    def get_queryset(self) -> models.QuerySet[WorkflowVersion]:
        return super().get_queryset().filter(number__isnull=False)


class WorkflowVersion(models.Model):
    """One published definition, or what a test run was made of, which has no number; never changed once a row exists.

    `workflow.versions` and `objects` know only what was published; `everything` knows the hidden ones of test runs too.
    """

    workflow = models.ForeignKey(Workflow, on_delete=models.CASCADE, related_name="versions")
    number = models.PositiveIntegerField(null=True, blank=True)
    draft_rev = models.PositiveIntegerField(null=True, blank=True)  # the draft that a test run was made of
    definition = OrderedJSONField()
    schema_version = models.CharField(max_length=20)
    note = models.CharField(max_length=500, blank=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)

    objects: ClassVar[PublishedVersions] = PublishedVersions()
    everything: ClassVar[models.Manager[WorkflowVersion]] = models.Manager()

    class Meta:
        ordering = ("workflow_id", "-number")
        constraints = (models.UniqueConstraint(fields=["workflow", "number"], name="version_number_once"),)
        indexes = (
            models.Index(
                fields=["created_at"], condition=models.Q(number__isnull=True), name="version_of_trial"
            ),
        )

    def __str__(self) -> str:
        return f"{self.workflow_id} {self.label}"

    @property
    def label(self) -> str:
        """What people call it beside the name of the workflow."""
        return f"version {self.number}" if self.number is not None else f"draft {self.draft_rev}"
