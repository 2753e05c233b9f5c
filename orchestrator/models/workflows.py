"""A workflow and its immutable published versions."""

from __future__ import annotations

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


class WorkflowVersion(models.Model):
    """One published definition; never changed once a row exists."""

    workflow = models.ForeignKey(Workflow, on_delete=models.CASCADE, related_name="versions")
    number = models.PositiveIntegerField()
    definition = OrderedJSONField()
    schema_version = models.CharField(max_length=20)
    note = models.CharField(max_length=500, blank=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("workflow_id", "-number")
        constraints = (models.UniqueConstraint(fields=["workflow", "number"], name="version_number_once"),)

    def __str__(self) -> str:
        return f"{self.workflow_id} version {self.number}"
