"""The mail backend of an installation without a mail server: one line of the log says what would have been sent."""

from __future__ import annotations

import logging
import re
from collections.abc import Sequence

from django.core.mail import EmailMessage
from django.core.mail.backends.base import BaseEmailBackend

logger = logging.getLogger(__name__)

_LINK = re.compile(r"https?://\S+")


class EmailBackend(BaseEmailBackend):
    """Django's own for the console would print all of a mail, its HTML included."""

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        for mail in email_messages:
            link = _LINK.search(str(mail.body))
            logger.info("Mail to %s: %s %s", ", ".join(mail.to), mail.subject, link.group() if link else "")
        return len(email_messages)
