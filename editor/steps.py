"""The form of one step of a draft, and the operations that what was entered comes to.

Its fields are made from the tables that validation reads, so that the two cannot differ. A draft may be wrong: nothing is
required here, an empty field is one that is not set, and the problems are told beside the step.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from django import forms

from editor.operations.graph import dependencies_of, tasks_of
from orchestrator import actions
from orchestrator.definition import language
from orchestrator.definition.fields import Field, ParameterSchema, holds_template
from orchestrator.definition.graph import Ancestry
from orchestrator.web.forms import JsonField, as_json, form_field

Draft = Mapping[str, Any]
Operation = dict[str, Any]

_FIELDS: Final = {field.name: field for field in language.TASK_FIELDS}
_MAIN: Final = ("name", "description", "agent_id", "execution_mode", "join")
_LIMITS: Final = (
    "timeout_seconds",
    "retry_count",
    "retry_delay",
    "retry_backoff",
    "retry_max_delay",
    "for_each",
)
_RARE: Final = ("checkpoint", "compensation", "output_schema", "cache", "resources")
_WORDS: Final = {"agent_id": "Agent", "join": "Runs when", "for_each": "For each"}
_LONG: Final = ("description",)
_STRUCTURED: Final = ("list", "map", "any")
_PARAMETER: Final = "parameter-"
_OTHER: Final = "other_parameters"
_LOOSE: Final = ("loose", "people")
_BEGINS_JSON: Final = ("", "{", "[", '"')


class OrTemplateField(forms.CharField):
    """A value of some type, or text with `{{ }}` that will become one."""

    def __init__(self, inner: forms.Field, field: Field, **options: Any) -> None:
        rows = {"rows": 3} if field.type in _STRUCTURED else {}
        widget = forms.Textarea if rows else forms.TextInput
        super().__init__(
            required=False, strip=False, widget=widget({"class": "input mono", **rows}), **options
        )
        self._inner = inner

    def clean(self, value: Any) -> Any:
        text = super().clean(value)
        return text if is_template(text) else self._inner.clean(text)


def is_template(text: str) -> bool:
    """Whether it stands for a value that is filled in later; JSON whose strings hold `{{ }}` is JSON."""
    return holds_template(text) and (
        text.strip().startswith("{{") or text.lstrip()[:1] not in ("{", "[", '"')
    )


def as_typed(value: Any) -> str | None:
    """The text that somebody would type for this value."""
    return value if value is None or (isinstance(value, str) and is_template(value)) else as_json(value)


def as_loose(value: Any) -> str:
    """Text as it is, unless it reads as a number or another value of JSON; all else as JSON."""
    if value is None:
        return ""
    if not isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    fits_a_line = value.strip() == value and "\n" not in value
    is_plain = is_template(value) or not (value[:1] in _BEGINS_JSON or _is_json(value))
    return value if fits_a_line and is_plain else json.dumps(value, ensure_ascii=False)


class LooseField(JsonField):
    """JSON, or text without its quotes where it can be told from JSON: as `as_loose` writes it."""

    def to_python(self, value: Any) -> Any:
        text = (value or "").strip()
        if text[:1] in _BEGINS_JSON or _is_json(text):
            return super().to_python(text)
        return text


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


class LinesField(forms.CharField):
    """A list of texts, one a line."""

    def __init__(self, **options: Any) -> None:
        attributes = {"class": "input mono", "rows": 3, "spellcheck": "false"}
        super().__init__(required=False, widget=forms.Textarea(attributes), **options)

    def to_python(self, value: Any) -> list[str]:
        return [line.strip() for line in super().to_python(value).splitlines() if line.strip()]

    def prepare_value(self, value: Any) -> Any:
        return "\n".join(map(str, value)) if isinstance(value, list) else value


class StepForm(forms.Form):
    """One task of this draft. `operations()` says how what was entered differs from it."""

    def __init__(self, draft: Draft, key: str, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.draft, self.key = dict(draft), key
        self.task: dict[str, Any] = tasks_of(self.draft)[key]
        self._schema = schema_of(self.task.get("action"))
        self._add_main()
        self._add_parameters()
        self._add_limits()

    def operations(self) -> list[Operation]:
        """Only what was changed. Another action drops the parameters that were entered for the old one."""
        given = self.cleaned_data
        found = [*self._set_fields(given), *self._connections(given)]
        if given["action"] and given["action"] != self.task.get("action"):
            found.insert(0, {"op": "action", "key": self.key, "action": given["action"]})
        else:
            found += self._set_parameters(given)
        if given["key"] and given["key"] != self.key:
            found.append({"op": "rename", "key": self.key, "to": given["key"]})
        return found

    # Fields

    def _add_main(self) -> None:
        for name in _MAIN[:2]:
            self._add(name)
        self.fields["action"] = _action_field(self.task.get("action"))
        for name in _MAIN[2:]:
            self._add(name)
        self.fields["after"] = forms.MultipleChoiceField(
            label="Runs after",
            required=False,
            choices=choices_before(self.draft, self.key),
            initial=dependencies_of(self.draft, self.key),
            widget=forms.CheckboxSelectMultiple,
        )
        self.fields["conditions"] = _conditions_field(self.task.get("conditions"))

    def _add_parameters(self) -> None:
        given = as_map(self.task.get("parameters"))
        for field in self._schema.fields:
            self.fields[_PARAMETER + field.name] = editor_field(field, given.get(field.name))
        known = {field.name for field in self._schema.fields}
        others = {name: value for name, value in given.items() if name not in known}
        if self._schema.open or others:
            self.fields[_OTHER] = JsonField(
                kind="map",
                required=False,
                label="Other parameters",
                initial=others or None,
                help_text="A JSON map. Strings may hold {{ expression }}.",
            )

    def _add_limits(self) -> None:
        self.fields["on_failure"] = _on_failure_field(self.task.get("on_failure"))
        for name in (*_LIMITS, *_RARE):
            self._add(name)
        self.fields["key"] = forms.CharField(
            label="Key",
            required=False,
            initial=self.key,
            help_text="How expressions name it; a new key is followed wherever the old one stands.",
            widget=forms.TextInput({"class": "input mono"}),
        )

    def _add(self, name: str) -> None:
        field = _FIELDS[name]
        worded = replace(
            field, label=_WORDS.get(name, ""), widget="textarea" if name in _LONG else field.widget
        )
        self.fields[name] = editor_field(worded, self.task.get(name))

    @property
    def main(self) -> list[forms.BoundField]:
        return [self[name] for name in ("name", "action", "agent_id", "after", "execution_mode")]

    @property
    def parameters(self) -> list[forms.BoundField]:
        return [self[name] for name in self.fields if name.startswith(_PARAMETER) or name == _OTHER]

    @property
    def more(self) -> list[forms.BoundField]:
        return [
            self[name]
            for name in ("description", "join", "conditions", "on_failure", *_LIMITS, *_RARE, "key")
        ]

    # Operations

    def _set_fields(self, given: Mapping[str, Any]) -> Iterator[Operation]:
        for name in (*_MAIN, *_LIMITS, *_RARE, "conditions", "on_failure"):
            yield from self._differing([name], self.task.get(name), given[name])

    def _set_parameters(self, given: Mapping[str, Any]) -> Iterator[Operation]:
        before = as_map(self.task.get("parameters"))
        for field in self._schema.fields:
            after = given[_PARAMETER + field.name]
            yield from self._differing(["parameters", field.name], before.get(field.name), after)
        if _OTHER in self.fields:
            known = {field.name for field in self._schema.fields}
            others = given[_OTHER] or {}
            for name in dict.fromkeys([*before, *others]):
                if name not in known:
                    yield from self._differing(["parameters", name], before.get(name), others.get(name))

    def _differing(self, field: Sequence[str], before: Any, after: Any) -> Iterator[Operation]:
        after = None if after in ("", [], {}) and before in (None, "", [], {}) else after
        if before == after and type(before) is type(after):
            return
        if after is None or after in ("", []):
            if before is not None:
                yield {"op": "unset", "key": self.key, "field": list(field)}
        else:
            yield {"op": "set", "key": self.key, "field": list(field), "value": after}

    def _connections(self, given: Mapping[str, Any]) -> Iterator[Operation]:
        before, after = dependencies_of(self.draft, self.key), given["after"]
        offered = {key for key, _ in self.fields["after"].choices}  # type: ignore[attr-defined]
        for key in before:
            if key not in after and key in offered:
                yield {"op": "disconnect", "from": key, "to": self.key}
        for key in after:
            if key not in before:
                yield {"op": "connect", "from": key, "to": self.key}


class NewStepForm(forms.Form):
    """A step that is added at the end."""

    name = forms.CharField(
        max_length=language.NAME_LENGTH, label="Name", widget=forms.TextInput({"class": "input"})
    )

    def __init__(self, draft: Draft, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["action"] = _action_field("agent_task")
        self.fields["agent_id"] = editor_field(replace(_FIELDS["agent_id"], label="Agent"), None)
        self.fields["execution_mode"] = editor_field(_FIELDS["execution_mode"], None)
        self.fields["after"] = forms.MultipleChoiceField(
            label="Runs after",
            required=False,
            choices=choices_before(draft, None),
            widget=forms.CheckboxSelectMultiple,
        )

    def operation(self, key: str) -> Operation:
        given = self.cleaned_data
        task = {"name": given["name"], "action": given["action"]}
        task |= {name: given[name] for name in ("agent_id", "execution_mode") if given[name]}
        return {"op": "add", "key": key, "task": {**task, "dependencies": given["after"]}}


def editor_field(field: Field, value: Any) -> forms.Field:
    """The input for a field that may also be left unset; its default is told and not filled in."""
    plain = replace(
        field, required=False, default=None, description=described(field), enum=field.enum or _yes_no(field)
    )
    is_loose = field.widget in _LOOSE
    inner = LooseField(kind=field.type) if is_loose else form_field(plain)
    inner.required = False
    inner.initial = value
    if field.type == "expression" or not field.templated:
        return inner
    is_plain_text = field.type == "string" and not plain.enum
    if is_plain_text or (plain.enum and not holds_template(value)):
        return inner
    text = as_loose(value) if is_loose else as_typed(value)
    return OrTemplateField(inner, field, label=plain.title, help_text=plain.description, initial=text)


def described(field: Field) -> str:
    """What it is for, and what holds when it is left empty."""
    if field.default in (None, "", [], {}):
        return field.description
    said = {True: "yes", False: "no"}.get(field.default) if isinstance(field.default, bool) else field.default
    return f"{field.description} When empty: {said}.".lstrip()


def _yes_no(field: Field) -> tuple[Any, ...]:
    return (True, False) if field.type == "boolean" else ()


def choices_before(draft: Draft, key: str | None) -> list[tuple[str, str]]:
    """The tasks this one can run after: all that do not wait for it themselves."""
    tasks = tasks_of(dict(draft))
    ancestry = Ancestry(
        {name: [one for one in dependencies_of(dict(draft), name) if one in tasks] for name in tasks}
    )
    return [
        (name, str(as_map(task).get("name") or name))
        for name, task in tasks.items()
        if key is None or (name != key and not ancestry.is_upstream(key, name))
    ]


def _conditions_field(value: Any) -> forms.Field:
    """One expression a line; what is written otherwise stays as it is, in JSON."""
    label = "Conditions"
    if value is None or (isinstance(value, list) and all(isinstance(one, str) for one in value)):
        said = "Expressions, one a line; all must hold, or the step is skipped."
        return LinesField(label=label, initial=value, help_text=said)
    said = "Expressions that must all hold, as a JSON list."
    return JsonField(required=False, label=label, initial=as_json(value), help_text=said)


def _on_failure_field(value: Any) -> forms.Field:
    """A word; the longer form with a checkpoint stays as it is, in JSON."""
    field = replace(_FIELDS["on_failure"], label="If it still fails")
    if value is None or value in language.ON_FAILURE:
        return editor_field(replace(field, type="string", enum=language.ON_FAILURE), value)
    return editor_field(field, value)


def _action_field(current: Any) -> forms.Field:
    choices = [(action.name, action.label) for action in actions.all_actions()]
    if isinstance(current, str) and current not in dict(choices):
        choices.insert(0, (current, f"{current} (not known here)"))
    return forms.ChoiceField(
        label="Action", choices=choices, initial=current, widget=forms.Select({"class": "input"})
    )


def schema_of(action: Any) -> ParameterSchema:
    """The parameters of an action; of one that is not known here any."""
    found = actions.schemas().get(action) if isinstance(action, str) else None
    return found or ParameterSchema(open=True)


def as_map(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
