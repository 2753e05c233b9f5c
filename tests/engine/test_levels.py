"""Gates of several levels: who is asked when, whose vote counts where, and what becomes of a level nobody decides."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from click.testing import CliRunner
from django.contrib.auth.models import Group, User
from pytest_django.fixtures import Settings

from orchestrator import engine
from orchestrator.cli import main
from orchestrator.definition import DefinitionError
from orchestrator.exceptions import ConflictError, NotAllowedError
from orchestrator.models import Approval, Run
from orchestrator.permissions import approvals_waiting
from orchestrator.planning.signals import Decided
from orchestrator.reads.inbox import request_of
from orchestrator.reads.why import why
from tests.engine.flows import EPOCH, Crank, event_types, flow, task
from tests.invariants import assert_invariants
from tests.people import person

pytestmark = pytest.mark.django_db

LEAD = {"name": "Team lead", "approvers": ["ann", "bob"]}
BOARD = {"name": "Board", "approvers": ["cas", "dan"], "quorum": "all"}


@pytest.fixture(autouse=True)
def people() -> dict[str, User]:
    return {name: person(name, "approver") for name in ("ann", "bob", "cas", "dan", "eve")}


def asked(crank: Crank, *levels: dict[str, Any], **parameters: Any) -> Run:
    given = {"title": "Pay?", "levels": list(levels or (LEAD, BOARD)), **parameters}
    return crank.start(flow({"ask": task(action="approval_gate", parameters=given)}))


def decide(run: Run, decision: str, name: str, comment: str = "") -> Approval:
    user = User.objects.get(username=name)
    found = engine.decide(run.approvals.get().pk, decision, user=user, comment=comment)
    run.refresh_from_db()
    assert_invariants()
    return found


def approve(run: Run, *names: str) -> Approval:
    return [decide(run, "approve", name) for name in names][-1]


def waiting(run: Run) -> list[str]:
    """Whom it asks, by what the inbox shows."""
    people = User.objects.filter(username__in=["ann", "bob", "cas", "dan", "eve"]).order_by("username")
    return [one.username for one in people if approvals_waiting(one).filter(run=run).exists()]


def test_the_second_level_is_asked_once_the_first_has_approved(crank: Crank) -> None:
    run = asked(crank)
    assert waiting(run) == ["ann", "bob"]
    with pytest.raises(NotAllowedError):
        decide(run, "approve", "cas")
    found = approve(run, "ann")
    assert (found.status, found.level, run.status) == ("open", 2, "running")
    assert waiting(run) == ["cas", "dan"]
    assert approve(run, "cas").status == "open"
    assert waiting(run) == ["dan"]
    assert approve(run, "dan").status == "approved"
    assert run.tasks.get().output == {
        "decision": "approved",
        "by": ["ann", "cas", "dan"],
        "comment": "",
        "levels": [
            {"level": 1, "name": "Team lead", "decision": "approved", "by": ["ann"]},
            {"level": 2, "name": "Board", "decision": "approved", "by": ["cas", "dan"]},
        ],
    }
    votes = run.approvals.get().votes.order_by("level", "pk")
    assert list(votes.values_list("level", "person__username")) == [(1, "ann"), (2, "cas"), (2, "dan")]
    kinds = [kind for kind in event_types(run) if kind.startswith("approval.")]
    assert kinds == [
        "approval.required",
        "approval.level_approved",
        "approval.required",
        "approval.voted",
        "approval.approved",
    ]


def test_who_comes_too_late_for_a_level_is_told_who_decided_it(crank: Crank) -> None:
    run = asked(crank)
    approve(run, "ann")
    with pytest.raises(ConflictError, match="Level 1, Team lead, is decided, by ann") as refused:
        decide(run, "approve", "bob")
    assert refused.value.code == "level_decided"


def test_a_vote_on_its_way_as_the_level_is_decided_does_not_count_on_the_next(crank: Crank) -> None:
    run = asked(crank)
    approve(run, "ann")
    bob, row = User.objects.get(username="bob"), run.tasks.get()
    for names in (("bob",), ()):
        signal = Decided(run.pk, row.pk, "approve", "user:bob", bob.pk, "bob", names=names)
        assert "ann approved level 1, Team lead" in crank.turn(signal).conflicts[run.pk][0]
    assert run.approvals.get().votes.count() == 1


def test_a_rejection_on_any_level_rejects(crank: Crank) -> None:
    run = asked(crank)
    assert decide(run, "reject", "bob").status == "rejected"
    assert [one["decision"] for one in run.tasks.get().output["levels"]] == ["rejected", ""]
    run = asked(crank)
    approve(run, "ann")
    assert decide(run, "reject", "dan").status == "rejected"
    assert [one["decision"] for one in run.tasks.get().output["levels"]] == ["approved", "rejected"]


def test_of_levels_together_all_are_asked_at_once_and_all_must_approve(crank: Crank) -> None:
    run = asked(crank, order="together")
    assert waiting(run) == ["ann", "bob", "cas", "dan"]
    approve(run, "dan")
    assert waiting(run) == ["ann", "bob", "cas"]
    found = approve(run, "bob")
    assert (found.status, found.level) == ("open", 2)
    assert waiting(run) == ["cas"]
    assert approve(run, "cas").status == "approved"


def test_one_person_votes_on_one_level(crank: Crank) -> None:
    Group.objects.create(name="board").user_set.set(User.objects.filter(username__in=["ann", "cas"]))
    run = asked(crank, LEAD, {"name": "Board", "approvers": ["group:board"]})
    approve(run, "ann")
    assert waiting(run) == ["cas"]
    with pytest.raises(ConflictError, match="level 1, Team lead; one person decides on one level") as refused:
        decide(run, "approve", "ann")
    assert refused.value.code == "already_voted"
    assert approve(run, "cas").status == "approved"


def test_who_has_decided_overrides_no_later_level(crank: Crank) -> None:
    root = person("root", superuser=True)
    run = asked(crank, {"approvers": ["root"]}, BOARD)
    engine.decide(run.approvals.get().pk, "approve", user=root)
    with pytest.raises(NotAllowedError) as refused:
        engine.decide(run.approvals.get().pk, "approve", user=root)
    assert refused.value.code == "voted_before"
    other = person("other", superuser=True)
    said = {"comment": "The board is away this week", "override": True}
    assert engine.decide(run.approvals.get().pk, "approve", user=other, **said).status == "approved"
    assert_invariants()


def test_who_is_needed_later_does_not_vote_before(crank: Crank) -> None:
    run = asked(crank, LEAD, {"name": "Head", "approvers": ["ann"]})
    with pytest.raises(ConflictError, match="You are needed for “Head”"):
        decide(run, "approve", "ann")
    approve(run, "bob")
    assert approve(run, "ann").status == "approved"


def test_of_levels_together_a_vote_goes_where_it_is_needed(crank: Crank) -> None:
    run = asked(crank, LEAD, {"name": "Head", "approvers": ["ann"]}, order="together")
    approve(run, "ann")
    assert run.approvals.get().votes.get().level == 2
    assert approve(run, "bob").status == "approved"


def test_a_delegate_has_voted_for_both(crank: Crank) -> None:
    ann, eve = (User.objects.get(username=name) for name in ("ann", "eve"))
    engine.delegate(ann, "eve", ends_at=datetime.now().astimezone() + timedelta(days=3))
    Group.objects.create(name="board").user_set.set([ann, eve, User.objects.get(username="cas")])
    run = asked(crank, LEAD, {"name": "Board", "approvers": ["group:board"]})
    approve(run, "eve")
    for name in ("eve", "ann"):
        with pytest.raises(ConflictError):
            decide(run, "approve", name)
    assert approve(run, "cas").status == "approved"
    assert run.tasks.get().output["for"] == ["ann"]


def test_somebody_who_was_stood_in_for_does_not_vote_again(crank: Crank) -> None:
    ann = User.objects.get(username="ann")
    engine.delegate(ann, "eve", ends_at=datetime.now().astimezone() + timedelta(days=3))
    gate = task(action="approval_gate", parameters={"approvers": ["ann", "bob"], "quorum": 2})
    run = crank.start(flow({"ask": gate}))
    approve(run, "eve")
    with pytest.raises(ConflictError, match="eve has decided on this in your place"):
        decide(run, "approve", "ann")
    assert approve(run, "bob").status == "approved"


# The clock


def test_each_level_has_its_time_from_when_it_was_asked(crank: Crank) -> None:
    run = asked(crank, LEAD | {"timeout_seconds": 100}, BOARD, timeout_seconds=50)
    assert run.approvals.get().deadline_at == EPOCH + timedelta(seconds=100)
    crank.later(60)
    crank_approve(crank, run, "ann")
    assert run.approvals.get().deadline_at == crank.now + timedelta(seconds=50)
    assert run.tasks.get().due_at == crank.now + timedelta(seconds=50)
    crank.later(49)
    assert run.approvals.get().status == "open"
    crank.later(1)
    assert run.approvals.get().status == "expired"
    assert [one["decision"] for one in run.tasks.get().output["levels"]] == ["approved", "expired"]
    assert_invariants()


def crank_approve(crank: Crank, run: Run, name: str) -> None:
    """As the engine does it, at the moment that the crank shows."""
    user = User.objects.get(username=name)
    row = run.tasks.get()
    signal = Decided(run.pk, row.pk, "approve", f"user:{name}", user.pk, name, names=(name,))
    assert crank.turn(signal).conflicts == {}


@pytest.mark.parametrize(
    ("outcomes", "status", "output"),
    [
        (["approve", "approve"], "completed", ["expired", "expired"]),
        (["approve", "reject"], "failed", ["expired", "expired"]),
        (["reject", "approve"], "failed", ["expired", ""]),
        (["escalate", "approve"], "completed", ["passed", "expired"]),
        (["escalate", "reject"], "failed", ["passed", "expired"]),
        (["fail", "approve"], "failed", ["expired", ""]),
    ],
    ids=lambda one: "-".join(one) if isinstance(one, list) else one,
)
def test_what_becomes_of_a_level_nobody_decides(
    crank: Crank, outcomes: list[str], status: str, output: list[str]
) -> None:
    levels = [
        one | {"timeout_seconds": 10, "on_timeout": way}
        for one, way in zip((LEAD, BOARD), outcomes, strict=True)
    ]
    run = asked(crank, *levels)
    crank.later(10)
    assert_invariants()
    crank.later(10)
    run.refresh_from_db()
    assert run.status == status
    assert [one["decision"] for one in run.tasks.get().output["levels"]] == output
    assert_invariants()


def test_a_level_that_was_passed_over_is_decided_by_the_next(crank: Crank) -> None:
    run = asked(crank, LEAD | {"timeout_seconds": 10, "on_timeout": "escalate"}, BOARD)
    crank.later(10)
    assert waiting(run) == ["cas", "dan"]
    assert approve(run, "cas", "dan").status == "approved"
    assert "approval.level_passed" in event_types(run)


def test_escalate_asks_the_next_rung_for_as_long_again_and_then_is_a_rejection(crank: Crank) -> None:
    given = {
        "approvers": ["ann"],
        "timeout_seconds": 100,
        "on_timeout": "escalate",
        "escalation": [{"after_seconds": 500}, {"after_seconds": 600, "to": "eve"}],
    }
    run = crank.start(flow({"ask": task(action="approval_gate", parameters=given)}))
    crank.later(100)
    assert waiting(run) == ["ann", "eve"]
    assert run.approvals.get().deadline_at == crank.now + timedelta(seconds=100)
    crank.later(99)
    assert run.approvals.get().status == "open"
    crank.later(1)
    assert run.approvals.get().status == "expired"
    kinds = [kind for kind in event_types(run) if kind.startswith("approval.")]
    assert kinds == ["approval.required", "approval.escalated", "approval.expired"]
    assert_invariants()


def test_each_level_has_its_ladder(crank: Crank) -> None:
    ladder = [{"after_seconds": 10}, {"after_seconds": 20, "to": "eve"}]
    run = asked(crank, LEAD, BOARD | {"escalation": ladder}, timeout_seconds=1000)
    crank.later(15)
    crank_approve(crank, run, "ann")
    crank.later(10)
    crank.later(10)
    assert waiting(run) == ["cas", "dan", "eve"]
    assert run.approvals.get().approvers.get(name="eve").level == 2
    assert approve(run, "eve").status == "approved"


def test_of_levels_together_each_has_its_own_time(crank: Crank) -> None:
    first = LEAD | {"timeout_seconds": 10, "on_timeout": "approve"}
    run = asked(crank, first, BOARD | {"timeout_seconds": 20}, order="together")
    assert run.approvals.get().deadline_at == EPOCH + timedelta(seconds=10)
    crank.later(10)
    assert run.approvals.get().deadline_at == EPOCH + timedelta(seconds=20)
    assert waiting(run) == ["cas", "dan"]
    crank.later(10)
    assert run.approvals.get().status == "expired"
    assert_invariants()


@pytest.mark.parametrize(
    "hours",
    [
        {"days": ["mon", "tue", "wed", "thu", "fri"], "from": "09:00", "to": "17:00", "timezone": "UTC"},
        "mon-fri 09:00-17:00",
    ],
    ids=["map", "line"],
)
def test_rungs_and_deadlines_count_in_business_hours(hours: Any, crank: Crank) -> None:
    ladder = [{"after_seconds": 3600, "to": "eve"}]
    crank.now = datetime(2026, 1, 2, 16, 30, tzinfo=UTC)  # a Friday
    run = asked(crank, LEAD, business_hours=hours, escalation=ladder, timeout_seconds=8 * 3600)
    assert run.tasks.get().due_at == datetime(2026, 1, 5, 9, 30, tzinfo=UTC)
    assert run.approvals.get().deadline_at == datetime(2026, 1, 5, 16, 30, tzinfo=UTC)
    crank.later(48 * 3600)
    assert waiting(run) == ["ann", "bob"]
    crank.later(17 * 3600)
    assert waiting(run) == ["ann", "bob", "eve"]
    assert run.tasks.get().due_at == datetime(2026, 1, 5, 16, 30, tzinfo=UTC)


def test_true_is_the_business_hours_of_the_installation(crank: Crank, settings: Settings) -> None:
    settings.BATON = {**settings.BATON, "BUSINESS_HOURS": "sat,sun 10:00-12:00 UTC"}
    run = asked(crank, LEAD, business_hours=True, timeout_seconds=3600)
    assert run.approvals.get().deadline_at == datetime(2026, 1, 3, 11, tzinfo=UTC)


def test_without_them_every_hour_counts(crank: Crank) -> None:
    run = asked(crank, LEAD, business_hours=False, timeout_seconds=3600)
    assert run.approvals.get().deadline_at == EPOCH + timedelta(hours=1)


# What is refused


@pytest.mark.parametrize(
    ("parameters", "path", "code"),
    [
        ({"levels": [LEAD], "approvers": "ann"}, "levels", "levels_and_approvers"),
        ({"levels": []}, "levels", "wrong_type"),
        ({"levels": "ann"}, "levels", "wrong_type"),
        ({"levels": ["ann"]}, "levels[0]", "wrong_type"),
        ({"levels": [LEAD, {"name": "None"}]}, "levels[1].approvers", "no_approver"),
        ({"levels": [LEAD | {"quorum": 3}]}, "levels[0].quorum", "no_quorum"),
        ({"levels": [LEAD], "quorum": 3}, "levels[0].quorum", "no_quorum"),
        ({"levels": [LEAD | {"on_timeout": "wait"}]}, "levels[0].on_timeout", "not_in_enum"),
        ({"levels": [LEAD | {"veto": "no"}]}, "levels[0].veto", "wrong_type"),
        ({"levels": [LEAD | {"timeout_seconds": 0}]}, "levels[0].timeout_seconds", "out_of_range"),
        ({"levels": [LEAD | {"title": "x"}]}, "levels[0].title", "unknown_field"),
        ({"levels": [LEAD], "order": "random"}, "order", "not_in_enum"),
        (
            {"levels": [LEAD, BOARD], "on_timeout": "escalate"},
            "levels[1].on_timeout",
            "nobody_to_escalate_to",
        ),
        ({"levels": [LEAD], "business_hours": {"days": ["x"]}}, "business_hours.days[0]", "not_in_enum"),
        ({"levels": [LEAD], "business_hours": "x 9:00-17:00"}, "business_hours", "not_in_enum"),
        ({"approvers": "ann", "on_timeout": "escalate"}, "on_timeout", "nobody_to_escalate_to"),
        ({"levels": [{"approvers": "ann"}, {"approvers": "ann"}]}, "levels[1]", "too_few_people"),
        (
            {"levels": [{"approvers": ["ann", "bob"], "quorum": "all"}, {"approvers": ["bob"]}]},
            "levels[1]",
            "too_few_people",
        ),
    ],
    ids=lambda one: one if isinstance(one, str) else "",
)
def test_a_gate_nobody_can_decide_is_refused_when_it_is_published(
    crank: Crank, parameters: dict[str, Any], path: str, code: str
) -> None:
    with pytest.raises(DefinitionError) as refused:
        crank.start(flow({"ask": task(action="approval_gate", parameters=parameters)}))
    errors = [one for one in refused.value.issues if one.severity == "error"]
    assert [(one.path, one.code) for one in errors] == [(f"tasks.ask.parameters.{path}", code)]


def test_it_says_who_is_missing_where(crank: Crank) -> None:
    with pytest.raises(DefinitionError) as refused:
        asked(crank, {"name": "Lead", "approvers": "ann"}, {"name": "Board", "approvers": "ann"})
    text = refused.value.issues[0].message
    assert "“Lead” and “Board” take 2 approvals of different people, and only ann may give them" in text


def test_what_a_parameter_left_without_people_fails_with_the_reason(crank: Crank) -> None:
    gate = task(
        action="approval_gate",
        parameters={"levels": [{"approvers": "{{ params.who }}"}, {"approvers": "{{ params.who }}"}]},
    )
    declared = {"who": {"type": "list", "default": ["ann"]}}
    run = crank.start({**flow({"ask": gate}), "parameters": declared})
    run.refresh_from_db()
    assert run.status == "failed"
    assert "2 approvals of different people" in run.tasks.get().error["message"]


# Who published it


def published_by(author: User, **parameters: Any) -> Run:
    gate = task(action="approval_gate", parameters={"approvers": ["ann", "bob"], **parameters})
    return engine.start(engine.save_workflow(flow({"ask": gate}), user=author))


def test_who_published_it_does_not_decide(people: dict[str, User]) -> None:
    run = published_by(people["ann"])
    with pytest.raises(NotAllowedError) as refused:
        decide(run, "approve", "ann")
    assert refused.value.code == "own_version"
    assert approve(run, "bob").status == "approved"


def test_unless_the_gate_says_so(people: dict[str, User]) -> None:
    assert approve(published_by(people["ann"], allow_author=True), "ann").status == "approved"


def test_nobody_decides_in_the_place_of_who_published_it(people: dict[str, User]) -> None:
    run = published_by(people["ann"])
    engine.delegate(people["ann"], "eve", ends_at=datetime.now().astimezone() + timedelta(days=3))
    with pytest.raises(NotAllowedError, match="ann, in whose place you decide, published"):
        decide(run, "approve", "eve")


@pytest.mark.parametrize(
    ("parameters", "path"),
    [
        ({"approvers": "ann"}, "approvers"),
        ({"levels": [BOARD, {"approvers": "ann"}]}, "levels[1].approvers"),
        ({"approvers": "ann", "allow_author": True}, ""),
        ({"approvers": "ann", "escalation": [{"after_seconds": 5, "to": "bob"}]}, ""),
        ({"approvers": ["ann", "bob"]}, ""),
        ({"approvers": "bob"}, ""),
    ],
    ids=["alone", "alone on a level", "allowed", "others later", "one of two", "another"],
)
def test_what_only_its_author_could_decide_is_not_published(
    people: dict[str, User], parameters: dict[str, Any], path: str
) -> None:
    definition = flow({"ask": task(action="approval_gate", parameters=parameters)})
    if not path:
        engine.save_workflow(definition, user=people["ann"])
        return
    with pytest.raises(DefinitionError) as refused:
        engine.save_workflow(definition, user=people["ann"])
    errors = [(one.path, one.code) for one in refused.value.issues if one.severity == "error"]
    assert errors == [(f"tasks.ask.parameters.{path}", "only_author")]


def test_of_who_may_override_everything_it_is_published(people: dict[str, User]) -> None:
    root = person("root", superuser=True)
    gate = task(action="approval_gate", parameters={"approvers": "root"})
    assert engine.save_workflow(flow({"ask": gate}), user=root).versions.count() == 1


# What is shown


def test_why_it_waits_says_on_which_level(crank: Crank) -> None:
    run = asked(crank)
    approve(run, "ann")
    approve(run, "cas")
    (answer,) = why(run)
    assert "cas or dan (level 2 of 2: Board)" in answer.sentence
    assert "It takes all of them; 1 so far." in answer.sentence


def test_the_request_shows_its_levels(crank: Crank) -> None:
    run = asked(crank)
    approve(run, "bob")
    first, second = request_of(run.approvals.get()).levels
    assert (first.word, [vote.person.username for vote in first.votes]) == ("Approved", ["bob"])
    assert (second.word, [one.name for one in second.people]) == ("Asked now", ["cas", "dan"])
    assert second.so_far == "0 of 2 approvals"


def test_the_command_line_says_on_which_level(crank: Crank) -> None:
    run = asked(crank)
    result = CliRunner().invoke(main, ["approve", str(run.pk), "--as", "ann"])
    assert "Voted as ann, it waits for others: Pay? (Level 2 of 2: Board)" in " ".join(result.output.split())
    listed = json.loads(CliRunner().invoke(main, ["approvals", "--json"]).output)["approvals"]
    assert (listed[0]["level"], listed[0]["approvers"]) == (2, ["cas", "dan"])
