"""The first steps with Baton: what somebody new does, ticked by facts, until it is done or they put it away."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from django.contrib.auth import get_user_model
from django.contrib.auth.models import User

from orchestrator.models import Hidden, Vote
from orchestrator.permissions import can, runs_for, workflows_for


@dataclass(frozen=True, slots=True)
class Step:
    """One of them; `route` names the page where it is done."""

    label: str
    route: str
    done: bool


@dataclass(frozen=True, slots=True)
class FirstSteps:
    """All that this person may do, at least one of them still to be done."""

    steps: tuple[Step, ...]

    @property
    def done(self) -> int:
        return sum(step.done for step in self.steps)

    @property
    def following(self) -> Step:
        return next(step for step in self.steps if not step.done)


def first_steps(user: User) -> FirstSteps | None:
    """For who may design, and so for whoever made the first account; None once there is nothing to be said."""
    if not can(user, "design") or is_hidden(user):
        return None
    steps = FirstSteps(tuple(_steps(user)))
    return steps if steps.done < len(steps.steps) else None


def is_hidden(user: User) -> bool:
    return Hidden.objects.filter(user=user, what=Hidden.What.FIRST_STEPS).exists()


def _steps(user: User) -> Iterable[Step]:
    yield Step("Make a workflow from a template", "workflow-new", workflows_for(user).exists())
    yield Step("Run it once", "workflow-list", runs_for(user).exists())
    yield Step("Decide a request for approval", "inbox", Vote.objects.exists())
    if user.has_perm("auth.add_user"):
        people = get_user_model().objects.filter(is_active=True).values_list("pk", flat=True)
        yield Step("Invite a colleague", "admin:auth_user_add", len(people[:2]) > 1)
