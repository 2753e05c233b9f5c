"""People with an inbox, and requests that lie in it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.http import HttpResponse
from django.test import Client
from django.utils import timezone

from orchestrator import engine
from orchestrator.models import Approval
from tests.api.conftest import gate
from tests.people import person

INBOX = "/approvals/"


def client_of(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def ann() -> User:
    """Decides, and is in Finance."""
    user = person("ann", "approver")
    user.groups.add(Group.objects.create(name="Finance"))
    return user


@pytest.fixture
def bob() -> User:
    return person("bob", "approver")


@pytest.fixture
def client(ann: User) -> Client:
    return client_of(ann)


def asked(
    *approvers: str,
    title: str = "Pay?",
    workflow: str = "gated",
    by: User | None = None,
    due: timedelta | None = None,
    **parameters: Any,
) -> Approval:
    """A request of a run of its own."""
    definition = gate(*approvers)
    definition["tasks"]["ask"]["parameters"] |= {"title": title, **parameters}
    made = engine.save_workflow({**definition, "id": workflow, "name": workflow.capitalize()})
    approval = engine.start(made, {"key": "x"}, user=by).approvals.get()
    deadline = timezone.now() + due if due else None
    Approval.objects.filter(pk=approval.pk).update(deadline_at=deadline)
    return approval


def titles(answer: HttpResponse) -> list[str]:
    return [mail.approval.title for mail in answer.context["page"].mails]
