"""What people have chosen for themselves alone."""

from __future__ import annotations

from django.conf import settings
from django.db import models


class Hidden(models.Model):
    """Something that a person has put away, by its name, until they bring it back."""

    class What(models.TextChoices):
        FIRST_STEPS = "first-steps"

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="hidden")
    what = models.CharField(max_length=40, choices=What)
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = (models.UniqueConstraint(fields=["user", "what"], name="hidden_once"),)
        verbose_name_plural = "hidden"

    def __str__(self) -> str:
        return f"{self.what} for {self.user}"
