"""Who is told of what: a table of what happens, and of who the people are."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from django.core import mail
from django.utils import timezone

from orchestrator import engine
from orchestrator.engine import Beside, notices
from orchestrator.engine.trials import start_trial
from orchestrator.models import Approval, Delivery, Notice
from orchestrator.notices.digests import choose
from orchestrator.notices.telling import tell
from tests.engine.notices.conftest import Post, away, group_of, with_address

pytestmark = pytest.mark.django_db

LADDER = [{"after_seconds": 10}, {"after_seconds": 100, "to": "boss"}]


def test_those_who_are_asked_are_told_at_once_and_the_requester_of_the_end(
    post: Post, requester: User, ann: User, bob: User
) -> None:
    run = post.ask("ann", "bob", user=requester)
    assert post.later() == ["ann: Decide: Pay?", "bob: Decide: Pay?"]
    post.decide(run, "approve", ann, "Fine by me")
    assert post.later(1) == ["rita: Approved: Pay?"]
    assert "Fine by me" in mail.outbox[-1].body
    assert post.later(100) == []


def test_a_ladder_is_told_rung_by_rung(post: Post, requester: User, ann: User) -> None:
    with_address("boss", "approver")
    post.ask("ann", user=requester, escalation=LADDER, timeout_seconds=1000)
    assert post.later() == ["ann: Decide: Pay?"]
    assert post.later(11) == ["ann: Reminder: Pay?"]
    assert post.later(90) == ["ann: Escalated: Pay?", "boss: Escalated: Pay?"]
    assert "others are asked, too: boss." in mail.outbox[-1].body
    assert post.later(900) == ["rita: Nobody decided: Pay?"]


def test_those_of_a_level_are_told_once_it_is_their_turn_and_reminded_by_its_ladder(
    post: Post, requester: User, ann: User, bob: User
) -> None:
    levels = [{"approvers": "ann"}, {"approvers": "bob", "escalation": LADDER[:1]}]
    run = post.ask(user=requester, levels=levels)
    assert post.later() == ["ann: Decide: Pay?"]
    post.decide(run, "approve", ann)
    assert post.later(1) == ["bob: Decide: Pay?"]
    assert post.later(11) == ["bob: Reminder: Pay?"]


def test_a_level_that_is_asked_again_about_something_else_is_told_again(
    post: Post, requester: User, ann: User, bob: User
) -> None:
    levels = [{"approvers": "ann"}, {"approvers": "bob"}]
    run = post.ask(user=requester, levels=levels, data={"sum": 1}, editable=True)
    pk = run.approvals.get().pk
    post.later()
    post.decide(run, "approve", ann)
    assert post.later(1) == ["bob: Decide: Pay?"]
    engine.decide(pk, "approve", user=bob, beside=engine.Beside(edits={"sum": 2}))
    assert [one.partition(":")[0] for one in post.later(1)] == ["ann"]
    post.decide(run, "approve", ann)
    assert [one.partition(":")[0] for one in post.later(1)] == ["bob"]


def _to_ann_herself(post: Post, ann: User) -> str:
    post.ask("ann", user=ann)
    return ""


def _to_ann_who_asked_and_may(post: Post, ann: User) -> str:
    post.ask("ann", user=ann, allow_requester=True)
    return "ann"


def _to_a_group(post: Post, ann: User) -> str:
    group_of("finance", ann, with_address("carl", "approver"), with_address("dora", "viewer"))
    post.ask("group:finance")
    return "ann carl"


def _to_ann_and_her_group(post: Post, ann: User) -> str:
    group_of("finance", ann)
    post.ask("ann", "group:finance")
    return "ann"


def _to_a_group_of_the_requester(post: Post, ann: User) -> str:
    carl = with_address("carl", "approver")
    group_of("finance", ann, carl)
    post.ask("group:finance", user=carl)
    return "ann"


def _while_ann_is_away(post: Post, ann: User) -> str:
    away(post, ann, with_address("carl", "approver"))
    post.ask("ann")
    return "carl"


def _while_a_member_is_away(post: Post, ann: User) -> str:
    carl = with_address("carl", "approver")
    group_of("finance", ann, carl)
    away(post, ann, with_address("dora", "approver"))
    post.ask("group:finance")
    return "carl dora"


def _by_the_one_who_stands_in(post: Post, ann: User) -> str:
    carl = with_address("carl", "approver")
    away(post, ann, carl)
    post.ask("ann", user=carl)
    return "ann"


def _when_the_stand_in_lost_the_role(post: Post, ann: User) -> str:
    carl = with_address("carl", "approver")
    away(post, ann, carl)
    carl.groups.clear()
    post.ask("ann")
    return "ann"


def _when_the_stand_in_is_asked_too(post: Post, ann: User) -> str:
    away(post, ann, with_address("carl", "approver"))
    post.ask("ann", "carl")
    return "carl"


def _without_the_role(post: Post, ann: User) -> str:
    with_address("dora", "viewer")
    post.ask("dora", "ann")
    return "ann"


def _without_an_address(post: Post, ann: User) -> str:
    User.objects.filter(pk=ann.pk).update(email="")
    post.ask("ann")
    return ""


def _who_cannot_sign_in(post: Post, ann: User) -> str:
    User.objects.filter(pk=ann.pk).update(is_active=False)
    post.ask("ann")
    return ""


def _who_wants_none(post: Post, ann: User) -> str:
    choose(ann, "none", now=post.crank.now)
    post.ask("ann")
    return ""


def _an_administrator_who_is_not_asked(post: Post, ann: User) -> str:
    with_address("root", superuser=True)
    post.ask("ann")
    return "ann"


WHO = [
    _to_ann_herself,
    _to_ann_who_asked_and_may,
    _to_a_group,
    _to_ann_and_her_group,
    _to_a_group_of_the_requester,
    _while_ann_is_away,
    _while_a_member_is_away,
    _by_the_one_who_stands_in,
    _when_the_stand_in_lost_the_role,
    _when_the_stand_in_is_asked_too,
    _without_the_role,
    _without_an_address,
    _who_cannot_sign_in,
    _who_wants_none,
    _an_administrator_who_is_not_asked,
]


@pytest.mark.parametrize("case", WHO, ids=lambda case: case.__name__.strip("_"))
def test_who_is_asked(case: Callable[[Post, User], str], post: Post, ann: User) -> None:
    expected = case(post, ann)
    told = [line for line in post.later() if "Decide: " in line]
    assert told == [f"{name}: Decide: Pay?" for name in expected.split()]


def test_a_stand_in_reads_for_whom(post: Post, ann: User, bob: User) -> None:
    User.objects.filter(pk=ann.pk).update(first_name="Ann", last_name="Lee")
    away(post, ann, bob)
    assert post.later() == ["bob: You decide for Ann Lee"]
    post.ask("ann")
    post.later()
    assert "for Ann Lee, who is away" in mail.outbox[-1].body


def test_who_has_voted_is_not_reminded(post: Post, ann: User, bob: User) -> None:
    run = post.ask("ann", "bob", quorum="all", escalation=LADDER[:1])
    post.later()
    post.decide(run, "approve", ann)
    assert post.later(11) == ["bob: Reminder: Pay?"]


def test_who_agreed_to_something_else_is_asked_again(
    post: Post, requester: User, ann: User, bob: User
) -> None:
    run = post.ask("ann", "bob", user=requester, quorum="all", data={"amount": 5}, editable=["amount"])
    post.later()
    post.decide(run, "approve", ann)
    post.decide(run, "approve", bob, beside=Beside(edits={"amount": 4}))
    assert post.later() == ["ann: Decide again: Pay?"]
    assert "bob changed what is asked, so it waits for you again." in mail.outbox[-1].body


def test_what_is_decided_before_the_mail_goes_out_asks_nobody(post: Post, requester: User, ann: User) -> None:
    run = post.ask("ann", "bob", user=requester)
    tell(post.crank.now)
    post.decide(run, "reject", ann)
    assert post.later() == ["rita: Rejected: Pay?"]
    assert Delivery.objects.get(state="skipped").error == "It waits for them no more."


def test_who_decides_on_their_own_request_is_not_told_of_it(post: Post, ann: User) -> None:
    run = post.ask("ann", user=ann, allow_requester=True)
    post.later()
    post.decide(run, "approve", ann)
    assert post.later() == []


def test_an_override_is_told_to_those_who_were_asked_and_who_asked(
    post: Post, requester: User, ann: User, bob: User
) -> None:
    run = post.ask("ann", "bob", user=requester, quorum="all")
    post.decide(run, "approve", bob)
    post.later()
    post.decide(run, "reject", with_address("root", superuser=True), "Frozen until July", override=True)
    subject = "Decided by an administrator: Pay?"
    assert post.later() == [f"ann: {subject}", f"bob: {subject}", f"rita: {subject}"]
    assert "root rejected it in the stead of those who were asked." in mail.outbox[-1].body
    assert "Frozen until July" in mail.outbox[-1].body


def test_a_comment_is_told_to_who_asked_and_those_who_are_asked(
    post: Post, requester: User, ann: User, bob: User
) -> None:
    run = post.ask("ann", "bob", user=requester)
    post.later()
    engine.comment(run.approvals.get().pk, "Which fair is it?", user=bob)
    engine.comment(run.approvals.get().pk, "The one in May.", user=requester)
    post.crank.now = timezone.now()
    assert post.later() == [
        "ann: Comment: Pay?",
        "ann: Comment: Pay?",
        "bob: Comment: Pay?",
        "rita: Comment: Pay?",
    ]
    assert "Which fair is it?" in "".join(one.body for one in mail.outbox if one.to == ["rita@example.org"])


@pytest.mark.parametrize("status", [*Approval.Status.values, "recalled", "sent_back"])
def test_every_way_in_which_a_request_ends_is_told(
    status: str, post: Post, requester: User, ann: User
) -> None:
    run = post.ask("ann", user=requester)
    post.later()
    if status == "open":
        return
    Approval.objects.update(status=status)
    notices.closed(
        run.approvals.get().pk, status, now=post.crank.now, by=None, text="so it is", override=False
    )
    told = "ann" if status == "recalled" else "rita"
    assert [line.partition(":")[0] for line in post.later()] == [told]


def test_a_run_that_is_cancelled_tells_who_asked(post: Post, requester: User, ann: User) -> None:
    run = post.ask("ann", user=requester)
    post.later()
    engine.cancel(run.pk)
    assert post.later() == ["rita: Withdrawn: Pay?"]


def test_a_test_run_tells_nobody(post: Post, requester: User, ann: User) -> None:
    workflow = post.ask("ann").workflow
    post.later()
    start_trial(workflow, workflow.draft, {}, rev=1, user=requester)
    assert post.later() == []
    assert Notice.objects.filter(told_at=None).count() == 0


KINDS = {
    "question": "rita: Question: Pay?",
    "answer": "ann: Answer: Pay?",
    "comment": "ann: Comment: Pay?, rita: Comment: Pay?",
    "recalled": "ann: Taken back: Pay?",
    "sent_back": "rita: Sent back: Pay?",
}


@pytest.mark.parametrize(("kind", "told"), KINDS.items(), ids=KINDS)
def test_what_others_may_note(
    kind: str, told: str, post: Post, requester: User, ann: User, bob: User
) -> None:
    run = post.ask("ann", user=requester)
    post.later()
    approval = run.approvals.get()
    for _ in range(2):  # the second is the same
        notices.post(
            Notice.Kind(kind), approval.pk, now=post.crank.now, nth=7, by=bob.pk, text="Why so much?"
        )
    assert ", ".join(post.later()) == told
    assert "Why so much?" in mail.outbox[-1].body


def test_whoever_is_named_is_told_and_who_did_it_is_not(post: Post, ann: User, bob: User) -> None:
    run = post.ask("ann")
    post.later()
    approval = run.approvals.get()
    given = {"now": post.crank.now, "by": ann.pk, "to": [ann.pk, bob.pk]}
    notices.post(Notice.Kind.COMMENT, approval.pk, nth=1, **given)
    assert post.later() == ["bob: Comment: Pay?"]


def test_a_notice_that_cannot_be_told_holds_up_no_other(
    post: Post, ann: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    from orchestrator.notices import telling

    real = telling.recipients

    def faulty(notice: Notice, now: object) -> object:
        if notice.approval.title == "Broken?":
            raise RuntimeError("no such thing")
        return real(notice, now)  # type: ignore[arg-type]

    monkeypatch.setattr(telling, "recipients", faulty)
    post.ask("ann", name="One", title="Broken?")
    post.ask("ann", name="Two")
    assert post.later() == ["ann: Decide: Pay?"]
    assert "no such thing" in Notice.objects.exclude(error="").get().error
