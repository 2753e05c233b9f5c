"""The register of agents: who there is, what they can do, and whether they are given work."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from datetime import timedelta
from decimal import Decimal
from typing import Any, Final

from django.db.models import Q
from django.utils import timezone

from orchestrator.definition.issues import Issue
from orchestrator.definition.names import KEY_RULE, is_key
from orchestrator.engine import registry
from orchestrator.engine.limits import check_json, check_text
from orchestrator.engine.points import committing
from orchestrator.exceptions import ConflictError, InvalidError, NotFoundError
from orchestrator.models import Agent

MOST_CAPACITY: Final = 1000
MOST_NAMES: Final = 100
PEOPLE: Final = (Agent.Kind.HUMAN, Agent.Kind.HYBRID)
ONLINE_WITHIN: Final = timedelta(seconds=90)  # an agent that waits for work is heard of every few seconds
FAILURES_UNTIL_QUARANTINE: Final = 5
RESOURCES: Final = {
    "cpu": 10_000,
    "memory_mb": 100_000_000,
}  # what tasks may reserve, and the most an agent has
_WORD: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.+-]{0,79}")
_FIELDS: Final = (
    "name",
    "kind",
    "transport",
    "description",
    "capabilities",
    "pools",
    "capacity",
    "resources",
    "cost_per_hour",
    "user",
)


def register(key: str, **given: Any) -> Agent:
    """A new agent. `given` are fields of `Agent`; what is left out is as the model has it. Raises InvalidError,
    ConflictError when there is one of that key."""
    if not is_key(key):
        message = f"The id of an agent is {KEY_RULE}."
        raise InvalidError(message, [Issue("id", "bad_key", message)])
    values = _checked({"name": key, **given})
    with committing("agent"):
        agent, is_new = Agent.objects.get_or_create(key=key, defaults=values)
    if not is_new:
        raise ConflictError(f"There is an agent {key} already.", code="exists")
    registry.forget()
    return agent


def describe(agent: Agent, *, seen: str = "", **given: Any) -> Agent:
    """Change what is said of an agent: only the fields that are given. `seen` is the revision that whoever changes it
    was shown. Raises InvalidError; ConflictError when it is described otherwise by now, or may not change yet."""
    values = _checked(given)
    with committing("agent"):
        now = Agent.objects.select_for_update().filter(pk=agent.pk).first()
        if now is None:
            raise NotFoundError(f"There is no agent {agent.key!r} any more.")
        _refuse_conflict(now, seen, values)
        for name, value in values.items():
            setattr(now, name, value)
        now.save(update_fields=list(values))
    registry.forget()
    agent.refresh_from_db()
    return agent


def revision_of(agent: Agent) -> str:
    """Another one whenever something else is said of the agent."""
    said = [str(getattr(agent, "user_id" if name == "user" else name)) for name in _FIELDS]
    return hashlib.sha256(json.dumps(said).encode()).hexdigest()[:16]


def _refuse_conflict(now: Agent, seen: str, values: Mapping[str, Any]) -> None:
    if seen and seen != revision_of(now):
        message = f"{now.key} was changed meanwhile; look at what is said of it now, and change it again."
        raise ConflictError(message, code="changed")
    if values.get("transport", now.transport) != now.transport and now.leases.filter(ended_at=None).exists():
        message = f"{now.key} still holds work; drain it before it gets its tasks in another way."
        raise ConflictError(message, code="busy")


def find_agent(key: str) -> Agent:
    """Raises NotFoundError."""
    agent = Agent.objects.filter(key=key).first()
    if agent is None:
        raise NotFoundError(f"There is no agent {key[:80]!r}.")
    return agent


def drain(agent: Agent) -> Agent:
    """Give it nothing new; what it holds it may finish."""
    return _put(agent, Agent.State.DRAINING)


def activate(agent: Agent) -> Agent:
    """Give it work again, after draining or quarantine."""
    Agent.objects.filter(pk=agent.pk).update(failures_in_a_row=0)
    return _put(agent, Agent.State.ACTIVE)


def remove(agent: Agent) -> None:
    """Take it from the register. Raises ConflictError while it holds work."""
    with committing("agent"):
        if agent.leases.filter(ended_at=None).exists():
            raise ConflictError(f"{agent} still holds work; drain it first.", code="busy")
        agent.delete()
    registry.forget()


def seen(agents: Sequence[int]) -> None:
    """These agents have just been heard of. Writes nothing of those heard of in the last seconds."""
    now = timezone.now()
    stale = Q(seen_at=None) | Q(seen_at__lt=now - ONLINE_WITHIN / 6)
    Agent.objects.filter(stale, pk__in=agents).update(seen_at=now)


def given_nothing() -> list[int]:
    """Those who are drained or in quarantine."""
    return list(Agent.objects.exclude(state=Agent.State.ACTIVE).order_by().values_list("pk", flat=True))


def is_online(agent: Agent) -> bool:
    """Whether it was heard of lately. A person with an account is asked in their list, and never heard of."""
    if is_person(agent):
        return True
    return agent.seen_at is not None and timezone.now() - agent.seen_at < ONLINE_WITHIN


def is_person(agent: Agent) -> bool:
    """Whether its tasks stand in somebody's list."""
    return agent.user_id is not None and agent.kind in PEOPLE


def _put(agent: Agent, state: Agent.State) -> Agent:
    with committing("agent"):
        Agent.objects.filter(pk=agent.pk).update(state=state)
    agent.refresh_from_db()
    return agent


def _checked(given: Mapping[str, Any]) -> dict[str, Any]:
    """The same values as they are stored. Raises InvalidError with everything that is wrong."""
    issues: list[Issue] = [
        Issue(name, "unknown_field", f"An agent has no {name}.") for name in given if name not in _FIELDS
    ]
    values = dict(given)
    for name, most in (("name", 200), ("description", 500)):
        if name in values:
            check_text(values[name], name, most)
    if "name" in values and not values["name"].strip():
        issues.append(Issue("name", "required", "Say what people shall call this agent."))
    if "kind" in values and values["kind"] not in Agent.Kind.values:
        issues.append(Issue("kind", "not_in_enum", f"kind is one of {', '.join(Agent.Kind.values)}."))
    if "transport" in values and values["transport"] not in Agent.Transport.values:
        choices = ", ".join(Agent.Transport.values)
        issues.append(Issue("transport", "not_in_enum", f"transport is one of {choices}."))
    for name in ("capabilities", "pools"):
        if name in values:
            issues += _faults_of_words(name, values[name])
    if "capacity" in values and not _is_within(values["capacity"], 1, MOST_CAPACITY):
        issues.append(Issue("capacity", "out_of_range", f"capacity is from 1 to {MOST_CAPACITY:,}."))
    if "resources" in values:
        check_json(values["resources"], "resources", 10_000)
        issues += _faults_of_resources(values["resources"])
    cost = values.get("cost_per_hour")
    if cost is not None and not 0 <= Decimal(str(cost)) < 10**8:
        issues.append(
            Issue("cost_per_hour", "out_of_range", "cost_per_hour is an amount of money, not below 0.")
        )
    if issues:
        raise InvalidError(issues[0].message, issues)
    return values


def _faults_of_words(name: str, words: Any) -> list[Issue]:
    rule = f"{name} is a list of at most {MOST_NAMES} words of letters, digits, '_', '-', '.' and '+'."
    sound = isinstance(words, list) and len(words) <= MOST_NAMES
    if not sound or not all(isinstance(word, str) and _WORD.fullmatch(word) for word in words):
        return [Issue(name, "invalid", rule)]
    return []


def _faults_of_resources(given: Any) -> list[Issue]:
    """What tasks reserve is a number; whatever else an agent says of itself is kept."""
    if not isinstance(given, dict):
        return [Issue("resources", "invalid", "resources is a map, such as {cpu: 4, memory_mb: 8192}.")]
    return [
        Issue(f"resources.{name}", "out_of_range", f"{name} is a number above 0, at most {most:,}.")
        for name, most in RESOURCES.items()
        if name in given and not _is_amount(given[name], most)
    ]


def _is_amount(value: Any, most: int) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 < value <= most


def _is_within(value: Any, least: int, most: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and least <= value <= most
