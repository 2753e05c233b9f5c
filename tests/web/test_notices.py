"""The pages on which people choose their mails and administrators the chats that are told."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from orchestrator.models import ChatHook, Delivery, Notice, NoticePreference
from orchestrator.notices import hooks
from orchestrator.secrets import unseal
from tests.engine.notices.conftest import Post
from tests.people import person
from tests.web.test_away import client_of

pytestmark = pytest.mark.django_db

MINE, CHATS = "/profile/notices/", "/settings/chats/"
URL = "https://hooks.slack.example/services/T0K3N"
GIVEN = {"name": "#finance", "kind": "slack", "url": URL, "events": ["asked", "decided"]}


@pytest.fixture
def owner(db: None) -> User:
    """Administers."""
    return person("olga", "admin")


@pytest.fixture
def member(db: None) -> User:
    return person("mary", "designer", "operator", "approver")


@pytest.fixture
def outsider(db: None) -> User:
    return person("otto")


def test_everybody_chooses_for_themselves_alone(member: User, outsider: User) -> None:
    given = {"mail": "daily", "hour": "7", "zone": "Europe/Berlin"}
    answer = client_of(member).post(MINE, given, follow=True)
    assert "Your choice is kept." in answer.text and "The next mail of the day is due" in answer.text
    chosen = NoticePreference.objects.get()
    assert (chosen.user, chosen.mail, chosen.hour, chosen.zone) == (member, "daily", 7, "Europe/Berlin")
    assert chosen.digest_at is not None
    page = client_of(outsider).get(MINE).text
    assert 'value="at_once" selected' in page and "The next mail" not in page


def test_without_an_address_the_page_says_what_to_do(member: User) -> None:
    assert "Your account has no address" in client_of(member).get(MINE).text
    User.objects.update(email="mary@example.org")
    assert "<b>mary@example.org</b>" in client_of(member).get(MINE).text


@pytest.mark.parametrize(
    "given",
    [
        {"mail": "hourly", "hour": "7"},
        {"mail": "daily", "hour": "24"},
        {"mail": "daily", "hour": "x"},
        {"mail": "daily", "hour": "7", "zone": "../etc/passwd"},
    ],
    ids=["no such mail", "no such hour", "no hour", "no such zone"],
)
def test_what_cannot_be_chosen_is_said_and_changes_nothing(given: dict[str, str], member: User) -> None:
    assert client_of(member).post(MINE, given).status_code == 422
    assert not NoticePreference.objects.exists()


def test_looking_changes_nothing(member: User) -> None:
    assert client_of(member).get(f"{MINE}?mail=none").status_code == 200
    assert not NoticePreference.objects.exists()


def test_strangers_sign_in_first() -> None:
    for path in (MINE, CHATS):
        answer = Client().get(path)
        assert answer.status_code == 302 and "/s" in answer["Location"]


@pytest.mark.parametrize("verb", ["test", "pause", "resume", "remove"])
def test_only_administrators_meet_chats(verb: str, owner: User, member: User, outsider: User) -> None:
    hook, _ = hooks.add(**GIVEN)
    for user in (member, outsider):
        client = client_of(user)
        assert client.get(CHATS).status_code == 403
        assert client.post(CHATS, {**GIVEN, "name": "x"}).status_code == 403
        assert client.post(f"{CHATS}{hook.pk}/{verb}/").status_code == 403
        assert "/settings/chats/" not in client.get("/").text
    assert list(ChatHook.objects.values_list("name", "paused_at")) == [("#finance", None)]
    assert "/settings/chats/" in client_of(owner).get("/").text


def test_a_chat_is_made_and_its_address_not_shown_again(owner: User) -> None:
    client = client_of(owner)
    page = client.post(CHATS, GIVEN, follow=True).text
    hook = ChatHook.objects.get()
    assert "#finance is told from now on" in page and "hooks.slack.example" in page
    assert "T0K3N" not in page + str(ChatHook.objects.values()) + client.get(CHATS).text
    assert unseal(hook.url_sealed, f"chat:{hook.uid}:url") == URL
    assert (hook.events, hook.created_by) == (["asked", "decided"], owner)


def test_a_plain_one_shows_its_key_once(owner: User) -> None:
    client = client_of(owner)
    answer = client.post(CHATS, {**GIVEN, "kind": "plain"})
    hook = ChatHook.objects.get()
    key = unseal(hook.signing_sealed, f"chat:{hook.uid}:key")
    assert answer.status_code == 201 and key in answer.text
    assert key not in client.get(CHATS).text


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"url": "ftp://x"}, "must begin with http"),
        ({"url": "https://a:b@c/"}, "must not hold a user name"),
        ({"events": []}, "required"),
        ({"kind": "irc"}, "Select a valid choice"),
        ({"name": ""}, "required"),
        ({"workflows": ["77"]}, "Select a valid choice"),
    ],
    ids=["scheme", "password", "no event", "kind", "no name", "no workflow"],
)
def test_a_chat_that_cannot_be_told_is_refused_in_words(given: Any, said: str, owner: User) -> None:
    answer = client_of(owner).post(CHATS, {**GIVEN, **given})
    assert answer.status_code == 422 and said in answer.text
    assert not ChatHook.objects.exists()


def test_a_test_message_says_how_it_went(owner: User) -> None:
    hook, _ = hooks.add(**{**GIVEN, "url": "https://127.0.0.1/T0K3N"})
    page = client_of(owner).post(f"{CHATS}{hook.pk}/test/", follow=True).text
    assert "#finance: It was not sent: 127.0.0.1 is inside a private network" in page and "T0K3N" not in page


def test_a_chat_is_paused_told_again_and_removed(owner: User) -> None:
    client = client_of(owner)
    hook, _ = hooks.add(**GIVEN)
    assert "is told nothing for now" in client.post(f"{CHATS}{hook.pk}/pause/", follow=True).text
    assert ChatHook.objects.get().paused_at
    assert "told again from now on" in client.post(f"{CHATS}{hook.pk}/resume/", follow=True).text
    assert not ChatHook.objects.get().paused_at
    assert "is removed" in client.post(f"{CHATS}{hook.pk}/remove/", follow=True).text
    assert client.post(f"{CHATS}{hook.pk}/remove/").status_code == 404
    assert client.post(f"{CHATS}{hook.pk}/paint/").status_code == 404


def test_what_was_given_up_is_sent_again_from_the_admin() -> None:
    post = Post()
    root = person("root", superuser=True)
    post.ask("root")
    post.later()
    Delivery.objects.update(state="failed", error="refused", due_at=None, tries=12)
    chosen = {"action": "send_again", "_selected_action": list(Delivery.objects.values_list("pk", flat=True))}
    page = client_of(root).post("/admin/orchestrator/delivery/", chosen, follow=True).text
    assert "To be sent again: 1." in page
    assert Delivery.objects.get().state == "waiting"
    assert Notice.objects.count() == 1


def test_the_admin_shows_neither_address_nor_key(owner: User) -> None:
    root = person("root", superuser=True)
    hook, key = hooks.add(**{**GIVEN, "kind": "plain"})
    page = client_of(root).get(f"/admin/orchestrator/chathook/{hook.pk}/change/").text
    assert hook.url_sealed not in page and hook.signing_sealed not in page and key not in page
