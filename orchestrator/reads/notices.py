"""How the sending of notices goes: of each chat, and in all."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.db.models import Count, Max, Q

from orchestrator.models import ChatHook, Delivery

MANY: Final = 5  # given up within the hour: something is wrong with a server, not with an address
WITHIN: Final = timedelta(hours=1)
STUCK: Final = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class Chat:
    """One chat, with how it went. `error` is that of the last message that is not sent."""

    hook: ChatHook
    sent: int
    failed: int
    last_at: datetime | None
    error: str


def chats() -> list[Chat]:
    """All of them; three queries."""
    sent, failed = Q(deliveries__state="sent"), Q(deliveries__state="failed")
    rows = ChatHook.objects.prefetch_related("workflows").annotate(
        sent=Count("deliveries", filter=sent),
        failed=Count("deliveries", filter=failed),
        last_at=Max("deliveries__ended_at", filter=sent),
        last=Max("deliveries", filter=~Q(deliveries__error="")),
    )
    hooks = list(rows.order_by("name"))
    troubled = Delivery.objects.filter(pk__in=[one.last for one in hooks if one.last])
    errors = dict(troubled.exclude(state="skipped").values_list("hook", "error"))
    return [Chat(one, one.sent, one.failed, one.last_at, errors.get(one.pk, "")) for one in hooks]


def trouble(now: datetime) -> str:
    """What is wrong with the sending, in a sentence; '' when nothing is."""
    failed = Delivery.objects.filter(state=Delivery.State.FAILED, ended_at__gte=now - WITHIN).count()
    if failed >= MANY:
        return f"{failed} mails and messages were given up within the hour; see Deliveries in the administration."
    late = Delivery.objects.filter(state=Delivery.State.WAITING, due_at__lt=now - STUCK).count()
    if late:
        return f"{late} mails and messages wait, and no clock sends them."
    return ""
