"""The forms of agents: registering one, and naming a token."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from django import forms
from django.contrib.auth import get_user_model
from django.contrib.auth.models import AbstractUser

from orchestrator.definition.issues import Issue
from orchestrator.definition.names import KEY_RULE
from orchestrator.engine.agents import MOST_CAPACITY, RESOURCES, revision_of
from orchestrator.models import Agent
from orchestrator.web.account_forms import Boxed
from orchestrator.web.forms import NumberField

_WORDS_LENGTH: Final = 10_000
_PLAIN: Final = ("name", "kind", "transport", "description", "capacity", "cost_per_hour")
_PREFIXES: Final = {"pool": "pools", "can": "capabilities"}


class DescriptionForm(Boxed, forms.Form):
    """An agent as people describe it."""

    name = forms.CharField(
        max_length=200, required=False, help_text="What people call it; its id if nothing is said."
    )
    kind = forms.ChoiceField(choices=Agent.Kind.choices, initial=Agent.Kind.SERVICE)
    transport = forms.ChoiceField(
        choices=[
            (Agent.Transport.HTTP, "It asks for them over HTTP"),
            (Agent.Transport.OUTBOX, "In a file of its own, its outbox"),
        ],
        initial=Agent.Transport.HTTP,
        label="How it gets its tasks",
        required=False,
    )
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
    cpu = NumberField(
        min_value=0,
        max_value=RESOURCES["cpu"],
        required=False,
        label="Processors",
        help_text="How many it has in all. A task that reserves some goes to it only while so many are free.",
    )
    memory_mb = NumberField(
        min_value=0,
        max_value=RESOURCES["memory_mb"],
        required=False,
        label="Memory in MB",
        help_text="The same for memory. What is left out is not counted.",
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

    def clean_transport(self) -> str:
        return self.cleaned_data["transport"] or Agent.Transport.HTTP

    def described(self, key: str, others: Mapping[str, Any]) -> dict[str, Any]:
        """What was given, as the engine takes it. `others` are resources of which people are not asked."""
        values = {name: self.cleaned_data[name] for name in _PLAIN}
        words = {name: words_of(self.cleaned_data[name]) for name in ("capabilities", "pools")}
        amounts = {name: self.cleaned_data[name] for name in RESOURCES}
        return {
            **values,
            **words,
            "name": values["name"] or key,
            "user": self.cleaned_data["person"],
            "resources": {**others, **{name: value for name, value in amounts.items() if value is not None}},
        }

    def take(self, issues: Iterable[Issue]) -> None:
        """Show what the engine found beside the field it is about."""
        for issue in issues:
            name = issue.path.removeprefix("resources.")
            self.add_error(name if name in self.fields else None, issue.message)


class AgentForm(DescriptionForm):
    """A new agent."""

    field_order = ("id",)
    id = forms.CharField(
        max_length=80,
        label="Id",
        help_text=f"What tasks call it: {KEY_RULE}.",
        widget=forms.TextInput(attrs={"class": "input mono", "autocomplete": "off", "spellcheck": "false"}),
    )

    def given(self) -> dict[str, Any]:
        """What was given, as the engine takes it, but for the id."""
        return self.described(self.cleaned_data["id"], {})


@dataclass(frozen=True, slots=True)
class Dispute:
    """A field of which two have said different things."""

    label: str
    theirs: str
    mine: str


class AgentEditForm(DescriptionForm):
    """What is said of an agent. `seen` is the revision that the page was made from, so that nobody undoes unawares what
    another, or the agent itself, has changed meanwhile."""

    seen = forms.CharField(max_length=64, widget=forms.HiddenInput)

    def __init__(self, data: Any, agent: Agent) -> None:
        super().__init__(data, initial=described_as(agent))
        self._agent = agent

    def clean_person(self) -> AbstractUser | None:
        """Who it is already may have lost their account; that is not what is changed here."""
        same = self._agent.user
        if same is not None and same.get_username() == self.cleaned_data["person"]:
            return same
        return super().clean_person()

    def disputes(self) -> list[Dispute]:
        """What is said of the agent now that is not what stands in the form."""
        now = described_as(self._agent)
        fields = [(self[name].label, _shown(now[name]), _shown(self[name].value())) for name in self.shown]
        return [Dispute(*one) for one in fields if one[1] != one[2]]

    @property
    def shown(self) -> list[str]:
        return [name for name in self.fields if name != "seen"]

    def given(self) -> dict[str, Any]:
        others = {name: value for name, value in self._agent.resources.items() if name not in RESOURCES}
        return self.described(self._agent.key, others)


class AgentTokenForm(Boxed, forms.Form):
    name = forms.CharField(
        max_length=100,
        required=False,
        label="Name",
        help_text="Where it is used, such as “machine in the lab”.",
    )


def described_as(agent: Agent) -> dict[str, Any]:
    """What the form for this agent begins with."""
    words = {name: ", ".join(getattr(agent, name)) for name in ("capabilities", "pools")}
    amounts = {name: agent.resources.get(name) for name in RESOURCES}
    person = agent.user.get_username() if agent.user else ""
    plain = {name: getattr(agent, name) for name in _PLAIN}
    return {**plain, **words, **amounts, "person": person, "seen": revision_of(agent)}


def _shown(value: Any) -> str:
    return "" if value is None else str(value).strip()


def words_of(text: str) -> list[str]:
    """Words with commas between them, each once; what a word may be, the engine says."""
    words = (word.strip() for word in text.split(","))
    return list(dict.fromkeys(word for word in words if word))


def described_by(address: str) -> dict[str, str]:
    """What a form begins with for an agent that is to take the tasks of this address."""
    kind, _, word = address.partition(":")
    return {_PREFIXES[kind]: word} if word and kind in _PREFIXES else {"id": address}
