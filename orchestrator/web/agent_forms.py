"""The forms of agents: registering one, and naming a token."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from django import forms
from django.contrib.auth import get_user_model
from django.contrib.auth.models import AbstractUser

from orchestrator.definition.issues import Issue
from orchestrator.definition.names import KEY_RULE
from orchestrator.engine.agents import MOST_CAPACITY
from orchestrator.models import Agent
from orchestrator.web.account_forms import Boxed

_WORDS_LENGTH: Final = 10_000
_PREFIXES: Final = {"pool": "pools", "can": "capabilities"}


class AgentForm(Boxed, forms.Form):
    """A new agent, as people describe it."""

    id = forms.CharField(
        max_length=80,
        label="Id",
        help_text=f"What tasks call it: {KEY_RULE}.",
        widget=forms.TextInput(attrs={"class": "input mono", "autocomplete": "off", "spellcheck": "false"}),
    )
    name = forms.CharField(
        max_length=200, required=False, help_text="What people call it; its id if nothing is said."
    )
    kind = forms.ChoiceField(choices=Agent.Kind.choices, initial=Agent.Kind.SERVICE)
    description = forms.CharField(max_length=500, required=False, help_text="What it is good for.")
    capabilities = forms.CharField(
        max_length=_WORDS_LENGTH,
        required=False,
        help_text="What it can do, with commas: python, invoices. A task that asks for can:python may go to it.",
    )
    pools = forms.CharField(
        max_length=_WORDS_LENGTH,
        required=False,
        help_text="Which pools it is in, with commas. A task that asks for pool:night may go to it.",
    )
    capacity = forms.IntegerField(
        min_value=1, max_value=MOST_CAPACITY, initial=1, help_text="How many tasks it works on at once."
    )
    cost_per_hour = forms.DecimalField(
        max_digits=10, decimal_places=2, min_value=0, required=False, label="Cost per hour"
    )
    person = forms.CharField(
        max_length=150,
        required=False,
        help_text="Who does its tasks by hand, on the page My tasks: the name they sign in with.",
    )

    def clean_person(self) -> AbstractUser | None:
        name = self.cleaned_data["person"]
        if not name:
            return None
        found: AbstractUser | None = get_user_model().objects.filter(username=name, is_active=True).first()
        if found is None:
            raise forms.ValidationError(f"There is no active user {name!r}.")
        return found

    def given(self) -> dict[str, Any]:
        """What was given, as the engine takes it, but for the id."""
        values = dict(self.cleaned_data)
        key, user = values.pop("id"), values.pop("person")
        words = {name: words_of(values[name]) for name in ("capabilities", "pools")}
        return {**values, **words, "name": values["name"] or key, "user": user}

    def take(self, issues: Iterable[Issue]) -> None:
        """Show what the engine found beside the field it is about."""
        for issue in issues:
            self.add_error(issue.path if issue.path in self.fields else None, issue.message)


class AgentTokenForm(Boxed, forms.Form):
    name = forms.CharField(
        max_length=100,
        required=False,
        label="Name",
        help_text="Where it is used, such as “machine in the lab”.",
    )


def words_of(text: str) -> list[str]:
    """Words with commas between them, each once; what a word may be, the engine says."""
    words = (word.strip() for word in text.split(","))
    return list(dict.fromkeys(word for word in words if word))


def described_by(address: str) -> dict[str, str]:
    """What a form begins with for an agent that is to take the tasks of this address."""
    kind, _, word = address.partition(":")
    return {_PREFIXES[kind]: word} if word and kind in _PREFIXES else {"id": address}
