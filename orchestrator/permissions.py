"""Who may do what: the one place that pages, the API, the live feed and the admin ask.

A verb is allowed by a Django model permission, which the groups made by a migration carry, or by owning the
workflow. Objects are loaded once, through the `*_for(user)` querysets: what a user may not see does not exist for
them. A right is then asked of that very object, never of an identifier.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Literal, TypeVar

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser, PermissionsMixin, User
from django.db.models import Case, Exists, Model, OuterRef, Q, QuerySet, Value, When
from django.utils import timezone

from orchestrator.exceptions import NotAllowedError
from orchestrator.models import (
    Agent,
    Approval,
    Approver,
    Delegation,
    Event,
    LogLine,
    Question,
    Run,
    TaskRun,
    TeamTemplate,
    Vote,
    Workflow,
    WorkflowVersion,
)
from orchestrator.planning.delegation import Decider

Verb = Literal["view", "design", "operate", "approve", "admin"]
Person = AbstractBaseUser | AnonymousUser
Row = TypeVar("Row", bound=Model)

PERMISSIONS: dict[Verb, str] = {
    "view": "orchestrator.view_workflow",
    "design": "orchestrator.change_workflow",
    "operate": "orchestrator.operate_run",
    "approve": "orchestrator.decide_approval",
    "admin": "orchestrator.change_secret",
}
OVERRIDE = "orchestrator.override_approval"
OWNERS_MAY: frozenset[Verb] = frozenset({"view", "design", "operate"})

_REFUSALS: dict[Verb, str] = {
    "view": "You may not see this; ask an administrator for the viewer role.",
    "design": "You may not change workflows; ask an administrator for the designer role.",
    "operate": "You may not start or steer runs; ask an administrator for the operator role.",
    "approve": "You may not decide this approval: it takes the approver role and being named as an approver.",
    "admin": "Only administrators may do this.",
}


def workflows_for(user: Person) -> QuerySet[Workflow]:
    """The workflows this user may see, archived ones included."""
    return _seen(Workflow.objects.all(), user, "orchestrator.view_workflow", "owner")


def runs_for(user: Person) -> QuerySet[Run]:
    """The runs this user may see: all, or those of their own workflows."""
    own = own_workflows(user)
    # By the ids of the workflows, which are few: a join is read from the side of the runs, one after the other.
    return Run.objects.all() if own is None else Run.objects.filter(workflow__in=own.values("pk"))


def sees_all_approvals(user: Person) -> bool:
    """Whether `approvals_for` leaves out nothing."""
    return _is_somebody(user) and _has(user, "orchestrator.view_approval")


def own_workflows(user: Person) -> QuerySet[Workflow] | None:
    """What a user owns who may see no other runs than those of it; None for whoever may see all runs."""
    if not _is_somebody(user):
        return Workflow.objects.none()
    return None if _has(user, "orchestrator.view_run") else Workflow.objects.filter(owner=user.pk)


def approvals_for(user: Person) -> QuerySet[Approval]:
    """The approvals this user may see: all, those of their workflows, those they may decide or were asked about."""
    if sees_all_approvals(user):
        return Approval.objects.all()
    mine = Q(run__workflow__owner=user.pk) if _is_somebody(user) else Q(pk=None)
    deciding = Exists(approvals_to_decide(user).filter(pk=OuterRef("pk")))
    return Approval.objects.filter(mine | Q(deciding) | Q(_put_to(user)))


def approvals_asked_about(user: Person) -> QuerySet[Approval]:
    """The open ones on which somebody put a question to this user that waits for the answer."""
    return Approval.objects.filter(_put_to(user, outcome=Question.Outcome.OPEN), status=Approval.Status.OPEN)


def _put_to(user: Person, **which: str) -> Exists:
    asked = user.pk if _is_somebody(user) else None
    return Exists(Question.objects.filter(approval=OuterRef("pk"), asked_of=asked, **which))


def approvals_to_decide(user: Person, *, ever: bool = False) -> QuerySet[Approval]:
    """The approvals, open or not, that name this user, or somebody in whose place they decide now, and that their role
    lets them decide.

    The same whether `ever` is set or not; with it a list of all, closed ones included, is found the faster.
    """
    if not _is_somebody(user) or not _has(user, PERMISSIONS["approve"]):
        return Approval.objects.none()
    me, away = standing(user)
    naming = _naming([me, *away])
    if ever:
        return Approval.objects.filter(pk__in=naming.values("approval"))
    # Asked of each request, not gathered: few are open, and a person may have been named in very many.
    return Approval.objects.filter(Exists(naming.filter(approval=OuterRef("pk"))))


def approvals_waiting(user: Person) -> QuerySet[Approval]:
    """The open ones of `approvals_to_decide` that ask this user now, and on which they have not voted yet."""
    if not _is_somebody(user) or not _has(user, PERMISSIONS["approve"]):
        return Approval.objects.none()
    me, away = standing(user)
    here = OuterRef("pk")
    asked = Exists(_naming([me, *away]).filter(approval=here, done=False))
    voted = Exists(Vote.objects.filter(approval=here, person=user.pk, voided_at=None))
    return Approval.objects.filter(asked, ~voted, status=Approval.Status.OPEN)


def approvals_by_way(user: Person) -> QuerySet[Approval]:
    """`approvals_waiting`, each with the `way` it asks this user: "mine" by name, "groups" by a group of theirs, or
    "delegated", which is only in the place of somebody who is away."""
    me = standing(user)[0]
    here = OuterRef("pk")
    by_name = Exists(_naming([replace(me, groups=frozenset())]).filter(approval=here, done=False))
    by_group = Exists(_naming([me]).filter(approval=here, done=False))
    way = Case(
        When(by_name, then=Value("mine")), When(by_group, then=Value("groups")), default=Value("delegated")
    )
    return approvals_waiting(user).annotate(way=way)


def approvals_delegated(user: Person) -> QuerySet[Approval]:
    """Of `approvals_to_decide` those that name only people in whose place this user decides now."""
    if not _is_somebody(user):
        return Approval.objects.none()
    me, away = standing(user)
    if not away:
        return Approval.objects.none()
    here = OuterRef("pk")
    return Approval.objects.filter(
        Exists(_naming(away).filter(approval=here, done=False)),
        ~Exists(_naming([me]).filter(approval=here, done=False)),
    )


def standing(user: Person, now: datetime | None = None) -> tuple[Decider, list[Decider]]:
    """The user, and those in whose place they decide now, each with their groups; one query.

    Nobody is added to whom the people that are added have been delegated: a delegation is not passed on.
    """
    now = now or timezone.now()
    live = Delegation.objects.filter(to=user.pk, revoked_at=None, starts_at__lte=now, ends_at__gt=now)
    away = live.filter(person__is_active=True).order_by()
    own: int = user.pk or 0
    rows = User.objects.filter(pk=own).order_by().values_list(*_DECIDER)
    found = _deciders(rows.union(away.values_list(*(f"person__{name}" for name in _DECIDER)), all=True))
    me = found.pop(own, None) or Decider(own, user.get_username())
    # Whoever lost the role decides in nobody's place any more.
    return me, list(found.values()) if found and _has(user, PERMISSIONS["approve"]) else []


_DECIDER = ("pk", "username", "first_name", "last_name", "groups__pk")


def _deciders(rows: Iterable[tuple[int, str, str, str, int | None]]) -> dict[int, Decider]:
    """One for each person: a row tells of a person and one of their groups."""
    people: dict[int, tuple[str, str]] = {}
    groups: dict[int, set[int]] = {}
    for pk, username, first, last, group in rows:
        people[pk] = (username, f"{first} {last}".strip() or username)
        groups.setdefault(pk, set()).update([group] if group is not None else [])
    return {pk: Decider(pk, name, frozenset(groups[pk]), shown) for pk, (name, shown) in people.items()}


def delegations_for(user: Person) -> QuerySet[Delegation]:
    """The delegations this user may see: their own, those given to them, and all for administrators."""
    if not _is_somebody(user):
        return Delegation.objects.none()
    if can(user, "admin"):
        return Delegation.objects.all()
    return Delegation.objects.filter(Q(person=user.pk) | Q(to=user.pk))


def require_own(user: Person, delegation: Delegation) -> None:
    """Raise NotAllowedError unless it is the user's own delegation, or they administer."""
    if delegation.person_id != user.pk and not can(user, "admin"):
        raise NotAllowedError("Only whoever is away may revoke this, or an administrator.")


def agents_for(user: Person) -> QuerySet[Agent]:
    """The agents this user may see: all of them, for whoever may see all runs."""
    seen = _is_somebody(user) and _has(user, "orchestrator.view_run")
    return Agent.objects.all() if seen else Agent.objects.none()


def templates_for(user: Person) -> QuerySet[TeamTemplate]:
    """The team's templates this user may see and use: those of the whole team, for whoever may design."""
    return TeamTemplate.objects.all() if can(user, "design") else TeamTemplate.objects.none()


def keeps(user: Person, template: TeamTemplate) -> bool:
    """Whether the user may give a template a new version, retire and delete it: its owner, and administrators."""
    return can(user, "design") and (template.owner_id == user.pk or can(user, "admin"))


def require_keeper(user: Person, template: TeamTemplate) -> None:
    """Raise NotAllowedError unless `keeps`."""
    require(user, "design")
    if not keeps(user, template):
        raise NotAllowedError("This template belongs to somebody else; ask them or an administrator.")


def can(user: Person, verb: Verb, obj: Model | None = None) -> bool:
    """Whether the user may do `verb`, to this object or, without one, at all."""
    if not _is_somebody(user):
        return False
    if verb == "approve" and isinstance(obj, Approval):
        return _has(user, OVERRIDE) or approvals_to_decide(user).filter(pk=obj.pk).exists()
    if _has(user, PERMISSIONS[verb]):
        return True
    return verb in OWNERS_MAY and obj is not None and _workflow_of(obj).owner_id == user.pk


def require(user: Person, verb: Verb, obj: Model | None = None) -> None:
    """Raise NotAllowedError unless `can`."""
    if not can(user, verb, obj):
        raise NotAllowedError(_REFUSALS[verb])


def _seen(rows: QuerySet[Row], user: Person, permission: str, owner: str) -> QuerySet[Row]:
    if not _is_somebody(user):
        return rows.none()
    return rows if _has(user, permission) else rows.filter(**{owner: user.pk})


def _is_somebody(user: Person) -> bool:
    return user.is_authenticated and user.is_active


def _has(user: Person, permission: str) -> bool:
    return isinstance(user, AnonymousUser | PermissionsMixin) and user.has_perm(permission)


def _naming(people: Sequence[Decider]) -> QuerySet[Approver]:
    """What names one of these people or a group of theirs. A name counts from before its account was made, too."""
    by_name = Q(user__in=[one.id for one in people]) | Q(name__in=[one.name for one in people])
    return Approver.objects.filter(by_name | Q(group__in=sorted({pk for one in people for pk in one.groups})))


def _workflow_of(obj: Model) -> Workflow:
    """The workflow whose owner an object answers to."""
    match obj:
        case Workflow():
            return obj
        case WorkflowVersion() | Run():
            return obj.workflow
        case TaskRun() | Event() | Approval():
            return obj.run.workflow
        case LogLine():
            return obj.task_run.run.workflow
    raise TypeError(f"{type(obj).__name__} belongs to no workflow.")
