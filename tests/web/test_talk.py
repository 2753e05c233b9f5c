"""The history of a request on its page, and the form below it."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.core.files.base import ContentFile
from django.test import Client
from django.urls import reverse
from pytest_django.fixtures import Settings

from orchestrator import engine
from orchestrator.models import Approval
from tests.api.conftest import gate
from tests.people import person

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}


def of(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def olga() -> User:
    return person("olga")


@pytest.fixture
def ann() -> User:
    return person("ann", "approver")


@pytest.fixture
def approval(olga: User, ann: User) -> Approval:
    workflow = engine.save_workflow(gate("ann"), user=olga)
    return engine.start(workflow, user=olga).approvals.get()


def comment(user: User, approval: Approval, text: str, **headers: str):
    return of(user).post(reverse("approval-comment", args=[approval.pk]), {"comment": text}, headers=headers)


def test_without_scripts_one_is_led_back_to_the_history(approval: Approval, ann: User) -> None:
    answer = comment(ann, approval, "Which quarter?")
    assert answer.status_code == 303
    assert answer["Location"].endswith(f"/approvals/{approval.pk}/#talk")
    page = of(ann).get(reverse("approval-detail", args=[approval.pk])).content.decode()
    assert "Which quarter?" in page and "asked for a decision" in page


def test_with_scripts_the_history_comes_back_and_the_form_is_empty(approval: Approval, ann: User) -> None:
    answer = comment(ann, approval, "<b>Which</b> quarter?", **HTMX)
    assert answer.status_code == 200
    text = answer.content.decode()
    assert "&lt;b&gt;Which&lt;/b&gt; quarter?" in text and "<b>Which" not in text
    assert text.lstrip().startswith('<section id="talk"')
    assert "></textarea>" in text.replace("\n", "")


@pytest.mark.parametrize("text", ["", "x" * 5001, "a\0b"], ids=["empty", "long", "NUL"])
def test_what_is_wrong_stands_beside_the_field_and_nothing_is_lost(
    approval: Approval, ann: User, text: str
) -> None:
    answer = comment(ann, approval, text, **HTMX)
    assert answer.status_code == 422
    assert 'aria-invalid="true"' in answer.content.decode()
    assert text[:5000].replace("\0", "") in answer.content.decode().replace("\0", "")
    assert comment(ann, approval, text).status_code == 422
    assert not approval.comments.exists()


@pytest.mark.parametrize(("who", "status"), [("owner", 303), ("member", 303), ("outsider", 404)])
def test_who_comments_on_the_page(approval: Approval, olga: User, who: str, status: int) -> None:
    user = {
        "owner": lambda: olga,
        "member": lambda: person("vera", "viewer"),
        "outsider": lambda: person("carl"),
    }
    assert comment(user[who](), approval, "Hello").status_code == status


def test_nobody_comments_by_looking(approval: Approval, ann: User) -> None:
    assert of(ann).get(reverse("approval-comment", args=[approval.pk])).status_code == 405


# Questions


def ask(user: User, approval: Approval, to: str = "", **headers: str):
    given = {"question": "Why?", "to": to}
    return of(user).post(reverse("approval-ask", args=[approval.pk]), given, headers=headers)


def page(user: User, approval: Approval) -> str:
    return of(user).get(reverse("approval-detail", args=[approval.pk])).content.decode()


def test_a_question_is_asked_and_answered_on_the_page(approval: Approval, ann: User, olga: User) -> None:
    assert "Ask a question" in page(ann, approval) and "Ask a question" not in page(olga, approval)
    assert ask(ann, approval).status_code == 303
    asking, asked = page(ann, approval), page(olga, approval)
    assert "Waiting for an answer of olga" in asking and "Withdraw the question" in asking
    assert "The clock stands" in asking and "Ask a question" not in asking
    assert "ann asks you" in asked and "Your answer" in asked
    answered = of(olga).post(reverse("approval-answer", args=[approval.pk]), {"answer": "Because."})
    assert answered.status_code == 303
    assert "Because." in page(ann, approval) and "Ask a question" in page(ann, approval)


def test_a_question_is_withdrawn_on_the_page(approval: Approval, ann: User, olga: User) -> None:
    ask(ann, approval)
    assert of(olga).post(reverse("approval-withdraw", args=[approval.pk])).status_code == 403
    assert of(ann).post(reverse("approval-withdraw", args=[approval.pk])).status_code == 303
    assert approval.questions.get().outcome == "withdrawn"


def test_what_cannot_be_asked_is_said_in_place(approval: Approval, ann: User) -> None:
    answer = ask(ann, approval, to="nobody", **HTMX)
    assert answer.status_code == 422
    assert answer.content.decode().count("nobody called") == 1
    assert not approval.questions.exists()


@pytest.mark.parametrize("name", ["approval-ask", "approval-answer", "approval-withdraw"])
def test_an_outsider_meets_nothing(approval: Approval, ann: User, name: str) -> None:
    ask(ann, approval)
    given = {"question": "Why?", "answer": "Because."}
    assert of(person("carl")).post(reverse(name, args=[approval.pk]), given).status_code == 404


def test_the_inbox_says_what_one_was_asked_and_where_the_clock_stands(
    approval: Approval, ann: User, olga: User
) -> None:
    assert "Asked of you" not in of(olga).get("/approvals/").content.decode()
    ask(ann, approval)
    asked, deciding = of(olga).get("/approvals/"), of(ann).get("/approvals/")
    assert "Asked of you" in asked.content.decode()
    assert asked.context["counts"].asked == 1
    assert "Asked of you" not in deciding.content.decode()
    assert "question open" in deciding.content.decode()
    assert "Asked of you" not in of(olga).get("/approvals/?q=nothing-of-that-name").content.decode()


# Files


def test_files_come_with_a_comment_and_are_downloaded(approval: Approval, ann: User, olga: User) -> None:
    given = {"comment": "", "files": [ContentFile(b"x" * 2000, "one.txt"), ContentFile(b"\0", "two.bin")]}
    assert of(ann).post(reverse("approval-comment", args=[approval.pk]), given).status_code == 303
    rows = list(approval.attachments.order_by("pk"))
    assert [(row.name, row.size_text) for row in rows] == [("one.txt", "2 KiB"), ("two.bin", "1 byte")]
    assert "one.txt" in page(olga, approval)
    url = reverse("approval-file", args=[approval.pk, rows[0].pk])
    answer = of(olga).get(url)
    assert answer.content == b"x" * 2000
    assert answer["Content-Disposition"] == 'attachment; filename="one.txt"'
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert of(person("vera", "viewer")).get(url).status_code == 200
    assert of(person("carl")).get(url).status_code == 404
    assert Client().get(url).status_code == 302


@pytest.mark.parametrize(
    ("content", "said"), [(b"", "is empty"), (b"x" * 200_000, "at most 100 bytes")], ids=["empty", "large"]
)
def test_a_file_that_is_not_kept_loses_no_words(
    approval: Approval, ann: User, settings: Settings, content: bytes, said: str
) -> None:
    settings.BATON = {**settings.BATON, "FILE_MAX_BYTES": 100}
    given = {"comment": "Look at this", "files": [ContentFile(content, "a.txt")]}
    answer = of(ann).post(reverse("approval-comment", args=[approval.pk]), given, headers=HTMX)
    assert answer.status_code == 422
    text = answer.content.decode()
    assert "Look at this" in text and said in text and "a.txt" in text
    assert not approval.comments.exists()
