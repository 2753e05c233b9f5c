"""The style page: there in debug mode alone, and made of every partial it can be made of."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from orchestrator.reads.states import WORDS
from orchestrator.web import style
from tests.people import person

pytestmark = pytest.mark.django_db


@pytest.fixture
def client() -> Client:
    client = Client()
    client.force_login(person("otto"))
    return client


def test_it_is_not_there(client: Client) -> None:
    assert client.get("/style/").status_code == 404


def test_in_debug_mode_it_shows_both_themes(client: Client, settings: Any) -> None:
    settings.DEBUG = True
    page = client.get("/style/").content.decode()
    assert [f'data-theme="{theme}"' in page for theme in style.THEMES] == [True, True]


def test_even_then_a_stranger_has_to_sign_in(client: Client, settings: Any) -> None:
    settings.DEBUG = True
    assert Client().get("/style/").headers["Location"].startswith("/sign-in/")


def test_no_state_is_missing_from_its_badges_and_nodes() -> None:
    assert {state for state, _, _ in style.BADGES} == set(WORDS)
    assert {node["state"] for node in style.nodes() if "state" in node} == set(WORDS)
