"""What stands in a mail: nothing that could forge a header, run, or tell a secret; and where it leads."""

from __future__ import annotations

import re
from email import message_from_bytes, policy
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core import mail
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from orchestrator import engine, vault, worker
from orchestrator.models import Approval
from orchestrator.notices.words import one_line
from orchestrator.secrets import MASK
from tests.engine.flows import flow, task
from tests.engine.notices.conftest import Post, html_of, sent

CANARY, CANARY_PIN = "CNRY-5f1c0b7a", "CNRY-77-pin"
HOSTILE = "Pay?\r\nBcc: all@example.org\n\n<script>alert(1)</script><img src=x onerror=y>"


@pytest.mark.django_db
def test_a_mail_has_text_and_html_a_link_and_what_programs_ask_for(
    post: Post, requester: User, ann: User, settings: Any
) -> None:
    settings.BATON = {**settings.BATON, "BASE_URL": "https://baton.example.org/"}
    run = post.ask(
        "ann", user=requester, instructions="Look twice.", data={"amount": 12}, timeout_seconds=3600
    )
    post.later()
    one, approval = sent(), run.approvals.get()
    link = f"https://baton.example.org/approvals/{approval.pk}/"
    for text in (one.body, html_of(one)):
        for expected in (
            link,
            "Look twice.",
            "amount",
            "12",
            "rita asks you to decide.",
            "Flow, run #",
            "Until",
        ):
            assert expected in text
    headers = one.extra_headers
    assert headers["Auto-Submitted"] == "auto-generated"
    assert headers["List-Unsubscribe"] == "<https://baton.example.org/profile/notices/>"
    assert re.fullmatch(r"<notice\.\d+\.[0-9a-f]{16}@baton\.example\.org>", headers["Message-ID"])


@pytest.mark.django_db
def test_all_about_one_request_is_one_thread(post: Post, requester: User, ann: User) -> None:
    run = post.ask("ann", user=requester)
    other = post.ask("ann", name="Other")
    post.later()
    post.decide(run, "approve", ann)
    post.later()
    threads = [one.extra_headers["In-Reply-To"] for one in mail.outbox]
    ids = {one.extra_headers["Message-ID"] for one in mail.outbox}
    assert threads[0] == threads[2] != threads[1]
    assert len(ids) == 3
    assert other.pk != run.pk


@pytest.mark.django_db
def test_no_line_of_a_title_becomes_a_header(post: Post, ann: User) -> None:
    run = post.ask("ann")
    Approval.objects.filter(run=run).update(title=HOSTILE)
    post.later()
    parsed = message_from_bytes(sent().message().as_bytes(), policy=policy.default)
    assert parsed["Bcc"] is None
    assert (
        parsed["Subject"]
        == "Decide: Pay? Bcc: all@example.org <script>alert(1)</script><img src=x onerror=y>"
    )
    html = html_of(sent())
    assert "<script>" not in html and "<img" not in html
    assert "&lt;script&gt;" in html
    assert "<script>alert(1)</script>" in sent().body  # as text, where it is nothing but text


@given(st.text(max_size=400))
def test_a_subject_is_one_line_whatever_it_was(text: str) -> None:
    line = one_line(text)
    assert len(line.splitlines()) <= 1
    assert len(line) <= 150
    mail.EmailMessage(subject=line).message()


@pytest.mark.django_db
def test_a_name_and_a_comment_are_escaped(post: Post, requester: User, ann: User) -> None:
    User.objects.filter(pk=ann.pk).update(first_name="<b>Ann</b>")
    run = post.ask("ann", user=requester)
    ann.refresh_from_db()
    post.decide(run, "reject", ann, "<i>no</i>\nnever")
    post.later()
    html = html_of(sent())
    assert "<b>Ann" not in html and "<i>no" not in html
    assert "&lt;i&gt;no&lt;/i&gt;<br>never" in html


@pytest.mark.django_db(transaction=True)
def test_no_secret_is_in_any_mail(post: Post, requester: User, ann: User) -> None:
    """An agent that hands on the secret it was given, and a gate that shows what it handed on."""
    vault.put("crm", CANARY)
    shown = "{{ tasks.work.output.echo }}"
    tasks = {
        "work": task(parameters={"result": {"echo": "{{ secrets.crm }} {{ params.pin }}"}, "seconds": 0}),
        "ask": task(
            "work",
            action="approval_gate",
            parameters={
                "title": f"Pay with {shown}?",
                "approvers": "ann",
                "instructions": f"The key is {shown}.",
                "data": {"key": shown, "all": "{{ tasks.work.output }}"},
                "escalation": [{"after_seconds": 10}],
            },
        ),
    }
    parameters = {"pin": {"type": "string", "secret": True}}
    workflow = engine.save_workflow(flow(tasks, parameters=parameters))
    run = engine.start(workflow, {"pin": CANARY_PIN}, user=requester)
    worker.Worker("here").run_until(lambda _idle: True)
    # What was sealed is masked as well, should it ever stand there.
    sealed = {**run.approvals.get().data, "pin": run.params["pin"]}
    Approval.objects.update(data=sealed)
    post.crank.now = timezone.now()
    post.later()
    post.later(11)
    post.decide(run, "approve", ann, "ok")
    post.later(1)
    assert len(mail.outbox) == 3
    for one in mail.outbox:
        everything = one.message().as_string() + one.body + one.subject + html_of(one)
        assert CANARY not in everything and CANARY_PIN not in everything and "$sealed" not in everything
        assert MASK in everything


@pytest.mark.django_db
def test_links_only_show(post: Post, ann: User, client: Any) -> None:
    run = post.ask("ann", user=None)
    post.later()
    client.force_login(ann)
    for link in re.findall(r"http://localhost:8000(/\S*)", sent().body):
        assert client.get(link).status_code == 200
    assert run.approvals.get().status == "open"


@pytest.mark.django_db
def test_a_long_request_is_cut_and_says_that_there_is_more(post: Post, ann: User) -> None:
    facts = {f"fact {number}": "x" * 1000 for number in range(20)}
    post.ask("ann", instructions="y" * 9000, data=facts)
    post.later()
    assert "and 12 more on the page" in sent().body
    assert len(sent().body) < 6000


@pytest.mark.django_db
def test_a_delegation_is_told_to_the_delegate(post: Post, ann: User, bob: User) -> None:
    from datetime import timedelta

    now = post.crank.now
    engine.delegate(ann, "bob", ends_at=now + timedelta(days=3), reason="On leave", now=now)
    assert post.later() == ["bob: You decide for ann"]
    assert "On leave" in sent().body and "/profile/away/" in sent().body
