"""Rows of runs long past cost nobody anything: pages, lists, the API, the clock and the engine read what they need.

The same is done twice, beside hardly any old runs and beside thousands, and what it costs the database is compared.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.utils import timezone

from monitoring import hub
from orchestrator import clock, engine, processes, tokens, worker
from orchestrator.engine import leases, registry
from orchestrator.engine.attempts import attempts_for
from orchestrator.engine.turn import ClaimRequest, take_turn
from orchestrator.models import Approval, Process, Run
from orchestrator.planning.signals import Succeeded
from orchestrator.reads.health import health
from orchestrator.reads.status import workflows_with_last_run
from orchestrator.reads.why import why
from tests import costs, crowds
from tests.engine.flows import flow, task
from tests.people import make_groups, person

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(300)]

OLD_RUNS = 600  # of each kind
FEW = 150
# Well below what reading one kind of old runs takes: rows on PostgreSQL, some ten steps for each on SQLite.
TOLERANCE = 300 if connection.vendor == "postgresql" else 2_500
KINDS = ("Chain", "Asks", "Broken")


@dataclass
class World:
    """A few runs of today in every state, and the people who look at them."""

    running: Run
    asking: Run
    failed: Run
    approval: Approval
    owner: Client
    approver: Client
    staff: Client
    stranger: Client
    bearer: dict[str, str]
    admin: User

    def api(self, path: str) -> None:
        answer = Client().get(path, headers=self.bearer)
        assert answer.status_code == 200, answer.content[:300]


def get(client: Client, path: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 200, (path, answer.status_code)


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


GATE = task("a", action="approval_gate", parameters={"approvers": ["ann", "group:approver"]})
DEFINITIONS = {
    "Chain": flow({"a": task(), "b": task("a"), "c": task("b")}, name="Chain"),
    "Asks": flow({"a": task(), "g": GATE, "b": task("g")}, name="Asks"),
    "Broken": flow({"a": task(parameters={"fail_times": 9}), "b": task("a")}, name="Broken"),
}


def carry() -> None:
    worker.Worker("here").run_until(lambda _idle: True)


def make_past(ann: User, owner: User) -> dict[str, Run]:
    """One ended run of each kind, to be copied."""
    past = {}
    for name in KINDS:
        run = engine.start(engine.save_workflow(DEFINITIONS[name], user=owner), user=owner)
        carry()
        past[name] = run
    for approval in Approval.objects.all():
        engine.decide(approval.pk, "approve", user=ann)
    carry()
    for run in past.values():
        run.refresh_from_db()
        assert run.finished_at is not None
        crowds.make_old(run)
    return past


def make_today(past: dict[str, Run], people: dict[str, User]) -> World:
    """Runs as they are on any day: some ended, some under way, some that wait."""
    started = {
        name: [engine.start(run.workflow, user=people["owner"]) for _ in range(3)]
        for name, run in past.items()
    }
    carry()
    long = engine.save_workflow(flow({f"t{n}": task() for n in range(60)}, name="Long"), user=people["owner"])
    running = engine.start(long, user=people["owner"])
    own = engine.save_workflow(flow({"a": task()}, name="Own"), user=people["stranger"])
    for _ in range(3):
        engine.start(own, user=people["stranger"])
    for kind in (Process.Kind.WEB, Process.Kind.WORKER, Process.Kind.CLOCK):
        processes.beat(kind)
    _, token = tokens.issue(people["admin"], "test")
    return World(
        running,
        started["Asks"][0],
        started["Broken"][0],
        Approval.objects.filter(status="open").order_by("pk")[0],
        *(signed_in(people[name]) for name in ("owner", "ann", "admin", "stranger")),
        {"Authorization": f"Bearer {token}"},
        people["admin"],
    )


@pytest.fixture
def world(settings: Any) -> tuple[World, dict[str, Run]]:
    settings.BATON = {**settings.BATON, "LEASE_SECONDS": 3600.0}
    make_groups()
    people = {
        "owner": person("owner", "designer", "operator"),
        "ann": person("ann", "approver"),
        "admin": person("root", superuser=True),
        "stranger": person("stranger"),
    }
    past = make_past(people["ann"], people["owner"])
    crowds.leave_room()
    for run in past.values():
        crowds.add_copies(run, FEW)
    return make_today(past, people), past


def turn(world: World) -> None:
    """Record one outcome and claim the next."""
    asking = ClaimRequest("here", 1, run_id=world.running.pk)
    claim = take_turn(claiming=asking).claims[0]
    done = Succeeded(
        run_id=claim.task.run_id, task_id=claim.task.id, claim=claim.task.claim, actor="worker:here"
    )
    take_turn([done], claiming=ClaimRequest("here", 1))


def lease(world: World) -> None:
    claims = take_turn(claiming=ClaimRequest("here", 2, run_id=world.running.pk)).claims
    assert not leases.extend(attempts_for(claims, "here"))


ENGINE: dict[str, Callable[[World], object]] = {
    "a turn": turn,
    "a claim": lambda _: take_turn(claiming=ClaimRequest("here", 2)),
    "looking for work": lambda _: leases.anything_claimable(),
    "extending leases": lease,
    "a tick of the clock": lambda _: clock.tick(orphans=True),
    "health": lambda _: health(),
    "why it stands still": lambda w: why(w.asking),
    "the hub on runs": lambda w: dict(
        Run.objects.filter(pk__in=[w.running.pk, w.asking.pk]).order_by().values_list("pk", "seq")
    ),
    "the hub on approvals": lambda _: hub._open_approvals.func(),
    "the list of the Python API": lambda _: list(workflows_with_last_run("").order_by("name", "id")),
    "starting a run": lambda w: engine.start(w.running.workflow, idempotency_key=None),
    "cancelling a run": lambda w: engine.cancel(engine.start(w.asking.workflow).pk),
}

PAGES = {
    "home": "/",
    "workflows": "/workflows/",
    "workflows that are failing": "/workflows/?show=failing",
    "workflows that are active": "/workflows/?show=active",
    "a workflow": "/workflows/chain/",
    "runs": "/runs/",
    "runs that are active": "/runs/?show=active",
    "runs that wait": "/runs/?show=waiting",
    "runs that failed": "/runs/?show=failed",
    "runs that completed": "/runs/?show=completed",
    "runs that are paused": "/runs/?show=paused",
    "test runs": "/runs/?show=trials",
    "test runs of a workflow": "/runs/?show=trials&workflow=chain",
    "my runs": "/runs/?by=me",
    "runs of a workflow": "/runs/?workflow=chain",
    "runs by name": "/runs/?q=Chain",
    "runs by a rare name": "/runs/?q=Own",
    "a run by number": "/runs/?q={running}",
    "runs of today": "/runs/?from={today}",
    "a run": "/runs/{running}/",
    "a run that asks": "/runs/{asking}/?task=g",
    "a run that failed": "/runs/{failed}/?task=a",
    "the live state": "/runs/{running}/live?since=1",
    "the timeline": "/runs/{running}/timeline",
    "the events": "/runs/{running}/events/",
    "a panel": "/runs/{asking}/tasks/g/",
    "the log of a task": "/runs/{failed}/tasks/a/log.txt",
    "the inbox": "/approvals/",
    "all requests": "/approvals/?show=all",
    "decided requests": "/approvals/?show=decided",
    "requests that ask my groups": "/approvals/?show=groups",
    "requests that are searched": "/approvals/?show=all&q=chain&due=week&by=owner",
    "a request": "/approvals/{approval}/",
}

API = {
    "API: workflows": "/api/workflows",
    "API: a workflow": "/api/workflows/chain",
    "API: the latest run": "/api/workflows/chain/status",
    "API: runs": "/api/runs",
    "API: runs of a workflow": "/api/runs?workflow=chain",
    "API: test runs": "/api/runs?test_runs=true",
    "API: runs under way": "/api/runs?status=running",
    "API: runs that completed": "/api/runs?status=completed",
    "API: runs paused": "/api/runs?status=paused",
    "API: a run": "/api/runs/{running}",
    "API: its status": "/api/runs/{running}/status",
    "API: its events": "/api/runs/{running}/events",
    "API: approvals": "/api/approvals",
    "API: open approvals": "/api/approvals?status=open",
    "API: my approvals": "/api/approvals?mine=true",
    "API: my open approvals": "/api/approvals?mine=true&status=open",
}

ADMIN = {
    f"admin: {name}": f"/admin/orchestrator/{name}/"
    for name in ("run", "taskrun", "event", "logline", "approval", "approver", "vote")
}


def everything(world: World) -> dict[str, costs.Cost]:
    names = {
        "running": world.running.pk,
        "asking": world.asking.pk,
        "failed": world.failed.pk,
        "approval": world.approval.pk,
        "today": timezone.now().date().isoformat(),
    }
    acts: dict[str, Callable[[], object]] = {
        name: lambda act=act: act(world)
        for name, act in ENGINE.items()  # type: ignore[misc]
    }
    for name, path in PAGES.items():
        for who in ("owner", "approver", "stranger"):
            if who == "approver" and "/approvals" not in path:
                continue
            if who == "stranger" and "/approvals/{" in path:
                continue
            if who == "stranger" and ("{" in path or "chain" in path):
                continue
            client = getattr(world, who)
            acts[f"{name}, for the {who}"] = lambda c=client, p=path: get(c, p.format(**names))  # type: ignore[misc]
    for name, path in API.items():
        acts[name] = lambda p=path: world.api(p.format(**names))  # type: ignore[misc]
    for name, path in ADMIN.items():
        acts[name] = lambda p=path: get(world.staff, p)  # type: ignore[misc]
    return {name: costs.cost_of(act) for name, act in acts.items()}


def test_nothing_costs_more_beside_thousands_of_old_runs(world: tuple[World, dict[str, Run]]) -> None:
    today, past = world
    before = everything(today)
    for run in past.values():
        crowds.add_copies(run, OLD_RUNS)
    after = everything(today)
    grown = {
        name: f"{before[name].work} → {cost.work}\n{cost.heaviest()}"
        for name, cost in after.items()
        if cost.work > 1.3 * before[name].work + TOLERANCE
    }
    assert not grown, "\n\n".join(f"{name}: {told}" for name, told in grown.items())
    scanned = {name: "\n".join(map(str, cost.scanned)) for name, cost in after.items() if cost.scanned}
    assert not scanned, "\n\n".join(f"{name}:\n{told}" for name, told in scanned.items())


MANY_AT_ONCE = {
    "a tick of the clock": lambda _: clock.tick(orphans=True),
    "a claim": lambda _: take_turn(claiming=ClaimRequest("here", 5)),
    "the runs": lambda w: get(w.owner, "/runs/"),
    "the runs under way": lambda w: get(w.owner, "/runs/?show=active"),
    "home": lambda w: get(w.owner, "/"),
    "the workflows": lambda w: get(w.owner, "/workflows/"),
    "the inbox": lambda w: get(w.approver, "/approvals/"),
    "API: runs": lambda w: w.api("/api/runs?limit=200"),
    "API: approvals": lambda w: w.api("/api/approvals?limit=200"),
    "API: workflows": lambda w: w.api("/api/workflows"),
}


def test_so_many_statements_whether_five_runs_go_on_or_fifty(
    world: tuple[World, dict[str, Run]], monkeypatch: pytest.MonkeyPatch
) -> None:
    today, past = world
    monkeypatch.setattr(registry, "_FRESH_SECONDS", 3600.0)  # who is registered is read anew each second
    registry.look()

    def counted() -> dict[str, int]:
        for act in MANY_AT_ONCE.values():
            act(today)
        return {
            name: len(costs.cost_of(lambda a=act: a(today)).statements) for name, act in MANY_AT_ONCE.items()
        }  # type: ignore[misc]

    def start(count: int) -> None:
        for name in ("Chain", "Asks"):
            for _ in range(count):
                engine.start(past[name].workflow)

    start(5)
    few = counted()
    start(45)
    more = {name: f"{few[name]} → {count}" for name, count in counted().items() if count > few[name]}
    assert not more
