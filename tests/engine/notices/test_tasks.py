"""Mail about a step that waits for a person: to whom it is, once, and only while it waits."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User

from orchestrator.engine import agent_work, agents
from orchestrator.models import Agent, Delivery, Notice, NoticePreference, Run, TaskRun
from orchestrator.notices import digests, tasks
from tests.engine.flows import flow, task
from tests.engine.notices.conftest import Post, html_of, sent, with_address

pytestmark = pytest.mark.django_db


def human(user: User, *pools: str) -> Agent:
    return agents.register(user.get_username(), kind="human", pools=list(pools), user=user)


def to_read(post: Post, agent_id: str, user: User | None = None) -> Run:
    read = task(name="Read the draft", action="agent_task", agent_id=agent_id)
    return post.crank.start(flow({"read": read}, name="Book"), user=user)


def test_whose_step_it_is_gets_a_mail_with_a_link_to_it(post: Post, ann: User, requester: User) -> None:
    human(ann)
    run = to_read(post, "ann", requester)
    assert post.later() == ["ann: To do: Read the draft"]
    link = f"/my-tasks/{run.tasks.get().pk}/"
    for text in (str(sent().body), html_of(sent())):
        assert link in text
        assert f"Book, run #{run.pk}" in text
        assert "this step of it waits for you" in text
    assert post.later(60) == []


def test_of_a_pool_all_are_told_who_can_sign_in_and_no_machine(post: Post, ann: User, bob: User) -> None:
    gone = with_address("cas")
    User.objects.filter(pk=gone.pk).update(is_active=False)
    for user in (ann, bob, gone):
        human(user, "readers")
    agents.register("robot", kind="service", pools=["readers"])
    to_read(post, "pool:readers")
    assert post.later() == ["ann: To do: Read the draft", "bob: To do: Read the draft"]
    assert Notice.objects.get().to == [ann.pk, bob.pk]


def test_what_is_done_by_then_is_told_to_nobody(post: Post, ann: User) -> None:
    mine = human(ann)
    run = to_read(post, "ann")
    tasks.note_tasks(post.crank.now)
    agent_work.hand_in(mine, run.tasks.get(), {})
    assert post.later() == []
    assert list(Delivery.objects.values_list("state", "error")) == [("skipped", "It waits for them no more.")]


def test_machines_and_people_who_were_drained_are_not_told(post: Post, ann: User, bob: User) -> None:
    agents.register("robot", kind="service", user=bob)
    mine = human(ann)
    agents.drain(mine)
    to_read(post, "robot")
    to_read(post, "ann")
    assert post.later() == []
    assert not Notice.objects.exists()


def test_a_test_run_is_nobody_elses_business(post: Post, ann: User) -> None:
    human(ann)
    run = to_read(post, "ann")
    Run.objects.filter(pk=run.pk).update(is_trial=True)
    assert post.later() == []


def test_what_is_to_be_done_again_is_told_again(post: Post, ann: User) -> None:
    human(ann)
    run = to_read(post, "ann")
    assert len(post.later()) == 1
    TaskRun.objects.filter(run=run).update(epoch=2)
    assert len(post.later()) == 1


def test_more_than_fit_in_one_look_come_with_the_next(
    post: Post, ann: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tasks, "BATCH", 2)
    human(ann)
    for _ in "123":
        to_read(post, "ann")
    assert [len(post.later()) for _ in "123"] == [2, 1, 0]


def test_the_mail_of_the_day_holds_what_still_waits(post: Post, ann: User) -> None:
    mine = human(ann)
    now = post.crank.now
    digests.choose(ann, NoticePreference.Mail.DAILY, now=now, hour=(now.hour + 2) % 24, zone="UTC")
    done, left = to_read(post, "ann"), to_read(post, "ann")
    assert post.later() == []
    agent_work.hand_in(mine, done.tasks.get(), {})
    assert post.later(3 * 3600) == ["ann: What waits for you, and what is new"]
    text = str(sent().body)
    assert f"/my-tasks/{left.tasks.get().pk}/" in text
    assert f"/my-tasks/{done.tasks.get().pk}/" not in text
