"""Setting up, signing in and out, the profile: and what a stranger gets."""

from __future__ import annotations

import logging
import stat
from collections.abc import Iterator
from datetime import timedelta

import pytest
import time_machine
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from orchestrator.models import SignInFailure
from orchestrator.web import setup_code, throttle
from tests.people import person

PASSWORD = "correct horse battery"


@pytest.fixture
def client() -> Client:
    """One that has not yet learnt that there are users."""
    return Client()


@pytest.fixture
def fresh_code() -> Iterator[None]:
    setup_code.path().unlink(missing_ok=True)
    yield
    setup_code.path().unlink(missing_ok=True)


def account(**changes: str) -> dict[str, str]:
    given = {
        "username": "ada",
        "email": "",
        "password1": PASSWORD,
        "password2": PASSWORD,
        "code": setup_code.current(),
    }
    return given | changes


@pytest.mark.django_db
@pytest.mark.usefixtures("fresh_code")
class TestSetup:
    @pytest.mark.parametrize(
        "path", ["/", "/workflows/", "/sign-in/", "/admin/", "/nowhere/", "/profile/tokens/"]
    )
    def test_every_page_leads_to_it_while_nobody_has_an_account(self, client: Client, path: str) -> None:
        answer = client.get(path)
        assert (answer.status_code, answer["Location"]) == (302, "/setup/")

    def test_the_api_does_not_lead_to_a_page(self, client: Client) -> None:
        assert client.get("/api/workflows").status_code == 401

    def test_the_code_is_in_the_log_once_and_in_a_file_of_its_owner(
        self, client: Client, caplog: pytest.LogCaptureFixture
    ) -> None:
        with caplog.at_level(logging.WARNING):
            client.get("/")
            client.get("/setup/")
        code = setup_code.path().read_text().strip()
        assert [code in record.getMessage() for record in caplog.records].count(True) == 1
        assert stat.S_IMODE(setup_code.path().stat().st_mode) == 0o600

    def test_with_the_code_it_makes_a_superuser_and_signs_them_in(self, client: Client) -> None:
        code = setup_code.current()
        answer = client.post("/setup/", account(code=f" {code.lower().replace('-', ' ')} "))
        assert (answer.status_code, answer["Location"]) == (302, "/")
        user = User.objects.get()
        assert (
            user.username == "ada" and user.is_superuser and user.is_staff and user.check_password(PASSWORD)
        )
        assert client.get("/").status_code == 200
        assert not setup_code.path().exists()

    @pytest.mark.parametrize(
        "changes",
        [{"code": "AAAA-AAAA-AAAA-AAAA"}, {"code": ""}, {"password2": "another one 12"}, {"username": "a b"}],
        ids=str,
    )
    def test_what_is_wrong_makes_no_account_and_keeps_the_code(
        self, client: Client, changes: dict[str, str]
    ) -> None:
        code = setup_code.current()
        assert client.post("/setup/", account(**changes)).status_code == 422
        assert not User.objects.exists()
        assert setup_code.current() == code

    @pytest.mark.parametrize("password", ["short", "1234567890", "password123"])
    def test_a_weak_password_is_refused(self, client: Client, password: str) -> None:
        assert client.post("/setup/", account(password1=password, password2=password)).status_code == 422
        assert not User.objects.exists()

    def test_of_two_who_send_the_code_one_makes_an_account(
        self, client: Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        given = account()
        monkeypatch.setattr(setup_code, "spend", lambda: False)
        assert client.post("/setup/", given).status_code == 302
        assert not User.objects.exists()

    def test_a_code_is_used_up_once(self) -> None:
        setup_code.current()
        assert [setup_code.spend(), setup_code.spend()] == [True, False]

    def test_once_there_is_a_user_it_only_leads_on(self, client: Client) -> None:
        person("ada")
        for answer in (client.get("/setup/"), client.post("/setup/", account(username="eve"))):
            assert (answer.status_code, answer["Location"]) == (302, "/")
        assert User.objects.count() == 1


@pytest.mark.django_db
class TestSignIn:
    @pytest.fixture(autouse=True)
    def ann(self) -> User:
        return person("ann")

    def sign_in(self, client: Client, password: str, name: str = "ann", address: str = "10.0.0.1") -> int:
        form = {"username": name, "password": password}
        return client.post("/sign-in/", form, REMOTE_ADDR=address).status_code

    def test_a_stranger_is_sent_here_and_back(self, client: Client) -> None:
        answer = client.get("/runs/?status=failed")
        assert answer["Location"] == "/sign-in/?next=/runs/%3Fstatus%3Dfailed"
        answer = client.post(answer["Location"], {"username": "ann", "password": PASSWORD, "next": "/runs/"})
        assert answer["Location"] == "/runs/"

    def test_an_htmx_request_of_a_stranger_leaves_the_page(self, client: Client) -> None:
        headers = {"HX-Request": "true", "HX-Current-URL": "http://testserver/runs/7/"}
        answer = client.get("/runs/", headers=headers)
        assert (answer.status_code, answer["HX-Redirect"]) == (401, "/sign-in/?next=%2Fruns%2F7%2F")

    @pytest.mark.parametrize("target", ["https://evil.example/", "//evil.example/", "javascript:alert(1)"])
    def test_it_leads_to_no_other_site(self, client: Client, target: str) -> None:
        form = {"username": "ann", "password": PASSWORD, "next": target}
        assert client.post("/sign-in/", form)["Location"] == "/"

    def test_the_session_gets_a_new_key(self, client: Client) -> None:
        client.get("/sign-in/")
        client.session.save()
        before = client.session.session_key
        self.sign_in(client, PASSWORD)
        assert client.session.session_key != before

    def test_an_unknown_name_is_answered_like_a_wrong_password(self, client: Client) -> None:
        wrong = client.post("/sign-in/", {"username": "ann", "password": "wrong"})
        unknown = client.post("/sign-in/", {"username": "xyz", "password": "wrong"})
        assert wrong.status_code == unknown.status_code == 422
        assert wrong.context["form"].non_field_errors() == unknown.context["form"].non_field_errors()

    def test_the_sixth_failure_in_a_quarter_of_an_hour_is_refused_even_with_the_right_password(
        self, client: Client
    ) -> None:
        assert [self.sign_in(client, "wrong") for _ in range(6)] == [422] * 5 + [429]
        assert self.sign_in(client, PASSWORD) == 429

    def test_others_are_not_held_up_by_it(self, client: Client) -> None:
        person("ben")
        for _ in range(6):
            self.sign_in(client, "wrong")
        assert self.sign_in(client, PASSWORD, address="10.0.0.2") == 302
        assert self.sign_in(Client(), PASSWORD, name="ben") == 302

    def test_the_names_of_unknown_people_are_held_up_as_well(self, client: Client) -> None:
        assert [self.sign_in(client, "wrong", name="xyz") for _ in range(6)] == [422] * 5 + [429]

    def test_it_ends_after_the_quarter_of_an_hour_and_says_when(self, client: Client) -> None:
        with time_machine.travel(timezone.now(), tick=False) as clock:
            for _ in range(6):
                self.sign_in(client, "wrong")
            answer = client.post(
                "/sign-in/", {"username": "ann", "password": PASSWORD}, REMOTE_ADDR="10.0.0.1"
            )
            assert (answer.status_code, answer["Retry-After"]) == (429, "900")
            clock.shift(throttle.WINDOW + timedelta(seconds=1))
            assert self.sign_in(client, PASSWORD) == 302

    def test_a_right_password_wipes_the_slate(self, client: Client) -> None:
        for _ in range(4):
            self.sign_in(client, "wrong")
        assert self.sign_in(client, PASSWORD) == 302
        assert not SignInFailure.objects.exists()

    def test_neither_name_nor_address_is_kept(self, client: Client) -> None:
        self.sign_in(client, "wrong")
        assert "ann" not in str(SignInFailure.objects.values().get())
        assert "10.0.0.1" not in str(SignInFailure.objects.values().get())

    def test_old_failures_are_forgotten(self, client: Client) -> None:
        SignInFailure.objects.create(key="old", at=timezone.now() - timedelta(hours=1))
        self.sign_in(client, "wrong")
        assert not SignInFailure.objects.filter(key="old").exists()

    def test_somebody_who_left_does_not_get_in(self, client: Client) -> None:
        User.objects.update(is_active=False)
        assert self.sign_in(client, PASSWORD) == 422

    def test_the_admin_has_no_door_of_its_own(self, client: Client) -> None:
        answer = client.post("/admin/login/", {"username": "ann", "password": PASSWORD})
        assert answer["Location"] == "/sign-in/?next=%2Fadmin%2F"
        assert "_auth_user_id" not in client.session

    def test_signing_out_takes_a_post(self, client: Client) -> None:
        self.sign_in(client, PASSWORD)
        assert client.get("/sign-out/").status_code == 405
        assert "_auth_user_id" in client.session
        assert client.post("/sign-out/").status_code == 302
        assert "_auth_user_id" not in client.session

    def test_a_form_without_its_token_is_refused(self) -> None:
        strict = Client(enforce_csrf_checks=True)
        assert self.sign_in(strict, PASSWORD) == 403


@pytest.mark.django_db
class TestProfile:
    @pytest.fixture
    def client(self) -> Client:
        client = Client()
        client.force_login(person("vic", "viewer"))
        return client

    def test_it_says_who_one_is_and_which_roles_one_has(self, client: Client) -> None:
        page = client.get("/profile/").text
        assert "vic" in page and "viewer" in page

    def test_a_new_password_keeps_this_browser_and_ends_the_others(self, client: Client) -> None:
        other = Client()
        other.force_login(User.objects.get())
        new = {
            "old_password": PASSWORD,
            "new_password1": "another battery",
            "new_password2": "another battery",
        }
        assert client.post("/profile/", new).status_code == 302
        assert client.get("/profile/").status_code == 200
        assert other.get("/profile/").status_code == 302
        assert User.objects.get().check_password("another battery")

    def test_it_takes_the_old_password(self, client: Client) -> None:
        new = {
            "old_password": "wrong",
            "new_password1": "another battery",
            "new_password2": "another battery",
        }
        assert client.post("/profile/", new).status_code == 422
        assert User.objects.get().check_password(PASSWORD)
