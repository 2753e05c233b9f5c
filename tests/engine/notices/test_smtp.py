"""A real conversation with a mail server, as far as it goes: one connection for a batch, and what it refuses."""

from __future__ import annotations

import socketserver
import threading
from collections.abc import Iterator
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any, cast

import pytest
from django.contrib.auth.models import User

from orchestrator.models import Delivery
from tests.engine.notices.conftest import Post

pytestmark = pytest.mark.django_db


class MailServer(socketserver.ThreadingTCPServer):
    """Takes mail as RFC 5321 says; addresses that begin with `full` are refused for now, with `no` for good."""

    allow_reuse_address = daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Conversation)
        self.taken: list[tuple[str, EmailMessage]] = []
        self.connections = 0
        self.hangs_up_after = 99  # mails


class Conversation(socketserver.StreamRequestHandler):
    server: MailServer

    def say(self, line: str) -> None:
        self.wfile.write(f"{line}\r\n".encode())

    def handle(self) -> None:
        self.server.connections += 1
        self.to, self.mails = "", 0
        self.say("220 mail.example.org ESMTP")
        for line in iter(self.rfile.readline, b""):
            verb = line[:4].upper().decode()
            if verb == "QUIT":
                return self.say("221 Bye")
            if not self.answer(verb, line.decode().strip()):
                return None
        return None

    def answer(self, verb: str, line: str) -> bool:
        if verb == "EHLO":
            self.say("250-mail.example.org\r\n250 8BITMIME")
        elif verb == "RCPT":
            self.to = line.partition("<")[2].partition(">")[0]
            full, no = self.to.startswith("full"), self.to.startswith("no")
            self.say("452 Full" if full else "550 No such user" if no else "250 Ok")
        elif verb == "DATA":
            self.say("354 Go on")
            data = b"".join(iter(self.rfile.readline, b".\r\n"))
            self.server.taken.append((self.to, message_from_bytes(data, policy=policy.default)))
            self.mails += 1
            self.say("250 Taken")
            return self.mails < self.server.hangs_up_after
        else:
            self.say("250 Ok")
        return True


@pytest.fixture
def server(settings: Any) -> Iterator[MailServer]:
    with MailServer() as found:
        threading.Thread(target=found.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = found.server_address
        settings.EMAIL_USE_TLS = settings.EMAIL_USE_SSL = False
        settings.DEFAULT_FROM_EMAIL = "Baton <baton@example.org>"
        yield found
        found.shutdown()


def test_a_batch_goes_over_one_connection_as_text_and_html(
    server: MailServer, post: Post, ann: User, bob: User
) -> None:
    post.ask("ann", "bob", title="Größe?")
    post.later()
    assert server.connections == 1
    assert sorted(to for to, _ in server.taken) == ["ann@example.org", "bob@example.org"]
    _, got = server.taken[0]
    assert got["From"] == "Baton <baton@example.org>"
    assert got["Subject"] == "Decide: Größe?"
    assert got["Auto-Submitted"] == "auto-generated"
    assert got["In-Reply-To"] == got["References"] != got["Message-ID"]
    text, html = got.get_body(("plain",)), got.get_body(("html",))
    assert text is not None and html is not None
    link = f"/approvals/{Delivery.objects.all()[0].notice.approval_id}/"
    assert link in text.get_content() and link in html.get_content()
    assert set(Delivery.objects.values_list("state", flat=True)) == {"sent"}


def test_a_server_refuses_one_and_the_others_get_theirs(
    server: MailServer, post: Post, ann: User, bob: User, requester: User
) -> None:
    User.objects.filter(pk=ann.pk).update(email="no@example.org")
    User.objects.filter(pk=bob.pk).update(email="full@example.org")
    boss = User.objects.create_superuser("boss", "boss@example.org")
    post.ask("ann", "bob", "boss", user=requester)
    post.later()
    assert [to for to, _ in server.taken] == ["boss@example.org"]
    found = {one.user: one for one in Delivery.objects.select_related("user")}
    assert (found[ann].state, found[bob].state, found[boss].state) == ("failed", "waiting", "sent")
    assert "550 No such user" in found[ann].error and "452 Full" in found[bob].error


def test_a_server_that_hangs_up_in_between_gets_the_rest_again(
    server: MailServer, post: Post, ann: User, bob: User
) -> None:
    server.hangs_up_after = 1
    post.ask("ann", "bob")
    post.later()
    post.later(31)
    assert sorted(to for to, _ in server.taken) == ["ann@example.org", "bob@example.org"]


def test_a_server_that_is_not_there_is_told_of(
    server: MailServer, post: Post, ann: User, settings: Any
) -> None:
    server.shutdown()
    server.server_close()
    post.ask("ann")
    post.later()
    waiting = Delivery.objects.get()
    assert waiting.state == "waiting"
    assert cast("str", waiting.error).startswith("The mail server cannot be reached: ")
