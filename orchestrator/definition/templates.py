"""Values whose strings may hold `{{ expression }}`: found and compiled when a definition is saved, filled when it runs.

- A string that is nothing but one `{{ }}` becomes the expression's value, whatever its kind.
- In any other string each `{{ }}` becomes text: a string as it is, everything else as compact JSON, so null shows as
  `null` (an empty place would hide that something is not there) and true as `true`.
- What was put in is never read again, so no value can smuggle in an expression. For two literal braces write
  `{{ "{{" }}`. The keys of maps are not substituted.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from .expressions import (
    MAX_STRING_BYTES,
    Expression,
    ExpressionError,
    Reference,
    compile_expression,
)
from .expressions.compiler import Context
from .expressions.lexer import STRING_PATTERN
from .expressions.values import JSON
from .issues import ROOT, DefinitionError, Issue, at

MAX_SUBSTITUTIONS = 1_000
MAX_WEIGHT = 4 * 1024 * 1024  # bytes of a filled-in value: a hundred places may share one large output
MAX_DEPTH = 40  # a little more than a definition may have, so that depth is reported by the check made for it

_OPEN, _CLOSE = "{{", "}}"
# What lies between the braces that matter: strings may hold braces too.
_STEP = re.compile(rf"{STRING_PATTERN}|[{{}}'\"]|[^{{}}'\"]+")


class TemplateError(ExpressionError):
    """A template has no value in this context; `path` says which string, `position` where in it."""

    def __init__(self, path: str, cause: ExpressionError, offset: int) -> None:
        super().__init__(cause.message, cause.position + offset, cause.code)
        self.path = path

    def __str__(self) -> str:
        return super().__str__() if self.path == ROOT else f"{self.path}, {super().__str__()}"


@dataclass(frozen=True, slots=True)
class Substitution:
    """One `{{ }}`: the path of its string, and where in that string the expression starts."""

    path: str
    offset: int
    expression: Expression

    def value(self, context: Context) -> JSON:
        try:
            return self.expression.evaluate(context)
        except ExpressionError as error:
            raise TemplateError(self.path, error, self.offset) from error

    def text(self, context: Context) -> str:
        value = self.value(context)
        if isinstance(value, str):
            return value
        if is_heavier_than(value, MAX_STRING_BYTES):
            raise _too_long(self.path)
        try:
            return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
        except (TypeError, ValueError, RecursionError):
            # Only data that was never stored as JSON can hold what JSON does not.
            error = ExpressionError("the value cannot be written as JSON", 0, "type")
            raise TemplateError(self.path, error, self.offset) from None


@dataclass(frozen=True, slots=True)
class _Text:
    """A string with substitutions among literal text."""

    path: str
    parts: tuple[str | Substitution, ...]

    def render(self, context: Context) -> str:
        rendered: list[str] = []
        size = 0
        for part in self.parts:
            text = part if isinstance(part, str) else part.text(context)
            rendered.append(text)
            # Checked as it grows: a thousand large outputs must not be put together first.
            size += len(text.encode("utf-8", "surrogatepass"))
            if size > MAX_STRING_BYTES:
                raise _too_long(self.path)
        return "".join(rendered)


@dataclass(frozen=True)
class Template:
    """A JSON value with its substitutions compiled. Made by `compile_template`."""

    path: str
    _root: object
    substitutions: tuple[Substitution, ...]

    @cached_property
    def references(self) -> frozenset[Reference]:
        """What all its expressions name; the positions count from the start of each string."""
        return frozenset(reference for _, reference in self.located_references)

    @cached_property
    def located_references(self) -> tuple[tuple[str, Reference], ...]:
        """The references with the path of the string each stands in."""
        return tuple(
            (one.path, reference.moved(one.offset))
            for one in self.substitutions
            for reference in sorted(one.expression.references, key=lambda reference: reference.position)
        )

    @property
    def static(self) -> bool:
        """Whether it has the same value in every context."""
        return not self.references

    @property
    def secret_names(self) -> frozenset[str]:
        """The names used as `secrets.name`."""
        return frozenset(one.path[0] for one in self.references if one.root == "secrets" and one.path)

    def resolve(self, context: Context) -> JSON:
        """The value with everything filled in. Raises TemplateError where that is impossible.

        Whole values may share lists and maps with the context, so neither may be changed afterwards.
        """
        value = _resolved(self._root, context)
        if is_heavier_than(value, MAX_WEIGHT):
            error = ExpressionError(f"the value would be larger than {MAX_WEIGHT // 1024**2} MiB", 0, "limit")
            raise TemplateError(self.path, error, 0)
        return value


def compile_template(value: JSON, path: str = ROOT) -> Template:
    """Raises DefinitionError with every fault, each located below `path`."""
    compiler = _Compiler()
    root = compiler.compiled(value, path, 0)
    if compiler.issues:
        raise DefinitionError(compiler.issues)
    return Template(path, root, tuple(compiler.substitutions))


def places(text: str) -> Iterator[tuple[int, int]]:
    """Where each `{{ }}` starts and ends; nothing can be told of what follows one that is not closed."""
    end = 0
    while (start := text.find(_OPEN, end)) >= 0:
        try:
            end = _end_of(text, start + len(_OPEN))
        except ExpressionError:
            return
        if not end:
            return
        yield start, end


def is_heavier_than(value: JSON, limit: int) -> bool:
    """Whether a value is certainly longer than so many bytes when written as compact JSON; short of exact, never over.

    Stops as soon as that is known, so a value that names one large list a hundred times costs little to refuse.
    """
    weight = 0
    waiting = [value]
    while waiting and weight <= limit:
        one = waiting.pop()
        weight += len(one) if isinstance(one, str | list | dict) else 1
        if isinstance(one, list) and weight <= limit:
            waiting += one
        elif isinstance(one, dict) and weight <= limit:
            waiting += one.values()
            weight += sum(len(key) for key in one if isinstance(key, str))
    return weight > limit


def _too_long(path: str) -> TemplateError:
    error = ExpressionError(f"the text would be longer than {MAX_STRING_BYTES} bytes", 0, "limit")
    return TemplateError(path, error, 0)


def _resolved(node: object, context: Context) -> JSON:
    match node:
        case Substitution():
            return node.value(context)
        case _Text():
            return node.render(context)
        case dict():
            return {key: _resolved(value, context) for key, value in node.items()}
        case list():
            return [_resolved(value, context) for value in node]
    return node


class _Compiler:
    def __init__(self) -> None:
        self.issues: list[Issue] = []
        self.substitutions: list[Substitution] = []
        self._count = 0

    def compiled(self, value: JSON, path: str, depth: int) -> object:
        if depth > MAX_DEPTH:
            self.issues.append(Issue(path, "too_deep", f"Nested more than {MAX_DEPTH} levels deep."))
            return None
        match value:
            case str() if _OPEN in value:
                return self._string(value, path)
            case dict():
                return {key: self.compiled(one, at(path, key), depth + 1) for key, one in value.items()}
            case list():
                return [self.compiled(one, at(path, index), depth + 1) for index, one in enumerate(value)]
        return value

    def _string(self, text: str, path: str) -> object:
        parts: list[str | Substitution] = []
        end = 0
        for start, stop in self._places(text, path):
            if start > end:
                parts.append(text[end:start])
            parts.extend(self._substitution(text, path, start, stop))
            end = stop
        if end < len(text):
            parts.append(text[end:])
        match parts:
            case [Substitution() as whole]:
                return whole
        return _Text(path, tuple(parts))

    def _places(self, text: str, path: str) -> Iterator[tuple[int, int]]:
        """Where each `{{ }}` starts and ends. Nothing can be told of what follows one that is not closed."""
        end = 0
        while (start := text.find(_OPEN, end)) >= 0 and self._may_have_another(path):
            try:
                end = _end_of(text, start + len(_OPEN))
            except ExpressionError as error:
                self.issues.append(error.as_issue(path))
                return
            if not end:
                message = f"The {_OPEN} at column {start + 1} is never closed with {_CLOSE}."
                hint = '{{ "{{" }} gives two literal braces'
                self.issues.append(Issue(path, "unclosed_template", message, hint=hint))
                return
            yield start, end

    def _may_have_another(self, path: str) -> bool:
        self._count += 1
        if self._count == MAX_SUBSTITUTIONS + 1:
            message = f"There are more than {MAX_SUBSTITUTIONS} substitutions in one value."
            self.issues.append(Issue(path, "too_many_substitutions", message))
        return self._count <= MAX_SUBSTITUTIONS

    def _substitution(self, text: str, path: str, start: int, stop: int) -> Iterator[Substitution]:
        offset = start + len(_OPEN)
        try:
            expression = compile_expression(text[offset : stop - len(_CLOSE)])
        except ExpressionError as error:
            self.issues.append(error.moved(offset).as_issue(path))
            return
        found = Substitution(path, offset, expression)
        self.substitutions.append(found)
        yield found


def _end_of(text: str, start: int) -> int:
    """Where the `{{ }}` whose inside begins at `start` ends: after the first `}}` outside strings and maps, or 0."""
    depth = 0
    for match in _STEP.finditer(text, start):
        step = match[0]
        if step in ("'", '"'):
            # Going on would look for the end of the string once more at every quote: quadratic.
            raise ExpressionError("the string is not closed", match.start())
        if step == "{":
            depth += 1
        elif step == "}" and depth:
            depth -= 1
        elif step == "}" and text.startswith(_CLOSE, match.start()):
            return match.start() + len(_CLOSE)
    return 0
