"""What is said of each kind of notice: the subject, the sentence, the button."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from orchestrator.models import Notice

Kind = Notice.Kind
LONGEST_SUBJECT: Final = 150
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")

_SUBJECTS: Final[dict[str, str]] = {
    Kind.ASKED: "Decide",
    Kind.REMINDED: "Reminder",
    Kind.ESCALATED: "Escalated",
    Kind.APPROVED: "Approved",
    Kind.REJECTED: "Rejected",
    Kind.EXPIRED: "Nobody decided",
    Kind.WITHDRAWN: "Withdrawn",
    Kind.OVERRIDDEN: "Decided by an administrator",
    Kind.RECALLED: "Taken back",
    Kind.SENT_BACK: "Sent back",
    Kind.QUESTION: "Question",
    Kind.ANSWER: "Answer",
    Kind.COMMENT: "Comment",
}
_SENTENCES: Final[dict[str, str]] = {
    Kind.ASKED: "{requester} asks you to decide{place}.",
    Kind.REMINDED: "Nobody has decided yet; it still waits for you{place}.",
    Kind.ESCALATED: "Nobody has decided so far, so others are asked, too: {named}. It waits for you{place}.",
    Kind.APPROVED: "{by} approved it.",
    Kind.REJECTED: "{by} rejected it.",
    Kind.EXPIRED: "Nobody decided in time.",
    Kind.WITHDRAWN: "The run ended or took another way before anybody decided.",
    Kind.OVERRIDDEN: "{by} {status} it in the stead of those who were asked.",
    Kind.RECALLED: "{by} took the request back; nothing is left to decide.",
    Kind.SENT_BACK: "{by} sent it back to an earlier step.",
    Kind.QUESTION: "{by} asks before deciding:",
    Kind.ANSWER: "{by} answered; it waits for you{place} again:",
    Kind.COMMENT: "{by} wrote:",
}
# Somebody changed what is asked, so that it is asked anew.
_ANEW: Final = ("Decide again", "{by} changed what is asked, so it waits for you{place} again.")
ACTS: Final = frozenset({Kind.ASKED, Kind.REMINDED, Kind.ESCALATED, Kind.ANSWER})


@dataclass(frozen=True, slots=True)
class Said:
    """The words of one notice for one reader."""

    subject: str
    sentence: str
    quote: str
    button: str


def said(notice: Notice, title: str, *, requester: str, by: str, status: str, in_place_of: str = "") -> Said:
    """In words. Who is not known any more is somebody."""
    place = f" for {in_place_of}, who is away" if in_place_of else ""
    named = ", ".join(name.removeprefix("group:") for name in notice.text.split(", "))
    is_anew = notice.kind == Kind.ASKED and notice.by_id is not None
    subject, sentence = _ANEW if is_anew else (_SUBJECTS[notice.kind], _SENTENCES[notice.kind])
    sentence = sentence.format(
        requester=requester or "A run",
        by=by or "Somebody",
        place=place,
        named=named,
        status=status,
    )
    quote = "" if notice.kind == Kind.ESCALATED else notice.text
    button = "Look and decide" if notice.kind in ACTS else "Look at it"
    return Said(one_line(f"{subject}: {title}"), sentence, quote, button)


def one_line(text: str, most: int = LONGEST_SUBJECT) -> str:
    """Without line breaks, by which a header could be forged, and other control characters."""
    line = " ".join(_CONTROL.sub(" ", text).split())
    return line if len(line) <= most else line[: most - 1] + "…"
