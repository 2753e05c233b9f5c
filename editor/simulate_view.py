"""The draft walked through with assumed outcomes: what would run, what would not, and how long it would take."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_http_methods

from editor.simulation import Assumption, Simulation, explore, never_reached, simulate
from orchestrator import engine
from orchestrator.definition import Definition, Task
from orchestrator.definition.language import APPROVAL_GATE
from orchestrator.engine.parameters import parameter_schema
from orchestrator.permissions import require, workflows_for
from orchestrator.web.answers import UNPROCESSABLE, answer, refusals_as_pages
from orchestrator.web.forms import JsonField, ParametersForm

MOST_STEPS: Final = 400  # with fields of their own; a form has at most a thousand
MOST_EXPLORED: Final = 50  # steps of which each is let fail once
_WORK: Final = (("succeeds", "succeeds"), ("fails", "fails each time"))
_GATE: Final = (("succeeds", "is approved"), ("rejected", "is rejected"), ("unanswered", "nobody answers"))


class AssumptionsForm(forms.Form):
    """How each step is assumed to end, and after how long."""

    def __init__(self, definition: Definition, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.steps = list(definition.tasks.values())[:MOST_STEPS]
        for task in self.steps:
            choices = _GATE if task.action == APPROVAL_GATE else _WORK
            self.fields[f"happens-{task.key}"] = forms.ChoiceField(
                label=f"{task.name}: what happens",
                choices=choices,
                required=False,
                widget=forms.Select({"class": "input", "aria-label": f"{task.name}: what happens"}),
            )
            self.fields[f"seconds-{task.key}"] = forms.FloatField(
                label=f"{task.name}: seconds",
                min_value=0,
                max_value=31 * 86_400,
                required=False,
                initial=1,
                widget=forms.NumberInput(
                    {"class": "input", "step": "any", "aria-label": f"{task.name}: seconds"}
                ),
            )
        self.fields["outputs"] = JsonField(
            kind="map",
            required=False,
            label="Outputs",
            rows=6,
            help_text='What steps give, by key, as JSON: {"load": {"rows": 3}}. The others give their sample result.',
        )

    @property
    def rows(self) -> Iterator[tuple[Task, forms.BoundField, forms.BoundField]]:
        for task in self.steps:
            yield task, self[f"happens-{task.key}"], self[f"seconds-{task.key}"]

    def assumed(self) -> dict[str, Assumption]:
        return {task.key: found for task in self.steps if (found := self._of(task.key))}

    def _of(self, key: str) -> Assumption | None:
        """None where everything is as it is assumed anyhow, the output among it."""
        given, outputs = self.cleaned_data, self.cleaned_data["outputs"] or {}
        happens, seconds = given[f"happens-{key}"] or "succeeds", given[f"seconds-{key}"]
        seconds = 1.0 if seconds is None else seconds
        if (happens, seconds) == ("succeeds", 1.0) and key not in outputs:
            return None
        return Assumption(happens, seconds, outputs.get(key), sample=key not in outputs)


@require_http_methods(["GET", "HEAD", "POST"])
@refusals_as_pages
def simulate_draft(request: HttpRequest, key: str) -> HttpResponse:
    """Changes nothing, whatever it is sent."""
    workflow = get_object_or_404(workflows_for(request.user), key=key)
    require(request.user, "design", workflow)
    report = engine.check_definition(workflow.draft)
    context: dict[str, Any] = {"workflow": workflow, "problems": ()}
    if report.definition is None:
        context["problems"] = [issue for issue in report.issues if issue.severity == "error"]
        return answer(request, "editor/simulate.html", context, status=UNPROCESSABLE if request.POST else 200)
    data = request.POST if request.method == "POST" else None
    form = AssumptionsForm(report.definition, data)
    params = ParametersForm(parameter_schema(report.definition.parameters).fields, data)
    context |= {"form": form, "params": params}
    if data is not None and form.is_valid() and params.is_valid():
        context |= _found(report.definition, form.assumed(), params.values())
    elif data is None:
        context |= _found(report.definition, {}, {})
    return answer(
        request, "editor/simulate.html", context, status=200 if "found" in context else UNPROCESSABLE
    )


def _found(definition: Definition, assumed: dict[str, Assumption], params: dict[str, Any]) -> dict[str, Any]:
    found = simulate(definition, assumed, params)
    explored = len(definition.tasks) <= MOST_EXPLORED
    unreached = never_reached(explore(definition, params)) if explored else []
    return {
        "found": found,
        "rows": list(_rows(found)),
        "critical": [definition.tasks[key].name for key in found.critical],
        "percent": round(100 * found.reached),
        "explored": explored,
        "unreached": [definition.tasks[key].name for key in unreached],
    }


def _rows(found: Simulation) -> Iterator[dict[str, Any]]:
    """For each step its state, and where its bar lies on a line of a hundred."""
    whole = found.seconds or 1.0
    glyphs = {"completed": "success", "pending": "queued", "waiting": "waiting"}
    for task in found.tasks:
        begins = 100 * (task.started or 0.0) / whole
        ends = 100 * (found.seconds if task.finished is None else task.finished) / whole
        drawn = task.started is not None
        yield {
            "task": task,
            "state": glyphs.get(task.status, task.status),
            "critical": task.key in found.critical,
            "left": f"{begins:.2f}" if drawn else "",
            "width": f"{max(0.6, ends - begins):.2f}" if drawn else "",
        }
