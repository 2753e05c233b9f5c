"""The page on which a draft is tried: what to run, what stands in for the rest, what that will do; then its start."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from django import forms
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from editor import pins, trying
from editor.models import Pin
from editor.operations.graph import tasks_of
from editor.trial import KINDS, Scope
from editor.trying import PAST, Prepared, Step, Wish
from orchestrator.definition import DefinitionError
from orchestrator.definition.language import APPROVAL_GATE
from orchestrator.engine.parameters import parameter_schema
from orchestrator.exceptions import BatonError, InvalidError
from orchestrator.models import Run, Workflow
from orchestrator.permissions import require, runs_for, workflows_for
from orchestrator.reads.outcomes import past_runs
from orchestrator.web.answers import UNPROCESSABLE, answer, go, refusals_as_pages
from orchestrator.web.forms import JsonField, ParametersForm, new_idempotency_key

MOST_STEPS: Final = 300  # with fields of their own; a form has at most a thousand
_BOX: Final = {"class": "input"}
_KINDS: Final = (
    ("all", "The whole draft"),
    ("from", "From this step on"),
    ("to", "Up to this step"),
    ("only", "Only this step"),
)
_WORK: Final = (("gives", "gives the output below"), ("fails", "fails"))
_GATE: Final = (("approved", "is approved"), ("rejected", "is rejected"))
_WORDS: Final = {
    "earnest": "in earnest",
    "pin": "by its pin",
    "past": "as in the past run",
    "mock": "made up",
    "nothing": "taken to have completed, without an output",
    "left_out": "left out",
}
_GLYPHS: Final = {"earnest": "i-play", "left_out": "i-minus"}


@dataclass(frozen=True, slots=True)
class Row:
    """One step of the form: what it does as things are, and how that may be changed."""

    step: Step
    words: str
    icon: str
    use: forms.BoundField
    by: forms.BoundField | None
    pin: Pin | None


class TryForm(forms.Form):
    """What is tried, and what each step does in it."""

    kind = forms.ChoiceField(choices=_KINDS, label="Run", widget=forms.Select(_BOX))
    task = forms.ChoiceField(required=False, label="Step", widget=forms.Select(_BOX))
    past_run = forms.TypedChoiceField(
        required=False,
        coerce=int,
        empty_value=None,
        label="Past run",
        widget=forms.Select(_BOX),
        help_text="Its outcomes stand in for steps that are not tried and not pinned.",
    )
    outputs = JsonField(
        kind="map",
        required=False,
        rows=6,
        label="Outputs",
        help_text='What steps give, by key, as JSON: {"load": {"rows": 3}}.',
    )
    base_rev = forms.IntegerField(min_value=1, max_value=2**31 - 1, widget=forms.HiddenInput)
    once = forms.UUIDField(widget=forms.HiddenInput)

    def __init__(
        self,
        draft: dict[str, Any],
        past: Sequence[Run],
        pinned: Mapping[str, Pin],
        *args: Any,
        **options: Any,
    ) -> None:
        super().__init__(*args, **options)
        tasks = tasks_of(draft)
        names = {key: str(task.get("name") or key) for key, task in tasks.items() if isinstance(task, dict)}
        self.fields["task"].choices = [("", "—"), *names.items()]
        self.fields["past_run"].choices = [("", "None"), *((run.pk, _called(run)) for run in past)]
        self.steps = list(names)[:MOST_STEPS]
        for key in self.steps:
            self._add(key, names[key], tasks[key].get("action") == APPROVAL_GATE, key in pinned)

    def _add(self, key: str, name: str, is_gate: bool, is_pinned: bool) -> None:
        usual = "by its pin" if is_pinned else "as it is"
        ways = [("", usual), ("earnest", "as it is, without a pin"), *(_GATE if is_gate else _WORK)]
        ways += [("past", "as in the past run")]
        label = f"{name}: what it does"
        self.fields[f"use-{key}"] = forms.ChoiceField(
            label=label, required=False, choices=ways, widget=forms.Select({**_BOX, "aria-label": label})
        )
        if is_gate:
            who = f"{name}: decided by"
            attributes = {**_BOX, "aria-label": who, "placeholder": "decided by"}
            self.fields[f"by-{key}"] = forms.CharField(
                label=who, required=False, max_length=150, widget=forms.TextInput(attributes)
            )

    def clean(self) -> dict[str, Any]:
        given: dict[str, Any] = super().clean() or {}
        if given.get("kind") not in (None, "all") and not given.get("task"):
            self.add_error("task", "Say which step.")
        outputs = given.get("outputs") or {}
        for key in self.steps:
            if given.get(f"use-{key}") == "gives" and key not in outputs:
                self.add_error("outputs", f'Say what {key} gives: {{"{key}": …}}.')
        return given

    def wish(self) -> Wish:
        given = self.cleaned_data
        uses = {key: use for key in self.steps if (use := given[f"use-{key}"])}
        scope = Scope(given["kind"], "" if given["kind"] == "all" else given["task"])
        mocks = {key: data for key, use in uses.items() if (data := self._mock(key, use)) is not None}
        return Wish(
            scope, {key: None for key, use in uses.items() if use == "earnest"}, mocks, given["past_run"]
        )

    def _mock(self, key: str, use: str) -> dict[str, Any] | None:
        match use:
            case "gives":
                return {"output": self.cleaned_data["outputs"][key]}
            case "fails":
                return {"status": "failed"}
            case "approved" | "rejected":
                return {"decision": use, "by": self.cleaned_data[f"by-{key}"]}
            case "past":
                return PAST
        return None


def _called(run: Run) -> str:
    return f"#{run.pk}, {run.status}, {run.created_at:%Y-%m-%d %H:%M} UTC, {run.version.label}"


@require_http_methods(["GET", "HEAD", "POST"])
@refusals_as_pages
def try_draft(request: HttpRequest, key: str) -> HttpResponse:
    workflow = get_object_or_404(workflows_for(request.user), key=key)
    require(request.user, "design", workflow)
    page = _Trying(request, workflow)
    return page.carry_out() if request.method == "POST" else page.shown()


class _Trying:
    """One request. What was chosen is shown again whatever comes of it."""

    def __init__(self, request: HttpRequest, workflow: Workflow) -> None:
        assert isinstance(request.user, User)
        self.request, self.workflow, self.user = request, workflow, request.user
        self.visible = runs_for(request.user)
        self.past = past_runs(self.visible, workflow)
        self.context: dict[str, Any] = {}

    def carry_out(self) -> HttpResponse:
        what, _, key = self.request.POST.get("do", "").partition(":")
        form = self._form(self.request.POST)
        try:
            if what in ("pin", "unpin"):
                return self._pin(what, key)
            if not form.is_valid():
                return self.shown(form, UNPROCESSABLE)
            return self._start(form) if what == "start" else self.shown(form)
        except InvalidError as error:
            return self.shown(form, UNPROCESSABLE, error)
        except DefinitionError:  # its problems are shown anyhow
            return self.shown(form, UNPROCESSABLE)
        except BatonError as error:
            self.workflow.refresh_from_db()
            return self.shown(form, error.status, error)

    def shown(
        self, form: TryForm | None = None, status: int = 200, refusal: BatonError | None = None
    ) -> HttpResponse:
        form = form or self._form(None)
        found = self._prepared(form)
        pinned = pins.pinned(self.workflow)
        context = {
            "workflow": self.workflow,
            "form": form,
            "found": found,
            "rows": list(_rows(form, found, pinned)) if found else [],
            "params": self.context.get("params") or self._params(found, None),
            "error": refusal,
        }
        return answer(self.request, "editor/try.html", context, status=status)

    # The parts

    def _form(self, data: Any) -> TryForm:
        asked = self.request.GET
        kind = asked.get("scope", "")
        initial = {
            "kind": kind if kind in KINDS else "all",
            "task": asked.get("task", ""),
            "past_run": asked.get("past_run", ""),
            "base_rev": self.workflow.draft_rev,
            "once": new_idempotency_key(),
        }
        return TryForm(self.workflow.draft, self.past, pins.pinned(self.workflow), data, initial=initial)

    def _prepared(self, form: TryForm) -> Prepared | None:
        """As the form says; where it cannot be read, the whole draft as it is."""
        wish = form.wish() if form.is_bound and form.is_valid() else self._asked(form)
        try:
            return trying.prepare(self.workflow, wish, self.visible)
        except BatonError:
            return trying.prepare(self.workflow, Wish(), self.visible)

    def _asked(self, form: TryForm) -> Wish:
        if form.is_bound:
            return Wish()
        kind, task = form.initial["kind"], form.initial["task"]
        number = str(form.initial["past_run"])
        known = [run.pk for run in self.past if str(run.pk) == number]
        scope = Scope(kind, task) if kind != "all" and task in tasks_of(self.workflow.draft) else Scope()
        return Wish(scope, past_run=known[0] if known else None)

    def _params(self, found: Prepared | None, data: Any) -> ParametersForm | None:
        if found is None or found.definition is None:
            return None
        return ParametersForm(parameter_schema(found.definition.parameters).fields, data)

    def _start(self, form: TryForm) -> HttpResponse:
        wish = form.wish()
        params = self._params(trying.prepare(self.workflow, wish, self.visible), self.request.POST)
        self.context["params"] = params
        if params is not None and not params.is_valid():
            return self.shown(form, UNPROCESSABLE)
        try:
            run = trying.start(
                self.workflow,
                wish,
                self.visible,
                params.values() if params else {},
                user=self.user,
                base_rev=form.cleaned_data["base_rev"],
                batch=str(form.cleaned_data["once"]),
            )
        except InvalidError as error:
            if error.code != "invalid_parameters" or params is None:
                raise
            params.take(error.issues)
            return self.shown(form, UNPROCESSABLE)
        return go(self.request, reverse("run-detail", args=[run.pk]))

    def _pin(self, what: str, key: str) -> HttpResponse:
        if what == "unpin":
            pins.unpin(self.workflow, key)
            said = f"{key} is no longer pinned."
        else:
            pin = pins.pin_outcome(self.workflow, key, self.visible, None, user=self.user)
            said = f"{key} gives in test runs what it gave in {pin.source}."
        return go(self.request, self.request.get_full_path(), said)


def _rows(form: TryForm, found: Prepared, pinned: Mapping[str, Pin]) -> Iterator[Row]:
    steps = {step.key: step for step in found.steps}
    for key in form.steps:
        step = steps[key]
        words, icon = _WORDS[step.how], _GLYPHS.get(step.how, "i-flask-conical")
        by = form[f"by-{key}"] if f"by-{key}" in form.fields else None
        yield Row(step, words, icon, form[f"use-{key}"], by, pinned.get(key))
