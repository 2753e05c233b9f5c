"""Setting and removing secrets. Their values go in here and come out only where a task uses them."""

from __future__ import annotations

from django.contrib.auth.models import AbstractBaseUser

from orchestrator.models import Secret
from orchestrator.secrets import seal


def put(name: str, value: str, *, description: str = "", user: AbstractBaseUser | None = None) -> Secret:
    """Set a secret, new or known, to `value`."""
    sealed = {"ciphertext": seal(value, f"secret:{name}"), "description": description, "updated_by": user}
    secret, _ = Secret.objects.update_or_create(name=name, defaults=sealed)
    return secret


def remove(name: str) -> bool:
    """Whether there was one of this name. A task that still asks for it fails and says so."""
    deleted, _ = Secret.objects.filter(name=name).delete()
    return bool(deleted)
