"""The demo: people, the four templates as workflows, and a few runs that begin as soon as a worker is up."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import click
from django.conf import settings
from django.contrib.auth.models import Group, User
from django.db import transaction
from rich.text import Text

from orchestrator import catalog, engine
from orchestrator.cli.base import BatonCommand, emit
from orchestrator.keyfiles import read_or_make
from orchestrator.models import Workflow

MARK = "demo"


@dataclass(frozen=True, slots=True)
class Person:
    """Who can sign in to the demo, and as what."""

    username: str
    first_name: str
    last_name: str
    groups: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Sample:
    """A workflow of the demo: the template it is made of, and the parameters of its runs."""

    template: str
    runs: tuple[Mapping[str, Any], ...] = field(default=({},))


ADMIN = Person("admin", "Ada", "Minster")
PEOPLE = (
    ADMIN,
    Person("alice", "Alice", "Archer", ("designer", "operator", "approver")),
    Person("bob", "Bob", "Bennett", ("operator", "approver")),
    Person("vera", "Vera", "Vale", ("viewer",)),
)
SAMPLES = (
    Sample("sequential_pipeline", ({}, {"source": "returns-database", "sample_records": 300})),
    Sample("parallel_processing", ({}, {"dataset": "support-tickets", "records": 900})),
    Sample("conditional_workflow", ({}, {"request_title": "Order more paper", "sample_priority": "low"})),
    Sample("approval_chain", ({"level1_approver": "alice", "level2_approver": "bob"},)),
)


@click.command("demo", cls=BatonCommand)
def demo() -> None:
    """Load people, four workflows and a few runs to look at. What is there already is left as it is."""
    password = _password()
    people = [_ensure_person(person, password) for person in PEOPLE]
    made = [sample.template for sample in SAMPLES if _ensure_sample(sample, people[0])]
    data = {"username": ADMIN.username, "password": password, "workflows": made}
    emit(data, lambda: Text(_sentence(password)))


def _sentence(password: str) -> str:
    others = ", ".join(person.username for person in PEOPLE[1:])
    return f"Sign in as {ADMIN.username} with the password {password} (the same for {others})."


def _password() -> str:
    """One for the whole demo, made up on this machine, so that no two demos open with the same."""
    return read_or_make(settings.DATA_DIR / "keys" / "demo_password", lambda: secrets.token_urlsafe(9))


def _ensure_person(person: Person, password: str) -> User:
    known = User.objects.filter(username=person.username).first()
    if known is not None:
        return known
    make = User.objects.create_user if person.groups else User.objects.create_superuser
    address = f"{person.username}@example.com"  # where no mail arrives
    made = make(
        person.username, address, password=password, first_name=person.first_name, last_name=person.last_name
    )
    made.groups.set(Group.objects.filter(name__in=person.groups))
    return made


def _ensure_sample(sample: Sample, user: User) -> bool:
    """Make the workflow and start its runs, all or nothing; whether it was made now."""
    if Workflow.objects.filter(template=sample.template, owner=user).exists():
        return False
    with transaction.atomic():
        definition = catalog.instantiate(sample.template)
        workflow = engine.save_workflow(definition, user=user, template=sample.template, note="Demo")
        for params in sample.runs:
            engine.start(workflow, params, user=user, mark=MARK)
    return True
