"""What a decision is asked beside yes or no: the fields of a gate's form, and which of its facts may be changed.

One description from which the definition is checked, the page makes its inputs and values are validated.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, Literal

from orchestrator.definition.fields import Field, FieldType, ParameterSchema, Parts, holds_template
from orchestrator.definition.issues import Issue, at, show
from orchestrator.definition.names import did_you_mean, is_key, nearest

Decision = Literal["approve", "reject"]

MOST_FIELDS: Final = 50
LONGEST_TEXT: Final = 10_000
_TYPES: Final[dict[str, tuple[FieldType, str]]] = {  # the type of the value, and the input
    "string": ("string", ""),
    "text": ("string", "textarea"),
    "number": ("number", ""),
    "integer": ("integer", ""),
    "boolean": ("boolean", ""),
    "date": ("date", ""),
    "enum": ("any", ""),
}
_NUMBERS: Final = ("number", "integer")
_TEXTS: Final = ("string", "text")
_SPEC: Final = ParameterSchema(
    (
        Field("name", "string", "The name by which tasks see the value.", required=True, templated=False),
        Field("type", "string", "What is entered.", default="string", enum=tuple(_TYPES), templated=False),
        Field("label", "string", "What stands above the input; the name if not given.", max_length=200),
        Field("required", "boolean", "Whether a decision cannot be made without it.", templated=False),
        Field(
            "enum",
            "list",
            "The only values it may have.",
            label="Choices",
            minimum=1,
            maximum=100,
            widget="lines",
        ),
        Field("description", "string", "The hint under the input.", max_length=1_000, advanced=True),
        Field("default", "any", "What stands in it at first.", widget="loose", advanced=True),
        Field("min", "number", "The least a number may be.", advanced=True),
        Field("max", "number", "The most a number may be.", advanced=True),
        Field(
            "max_length",
            "integer",
            "Of text: the most characters.",
            minimum=1,
            maximum=LONGEST_TEXT,
            advanced=True,
        ),
        Field(
            "on",
            "string",
            "Which decision asks for it.",
            default="approve",
            enum=("approve", "reject", "both"),
            templated=False,
            advanced=True,
        ),
    )
)
FORM: Final = Parts("field", _SPEC.fields)
_KNOWN: Final = tuple(field.name for field in _SPEC.fields)


def form_faults(form: Any, path: str) -> list[Issue]:
    """Everything that is wrong with a form, each in its place. What `{{ }}` stands for is checked once it is known."""
    if form is None or holds_template(form):
        return []
    if not isinstance(form, list):
        text = f"form is a list like [{{name: amount, type: number}}]; it is {show(form)}."
        return [Issue(path, "wrong_type", text)]
    if len(form) > MOST_FIELDS:
        return [
            Issue(path, "out_of_range", f"A form has at most {MOST_FIELDS} fields; this has {len(form)}.")
        ]
    found = [issue for place, spec in enumerate(form) for issue in _spec_faults(spec, at(path, place))]
    return found or list(_doubled(form, path))


def _spec_faults(spec: Any, path: str) -> list[Issue]:
    if not isinstance(spec, dict):
        return [Issue(path, "wrong_type", f"A field is a map like {{name: amount}}; it is {show(spec)}.")]
    issues = [
        Issue(at(path, name), "unknown_field", _no_such(name, _KNOWN, "A field of a form has no"))
        for name in spec
        if name not in _KNOWN
    ]
    known = {name: value for name, value in spec.items() if name in _KNOWN}
    issues += _SPEC.check(known, path)
    return issues or [*_name_faults(spec["name"], path), *_bound_faults(spec, path)]


def _no_such(name: object, known: Sequence[str], said: str) -> str:
    text = str(name)
    hint = nearest(text, known) if len(text) <= 100 else ""
    return f"{said} {show(name)}; it has {', '.join(known)}.{did_you_mean(hint)}"


def _name_faults(name: str, path: str) -> Iterator[Issue]:
    if not is_key(name) or "-" in name:
        text = f"{show(name)} cannot be a name: it begins with a letter, then letters, digits and '_'."
        yield Issue(at(path, "name"), "bad_name", text)


def _bound_faults(spec: Mapping[str, Any], path: str) -> Iterator[Issue]:
    kind = spec.get("type", "string")
    for name in ("min", "max"):
        if spec.get(name) is not None and kind not in _NUMBERS:
            yield Issue(at(path, name), "not_a_number", f"{name} is for numbers; this is of type {kind}.")
    if spec.get("max_length") is not None and kind not in _TEXTS:
        yield Issue(at(path, "max_length"), "not_text", f"max_length is for text; this is of type {kind}.")
    if kind == "enum" and not spec.get("enum"):
        yield Issue(at(path, "enum"), "missing_parameter", "'enum' is missing. List the choices.")
    if spec.get("enum") and kind in ("boolean", "date"):
        yield Issue(at(path, "enum"), "no_choices", f"There is nothing to choose from for type {kind}.")
    if any(holds_template(one) for one in (*spec.values(), *(spec.get("enum") or ()))):
        return
    if _is_empty_range(spec):
        yield Issue(at(path, "max"), "out_of_range", "max is less than min, so that no number fits.")
        return
    field = _field(spec)
    for place, choice in enumerate(field.enum):
        if not isinstance(choice, str | int | float) or isinstance(choice, bool):
            yield Issue(at(at(path, "enum"), place), "wrong_type", "A choice is text or a number.")
    if field.default is not None:
        yield from field.check(field.default, at(path, "default"), resolved=True)


def _is_empty_range(spec: Mapping[str, Any]) -> bool:
    least, most = spec.get("min"), spec.get("max")
    return least is not None and most is not None and least > most


def _doubled(form: Sequence[Mapping[str, Any]], path: str) -> Iterator[Issue]:
    names = [spec["name"] for spec in form]
    for place, name in enumerate(names):
        if name in names[:place]:
            text = f"There are two fields {show(name)}; give each its own name."
            yield Issue(at(at(path, place), "name"), "duplicate", text)


def fields_of(form: Any, decision: Decision) -> tuple[Field, ...]:
    """The inputs that this decision asks for. What is faulty was refused by `form_faults`."""
    wanted = (decision, "both")
    specs = form if isinstance(form, list) else []
    return tuple(_field(spec) for spec in specs if spec.get("on", "approve") in wanted)


def _field(spec: Mapping[str, Any]) -> Field:
    kind, widget = _TYPES[spec.get("type") or "string"]
    return Field(
        spec["name"],
        kind,
        str(spec.get("description") or ""),
        label=str(spec.get("label") or ""),
        required=spec.get("required") is True,
        default=spec.get("default"),
        enum=tuple(spec.get("enum") or ()),
        minimum=spec.get("min"),
        maximum=spec.get("max"),
        max_length=spec.get("max_length") or (LONGEST_TEXT if kind == "string" else None),
        widget=widget,
        templated=False,
    )


def value_faults(fields: Sequence[Field], values: Mapping[str, Any], path: str) -> list[Issue]:
    """What is wrong with these values of a form, each in its place."""
    known = {field.name: field for field in fields}
    issues = [
        Issue(at(path, name), "unknown_field", _not_asked(name, list(known)))
        for name in values
        if name not in known
    ]
    given = {name: value for name, value in values.items() if name in known and value is not None}
    issues += ParameterSchema(tuple(fields)).check(given, path, resolved=True)
    return issues + [
        Issue(at(path, name), "missing_parameter", f"'{name}' must not be empty.")
        for name, value in given.items()
        if value == "" and known[name].required
    ]


def _not_asked(name: object, known: Sequence[str]) -> str:
    if not known:
        return f"This decision asks for nothing, so {show(name)} cannot be given."
    return _no_such(name, known, "This decision asks for no")


def filled_in(fields: Sequence[Field], values: Mapping[str, Any]) -> dict[str, Any]:
    """Every field by name, with its default where nothing was given, and null where there is none either."""
    given = {name: value for name, value in values.items() if value is not None}
    return {field.name: given.get(field.name, field.default) for field in fields}


# Facts that may be changed


def editable_faults(editable: Any, data: Any, path: str) -> list[Issue]:
    """What is wrong with the names of facts that may be changed."""
    if editable is None or isinstance(editable, bool) or holds_template(editable):
        return []
    if not isinstance(editable, list) or not all(isinstance(name, str) for name in editable):
        text = f"editable is true, or a list of names of data like [amount]; it is {show(editable)}."
        return [Issue(path, "wrong_type", text)]
    if holds_template(data) or any(holds_template(name) for name in editable):
        return []
    known = list(data) if isinstance(data, dict) else []
    return [
        Issue(at(path, place), "unknown_field", _no_fact(name, known))
        for place, name in enumerate(editable)
        if name not in known
    ]


def _no_fact(name: str, known: Sequence[str]) -> str:
    hint = nearest(name, known) if len(name) <= 100 else ""
    return f"data holds no {show(name)}, so it cannot be changed.{did_you_mean(hint)}"


def editable_names(content: Mapping[str, Any]) -> list[str]:
    """The facts of a request that may be changed, in the order in which they stand there."""
    data, editable = content.get("data"), content.get("editable")
    if not isinstance(data, dict) or not editable:
        return []
    return list(data) if editable is True else [name for name in data if name in editable]


def fact_field(name: str, value: Any) -> Field:
    """The input for a fact: what it holds stays of the type it has."""
    long = isinstance(value, str) and ("\n" in value or len(value) > 80)
    return Field(
        name,
        kind_of(value),
        label=name,
        required=value is not None,
        default=value,
        widget="textarea" if long else "",
        templated=False,
    )


def kind_of(value: Any) -> FieldType:
    match value:
        case bool():
            return "boolean"
        case int() | float():
            return "number"
        case str():
            return "string"
        case list():
            return "list"
        case dict():
            return "map"
    return "any"


def edit_faults(content: Mapping[str, Any], edits: Mapping[str, Any], path: str) -> list[Issue]:
    """What is wrong with these changes of facts, each in its place."""
    known, data = editable_names(content), content.get("data") or {}
    issues = [
        Issue(at(path, name), "not_editable", _not_editable(name, known))
        for name in edits
        if name not in known
    ]
    for name in edits:
        if name in known:
            issues += fact_field(name, data[name]).check(edits[name], at(path, name), resolved=True)
    return issues


def _not_editable(name: object, known: Sequence[str]) -> str:
    if not known:
        return f"Nothing that is decided on here may be changed, {show(name)} neither."
    return f"{show(name)} may not be changed; {', '.join(known)} may."
