"""The forms of notices: what mail one gets, and a chat that is told."""

from __future__ import annotations

from typing import Any, Final

from django import forms
from django.conf import settings

from orchestrator.models import ChatHook, NoticePreference, Workflow
from orchestrator.notices.chat import EVENTS
from orchestrator.notices.digests import zones
from orchestrator.web.account_forms import Boxed

_HOURS: Final = [(hour, f"{hour:02}:00") for hour in range(24)]


def _zone_choices() -> list[tuple[str, str]]:
    return [("", f"That of the server ({settings.TIME_ZONE})"), *((name, name) for name in sorted(zones()))]


class NoticeForm(Boxed, forms.Form):
    """Which mails one gets."""

    mail = forms.ChoiceField(
        choices=NoticePreference.Mail.choices,
        label="Mail",
        help_text="Once a day you get one mail with all that waits for you, and only when something does.",
    )
    hour = forms.TypedChoiceField(
        choices=_HOURS, coerce=int, initial=8, label="At", help_text="The hour of the mail of the day."
    )
    zone = forms.ChoiceField(choices=_zone_choices, required=False, label="Time zone", initial="")


class _Workflows(forms.ModelMultipleChoiceField):
    """Names come twice, so the id stands beside."""

    def label_from_instance(self, workflow: Workflow) -> str:
        return f"{workflow.name} ({workflow.key})"


class ChatForm(Boxed, forms.Form):
    """A chat, or a program, that is told by webhook."""

    name = forms.CharField(max_length=100, help_text="What you call it, such as #finance.")
    kind = forms.ChoiceField(
        choices=ChatHook.Kind.choices,
        help_text="Plain JSON is for programs of your own; its messages are signed.",
    )
    url = forms.CharField(
        max_length=2000,
        label="Webhook URL",
        widget=forms.TextInput(attrs={"class": "input mono", "autocomplete": "off", "spellcheck": "false"}),
        help_text="Whoever has it can post there, so it is encrypted when saved and not shown again.",
    )
    events = forms.MultipleChoiceField(
        choices=list(EVENTS.items()),
        label="Is told when",
        widget=forms.CheckboxSelectMultiple,
        initial=list(EVENTS),
    )
    workflows = _Workflows(
        Workflow.objects.none(),
        required=False,
        help_text="Of which workflows; of all if none is chosen. Hold Ctrl to choose several.",
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["workflows"].queryset = Workflow.objects.filter(archived_at=None).order_by("name")
        self.fields["events"].widget.attrs.pop("class", None)
