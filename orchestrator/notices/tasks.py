"""Steps that wait for a person. They are noted from outside of the engine's turns, which know agents and not who they are."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime
from typing import Final

from django.contrib.auth.models import User
from django.db.models import CharField, Exists, OuterRef, Value
from django.db.models.functions import Cast, Concat

from orchestrator.engine.agent_work import waiting_for
from orchestrator.engine.agents import PEOPLE
from orchestrator.engine.points import committing
from orchestrator.models import Agent, Notice
from orchestrator.reads import my_tasks

BATCH: Final = 100
_NUMBER: Final = CharField(max_length=20)
# Its epoch tells apart that it is to be done, and that it is to be done again.
_KEY: Final = Concat(
    Value("task:"), Cast("pk", _NUMBER), Value(":"), Cast("epoch", _NUMBER), output_field=CharField()
)


def note_tasks(now: datetime) -> int:
    """Note what has come to wait for agents who are people, each once; how much it was. No test runs."""
    people = _people()
    if not people:
        return 0
    noted = Notice.objects.filter(key=OuterRef("key_of_notice"))
    waits = waiting_for(sorted(people)).filter(run__is_trial=False).annotate(key_of_notice=_KEY)
    rows = list(waits.exclude(Exists(noted)).values_list("key_of_notice", "agent_id")[:BATCH])
    if rows:
        made = [
            Notice(key=key, kind=Notice.Kind.TASK, to=sorted(people[agent]), at=now) for key, agent in rows
        ]
        with committing("tasks noted"):
            Notice.objects.bulk_create(made, ignore_conflicts=True)
    return len(rows)


def _people() -> dict[str, set[int]]:
    """By each address of an agent who is a person: who they are."""
    found: dict[str, set[int]] = defaultdict(set)
    agents = Agent.objects.filter(kind__in=PEOPLE, state=Agent.State.ACTIVE, user__is_active=True)
    for agent in agents:
        if agent.user_id is not None:
            for address in agent.addresses:
                found[address].add(agent.user_id)
    return found


def to_dos_of(notices: Iterable[Notice], user: User) -> dict[int, my_tasks.ToDo]:
    """Of the steps that these tell of, those that wait for this person, by the id of the notice."""
    steps = {notice.pk: int(notice.key.split(":")[1]) for notice in notices}
    found = {one.task_run.pk: one for one in my_tasks.to_dos(user, among=steps.values())}
    return {notice: found[step] for notice, step in steps.items() if step in found}
