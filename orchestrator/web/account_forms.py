"""The forms of accounts, tokens and secrets."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import Any

from django import forms
from django.contrib.auth import get_user_model
from django.contrib.auth.forms import AuthenticationForm, BaseUserCreationForm, PasswordChangeForm
from django.contrib.auth.models import AbstractUser
from django.utils import timezone

from orchestrator.engine.delegations import REASON_LENGTH
from orchestrator.models import Secret
from orchestrator.web import setup_code

SECRET_LENGTH = 10_000


class Boxed(forms.BaseForm):
    """Gives every box the class that its looks hang on."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for field in self.fields.values():
            field.widget.attrs.setdefault("class", "input")


class SignInForm(Boxed, AuthenticationForm):
    pass


class NewPasswordForm(Boxed, PasswordChangeForm):
    pass


class SetupForm(Boxed, BaseUserCreationForm):
    """The first account, made by whoever can read the server log."""

    code = forms.CharField(
        max_length=40, help_text="From the server log, or keys/setup_code in the data directory."
    )

    class Meta:
        model = get_user_model()
        fields = ("username", "email")

    field_order = ("code", "username", "email", "password1", "password2")

    def clean_code(self) -> str:
        code: str = self.cleaned_data["code"]
        if not setup_code.matches(code):
            raise forms.ValidationError("This is not the code that the server log shows.")
        return code

    def save(self, commit: bool = True) -> AbstractUser:
        user: AbstractUser = super().save(commit=False)
        user.is_staff = user.is_superuser = True
        if commit:
            user.save()
        return user


class TokenForm(Boxed, forms.Form):
    LIFETIMES = (("30", "30 days"), ("90", "90 days"), ("365", "1 year"), ("", "until revoked"))

    name = forms.CharField(max_length=100, help_text="What uses it, such as “nightly import”.")
    days = forms.ChoiceField(choices=LIFETIMES, required=False, initial="90", label="Valid for")

    def lifetime(self) -> timedelta | None:
        days = self.cleaned_data["days"]
        return timedelta(days=int(days)) if days else None


class _Day(forms.DateInput):
    """A box for a day, in the form that browsers take it."""

    input_type = "date"

    def __init__(self) -> None:
        super().__init__(format="%Y-%m-%d")


class AwayForm(Boxed, forms.Form):
    """Who decides in one's place, and on which days, both of them included."""

    to = forms.CharField(
        max_length=150,
        label="Who decides meanwhile",
        help_text="Their user name. They need the approver role.",
        widget=forms.TextInput(
            attrs={"autocapitalize": "none", "autocomplete": "off", "spellcheck": "false"}
        ),
    )
    first_day = forms.DateField(label="From", initial=timezone.localdate, widget=_Day)
    last_day = forms.DateField(label="Until", help_text="The last day that you are away.", widget=_Day)
    reason = forms.CharField(
        max_length=REASON_LENGTH, required=False, help_text="Such as “On leave”; they can read it."
    )

    def starts_at(self) -> datetime:
        return _midnight(self.cleaned_data["first_day"])

    def ends_at(self) -> datetime:
        return _midnight(self.cleaned_data["last_day"], days=1)


def _midnight(day: date, *, days: int = 0) -> datetime:
    """The first moment of the day, or of one some days after it."""
    try:
        return timezone.make_aware(datetime.combine(day + timedelta(days=days), time.min))
    except OverflowError:
        return timezone.make_aware(datetime.combine(day, time.min))


class _Unrepeated(forms.Textarea):
    """Takes several lines, as keys have, and does not send back what was typed."""

    def format_value(self, value: object) -> str:  # noqa: ARG002 - the framework's signature
        return ""


class SecretForm(Boxed, forms.ModelForm):
    """Sets a secret, new or known. What it was set to before is neither shown nor needed."""

    value = forms.CharField(
        max_length=SECRET_LENGTH,
        strip=False,
        widget=_Unrepeated(attrs={"rows": 2, "autocomplete": "off", "spellcheck": "false"}),
        help_text="Encrypted when saved; nobody can read it afterwards.",
    )

    class Meta:
        model = Secret
        fields = ("name", "description")
        help_texts = {"name": "Tasks write {{ secrets.name }}."}

    field_order = ("name", "value", "description")

    def _get_validation_exclusions(self) -> set[str]:
        """A name that is known already is not an error here: its secret is replaced."""
        return {*super()._get_validation_exclusions(), "name"}
