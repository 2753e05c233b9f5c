"""What there is before a request, and the request itself."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.http import HttpResponse
from django.test import Client
from django.utils import timezone
from django_q.models import OrmQ

from orchestrator import engine, tokens, vault
from orchestrator.engine.turn import ClaimRequest, take_turn
from orchestrator.models import (
    Agent,
    ApiToken,
    Approval,
    ChatHook,
    Notice,
    Run,
    Secret,
    SignInFailure,
    TeamTemplate,
    Workflow,
)
from tests.engine.flows import failed, flow, task
from tests.people import bearer, person

DEFINITION = {
    **flow(
        {
            "ask": task(action="approval_gate", parameters={"title": "Pay?", "approvers": ["olga"]}),
            "stuck": task(on_failure="manual"),
            "after": task("ask", "stuck"),
        }
    ),
    "name": "Staged",
}


@dataclass
class Stage:
    """What there is before the request."""

    olga: User
    run: Run
    client: Client
    headers: dict[str, str]
    ids: dict[str, Any]  # what paths name


@dataclass(frozen=True)
class Case:
    """One request. `repeated`: the status of sending it again after it was carried out; 0 when it does more each time.
    `noted`: what is refused the second time is put on record."""

    path: str
    body: Any = None
    repeated: int = 409
    prepare: Callable[[Stage], None] = lambda _stage: None
    signed_in: bool = True
    noted: bool = False

    def send(self, method: str, stage: Stage) -> HttpResponse:
        body = self.body() if callable(self.body) else self.body
        path = self.path.format(**stage.ids)
        if path.startswith("/api/"):
            headers = stage.headers | {"Idempotency-Key": "once"}
            content = json.dumps(body or {})
            return stage.client.generic(
                method, path, content, content_type="application/json", headers=headers
            )
        return stage.client.post(path, body or {})


def stage(*, signed_in: bool = True) -> Stage:
    """A run with an open request and a task that waits for a person, and somebody who may do anything."""
    clear()
    olga = person("olga", superuser=True)
    workflow = engine.save_workflow(DEFINITION)
    run = engine.start(workflow)
    claimed = take_turn(claiming=ClaimRequest("w", 5)).claims
    take_turn([failed(claim) for claim in claimed])
    old, _ = tokens.issue(olga, "old", timedelta(days=1))
    vault.put("crm", "hunter2")
    OrmQ.objects.all().delete()
    client = Client()
    if signed_in:
        client.force_login(olga)
    for name in ("ann", "ben"):
        person(name, superuser=True)
    given = engine.delegate(
        User.objects.get(username="ann"), "ben", ends_at=timezone.now() + timedelta(days=9)
    )
    ids = {"key": workflow.key, "run": run.pk, "approval": run.approvals.get().pk, "token": old.pk}
    ids["delegation"] = given.pk
    return Stage(olga, run, client, bearer(olga), ids)


def again(before: Stage) -> Stage:
    """The same person at a browser that was started anew."""
    client = Client()
    if "_auth_user_id" in before.client.session:
        client.force_login(before.olga)
    return replace(before, client=client)


def clear() -> None:
    Approval.objects.all().delete()
    Run.objects.all().delete()
    for model in (
        Agent,
        ChatHook,
        Notice,
        TeamTemplate,
        Workflow,
        User,
        ApiToken,
        Secret,
        Session,
        SignInFailure,
        OrmQ,
    ):
        model.objects.all().delete()
