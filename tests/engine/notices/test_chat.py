"""Chats: the shape of each kind, what cannot ping in it, which are told of what, and posting through the guard."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.actions.api_call import reply
from orchestrator.exceptions import ConflictError, InvalidError
from orchestrator.models import ChatHook, Delivery, Notice, Run
from orchestrator.notices import hooks
from orchestrator.notices.chat import EVENTS, Message, body_of, event_of, signature
from orchestrator.reads.notices import chats
from tests.engine.notices.conftest import Post, with_address
from tests.unit.stub_server import Server

KEY = "T0K3N-in-the-path"
HOSTILE = "<!channel> & <@U1> [click](https://evil.example) *bold*"


def message(**given: Any) -> Message:
    values: dict[str, Any] = {
        "id": "7",
        "event": "asked",
        "kind": "asked",
        "title": HOSTILE,
        "sentence": HOSTILE,
        "quote": f"{HOSTILE}\nand more",
        "facts": {"Workflow": HOSTILE, "Run": "#3"},
        "link": "https://baton.example.org/approvals/5/",
        "at": "2026-01-01T12:00:00+00:00",
    }
    return Message(**{**values, **given})


def test_slack_is_given_blocks_in_which_nothing_pings() -> None:
    body = json.loads(body_of("slack", message()))
    assert set(body) == {"text", "blocks", "unfurl_links"}
    assert [one["type"] for one in body["blocks"]] == ["header", "section", "context", "section"]
    read = [body["text"], body["blocks"][1]["text"]["text"], body["blocks"][2]["elements"][0]["text"]]
    for text in read:
        assert "<" not in text and "&lt;!channel&gt; &amp; &lt;@U1&gt;" in text
    assert body["blocks"][0]["text"] == {"type": "plain_text", "text": HOSTILE, "emoji": False}
    assert body["blocks"][1]["text"]["text"].endswith("\n> and more")
    assert body["blocks"][3]["text"]["text"] == "<https://baton.example.org/approvals/5/|Look at it in Baton>"


@given(st.text(max_size=300))
def test_whatever_is_written_slack_reads_no_command_in_it(text: str) -> None:
    body = json.loads(body_of("slack", message(title=text, sentence=text, quote=text, facts={"Run": text})))
    lines = body["blocks"][1]["text"]["text"].splitlines()
    read = [
        body["text"],
        body["blocks"][2]["elements"][0]["text"],
        *(line.removeprefix("> ") for line in lines),
    ]
    assert not [one for one in read if "<" in one or ">" in one]


def test_teams_is_given_a_card_whose_texts_are_runs() -> None:
    body = json.loads(body_of("teams", message()))
    (attachment,) = body["attachments"]
    assert body["type"] == "message"
    assert attachment["contentType"] == "application/vnd.microsoft.card.adaptive"
    card = attachment["content"]
    assert {one["type"] for one in card["body"]} == {"RichTextBlock"}  # a TextBlock would read markdown
    assert card["body"][0]["inlines"][0]["text"] == HOSTILE
    assert card["actions"][0]["url"] == "https://baton.example.org/approvals/5/"
    assert "msteams" not in card


def test_plain_is_flat_json() -> None:
    body = json.loads(body_of("plain", message()))
    assert body["event"] == "asked" and body["title"] == HOSTILE and body["run"] == "#3"


@pytest.mark.parametrize("kind", ["slack", "teams"])
def test_a_long_text_fits(kind: str) -> None:
    body = body_of(kind, message(title="t" * 9000, quote="q" * 90_000))
    assert len(body) < 5000


def test_every_kind_of_notice_about_a_request_is_an_event_or_for_people_alone() -> None:
    told = {event_of(kind) for kind in Notice.Kind.values}
    assert told == {*EVENTS, ""}
    assert {kind for kind in Notice.Kind.values if not event_of(kind)} == {
        "question", "answer", "comment", "delegated", "task", "digest",
    }  # fmt: skip


@pytest.fixture
def stub(settings: Any) -> Iterator[Server]:
    server = Server()
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    settings.BATON = {**settings.BATON, "API_ALLOWED_HOSTS": [server.host]}
    yield server
    server.closing.set()
    server.shutdown()
    server.server_close()


def hook_to(
    stub: Server, kind: str = "slack", path: str = f"/json/{KEY}", **given: Any
) -> tuple[ChatHook, str]:
    values: dict[str, Any] = {"events": ["asked", "decided"], **given}
    return hooks.add(values.pop("name", kind), kind, f"http://{stub.host}{path}", **values)


@pytest.mark.django_db
def test_a_chat_is_told_of_its_events_and_workflows(post: Post, stub: Server, requester: User) -> None:
    run = post.ask("ann", user=requester, name="One")
    other = post.ask("ann", name="Two")
    hook_to(stub, name="all")
    hook_to(stub, name="two", workflows=[other.workflow])
    hook_to(stub, name="decided", events=["decided"])
    hook_to(stub, name="paused")
    hooks.pause(ChatHook.objects.get(name="paused"), paused=True)
    post.later()
    told = Delivery.objects.filter(channel="chat")
    assert sorted(told.values_list("hook__name", "notice__approval__run")) == [
        ("all", run.pk),
        ("all", other.pk),
        ("two", other.pk),
    ]
    assert set(told.values_list("state", flat=True)) == {"sent"}
    post.decide(run, "approve", with_address("root", superuser=True), "Urgent", override=True)
    post.later()
    assert told.filter(hook__name="decided").count() == 0  # it was an override
    assert json.loads(stub.requests[0]["body"])["blocks"][0]["text"]["text"] == "Decide: Pay?"


@pytest.mark.django_db
def test_a_message_is_signed_and_can_be_told_from_a_second_one(post: Post, stub: Server) -> None:
    _, key = hook_to(stub, "plain")
    post.ask("ann")
    post.later()
    headers, body = stub.requests[-1]["headers"], stub.requests[-1]["body"]
    assert headers["X-Baton-Signature"] == signature(key, headers["X-Baton-Timestamp"], body)
    assert headers["Idempotency-Key"] == f"baton-{Delivery.objects.get().pk}"
    assert json.loads(body)["asked"] == "ann"


@pytest.mark.django_db
def test_neither_address_nor_key_is_stored_or_said_in_clear(post: Post, stub: Server) -> None:
    hook, key = hook_to(stub, "plain", path=f"/status/{KEY}/500")
    post.ask("ann")
    post.later()
    stored = str([list(ChatHook.objects.values()), list(Delivery.objects.values())])
    assert KEY not in stored and key not in stored
    assert Delivery.objects.get().error
    assert KEY not in hooks.try_out(hook, "http://x", timezone.now())[1]


@pytest.mark.parametrize(
    "url", ["http://10.0.0.1/hook", "http://169.254.169.254/latest", "http://localhost:6379/"]
)
@pytest.mark.django_db
def test_no_chat_is_inside_the_network(url: str, post: Post) -> None:
    hook, _ = hooks.add("inside", "slack", url, ["asked"])
    ok, said = hooks.try_out(hook, "http://x", timezone.now())
    assert (not ok and "BATON_API_ALLOWED_HOSTS" in said) or "not open" in said
    post.ask("ann")
    post.later()
    assert Delivery.objects.get().state == "failed"  # asking again would change nothing


ANSWERS = {
    f"/json/{KEY}": ("sent", 0),
    f"/status/{KEY}/404": ("failed", 0),
    f"/status/{KEY}/500": ("waiting", 30),
    f"/later/{KEY}": ("waiting", 45),
}


@pytest.mark.parametrize(("path", "expected"), ANSWERS.items(), ids=["taken", "gone", "broken", "busy"])
@pytest.mark.django_db
def test_an_answer_decides_whether_it_is_tried_again(
    path: str, expected: tuple[str, int], post: Post, stub: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reply, "retry_after_seconds", lambda value, now: 45.0)
    hook_to(stub, path=path)
    post.ask("ann")
    post.later()
    delivery = Delivery.objects.get()
    state, wait = expected
    assert delivery.state == state
    if delivery.due_at is not None:
        assert round((delivery.due_at - post.crank.now).total_seconds()) == wait
        assert chats()[0].error == delivery.error != ""


@pytest.mark.django_db
def test_a_chat_that_hangs_is_let_go(post: Post, stub: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hooks, "SECONDS", 0.2)
    hook_to(stub, path="/hang")
    post.ask("ann")
    post.later()
    assert "did not answer" in Delivery.objects.get().error


BAD: dict[str, tuple[dict[str, Any], str]] = {
    "url": ({"url": "hooks.slack.com/x"}, "url"),
    "with a password": ({"url": "https://a:b@hooks.example/x"}, "url"),
    "kind": ({"kind": "irc"}, "kind"),
    "no events": ({"events": []}, "events"),
    "unknown event": ({"events": ["born"]}, "events"),
}


@pytest.mark.parametrize(("given", "place"), BAD.values(), ids=BAD)
@pytest.mark.django_db
def test_what_cannot_be_told_is_refused_in_its_place(given: dict[str, Any], place: str) -> None:
    values = {"name": "x", "kind": "slack", "url": "https://hooks.example/x", "events": ["asked"], **given}
    with pytest.raises(InvalidError) as refused:
        hooks.add(**values)
    assert refused.value.issues[0].path == place
    assert ChatHook.objects.count() == 0


@pytest.mark.django_db
def test_two_chats_have_two_names() -> None:
    hooks.add("x", "slack", "https://hooks.example/x", ["asked"])
    with pytest.raises(ConflictError):
        hooks.add("x", "teams", "https://hooks.example/y", ["asked"])


@pytest.mark.django_db
def test_what_was_decided_before_the_message_goes_out_asks_no_chat(post: Post, stub: Server) -> None:
    hook_to(stub)
    run = post.ask("ann")
    post.decide(run, "approve", with_address("ann", "approver"))
    post.later()
    assert [json.loads(one["body"])["blocks"][0]["text"]["text"] for one in stub.requests] == [
        "Approved: Pay?"
    ]


@pytest.mark.django_db
def test_a_request_that_is_gone_tells_nobody(post: Post, stub: Server) -> None:
    hook_to(stub)
    run = post.ask("ann")
    Run.objects.filter(pk=run.pk).delete()
    post.later()
    assert Delivery.objects.count() == 0
