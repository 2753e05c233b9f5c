"""Every endpoint that writes, with what it is sent."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

from django.contrib.auth.models import User
from django.utils import timezone

from editor import drafts, pins
from orchestrator import engine, tokens
from orchestrator.engine.template_saving import Wish
from orchestrator.models import (
    Agent,
    Approval,
    Approver,
    ChatHook,
    Hidden,
    Run,
    TeamTemplate,
    Workflow,
)
from orchestrator.notices import hooks
from orchestrator.web import setup_code
from tests.crash.stages import DEFINITION, Case, Stage, clear
from tests.engine.flows import flow, task

PASSWORD, NEW_PASSWORD = "correct horse battery", "battery horse correct"
ONCE = "4f0f9b1e-0000-4000-8000-000000000001"


def _approving(name: str) -> Callable[[], dict[str, Any]]:
    """All requests there are, approved together."""
    return lambda: {name: list(Approval.objects.values_list("pk", flat=True)), "decision": "approve"}


def _pause(stage: Stage) -> None:
    engine.pause(stage.run.pk)


def _asked_by_olga(stage: Stage) -> None:
    Run.objects.filter(pk=stage.run.pk).update(started_by=stage.olga)


def _with_a_draft(stage: Stage) -> None:
    """A request that may be sent back to the task before it."""
    asked = {"title": "Pay?", "approvers": ["olga"], "send_back_to": ["draft"]}
    tasks = {
        "draft": task(action="condition_check", parameters={"checks": {"ok": "1 < 2"}}),
        "ask": task("draft", action="approval_gate", parameters=asked),
    }
    run = engine.start(engine.save_workflow({**flow(tasks), "name": "Drafted"}))
    stage.ids["approval"] = run.approvals.get().pk


def _nobody(_stage: Stage) -> None:
    """As on the first day."""
    clear()


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


def _edited_agent() -> dict[str, str]:
    seen = engine.agents.revision_of(Agent(key="remote", name="remote"))
    return {"name": "Remote", "kind": "ai", "capacity": "7", "seen": seen}


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


def _asked_olga(stage: Stage) -> None:
    """A question to her, by another who decides."""
    Approver.objects.create(
        approval_id=stage.ids["approval"], name="ann", user=User.objects.get(username="ann")
    )
    engine.ask(stage.ids["approval"], "Why?", user=User.objects.get(username="ann"), to="olga")


def _fail_stuck(stage: Stage) -> None:
    engine.fail_task(stage.run.tasks.get(key="stuck").pk)


_CHAT = {"name": "#finance", "kind": "slack", "url": "https://127.0.0.1/x", "events": ["asked"]}


def _chat(stage: Stage) -> None:
    """A chat inside of the network, which no message leaves for."""
    stage.ids["chat"] = hooks.add(**_CHAT)[0].pk


def _paused_chat(stage: Stage) -> None:
    _chat(stage)
    hooks.pause(ChatHook.objects.get(), paused=True)


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
    ("api/runs/<int:pk>/tasks/<slug:key>/retry", "POST"): (Case("/api/runs/{run}/tasks/stuck/retry"),),
    ("api/runs/<int:pk>/tasks/<slug:key>/skip", "POST"): (Case("/api/runs/{run}/tasks/stuck/skip"),),
    ("api/approvals/<int:pk>/approve", "POST"): (Case("/api/approvals/{approval}/approve"),),
    ("api/approvals/<int:pk>/reject", "POST"): (Case("/api/approvals/{approval}/reject", {"comment": "no"}),),
    ("api/approvals/decide", "POST"): (Case("/api/approvals/decide", _approving("ids"), 200),),
    ("api/approvals/<int:pk>/comments", "POST"): (
        Case("/api/approvals/{approval}/comments", {"text": "Hello"}, 0),
    ),
    ("api/approvals/<int:pk>/recall", "POST"): (
        Case("/api/approvals/{approval}/recall", {"reason": "no"}, prepare=_asked_by_olga),
    ),
    ("api/approvals/<int:pk>/attachments", "POST"): (
        Case("/api/approvals/{approval}/attachments?name=a.txt", {"any": "file"}, 0),
    ),
    ("api/approvals/<int:pk>/questions", "POST"): (
        Case("/api/approvals/{approval}/questions", {"text": "Why?", "to": "ann"}),
    ),
    ("api/approvals/<int:pk>/answer", "POST"): (
        Case("/api/approvals/{approval}/answer", {"text": "Because."}, prepare=_asked_olga),
    ),
    ("api/approvals/<int:pk>/withdraw", "POST"): (
        Case("/api/approvals/{approval}/withdraw", {}, prepare=_asked_olga),
    ),
    ("api/approvals/<int:pk>/send-back", "POST"): (
        Case("/api/approvals/{approval}/send-back", {"to": "draft", "comment": "no"}, prepare=_with_a_draft),
    ),
    ("api/agents", "POST"): (Case("/api/agents", {"id": "new"}),),
    ("api/agents/<slug:key>", "PATCH"): (Case("/api/agents/remote", {"capacity": 7}, 200, _agent_of_olga),),
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
    ("api/leases/<int:pk>/artifacts/<path:name>", "PUT"): (
        Case("/api/leases/{lease}/artifacts/a.json", {"half": 1}, 201, _at_work),
    ),
    ("api/leases/<int:pk>/artifacts/<path:name>", "POST"): (
        Case("/api/leases/{lease}/artifacts/a.json", {"half": 1}, 201, _at_work),
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
    ("approvals/<int:pk>/comment/", "POST"): (
        Case("/approvals/{approval}/comment/", {"comment": "Hello"}, 0),
    ),
    ("approvals/<int:pk>/recall/", "POST"): (
        Case("/approvals/{approval}/recall/", {"reason": "no"}, prepare=_asked_by_olga),
    ),
    ("approvals/<int:pk>/ask/", "POST"): (
        Case("/approvals/{approval}/ask/", {"question": "Why?", "to": "ann"}),
    ),
    ("approvals/<int:pk>/answer/", "POST"): (
        Case("/approvals/{approval}/answer/", {"answer": "Because."}, prepare=_asked_olga),
    ),
    ("approvals/<int:pk>/withdraw/", "POST"): (Case("/approvals/{approval}/withdraw/", prepare=_asked_olga),),
    ("approvals/<int:pk>/decide/", "POST"): (
        Case("/approvals/{approval}/decide/", {"decision": "approve"}),
        Case("/approvals/{approval}/decide/", {"decision": "reject", "comment": "no"}),
    ),
    ("approvals/decide/", "POST"): (Case("/approvals/decide/", _approving("id"), 200),),
    ("approvals/<int:pk>/send-back/", "POST"): (
        Case("/approvals/{approval}/send-back/", {"to": "draft", "comment": "no"}, prepare=_with_a_draft),
    ),
    ("agents/-/new/", "POST"): (
        Case("/agents/-/new/", {"id": "made", "kind": "service", "capacity": "2", "pools": "night"}, 422),
    ),
    ("agents/<slug:key>/edit/", "POST"): (
        Case("/agents/remote/edit/", _edited_agent, 409, _agent),  # by then it is another that was seen
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
    ("profile/notices/", "POST"): (
        Case("/profile/notices/", {"mail": "daily", "hour": "8", "zone": "Europe/Berlin"}, 302),
    ),
    ("settings/chats/", "POST"): (
        Case("/settings/chats/", _CHAT, 422),
        Case("/settings/chats/", {**_CHAT, "kind": "plain"}, 422),
    ),
    ("settings/chats/<int:pk>/<slug:verb>/", "POST"): (
        Case("/settings/chats/{chat}/test/", None, 303, _chat),
        Case("/settings/chats/{chat}/pause/", None, 303, _chat),
        Case("/settings/chats/{chat}/resume/", None, 303, _paused_chat),
        Case("/settings/chats/{chat}/remove/", None, 404, _chat),
    ),
    ("first-steps/", "POST"): (
        Case("/first-steps/", repeated=303),
        Case("/first-steps/", {"show": "1"}, 303, _hide_first_steps),
    ),
    ("settings/secrets/", "POST"): (
        Case("/settings/secrets/", {"name": "other", "value": "x", "description": "d"}, 302),
    ),
    ("settings/secrets/<slug:name>/delete/", "POST"): (Case("/settings/secrets/crm/delete/", repeated=404),),
}
