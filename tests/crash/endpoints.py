"""Every endpoint that writes, with what it is sent, and a dump of what it leaves."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any

from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.http import HttpResponse
from django.test import Client, RequestFactory
from django.urls import URLPattern, URLResolver, get_resolver
from django.utils import timezone
from django_q.models import OrmQ

from editor import drafts, pins
from editor.models import DraftChange, Pin
from orchestrator import engine, tokens, vault
from orchestrator.engine.template_saving import Wish
from orchestrator.engine.turn import ClaimRequest, take_turn
from orchestrator.models import (
    Agent,
    AgentToken,
    ApiToken,
    Approval,
    Delegation,
    Hidden,
    Lease,
    LogLine,
    Run,
    Secret,
    SignInFailure,
    TeamTemplate,
    TeamTemplateVersion,
    Vote,
    Workflow,
)
from orchestrator.web import setup_code
from tests.engine.flows import failed, flow, task
from tests.people import bearer, person

PASSWORD, NEW_PASSWORD = "correct horse battery", "battery horse correct"
UNSAFE = {"POST", "PUT", "PATCH", "DELETE"}
# The pages of Django's own admin, which does each change in one transaction; and the API's answer to a wrong path.
LEFT_OUT = ("admin/", "api/$")
ONCE = "4f0f9b1e-0000-4000-8000-000000000001"

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
    _clear()
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


def _clear() -> None:
    Approval.objects.all().delete()
    Run.objects.all().delete()
    for model in (Agent, TeamTemplate, Workflow, User, ApiToken, Secret, Session, SignInFailure, OrmQ):
        model.objects.all().delete()


def left() -> dict[str, Any]:
    """What is stored, apart from ids, times and random texts."""
    return {
        "workflows": [
            (w.key, bool(w.archived_at), w.draft_rev, w.draft["name"], w.name, w.versions.count())
            for w in Workflow.objects.order_by("key")
        ],
        "changes": list(DraftChange.objects.order_by("workflow__key", "rev").values_list("rev", "kind")),
        "pins": list(Pin.objects.order_by("task").values_list("task", "data")),
        "runs": [
            (
                r.status,
                r.is_trial,
                r.seq,
                r.events.count(),
                sorted(r.tasks.values_list("key", "status", "claim")),
            )
            for r in Run.objects.order_by("pk")
        ],
        "approvals": sorted(Approval.objects.values_list("status", "comment")),
        "delegations": sorted(
            (one.person.username, one.to.username, one.reason, bool(one.revoked_at))
            for one in Delegation.objects.select_related("person", "to")
        ),
        "votes": sorted(Vote.objects.values_list("decision", flat=True)),
        "templates": sorted(
            (one.template.key, bool(one.template.retired_at), one.number, one.documentation)
            for one in TeamTemplateVersion.objects.select_related("template")
        ),
        "tokens": sorted((t.name, bool(t.revoked_at)) for t in ApiToken.objects.all()),
        "agents": sorted(Agent.objects.values_list("key", "state", "capacity")),
        "agent tokens": sorted((t.agent.key, bool(t.revoked_at)) for t in AgentToken.objects.all()),
        "leases": sorted(Lease.objects.values_list("agent__key", "claim", "outcome", "logged")),
        "lines": sorted(LogLine.objects.values_list("message", flat=True)),
        "secrets": sorted(Secret.objects.values_list("name", "description")),
        "hidden": sorted(Hidden.objects.values_list("user__username", "what")),
        "people": sorted((u.username, u.check_password(NEW_PASSWORD)) for u in User.objects.all()),
    }


def _pause(stage: Stage) -> None:
    engine.pause(stage.run.pk)


def _nobody(_stage: Stage) -> None:
    """As on the first day."""
    _clear()


def _account() -> dict[str, str]:
    passwords = {"password1": PASSWORD, "password2": PASSWORD}
    return {"username": "ada", "email": "", "code": setup_code.current(), **passwords}


def _rename(stage: Stage) -> None:
    drafts.change(Workflow.objects.get(), [RENAMING], base_rev=1, user=stage.olga)


def _rename_and_undo(stage: Stage) -> None:
    _rename(stage)
    drafts.undo(Workflow.objects.get(), user=stage.olga)


def _template(stage: Stage) -> TeamTemplate:
    workflow = Workflow.objects.get()
    wish = Wish(workflow, 1, workflow.draft, "Kept")
    return engine.save_template("kept", wish, user=stage.olga).template


def _retired_template(stage: Stage) -> None:
    engine.retire_template(_template(stage))


def _with_template(stage: Stage) -> None:
    _template(stage)


def _pin(stage: Stage) -> None:
    pins.pin(Workflow.objects.get(), "after", {"output": 1}, user=stage.olga)


def _agent(stage: Stage) -> None:
    """An agent, whose token is sent from now on, and a task that waits for it."""
    agent = engine.agents.register("remote")
    token, text = tokens.issue_for_agent(agent)
    stage.ids["agent_token"] = token.pk
    fetched = flow({"fetch": task(agent_id="remote")})
    engine.start(engine.save_workflow({**fetched, "id": "remote", "name": "Remote"}))
    stage.headers = {"Authorization": f"Bearer {text}"}


def _agent_of_olga(stage: Stage) -> None:
    """The same, while it is a person who asks."""
    own = stage.headers
    _agent(stage)
    stage.headers = own


def _at_work(stage: Stage) -> None:
    _agent(stage)
    (held,) = engine.agent_work.take(engine.agents.find_agent("remote"))
    stage.ids["lease"] = held.lease.pk


def _drained(stage: Stage) -> None:
    _agent_of_olga(stage)
    engine.agents.drain(engine.agents.find_agent("remote"))


def _to_do(stage: Stage) -> None:
    """A task that is olga's to do."""
    engine.agents.register("olga", kind="human", user=stage.olga)
    own = engine.save_workflow({**flow({"read": task(agent_id="olga")}), "id": "own", "name": "Own"})
    stage.ids["to_do"] = engine.start(own).tasks.get().pk


def _fail_stuck(stage: Stage) -> None:
    engine.fail_task(stage.run.tasks.get(key="stuck").pk)


SAVING = {"into": "", "made_of": "1", "name": "Kept", "documentation": "new"}


def _hide_first_steps(stage: Stage) -> None:
    Hidden.objects.create(user=stage.olga, what=Hidden.What.FIRST_STEPS)


RENAMING = {"op": "set", "field": ["name"], "value": "Renamed"}
EXTRACTING = {"steps": ["ask", "after"], "name": "Asked"}
BATCH = {"batch": "once"}
OTHER = {**DEFINITION, "name": "Other"}
_VERB = "/runs/{run}/tasks/stuck/%s/"

_IN_A_YEAR = (timezone.now() + timedelta(days=300)).isoformat()
_AWAY = {"to": "ann", "first_day": f"{date.today()}", "last_day": f"{date.today() + timedelta(days=9)}"}

# (route, method): the requests that between them do everything it can.
TABLE: dict[tuple[str, str], tuple[Case, ...]] = {
    ("api/workflows", "POST"): (Case("/api/workflows", OTHER, 0),),
    ("api/workflows/validate", "POST"): (Case("/api/workflows/validate", OTHER, 200),),
    ("api/workflows/<slug:key>", "PUT"): (Case("/api/workflows/{key}", {**DEFINITION, "name": "New"}, 0),),
    ("api/workflows/<slug:key>", "DELETE"): (Case("/api/workflows/{key}", repeated=204),),
    ("api/workflows/<slug:key>/start", "POST"): (Case("/api/workflows/{key}/start", repeated=201),),
    ("api/workflows/<slug:key>/draft/ops", "POST"): (
        Case("/api/workflows/{key}/draft/ops", {"base_rev": 1, "ops": [RENAMING], **BATCH}, 200),
    ),
    ("api/workflows/<slug:key>/draft/extract", "POST"): (
        Case("/api/workflows/{key}/draft/extract", {"base_rev": 1, **EXTRACTING, **BATCH}, 201),
    ),
    ("api/workflows/<slug:key>/draft/undo", "POST"): (
        Case("/api/workflows/{key}/draft/undo", BATCH, 200, _rename),
    ),
    ("api/workflows/<slug:key>/draft/redo", "POST"): (
        Case("/api/workflows/{key}/draft/redo", BATCH, 200, _rename_and_undo),
    ),
    ("api/workflows/<slug:key>/draft/publish", "POST"): (
        Case("/api/workflows/{key}/draft/publish", {"base_rev": 1}),
    ),
    ("api/workflows/<slug:key>/draft/try", "POST"): (Case("/api/workflows/{key}/draft/try", BATCH, 201),),
    ("api/workflows/<slug:key>/draft/pins/<slug:task>", "PUT"): (
        Case("/api/workflows/{key}/draft/pins/after", {"output": 1}, 200),
    ),
    ("api/workflows/<slug:key>/draft/pins/<slug:task>", "DELETE"): (
        Case("/api/workflows/{key}/draft/pins/after", None, 204, _pin),
    ),
    ("api/runs/<int:pk>/pause", "POST"): (Case("/api/runs/{run}/pause"),),
    ("api/runs/<int:pk>/resume", "POST"): (Case("/api/runs/{run}/resume", prepare=_pause),),
    ("api/runs/<int:pk>/cancel", "POST"): (Case("/api/runs/{run}/cancel", {"reason": "no"}),),
    ("api/approvals/<int:pk>/approve", "POST"): (Case("/api/approvals/{approval}/approve"),),
    ("api/approvals/<int:pk>/reject", "POST"): (Case("/api/approvals/{approval}/reject", {"comment": "no"}),),
    ("api/agents", "POST"): (Case("/api/agents", {"id": "new"}),),
    ("api/agents/<slug:key>/drain", "POST"): (Case("/api/agents/remote/drain", None, 200, _agent_of_olga),),
    ("api/agents/<slug:key>/activate", "POST"): (Case("/api/agents/remote/activate", None, 200, _drained),),
    ("api/agents/<slug:key>/tokens", "POST"): (Case("/api/agents/remote/tokens", {}, 0, _agent_of_olga),),
    ("api/agents/<slug:key>/tokens/<int:pk>", "DELETE"): (
        Case("/api/agents/remote/tokens/{agent_token}", None, 200, _agent_of_olga),
    ),
    ("api/agents/<slug:key>/register", "POST"): (
        Case("/api/agents/remote/register", {"capacity": 7}, 200, _agent),
    ),
    ("api/agents/<slug:key>/claim", "POST"): (Case("/api/agents/remote/claim", {"wait": 0}, 200, _agent),),
    ("api/leases/<int:pk>/heartbeat", "POST"): (Case("/api/leases/{lease}/heartbeat", None, 200, _at_work),),
    ("api/leases/<int:pk>/log", "POST"): (
        Case("/api/leases/{lease}/log", {"lines": [{"message": "half"}]}, 0, _at_work),
    ),
    ("api/leases/<int:pk>/complete", "POST"): (
        Case("/api/leases/{lease}/complete", {"output": 1}, 409, _at_work, noted=True),
    ),
    ("api/leases/<int:pk>/fail", "POST"): (
        Case("/api/leases/{lease}/fail", {"message": "no"}, 409, _at_work, noted=True),
    ),
    ("api/leases/<int:pk>/release", "POST"): (
        Case("/api/leases/{lease}/release", None, 409, _at_work, noted=True),
    ),
    ("api/delegations", "POST"): (Case("/api/delegations", {"to": "ann", "ends_at": _IN_A_YEAR}),),
    ("api/delegations/<int:pk>", "DELETE"): (Case("/api/delegations/{delegation}", repeated=204),),
    ("workflows/new/blank/", "POST"): (Case("/workflows/new/blank/", {"name": "Blank"}, 0),),
    ("workflows/<slug:key>/edit/json/", "POST"): (
        Case("/workflows/{key}/edit/json/", {"base_rev": "1", "definition": json.dumps(OTHER)}, 303),
    ),
    ("workflows/<slug:key>/edit/evaluate/", "POST"): (
        Case("/workflows/{key}/edit/evaluate/", {"task": "after", "text": "1 + 1"}, 200),
    ),
    ("workflows/<slug:key>/simulate/", "POST"): (Case("/workflows/{key}/simulate/", repeated=200),),
    ("workflows/<slug:key>/try/", "POST"): (
        Case("/workflows/{key}/try/", {"do": "start", "kind": "all", "base_rev": "1", "once": ONCE}, 303),
        Case("/workflows/{key}/try/", {"do": "see", "kind": "all", "base_rev": "1", "once": ONCE}, 200),
        Case("/workflows/{key}/try/", {"do": "pin:stuck"}, 303, _fail_stuck),
        Case("/workflows/{key}/try/", {"do": "unpin:after"}, 303, _pin),
    ),
    ("workflows/<slug:key>/restore/", "POST"): (
        Case("/workflows/{key}/restore/", {"version": "1", "base_rev": "2"}, 303, _rename),
    ),
    ("workflows/<slug:key>/edit/", "POST"): (
        Case("/workflows/{key}/edit/", {"do": "about", "base_rev": "1", "name": "Renamed"}, 303),
        Case("/workflows/{key}/edit/", {"do": "remove", "step": "after", "base_rev": "1"}, 422),
        Case("/workflows/{key}/edit/", {"do": "undo"}, 409, _rename),
    ),
    ("workflows/new/import/", "POST"): (
        Case("/workflows/new/import/", {"text": json.dumps(OTHER), "save": "1"}, 0),
    ),
    ("workflows/new/<slug:template>/", "POST"): (
        Case("/workflows/new/sequential_pipeline/", {"name": "Made"}, 0),
    ),
    ("workflows/new/<slug:template>/preview/", "POST"): (
        Case("/workflows/new/sequential_pipeline/preview/", {"name": "Made"}, 200),
    ),
    ("workflows/new/<slug:template>/<slug:verb>/", "POST"): (
        Case("/workflows/new/kept/retire/", repeated=303, prepare=_with_template),
        Case("/workflows/new/kept/restore/", repeated=303, prepare=_retired_template),
        Case("/workflows/new/kept/delete/", repeated=404, prepare=_retired_template),
    ),
    ("workflows/<slug:key>/template/", "POST"): (
        Case("/workflows/{key}/template/", SAVING, 303),
        Case("/workflows/{key}/template/", {**SAVING, "into": "kept"}, 303, _with_template),
    ),
    ("workflows/<slug:key>/start/", "POST"): (Case("/workflows/{key}/start/", {"once": ONCE}, 303),),
    ("runs/<int:pk>/<slug:verb>/", "POST"): (
        Case("/runs/{run}/pause/"),
        Case("/runs/{run}/resume/", prepare=_pause),
        Case("/runs/{run}/cancel/", {"reason": "no"}),
    ),
    ("runs/<int:pk>/tasks/<slug:key>/<slug:verb>/", "POST"): (
        Case(_VERB % "retry"),
        Case(_VERB % "skip"),
        Case(_VERB % "fail"),
        Case(_VERB % "complete", {"output": "{}"}),
    ),
    ("approvals/<int:pk>/decide/", "POST"): (
        Case("/approvals/{approval}/decide/", {"decision": "approve"}),
        Case("/approvals/{approval}/decide/", {"decision": "reject", "comment": "no"}),
    ),
    ("agents/new/", "POST"): (
        Case("/agents/new/", {"id": "made", "kind": "service", "capacity": "2", "pools": "night"}, 422),
    ),
    ("agents/<slug:key>/tokens/", "POST"): (Case("/agents/remote/tokens/", {"name": "lab"}, 0, _agent),),
    ("agents/<slug:key>/tokens/<int:pk>/revoke/", "POST"): (
        Case("/agents/remote/tokens/{agent_token}/revoke/", None, 303, _agent),
    ),
    ("agents/<slug:key>/<slug:verb>/", "POST"): (
        Case("/agents/remote/drain/", None, 303, _agent),
        Case("/agents/remote/activate/", None, 303, _drained),
        Case("/agents/remote/remove/", None, 404, _agent),
    ),
    ("my-tasks/<int:pk>/", "POST"): (
        Case("/my-tasks/{to_do}/", {"note": "fine", "done": "1"}, 404, _to_do),
        Case("/my-tasks/{to_do}/", {"reason": "no", "decline": "1"}, 404, _to_do),
    ),
    ("setup/", "POST"): (Case("/setup/", _account, 302, _nobody, signed_in=False),),
    ("sign-in/", "POST"): (
        Case("/sign-in/", {"username": "olga", "password": PASSWORD}, 302, signed_in=False),
    ),
    ("sign-out/", "POST"): (Case("/sign-out/", repeated=302),),
    ("profile/", "POST"): (
        Case(
            "/profile/",
            {"old_password": PASSWORD, "new_password1": NEW_PASSWORD, "new_password2": NEW_PASSWORD},
            302,  # to the sign-in page: the session was that of the old password
        ),
    ),
    ("profile/away/", "POST"): (Case("/profile/away/", _AWAY, 409),),
    ("profile/away/<int:pk>/revoke/", "POST"): (Case("/profile/away/{delegation}/revoke/", repeated=302),),
    ("profile/tokens/", "POST"): (Case("/profile/tokens/", {"name": "new", "days": "30"}, 0),),
    ("profile/tokens/<int:pk>/revoke/", "POST"): (Case("/profile/tokens/{token}/revoke/", repeated=302),),
    ("first-steps/", "POST"): (
        Case("/first-steps/", repeated=303),
        Case("/first-steps/", {"show": "1"}, 303, _hide_first_steps),
    ),
    ("settings/secrets/", "POST"): (
        Case("/settings/secrets/", {"name": "other", "value": "x", "description": "d"}, 302),
    ),
    ("settings/secrets/<slug:name>/delete/", "POST"): (Case("/settings/secrets/crm/delete/", repeated=404),),
}


def write_endpoints() -> set[tuple[str, str]]:
    """Every route with the unsafe methods its view takes."""
    return {(route, method) for route, view in _routes(get_resolver()) for method in _unsafe(view)}


def _routes(resolver: URLResolver, prefix: str = "") -> Iterator[tuple[str, Callable[..., HttpResponse]]]:
    for pattern in resolver.url_patterns:
        route = prefix + str(pattern.pattern)
        if route.startswith(LEFT_OUT) or (prefix == "api/" and route == prefix):
            continue
        if isinstance(pattern, URLPattern):
            yield route, pattern.callback
        else:
            yield from _routes(pattern, route)


def _unsafe(view: Callable[..., HttpResponse]) -> set[str]:
    made_from = getattr(view, "view_class", None) or getattr(view, "cls", None)
    if made_from is not None:
        handled = {name.upper() for name in made_from.http_method_names if hasattr(made_from, name)}
        # Django's form views take PUT for POST.
        return handled & UNSAFE - ({"PUT"} if hasattr(made_from, "form_class") else set())
    # A function says what it takes when it is asked for something else, before it looks at anything.
    answer = view(RequestFactory().generic("TRACE", "/"))
    assert answer.status_code == 405, f"{view} does not say which methods it takes"
    return {name.strip() for name in answer["Allow"].split(",")} & UNSAFE
