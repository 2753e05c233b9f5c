"""Templates that a team makes of its workflows, beside those that ship, and their immutable versions."""

from __future__ import annotations

from django.conf import settings
from django.db import models

from orchestrator.models.fields import OrderedJSONField
from orchestrator.models.workflows import Workflow


class TeamTemplate(models.Model):
    """What a template is called and whose it is. Retired, it is kept and nothing is made of it."""

    key = models.SlugField(max_length=60, unique=True)
    name = models.CharField(max_length=200)
    description = models.TextField(blank=True)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    retired_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ("name", "id")

    def __str__(self) -> str:
        return self.name


class TeamTemplateVersion(models.Model):
    """One state of a template, never changed. `source` and `source_version` say what it was made of; 0: the draft."""

    template = models.ForeignKey(TeamTemplate, on_delete=models.CASCADE, related_name="versions")
    number = models.PositiveIntegerField()
    definition = OrderedJSONField()
    documentation = models.TextField(blank=True)
    source = models.ForeignKey(
        Workflow, null=True, blank=True, on_delete=models.SET_NULL, related_name="made_templates"
    )
    source_version = models.PositiveIntegerField(default=0)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("template_id", "-number")
        constraints = (
            models.UniqueConstraint(fields=["template", "number"], name="template_version_number_once"),
        )

    def __str__(self) -> str:
        return f"{self.template_id} version {self.number}"
