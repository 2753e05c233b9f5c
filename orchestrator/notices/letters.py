"""The mail that a delivery becomes, or why it is not sent any more. Links only show: deciding is done on the page."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from urllib.parse import urlsplit

from django.contrib.auth.models import User
from django.core.mail import EmailMultiAlternatives
from django.template.loader import render_to_string
from django.urls import reverse

from orchestrator import conf
from orchestrator.models import Approval, Delivery, Notice, NoticePreference
from orchestrator.notices.digests import waiting, zone_of
from orchestrator.notices.people import WAITS
from orchestrator.notices.tasks import to_dos_of
from orchestrator.notices.words import Said, one_line, said
from orchestrator.permissions import approvals_delegated, approvals_waiting
from orchestrator.reads.my_tasks import ToDo
from orchestrator.reads.shown import entries
from orchestrator.secrets import digest_key, keyed_digest

MOST_LINES: Final = 20  # of a digest
MOST_FACTS: Final = 8
_LONGEST_FACT, _LONGEST_TEXT = 200, 2000
_MAIL_HEADERS: Final = {"Auto-Submitted": "auto-generated", "X-Auto-Response-Suppress": "All"}


class NotNeededError(Exception):
    """What was to be told is no news any more, or there is nobody to tell it to."""


@dataclass(frozen=True, slots=True)
class Line:
    """One request in a digest."""

    title: str
    about: str
    due: str
    link: str


def letter(delivery: Delivery, now: datetime) -> EmailMultiAlternatives:
    """The mail. Raises NotNeededError."""
    user, notice = delivery.user, delivery.notice
    assert user is not None
    chosen = _preference(user)
    if not user.is_active:
        raise NotNeededError("The account is not active.")
    if not user.email:
        raise NotNeededError("The account has no address.")
    if chosen.mail == NoticePreference.Mail.NONE:
        raise NotNeededError("They want no mail.")
    zone = zone_of(chosen.zone)
    if notice.kind == Notice.Kind.DIGEST:
        subject, template, context = _digest(notice, user, now, zone)
    elif notice.kind == Notice.Kind.DELEGATED:
        subject, template, context = _delegated(notice)
    elif notice.kind == Notice.Kind.TASK:
        subject, template, context = _task(notice, user)
    else:
        subject, template, context = _about_request(delivery, user, zone)
    return _mail(delivery, user, subject, template, context)


def _preference(user: User) -> NoticePreference:
    return NoticePreference.objects.filter(user=user).first() or NoticePreference(user=user)


def _about_request(delivery: Delivery, user: User, zone: Any) -> tuple[str, str, dict[str, Any]]:
    approval = delivery.notice.approval
    if approval is None:
        raise NotNeededError("The request is gone.")
    if delivery.notice.kind in WAITS and not approvals_waiting(user).filter(pk=approval.pk, status="open"):
        raise NotNeededError("It waits for them no more.")
    words = words_for(delivery.notice, approval, person(delivery.in_place_of))
    open_ = approval.status == Approval.Status.OPEN
    facts = [(one.name, _cut(one.text, _LONGEST_FACT)) for one in entries(approval.data)]
    context = {
        "said": words,
        "title": approval.title,
        "quote": _cut(words.quote, _LONGEST_TEXT),
        "instructions": _cut(approval.instructions, _LONGEST_TEXT) if open_ else "",
        "facts": facts[:MOST_FACTS],
        "more_facts": max(0, len(facts) - MOST_FACTS),
        "about": about(approval),
        "due": _moment(approval.deadline_at, zone) if open_ and approval.deadline_at else "",
        "link": link_to(approval),
        "tone": _TONES.get(delivery.notice.kind, "plain"),
    }
    return words.subject, "notice", context


_TONES: Final = {
    Notice.Kind.APPROVED: "good",
    Notice.Kind.REJECTED: "bad",
    Notice.Kind.EXPIRED: "bad",
    Notice.Kind.ASKED: "waits",
    Notice.Kind.REMINDED: "waits",
    Notice.Kind.ESCALATED: "waits",
}


def words_for(notice: Notice, approval: Approval, in_place_of: str = "") -> Said:
    return said(
        notice,
        approval.title,
        requester=person(approval.run.started_by),
        by=person(notice.by),
        status=approval.status,
        in_place_of=in_place_of,
    )


def about(approval: Approval) -> str:
    return f"{approval.run.workflow.name}, run #{approval.run_id}"


def link_to(approval: Approval) -> str:
    return f"{conf.base_url()}{reverse('approval-detail', args=[approval.pk])}"


def person(user: User | None) -> str:
    return (user.get_full_name() or user.get_username()) if user is not None else ""


def _delegated(notice: Notice) -> tuple[str, str, dict[str, Any]]:
    who = person(notice.by) or "Somebody"
    sentence = f"{who} has named you to decide in their place while they are away."
    words = Said(one_line(f"You decide for {who}"), sentence, notice.text, "Look at it")
    context = {
        "said": words,
        "title": f"You decide for {who}",
        "quote": words.quote,
        "link": f"{conf.base_url()}{reverse('away')}",
        "tone": "plain",
    }
    return words.subject, "notice", context


def _task(notice: Notice, user: User) -> tuple[str, str, dict[str, Any]]:
    found = to_dos_of([notice], user).get(notice.pk)
    if found is None:
        raise NotNeededError("It waits for them no more.")
    run = found.task_run.run
    who = person(run.started_by)
    sentence = f"{who} started the run; this step of it waits for you." if who else "This step waits for you."
    words = Said(one_line(f"To do: {found.name}"), sentence, "", "Look and do it")
    context = {
        "said": words,
        "title": found.name,
        "about": f"{run.workflow.name}, run #{run.pk}",
        "link": _link_to_task(found),
        "tone": "waits",
    }
    return words.subject, "notice", context


def _link_to_task(found: ToDo) -> str:
    return f"{conf.base_url()}{reverse('my-task', args=[found.task_run.pk])}"


def _digest(notice: Notice, user: User, now: datetime, zone: Any) -> tuple[str, str, dict[str, Any]]:
    rows = waiting(user).select_related("run__workflow", "run__started_by").order_by("deadline_at", "pk")
    count = rows.count()
    undated = rows.filter(deadline_at=None)  # where they stand among the others depends on the database
    first = [*rows.exclude(deadline_at=None)[:MOST_LINES], *undated[:MOST_LINES]][:MOST_LINES]
    delegated = set(
        approvals_delegated(user).filter(pk__in=[one.pk for one in first]).values_list("pk", flat=True)
    )
    news = notice.gathered.select_related("notice__approval__run__workflow", "notice__by").order_by("pk")
    events = [delivery.notice for delivery in news[:MOST_LINES]]
    to_dos = to_dos_of([one for one in events if one.kind == Notice.Kind.TASK], user)
    told = [line for line in (_news(one, to_dos.get(one.pk)) for one in events) if line]
    if not count and not told:
        raise NotNeededError("Nothing waits and nothing happened.")
    subject = f"{count} wait for your decision" if count != 1 else "1 waits for your decision"
    context = {
        "count": count,
        "lines": [_line(one, user, zone, in_stead=one.pk in delegated) for one in first],
        "more": count - len(first),
        "news": told,
        "more_news": max(0, news.count() - MOST_LINES),
        "link": f"{conf.base_url()}{reverse('inbox')}",
        "day": _day(now, zone),
    }
    otherwise = "What waits for you, and what is new" if to_dos else "What happened to your requests"
    return (subject if count else otherwise), "digest", context


def _line(approval: Approval, user: User, zone: Any, *, in_stead: bool) -> Line:
    asker = approval.run.started_by
    who = f", asked by {person(asker)}" if asker is not None and asker != user else ""
    who += ", for somebody who is away" if in_stead else ""
    due = f"until {_moment(approval.deadline_at, zone)}" if approval.deadline_at else ""
    return Line(approval.title, f"{about(approval)}{who}", due, link_to(approval))


def _news(notice: Notice, to_do: ToDo | None) -> Line | None:
    """`to_do`: the step that it tells of, if it does and that still waits."""
    approval = notice.approval
    if notice.kind == Notice.Kind.DELEGATED:
        words = f"You decide for {person(notice.by) or 'somebody'}"
        return Line(words, notice.text, "", f"{conf.base_url()}{reverse('away')}")
    if to_do is not None:
        return Line(f"To do: {to_do.name}", to_do.task_run.run.workflow.name, "", _link_to_task(to_do))
    if approval is None:
        return None
    words_ = words_for(notice, approval)
    return Line(
        words_.subject,
        f"{words_.sentence} {_cut(words_.quote, _LONGEST_FACT)}".strip(),
        "",
        link_to(approval),
    )


def _mail(
    delivery: Delivery, user: User, subject: str, template: str, context: dict[str, Any]
) -> EmailMultiAlternatives:
    settings_link = f"{conf.base_url()}{reverse('notice-settings')}"
    context = {**context, "subject": subject, "settings_link": settings_link, "base_url": conf.base_url()}
    mail = EmailMultiAlternatives(
        subject=subject,
        body=render_to_string(f"mail/{template}.txt", context),
        to=[user.email],
        headers={**_MAIL_HEADERS, **_headers(delivery), "List-Unsubscribe": f"<{settings_link}>"},
    )
    mail.attach_alternative(render_to_string(f"mail/{template}.html", context), "text/html")
    return mail


def _headers(delivery: Delivery) -> dict[str, str]:
    """The same whenever it is sent, so that a mail that came twice can be told; all about one request in one thread."""
    found = {"Message-ID": _message_id(f"notice.{delivery.pk}")}
    if delivery.notice.approval_id:
        root = _message_id(f"request.{delivery.notice.approval_id}")
        found |= {"In-Reply-To": root, "References": root}
    return found


def _message_id(name: str) -> str:
    """Bound to this installation, whose numbers another has, too."""
    seal = keyed_digest(digest_key(), b"message", name.encode())[:16]
    return f"<{name}.{seal}@{urlsplit(conf.base_url()).hostname or 'localhost'}>"


def _moment(at: datetime, zone: Any) -> str:
    return f"{at.astimezone(zone):%a %-d %b %Y, %H:%M %Z}"


def _day(at: datetime, zone: Any) -> str:
    return f"{at.astimezone(zone):%A, %-d %B %Y}"


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"
