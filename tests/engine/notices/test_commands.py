"""`baton chats`, the mail settings, the log line of an installation without a server, and what health says."""

from __future__ import annotations

import json
import logging
from typing import Any

import pytest
from click.testing import CliRunner
from django.contrib.auth.models import User
from django.utils import timezone

from orchestrator.checks import settings_make_sense
from orchestrator.cli import main
from orchestrator.mailing import MailServer, fault_of, mail_server
from orchestrator.models import ChatHook, Delivery
from orchestrator.reads.health import health
from orchestrator.secrets import unseal
from tests.engine.notices.conftest import Post
from tests.people import person

URL = "https://127.0.0.1/T0K3N"


def baton(*words: str) -> tuple[int, str]:
    done = CliRunner().invoke(main, ["chats", *words])
    return done.exit_code, done.output


@pytest.mark.django_db
def test_chats_are_named_tried_listed_and_removed() -> None:
    person("root", superuser=True)
    code, said = baton("add", "ops", "--url", URL, "--event", "asked", "--kind", "plain", "--json")
    hook = ChatHook.objects.get()
    assert code == 0
    assert json.loads(said)["key"] == unseal(hook.signing_sealed, f"chat:{hook.uid}:key")
    (listed,) = json.loads(baton("list", "--json")[1])["chats"]
    assert (listed["name"], listed["events"], listed["host"]) == ("ops", ["asked"], "127.0.0.1")
    code, said = baton("test", "ops")
    assert code == 1 and "inside a private network" in " ".join(said.split()) and "T0K3N" not in said
    assert baton("remove", "ops")[0] == 0
    assert baton("remove", "ops")[0] == 3
    assert "No chat is told" in baton("list")[1]


@pytest.mark.parametrize(
    "words",
    [
        ("add", "ops", "--url", "nowhere"),
        ("add", "ops", "--url", URL, "--workflow", "nope"),
    ],
    ids=["address", "workflow"],
)
@pytest.mark.django_db
def test_what_cannot_be_is_refused(words: tuple[str, ...]) -> None:
    person("root", superuser=True)
    assert baton(*words)[0] in {1, 3}
    assert not ChatHook.objects.exists()


SERVERS = {
    "smtp://mail.example.org": MailServer("mail.example.org", 587, tls=True),
    "smtp://a%40b:p%2Fw@mail.example.org:25": MailServer("mail.example.org", 25, "a@b", "p/w", tls=True),
    "smtp://localhost:1025?tls=no": MailServer("localhost", 1025),
    "smtps://u:p@mail.example.org/": MailServer("mail.example.org", 465, "u", "p", ssl=True),
    "": MailServer(),
}


@pytest.mark.parametrize(("url", "expected"), SERVERS.items(), ids=SERVERS)
def test_the_address_of_a_mail_server(url: str, expected: MailServer) -> None:
    assert mail_server(url) == expected


@pytest.mark.parametrize(
    "url",
    ["mail.example.org", "http://mail.example.org", "smtp://", "smtp://h:x", "smtp://h:0", "smtp://h/x", "smtp://h?ssl=1"],
)  # fmt: skip
def test_what_is_no_address_of_a_mail_server(url: str) -> None:
    assert fault_of(url) and mail_server(url) == MailServer()


@pytest.mark.parametrize(
    ("setting", "value", "code"),
    [
        ("EMAIL_URL", "http://user:hunter2@x", "baton.E016"),
        ("DEFAULT_FROM_EMAIL", "Baton", "baton.E017"),
        ("DEFAULT_FROM_EMAIL", "a@b\nBcc: c@d", "baton.E017"),
        ("BASE_URL", "baton.example.org", "baton.E018"),
    ],
)
def test_settings_that_cannot_work_are_refused_at_the_start(
    setting: str, value: str, code: str, settings: Any
) -> None:
    if setting == "BASE_URL":
        settings.BATON = {**settings.BATON, setting: value}
    else:
        setattr(settings, setting, value)
    found = [message for message in settings_make_sense() if message.id == code]
    assert len(found) == 1
    assert "hunter2" not in str(found[0])


@pytest.mark.django_db
def test_without_a_server_a_mail_is_one_line_of_the_log(
    post: Post, ann: User, settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    settings.EMAIL_BACKEND = "orchestrator.notices.log.EmailBackend"
    run = post.ask("ann")
    with caplog.at_level(logging.INFO, "orchestrator.notices"):
        post.later()
    lines = [record.getMessage() for record in caplog.records]
    link = f"http://localhost:8000/approvals/{run.approvals.get().pk}/"
    assert lines == [f"Mail to ann@example.org: Decide: Pay? {link}"]


@pytest.mark.django_db
def test_health_tells_of_many_that_were_given_up(post: Post, ann: User) -> None:
    assert health()["notices"]["ok"]
    for number in range(5):
        post.ask("ann", name=f"w{number}")
    post.later()
    Delivery.objects.update(state="failed", ended_at=timezone.now())
    told = health()["notices"]
    assert not told["ok"] and "see Deliveries in the administration" in told["sentence"]
