"""API tokens and secrets: what is shown once, what never, and who may."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from orchestrator import tokens, vault
from orchestrator.models import ApiToken, Secret
from orchestrator.secrets import unseal
from tests.people import person

pytestmark = pytest.mark.django_db


def signed_in(name: str, *roles: str) -> Client:
    return client_of(person(name, *roles))


def client_of(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def test_a_token_is_found_by_its_text_and_only_its_digest_is_kept() -> None:
    token, text = tokens.issue(person("ann"), "nightly")
    assert tokens.find(text) == token
    assert text.startswith(f"baton_{token.prefix}_") and len(text) == len("baton_12345678_") + 43
    assert text not in str(ApiToken.objects.values().get())


@pytest.mark.parametrize(
    "text", ["", "baton_", "Bearer", "baton_abcdefgh_" + "x" * 43, "baton_\x00", "é" * 58]
)
def test_what_is_not_a_token_is_not_found(text: str) -> None:
    person("ann")
    assert tokens.find(text) is None


def test_a_token_with_one_other_character_is_not_found() -> None:
    _, text = tokens.issue(person("ann"), "nightly")
    assert tokens.find(text[:-1] + ("A" if text[-1] != "A" else "B")) is None


@pytest.mark.parametrize("how", ["expired", "revoked", "user retired"])
def test_a_token_dies(how: str) -> None:
    user = person("ann")
    token, text = tokens.issue(user, "nightly", timedelta(days=1))
    assert tokens.find(text) == token
    if how == "expired":
        ApiToken.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    elif how == "revoked":
        tokens.revoke(token)
    else:
        user.is_active = False
        user.save()
    assert tokens.find(text) is None


def test_the_last_use_is_noted_at_most_once_a_minute() -> None:
    token, _ = tokens.issue(person("ann"), "nightly")
    tokens.touch(token)
    token.refresh_from_db()
    first = token.last_used_at
    assert first is not None
    tokens.touch(token)
    token.refresh_from_db()
    assert token.last_used_at == first


def test_a_new_token_is_shown_once() -> None:
    client = signed_in("ann")
    answer = client.post("/profile/tokens/", {"name": "nightly", "days": "30"})
    text = answer.context["new_token"]
    assert answer.status_code == 201
    assert text in answer.text and "no-store" in answer["Cache-Control"]
    assert tokens.find(text) is not None
    assert text not in client.get("/profile/tokens/").text


@pytest.mark.parametrize(
    "data", [{"name": "", "days": "30"}, {"name": "x" * 101, "days": "30"}, {"name": "x", "days": "7"}]
)
def test_a_wrong_token_form_is_shown_again(data: dict[str, str]) -> None:
    answer = signed_in("ann").post("/profile/tokens/", data)
    assert answer.status_code == 422
    assert not ApiToken.objects.exists()


def test_one_revokes_ones_own_token_and_not_anothers() -> None:
    ann = person("ann")
    client = client_of(ann)
    mine, my_text = tokens.issue(ann, "mine")
    other, other_text = tokens.issue(person("ben"), "other")
    assert client.post(f"/profile/tokens/{other.pk}/revoke/").status_code == 404
    assert client.get(f"/profile/tokens/{mine.pk}/revoke/").status_code == 405
    assert tokens.find(other_text) and tokens.find(my_text)
    assert client.post(f"/profile/tokens/{mine.pk}/revoke/").status_code == 302
    assert tokens.find(my_text) is None


def test_one_token_too_many_is_refused_in_the_form(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tokens, "MOST", 0)
    answer = signed_in("ada").post("/profile/tokens/", {"name": "x", "days": ""})
    assert answer.status_code == 422
    assert "revoke one that is no longer used" in answer.text


def test_a_secret_is_set_replaced_and_never_shown() -> None:
    client = signed_in("ada", "admin")
    for value in ("hunter2-first", "hunter2-second\nline"):
        answer = client.post("/settings/secrets/", {"name": "crm", "value": value, "description": "CRM key"})
        assert answer.status_code == 302
    secret = Secret.objects.get()
    assert unseal(secret.ciphertext, "secret:crm") == "hunter2-second\nline"
    assert secret.updated_by is not None and secret.updated_by.username == "ada"
    page = client.get("/settings/secrets/").text
    assert "crm" in page and "hunter2" not in page and secret.ciphertext not in page


@pytest.mark.parametrize("name", ["", "two words", "ä", "x" * 65])
def test_a_wrong_secret_form_says_so_and_does_not_repeat_the_value(name: str) -> None:
    answer = signed_in("ada", "admin").post("/settings/secrets/", {"name": name, "value": "hunter2"})
    assert answer.status_code == 422
    assert "hunter2" not in answer.text
    assert not Secret.objects.exists()


def test_a_secret_is_deleted() -> None:
    client = signed_in("ada", "admin")
    vault.put("crm", "x")
    assert client.post("/settings/secrets/crm/delete/").status_code == 302
    assert client.post("/settings/secrets/crm/delete/").status_code == 404
    assert not Secret.objects.exists()


@pytest.mark.parametrize("role", ["viewer", "designer", "operator", "approver", "auditor"])
def test_only_administrators_set_secrets(role: str) -> None:
    client = signed_in("vic", role)
    vault.put("crm", "x")
    assert client.get("/settings/secrets/").status_code == 403
    assert client.post("/settings/secrets/", {"name": "a", "value": "b"}).status_code == 403
    assert client.post("/settings/secrets/crm/delete/").status_code == 403
    assert Secret.objects.count() == 1
