"""A stage with people who have addresses, and a clock that is moved by hand."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.core import mail
from django.core.mail import EmailMultiAlternatives
from django.utils import timezone

from orchestrator import engine
from orchestrator.models import Approval, Run
from orchestrator.notices import sender
from tests.engine.flows import Crank, flow, task
from tests.people import person


@dataclass
class Post:
    """The crank, and the sender that goes round whenever the clock is moved."""

    # Whether somebody is away is asked of the real clock, too.
    crank: Crank = field(default_factory=lambda: Crank(now=timezone.now()))

    def ask(self, *approvers: str, user: User | None = None, name: str = "Flow", **given: Any) -> Run:
        asked = {"approvers": list(approvers)} if approvers else {}
        parameters = {"title": "Pay?", **asked, **given}
        tasks = {"ask": task(action="approval_gate", parameters=parameters)}
        return self.crank.start(flow(tasks, id=name.lower(), name=name), user=user)

    def later(self, seconds: float = 0) -> list[str]:
        """Move on, let the engine and the sender do what is due; whom mail went to, with its subject."""
        before = len(mail.outbox)
        self.crank.later(seconds)
        sender.look(self.crank.now)
        return sorted(f"{one.to[0].partition('@')[0]}: {one.subject}" for one in mail.outbox[before:])

    def decide(self, run: Run, decision: str, user: User, comment: str = "", **given: Any) -> Approval:
        return engine.decide(run.approvals.get().pk, decision, user=user, comment=comment, **given)


@pytest.fixture
def post(db: None) -> Post:
    return Post()


def with_address(name: str, *roles: str, superuser: bool = False) -> User:
    made = person(name, *roles, superuser=superuser)
    made.email = f"{name}@example.org"
    made.save()
    return made


@pytest.fixture
def requester(db: None) -> User:
    return with_address("rita", "operator")


@pytest.fixture
def ann(db: None) -> User:
    return with_address("ann", "approver")


@pytest.fixture
def bob(db: None) -> User:
    return with_address("bob", "approver")


def group_of(name: str, *people: User) -> Group:
    group, _ = Group.objects.get_or_create(name=name)
    group.user_set.add(*people)
    return group


def away(post: Post, who: User, to: User, days: int = 5) -> None:
    now = post.crank.now
    engine.delegate(who, to.get_username(), ends_at=now + timedelta(days=days), now=now)


def sent() -> EmailMultiAlternatives:
    """The last mail."""
    last = mail.outbox[-1]
    assert isinstance(last, EmailMultiAlternatives)
    return last


def html_of(one: EmailMultiAlternatives) -> str:
    return str(one.alternatives[0][0])
