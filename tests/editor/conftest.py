"""Who edits in these tests."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.test import Client

from tests.people import person


@pytest.fixture
def ann() -> User:
    return person("ann", "designer")


@pytest.fixture
def bob() -> User:
    return person("bob", "designer")


@pytest.fixture
def browser(ann: User) -> Client:
    """Ann's, signed in."""
    client = Client()
    client.force_login(ann)
    return client
