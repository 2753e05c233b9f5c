"""The forms of accounts, tokens and secrets."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django import forms
from django.contrib.auth import get_user_model
from django.contrib.auth.forms import AuthenticationForm, BaseUserCreationForm, PasswordChangeForm
from django.contrib.auth.models import AbstractUser

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
