"""What many tests of the engine begin with; a file that needs it otherwise makes its own."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User

from tests.engine.flows import Crank
from tests.people import person


@pytest.fixture
def crank() -> Crank:
    return Crank()


@pytest.fixture
def ann() -> User:
    """Decides."""
    return person("ann", "approver")


@pytest.fixture
def olga() -> User:
    """Starts runs."""
    return person("olga", "operator")
