"""Forms made from declared parameters, and the few fixed ones of the pages."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable, Sequence
from typing import Any, Final, cast

from django import forms
from django.core.files.uploadedfile import UploadedFile

from orchestrator.definition import DefinitionError, strict_json
from orchestrator.definition.fields import Field, has_type
from orchestrator.definition.issues import Issue
from orchestrator.engine.limits import COMMENT_LENGTH, REASON_LENGTH

LARGEST_UPLOAD: Final = strict_json.MAX_BYTES
PREFIX: Final = "p"
_LONG_TEXT: Final = 80
_BOX: Final = {"class": "input"}
_SAID: Final = {"list": "a JSON list", "map": "a JSON map", "any": "a JSON value"}


class JsonField(forms.CharField):
    """A value written as JSON. Duplicate keys, numbers out of range and the like are refused as everywhere."""

    def __init__(self, *, kind: str = "any", rows: int = 4, **options: Any) -> None:
        attributes = {"class": "input mono", "rows": rows, "spellcheck": "false"}
        super().__init__(widget=forms.Textarea(attrs=attributes), **options)
        self.kind = kind

    def to_python(self, value: Any) -> Any:
        text = super().to_python(value)
        if not text:
            return None
        try:
            found = strict_json.loads(text)
        except DefinitionError as error:
            raise forms.ValidationError([issue.message for issue in error.issues]) from None
        if not has_type(found, self.kind):
            raise forms.ValidationError(f"This must be {_SAID.get(self.kind, self.kind)}.")
        return found

    def validate(self, value: Any) -> None:
        if self.required and value is None:
            raise forms.ValidationError(self.error_messages["required"], code="required")

    def prepare_value(self, value: Any) -> Any:
        return value if isinstance(value, str) else "" if value is None else as_json(value)

    def has_changed(self, initial: Any, data: Any) -> bool:
        return bool(self.prepare_value(initial) != (data or ""))


class NumberField(forms.FloatField):
    """A number that stays whole when it was written so."""

    def to_python(self, value: Any) -> int | float | None:
        number = super().to_python(value)
        if number is not None and isinstance(value, str) and value.strip().lstrip("+-").isdigit():
            return int(value)
        return number


class DayField(forms.DateField):
    """A date, as the text that JSON has for it."""

    def to_python(self, value: Any) -> str | None:
        day = super().to_python(value)
        return day.isoformat() if day else None

    def prepare_value(self, value: Any) -> Any:
        return value


def as_json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2)


class ParametersForm(forms.Form):
    """One input for each declared parameter, typed, with its default filled in."""

    def __init__(self, declared: Sequence[Field], *args: Any, **options: Any) -> None:
        options.setdefault("prefix", PREFIX)
        super().__init__(*args, **options)
        self.declared = {field.name: field for field in declared}
        for field in declared:
            self.fields[field.name] = form_field(field)

    def values(self) -> dict[str, Any]:
        """What was given, as the engine takes it: a parameter left empty that has no default is not given."""
        return {name: value for name, value in self.cleaned_data.items() if not self._left_out(name, value)}

    def take(self, issues: Iterable[Issue]) -> None:
        """Show what the engine found beside the parameter it is about."""
        for issue in issues:
            name = issue.path.removeprefix("parameters.").partition(".")[0].partition("[")[0]
            self.add_error(name if name in self.fields else None, issue.message)

    def _left_out(self, name: str, value: Any) -> bool:
        if value is None:
            return True
        declared = self.declared[name]
        return value == "" and (declared.default in (None, "") or declared.widget == "secret")


def form_field(field: Field) -> forms.Field:
    """The input for one parameter."""
    common: dict[str, Any] = {
        "label": field.title,
        "help_text": field.description,
        "required": field.required and field.default is None,
        "initial": field.default,
    }
    if field.widget == "secret":
        return _secret(field, common)
    if field.enum:
        return _choice(field, common)
    match field.type:
        case "boolean" if field.default is None and not field.required:
            return _yes_or_no(common)
        case "boolean":
            return forms.BooleanField(**common | {"required": False})
        case "integer":
            return forms.IntegerField(**common, **_limits(field), widget=forms.NumberInput(attrs=_BOX))
        case "number":
            numbers = forms.NumberInput(attrs=_BOX | {"step": "any"})
            return NumberField(**common, **_limits(field), widget=numbers)
        case "date":
            return DayField(**common, widget=forms.DateInput(attrs=_BOX | {"type": "date"}))
        case "list" | "map" | "any":
            return JsonField(kind=field.type, **common)
    return _text(field, common)


def _text(field: Field, common: dict[str, Any]) -> forms.Field:
    long = field.widget == "textarea" or len(str(field.default or "")) > _LONG_TEXT
    widget = forms.Textarea(attrs=_BOX | {"rows": 4}) if long else forms.TextInput(attrs=_BOX)
    return forms.CharField(**common, max_length=field.max_length, strip=False, widget=widget)


def _secret(field: Field, common: dict[str, Any]) -> forms.Field:
    """Never filled in: what is there already is not shown, and stays when nothing is typed."""
    known = field.default is not None
    attributes = _BOX | {"autocomplete": "off"} | ({"placeholder": "as it is"} if known else {})
    return forms.CharField(
        **common | {"initial": None}, strip=False, widget=forms.PasswordInput(attrs=attributes)
    )


def _choice(field: Field, common: dict[str, Any]) -> forms.Field:
    by_text = {str(choice): choice for choice in field.enum}
    choices = [(text, text) for text in by_text]
    if field.default is None:  # nothing is chosen that nobody chose
        choices.insert(0, ("", "—"))
    return forms.TypedChoiceField(
        **common,
        choices=choices,
        coerce=by_text.__getitem__,
        empty_value=None,
        widget=forms.Select(attrs=_BOX),
    )


def _yes_or_no(common: dict[str, Any]) -> forms.Field:
    """A box that is not ticked cannot be told from one that nobody looked at."""
    return forms.TypedChoiceField(
        **common,
        choices=[("", "—"), ("true", "Yes"), ("false", "No")],
        coerce=lambda text: text == "true",
        empty_value=None,
        widget=forms.Select(attrs=_BOX),
    )


def _limits(field: Field) -> dict[str, Any]:
    limits = {"min_value": field.minimum, "max_value": field.maximum}
    return {name: value for name, value in limits.items() if value is not None}


def new_idempotency_key() -> str:
    """What makes a start that is sent twice one run."""
    return str(uuid.uuid4())


class OnceForm(forms.Form):
    """Carries the key that makes a form sent twice count once."""

    once = forms.UUIDField(widget=forms.HiddenInput)


class TemplateForm(forms.Form):
    """What a workflow made from a template is called."""

    name = forms.CharField(max_length=200, label="Name", widget=forms.TextInput(attrs=_BOX))


class ImportForm(forms.Form):
    """A definition, pasted or as a file."""

    file = forms.FileField(
        required=False,
        label="File",
        help_text="JSON, YAML or WfFormat, up to 2 MiB.",
        widget=forms.ClearableFileInput(attrs=_BOX | {"accept": ".json,.yaml,.yml"}),
    )
    text = forms.CharField(
        required=False,
        label="Definition",
        strip=False,
        help_text="Paste it here instead of choosing a file.",
        widget=forms.Textarea(attrs={"class": "input mono", "rows": 18, "spellcheck": "false"}),
    )

    def clean_file(self) -> UploadedFile | None:
        file: UploadedFile | None = self.cleaned_data["file"]
        if file is not None and (file.size or 0) > LARGEST_UPLOAD:
            raise forms.ValidationError("This file is larger than 2 MiB.")
        return file

    def clean(self) -> dict[str, Any]:
        given: dict[str, Any] = super().clean() or {}
        if not self.errors and not given.get("file") and not given.get("text", "").strip():
            raise forms.ValidationError("Choose a file or paste a definition.")
        return given

    def source(self) -> tuple[bytes | str, str]:
        """What was given, and the name of its file."""
        file = self.cleaned_data.get("file")
        return (file.read(), file.name or "") if file else (self.cleaned_data["text"], "")


class DecisionForm(forms.Form):
    """Approve or reject, with a word about it; a rejection says why."""

    decision = forms.ChoiceField(choices=[("approve", "Approve"), ("reject", "Reject")])
    comment = forms.CharField(
        required=False,
        max_length=COMMENT_LENGTH,
        label="Comment",
        widget=forms.Textarea(attrs=_BOX | {"rows": 3}),
        help_text="Kept with the decision.",
    )


class SendBackForm(forms.Form):
    """To which earlier task it goes back, and why."""

    to = forms.ChoiceField(label="Back to")
    comment = forms.CharField(
        max_length=COMMENT_LENGTH,
        label="What is to be done again",
        widget=forms.Textarea(attrs=_BOX | {"rows": 3}),
    )

    def __init__(self, *args: Any, tasks: Sequence[tuple[str, str]] = (), **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        cast("forms.ChoiceField", self.fields["to"]).choices = list(tasks)


class RetryForm(forms.Form):
    """A retry, with the task's own parameters or others."""

    parameters = JsonField(
        kind="map",
        required=False,
        label="Parameters",
        rows=8,
        help_text="Leave as they are, or change them for this run.",
    )


class CompleteForm(forms.Form):
    """The result of what somebody did by hand."""

    output = JsonField(
        required=False, label="Output", rows=6, help_text="What the tasks after it see, as JSON."
    )


class ReasonForm(forms.Form):
    """Why somebody lets a task fail, skips it or cancels a run."""

    reason = forms.CharField(
        required=False, max_length=REASON_LENGTH, label="Reason", widget=forms.TextInput(attrs=_BOX)
    )
