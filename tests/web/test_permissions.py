"""Who may do what, by role, by ownership and by being named."""

from __future__ import annotations

import itertools

import pytest
from django.contrib.auth.models import AnonymousUser, Group, User
from django.utils import timezone

from orchestrator.exceptions import NotAllowedError
from orchestrator.models import Approval, Approver, Run, TaskRun, Workflow, WorkflowVersion
from orchestrator.permissions import (
    approvals_for,
    approvals_to_decide,
    can,
    require,
    runs_for,
    workflows_for,
)
from tests.people import ROLES, person

pytestmark = pytest.mark.django_db

VERBS = ("view", "design", "operate", "approve", "admin")
ALLOWED: dict[str, set[str]] = {
    "outsider": set(),
    "viewer": {"view"},
    "designer": {"view", "design"},
    "operator": {"view", "operate"},
    "approver": {"view", "approve"},
    "auditor": {"view"},
    "admin": set(VERBS),
    "superuser": set(VERBS),
}


@pytest.fixture
def owner() -> User:
    return person("olga")


@pytest.fixture
def workflow(owner: User) -> Workflow:
    return Workflow.objects.create(key="mine", name="Mine", owner=owner)


@pytest.fixture
def run(workflow: Workflow) -> Run:
    now = timezone.now()
    version = WorkflowVersion.objects.create(
        workflow=workflow, number=1, definition={}, schema_version="2.0.0"
    )
    return Run.objects.create(
        workflow=workflow, version=version, status="running", created_at=now, touched_at=now
    )


@pytest.fixture
def approval(run: Run) -> Approval:
    task = TaskRun.objects.create(run=run, key="gate", order=0, status="waiting", reason="approval")
    return Approval.objects.create(
        run=run, task_run=task, epoch=1, title="Pay", content_hash="x", requested_at=timezone.now()
    )


def somebody(kind: str) -> User:
    if kind == "superuser":
        return person("root", superuser=True)
    return person(kind, kind) if kind in ROLES else person(kind)


@pytest.mark.parametrize(("kind", "verb"), list(itertools.product(ALLOWED, VERBS)))
def test_a_role_allows_its_verbs_and_no_other(kind: str, verb: str) -> None:
    assert can(somebody(kind), verb) is (verb in ALLOWED[kind])


@pytest.mark.parametrize(("kind", "verb"), list(itertools.product(ALLOWED, ("view", "design", "operate"))))
def test_a_role_holds_for_the_workflows_of_others(kind: str, verb: str, workflow: Workflow, run: Run) -> None:
    user = somebody(kind)
    assert can(user, verb, workflow) is (verb in ALLOWED[kind])
    assert can(user, verb, run) is (verb in ALLOWED[kind])


@pytest.mark.parametrize(
    ("verb", "expected"), [("view", 1), ("design", 1), ("operate", 1), ("approve", 0), ("admin", 0)]
)
def test_an_owner_without_a_role_runs_their_own_workflow_but_does_not_approve(
    verb: str, expected: int, owner: User, workflow: Workflow, run: Run
) -> None:
    assert can(owner, verb, workflow) is bool(expected)
    assert can(owner, verb, run) is bool(expected)
    assert can(owner, verb) is False


@pytest.mark.parametrize("kind", [*ALLOWED, "anonymous", "retired owner"])
def test_what_somebody_may_not_see_does_not_exist_for_them(
    kind: str, owner: User, workflow: Workflow, run: Run, approval: Approval
) -> None:
    user: User | AnonymousUser
    if kind == "anonymous":
        user = AnonymousUser()
    elif kind == "retired owner":
        owner.is_active = False
        user = owner
    else:
        user = somebody(kind)
    seen = bool(ALLOWED.get(kind))
    assert list(workflows_for(user)) == [workflow] * seen
    assert list(runs_for(user)) == [run] * seen
    assert list(approvals_for(user)) == [approval] * seen
    assert can(user, "view", workflow) is seen


def test_an_owner_sees_their_own_and_nothing_else(
    owner: User, workflow: Workflow, run: Run, approval: Approval
) -> None:
    Workflow.objects.create(key="other", name="Other", owner=person("bob"))
    assert list(workflows_for(owner)) == [workflow]
    assert list(runs_for(owner)) == [run]
    assert list(approvals_for(owner)) == [approval]


def test_deciding_takes_the_role_and_being_named(approval: Approval) -> None:
    named, unnamed, without_role = (
        person("ann", "approver"),
        person("ben", "approver"),
        person("cid", "viewer"),
    )
    Approver.objects.create(approval=approval, name="ann", user=named)
    Approver.objects.create(approval=approval, name="cid", user=without_role)
    assert can(named, "approve", approval)
    assert list(approvals_to_decide(named)) == [approval]
    for user in (unnamed, without_role, AnonymousUser()):
        assert not can(user, "approve", approval)
        assert not approvals_to_decide(user).exists()


def test_a_group_is_named_for_each_of_its_members_once(approval: Approval) -> None:
    finance = Group.objects.create(name="finance")
    ann, ben = person("ann", "approver"), person("ben", "approver")
    ann.groups.add(finance)
    Approver.objects.create(approval=approval, name="group:finance", group=finance)
    Approver.objects.create(approval=approval, name="ann", user=ann)
    assert list(approvals_to_decide(ann)) == [approval]
    assert can(ann, "approve", approval)
    assert not can(ben, "approve", approval)


def test_somebody_named_before_they_had_an_account_may_decide(approval: Approval) -> None:
    Approver.objects.create(approval=approval, name="late")
    assert can(person("late", "approver"), "approve", approval)


def test_an_administrator_may_decide_in_anothers_stead(approval: Approval) -> None:
    assert can(person("ada", "admin"), "approve", approval)


def test_a_right_that_is_missing_is_refused_in_a_sentence_that_names_the_role(workflow: Workflow) -> None:
    with pytest.raises(NotAllowedError, match="operator role"):
        require(person("vic", "viewer"), "operate", workflow)
