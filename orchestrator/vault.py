"""Setting and removing secrets. Their values go in here and come out only where a task uses them."""

from __future__ import annotations

from django.contrib.auth.models import AbstractBaseUser

from orchestrator.engine.points import committing
from orchestrator.models import Secret
from orchestrator.secrets import seal


def put(name: str, value: str, *, description: str = "", user: AbstractBaseUser | None = None) -> Secret:
    """Set a secret, new or known, to `value`."""
    given = {"ciphertext": sealed(name, value), "description": description, "updated_by": user}
    with committing("secret"):
        secret, _ = Secret.objects.update_or_create(name=name, defaults=given)
    return secret


def sealed(name: str, value: str) -> str:
    """The value as it is stored: encrypted, and bound to the name so that no other row can carry it."""
    return seal(value, f"secret:{name}")


def remove(name: str) -> bool:
    """Whether there was one of this name. A task that still asks for it fails and says so."""
    with committing("forget"):
        deleted, _ = Secret.objects.filter(name=name).delete()
    return bool(deleted)
