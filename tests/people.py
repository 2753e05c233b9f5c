"""The people of the tests: one for each role, an owner and an outsider, made in one line."""

from __future__ import annotations

import importlib

from django.apps import apps
from django.contrib.auth.models import Group, User

from orchestrator import tokens

ROLES = ("viewer", "designer", "operator", "approver", "auditor", "admin")


def make_groups() -> None:
    """The groups as the migration makes them; a test that empties the database loses them."""
    importlib.import_module("orchestrator.migrations.0002_groups").make_groups(apps)


def person(name: str, *roles: str, superuser: bool = False) -> User:
    """A user with these roles; without any, somebody who may sign in and no more."""
    if superuser:
        return User.objects.create_superuser(name, password="correct horse battery")
    user = User.objects.create_user(name, password="correct horse battery")
    if roles and not Group.objects.filter(name="viewer").exists():
        make_groups()
    user.groups.add(*Group.objects.filter(name__in=roles))
    return user


def bearer(user: User) -> dict[str, str]:
    """Headers for the test client that carry a new token of the user."""
    _, text = tokens.issue(user, "test")
    return {"Authorization": f"Bearer {text}"}
