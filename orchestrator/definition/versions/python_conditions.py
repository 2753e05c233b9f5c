"""Rewrites the small Python expressions of older definitions to the expression language.

The source is parsed with `ast` and its tree is rewritten node by node; nothing is ever evaluated. What is known to mean
the same is translated (`any` and `all` over literal lists are unrolled, truthiness is spelt out), everything else is
refused with its column. Not here: finding the conditions in a definition, and declaring the parameters they name.
"""

from __future__ import annotations

import ast
import math
import re
import warnings
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from ..expressions import ExpressionError, compile_expression
from ..expressions.limits import MAX_INTEGER, MAX_SOURCE
from ..issues import show
from ..names import did_you_mean, nearest
from . import terms
from .python_calls import FUNCTIONS, METHODS
from .terms import NULL, Level, Term

MAX_NESTING = 80  # levels of the Python tree, in which every dot is one
MAX_STEPS = 2_000  # nodes visited: loops unrolled inside loops multiply

STATUSES: Final = frozenset(
    {"pending", "ready", "running", "waiting", "completed", "failed", "skipped", "cancelled"}
)
_WORKFLOW_FIELDS: Final = ("id", "name", "version", "description", "metadata")
_TASK_FIELDS: Final = {
    "result": "output", "output": "output", "status": "status", "error": "error", "attempts": "attempts",
}  # fmt: skip
_COMPARISONS: Final[dict[type[ast.cmpop], str]] = {
    ast.Eq: "==", ast.NotEq: "!=", ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">=", ast.Is: "==", ast.IsNot: "!=",
}  # fmt: skip
_ARITHMETIC: Final[dict[type[ast.operator], tuple[str, Level]]] = {
    ast.Add: ("+", Level.SUM), ast.Sub: ("-", Level.SUM), ast.Mult: ("*", Level.PRODUCT),
}  # fmt: skip
_LOOP: Final = "a loop other than over a literal list in any(), all(), sum() or len()"
_CONSTRUCTS: Final[dict[type[ast.expr], str]] = {
    ast.Lambda: "a lambda", ast.JoinedStr: "an f-string", ast.NamedExpr: "an assignment",
    ast.ListComp: _LOOP, ast.GeneratorExp: _LOOP, ast.SetComp: _LOOP, ast.DictComp: _LOOP,
}  # fmt: skip
_PLACEHOLDER: Final = re.compile(r"\{\{\s*(?:params\.)?([A-Za-z_][A-Za-z0-9_]*)\s*\}\}")
_JSON_CONSTANTS: Final = {"true": terms.TRUE, "false": terms.FALSE, "null": NULL}


class Untranslatable(Exception):  # noqa: N818 (it is the condition that is at fault)
    """The condition uses what the expression language cannot say. `position` is the 0-based offset in the source."""

    def __init__(self, message: str, position: int) -> None:
        super().__init__(message)
        self.message = message
        self.position = position

    def __str__(self) -> str:
        return f"at column {self.position + 1}: {self.message}"


@dataclass(frozen=True, slots=True)
class Translation:
    """The expression, and in sentences what was lost on the way to it."""

    source: str
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Task:
    """A whole task as a value: it may be asked for its fields, or whether it is there."""

    key: str
    is_known: bool


@dataclass(frozen=True, slots=True)
class Workflow:
    """The name `workflow`."""


@dataclass(frozen=True, slots=True)
class Tasks:
    """The map `workflow.tasks`."""


Value = Term | Task | Workflow | Tasks


def rewrite(source: str, known_tasks: Collection[str] | None = None) -> str:
    """The expression that means what the Python condition meant. Raises Untranslatable."""
    return translate(source, known_tasks).source


def translate(source: str, known_tasks: Collection[str] | None = None) -> Translation:
    """As `rewrite`, with warnings. Without `known_tasks` every task the condition names is taken to be there."""
    translator = Translator(source, known_tasks)
    result = translator.truth(translator.tree()).text
    try:
        compile_expression(result)
    except ExpressionError as error:
        raise Untranslatable(f"its translation is not accepted: {error.message}", 0) from error
    return Translation(result, tuple(dict.fromkeys(translator.warnings)))


class Translator:
    def __init__(self, source: str, known_tasks: Collection[str] | None) -> None:
        self.warnings: list[str] = []
        self._known_tasks = known_tasks
        self._source = source
        # Python sees one kind of line end; spaces before an expression, and on a line after it, are an error to it.
        self._text = source.replace("\r\n", " \n").replace("\r", "\n").strip(" \t\n")
        self._variables: dict[str, Value] = {}
        self._depth = 0
        self._steps = 0

    def tree(self) -> ast.expr:
        if len(self._source) > MAX_SOURCE:
            raise Untranslatable(f"the condition is longer than {MAX_SOURCE} characters", MAX_SOURCE)
        try:
            with warnings.catch_warnings():
                # A doubtful escape in somebody's old condition is not worth a line in the server's log.
                warnings.simplefilter("ignore")
                return ast.parse(self._text, mode="eval").body
        except SyntaxError as error:
            # Where the text ends too early Python gives 0 for the column.
            end = len(self._source.rstrip())
            position = (
                end if error.offset == 0 else self._position(error.lineno or 1, (error.offset or 1) - 1)
            )
            raise Untranslatable(f"this is not a Python expression ({error.msg})", position) from None
        except (ValueError, RecursionError, MemoryError):
            raise Untranslatable("this is not a Python expression that can be read", 0) from None

    # Places -------------------------------------------------------------------------------------------

    def refused(self, node: ast.expr | ast.keyword, message: str) -> Untranslatable:
        """Of `a.b.c` the place is that of `c`: what stands before it has been understood."""
        if isinstance(node, ast.Attribute) and node.end_lineno and node.end_col_offset:
            column = self._characters(node.end_lineno, node.end_col_offset) - len(node.attr)
            return Untranslatable(message, self._position(node.end_lineno, column))
        return Untranslatable(
            message, self._position(node.lineno, self._characters(node.lineno, node.col_offset))
        )

    def _characters(self, line: int, column: int) -> int:
        """Columns of `ast` count bytes of UTF-8."""
        return len(self._text.split("\n")[line - 1].encode()[:column].decode(errors="ignore"))

    def _position(self, line: int, column: int) -> int:
        skipped = len(self._source) - len(self._source.lstrip(" \t\r\n"))
        before = sum(len(one) + 1 for one in self._text.split("\n")[: line - 1])
        return max(0, min(skipped + before + column, len(self._source)))

    # Walking ------------------------------------------------------------------------------------------

    def visit(self, node: ast.expr) -> Value:
        visitor = _VISITORS.get(type(node))
        if visitor is None:
            raise self.refused(node, f"{_CONSTRUCTS.get(type(node), 'this')} cannot be translated")
        return self._step(visitor, node)

    def _step(self, visitor: Callable[[Translator, ast.expr], Value], node: ast.expr) -> Value:
        self._steps += 1
        self._depth += 1
        if self._depth > MAX_NESTING or self._steps > MAX_STEPS:
            raise self.refused(node, "the condition is too large to be translated")
        value = visitor(self, node)
        if isinstance(value, Term) and len(value.text) > MAX_SOURCE:
            raise self.refused(node, f"the translation is longer than {MAX_SOURCE} characters")
        self._depth -= 1
        return value

    def term(self, node: ast.expr) -> Term:
        """A value that can stand in an expression, which whole tasks and the workflow cannot."""
        return self.as_term(self.visit(node), node)

    def as_term(self, value: Value, node: ast.expr) -> Term:
        if isinstance(value, Term):
            return value
        raise self.refused(node, "a whole workflow or task is not a value here; name one of its fields")

    def truth(self, node: ast.expr) -> Term:
        value = self._step(_VISITORS_FOR_TRUTH.get(type(node), Translator.visit), node)
        return self._truth_of(value, node)

    def all_of(self, nodes: Iterable[ast.expr], *, deciding: bool = False) -> Term:
        """`and` of the nodes' truth, or `or` where true decides."""
        found: list[Term] = []
        for node in nodes:
            found.append(self.truth(node))
            # What Python would not go on to evaluate may well name a task that is not there.
            if found[-1].constant is deciding:
                break
        return terms.logic(found, deciding=deciding)

    def _truth_of(self, value: Value, node: ast.expr) -> Term:
        if isinstance(value, Task):
            return self._presence(value)
        return terms.truth(self.as_term(value, node))

    def _presence(self, task: Task) -> Term:
        if not task.is_known:
            self.warnings.append(f"There is no task {show(task.key)}: what was asked of it was left out.")
        return terms.truth_value(task.is_known)

    def rounds(self, loop: ast.GeneratorExp | ast.ListComp) -> Iterator[Term]:
        """Goes through a loop over a literal list, yielding each round's filter while its variable is set.

        Rounds that the filter rules out for certain are left out.
        """
        name, items = self._literal_loop(loop)
        outside = self._variables
        for item in items:
            self._variables = outside
            self._variables = {**outside, name: self.visit(item)}
            chosen = self.all_of(loop.generators[0].ifs)
            if chosen.constant is not False:
                yield chosen
        self._variables = outside

    def _literal_loop(self, loop: ast.GeneratorExp | ast.ListComp) -> tuple[str, list[ast.expr]]:
        match loop.generators:
            case [
                ast.comprehension(
                    target=ast.Name(id=name), iter=ast.List() | ast.Tuple() as items, is_async=0
                )
            ]:
                return name, items.elts
        raise self.refused(
            loop.generators[0].iter, "only one loop, with one variable, over a literal list can be unrolled"
        )

    # Names and fields ---------------------------------------------------------------------------------

    def _constant(self, node: ast.Constant) -> Term:
        match node.value:
            case None:
                return NULL
            case bool():
                return terms.truth_value(node.value)
            case str():
                return self._string(node.value)
            case int() if node.value <= MAX_INTEGER:
                return Term(str(node.value))
            case float() if math.isfinite(node.value):
                return Term(repr(node.value))
        raise self.refused(node, "this value cannot be written in an expression")

    def _string(self, text: str) -> Term:
        """A string; the placeholders in it become what they stand for."""
        pieces = _PLACEHOLDER.split(text)
        if len(pieces) == 1:
            return terms.string(text)
        parts = [
            terms.call("string", terms.member(Term("params"), piece)) if place % 2 else terms.string(piece)
            for place, piece in enumerate(pieces)
            if piece
        ]
        return terms.total(iter(parts))

    def _name(self, node: ast.Name) -> Value:
        if node.id in self._variables:
            return self._variables[node.id]
        match node.id:
            case "workflow":
                return Workflow()
            case "tasks":
                return Tasks()
            case "params" | "parameters":
                return Term("params")
        if node.id in _JSON_CONSTANTS:
            return _JSON_CONSTANTS[node.id]
        advice = did_you_mean(nearest(node.id, (*self._variables, "workflow", "params")))
        raise self.refused(node, f"{show(node.id)} is not known here.{advice}")

    def _placeholder(self, node: ast.Set) -> Term:
        """`{{name}}` reads as a set of a set, which has no other meaning: sets cannot hold sets."""
        match node.elts:
            case [ast.Set(elts=[ast.Name(id=name)])] if name not in ("params", "workflow"):
                return terms.member(Term("params"), name)
            case [ast.Set(elts=[inner])]:
                return self.term(inner)
        return self._sequence(node)

    def _attribute(self, node: ast.Attribute) -> Value:
        match node.value:
            case ast.Name(id="TaskStatus" | "WorkflowStatus") if node.attr.lower() in STATUSES:
                return terms.string(node.attr.lower())
        of = self.visit(node.value)
        if isinstance(of, Term) and of.status and node.attr == "value":
            return of
        if node.attr.startswith("_"):
            raise self.refused(node, f"{show(node.attr)} is not a field of the data")
        return self.field(of, node.attr, node)

    def _subscript(self, node: ast.Subscript) -> Value:
        of = self.visit(node.value)
        match node.slice:
            case ast.Constant(value=str() as key):
                return self.field(of, key, node.slice)
            case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() as back)) if isinstance(
                of, Term
            ):
                return terms.index(of, Term(f"size({of.text}) - {back}", Level.SUM))
        if isinstance(of, Term):
            return terms.index(of, self.term(node.slice))
        raise self.refused(node.slice, "name a task or a field of it by a literal string")

    def field(self, of: Value, name: str, node: ast.expr) -> Value:
        """`of.name` or `of["name"]`: older definitions used both for objects and for maps."""
        match of:
            case Workflow():
                return self._workflow_field(name, node)
            case Tasks():
                return self._known(self.task(name), node)
            case Task():
                return self._task_field(of, name, node)
        return terms.member(of, name)

    def part(self, of: Workflow | Tasks | Task, name: str, node: ast.expr) -> Value:
        """`of.get("name")`, which gives nothing where there is no such task."""
        return self.task(name) if isinstance(of, Tasks) else self.field(of, name, node)

    def _workflow_field(self, name: str, node: ast.expr) -> Value:
        if name == "tasks":
            return Tasks()
        if name in ("parameters", "params"):
            return Term("params")
        if name in _WORKFLOW_FIELDS:
            return terms.member(Term("workflow"), name)
        advice = did_you_mean(nearest(name, (*_WORKFLOW_FIELDS, "tasks", "parameters")))
        raise self.refused(node, f"conditions cannot see {show(name)} of the workflow.{advice}")

    def task(self, key: str) -> Task:
        return Task(key, self._known_tasks is None or key in self._known_tasks)

    def _known(self, task: Task, node: ast.expr) -> Task:
        if task.is_known:
            return task
        advice = did_you_mean(nearest(task.key, self._known_tasks or ()))
        raise self.refused(node, f"there is no task {show(task.key)}.{advice}")

    def _task_field(self, task: Task, name: str, node: ast.expr) -> Term:
        self._known(task, node)
        if name not in _TASK_FIELDS:
            advice = did_you_mean(nearest(name, _TASK_FIELDS))
            raise self.refused(node, f"conditions cannot see {show(name)} of a task.{advice}")
        found = terms.member(terms.member(Term("tasks"), task.key), _TASK_FIELDS[name])
        return Term(found.text, status=name == "status")

    # Operators ----------------------------------------------------------------------------------------

    def _logic(self, node: ast.BoolOp) -> Term:
        """`and` and `or` where only the truth matters."""
        return self.all_of(node.values, deciding=isinstance(node.op, ast.Or))

    def _either(self, node: ast.BoolOp) -> Term:
        """`and` and `or` where one of the operands is the value, as in `x or "default"`."""
        found: list[Term] = []
        deciding = isinstance(node.op, ast.Or)
        for operand in node.values:
            value = self.visit(operand)
            found.append(self._presence(value) if isinstance(value, Task) else self.as_term(value, operand))
            if found[-1].constant is deciding:
                break
        if all(term.boolean for term in found):
            return terms.logic(found, deciding=deciding)
        result = found.pop()
        for term in reversed(found):
            then, otherwise = (term, result) if deciding else (result, term)
            result = terms.choice(terms.truth(term), then, otherwise)
        return result

    def _unary(self, node: ast.UnaryOp) -> Term:
        match node.op:
            case ast.Not():
                return terms.negation(self.truth(node.operand))
            case ast.USub():
                return Term(f"-{self.term(node.operand).at(Level.PRIMARY)}", Level.UNARY)
            case ast.UAdd():
                return self.term(node.operand)
        raise self.refused(node, "this operator cannot be translated")

    def _arithmetic(self, node: ast.BinOp) -> Term:
        left, right = self.term(node.left), self.term(node.right)
        if type(node.op) in _ARITHMETIC:
            sign, level = _ARITHMETIC[type(node.op)]
            return terms.binary(sign, left, right, level)
        match node.op, node.right:
            case ast.Div(), _:
                # Between integers the language cuts the quotient off, Python does not.
                left, right = terms.call("double", left), terms.call("double", right)
                return terms.binary("/", left, right, Level.PRODUCT)
            case ast.Mod(), ast.Constant(value=int() as divisor) if divisor > 0 and left.literal is None:
                # In Python the remainder has the sign of the divisor.
                shifted = terms.binary("+", terms.binary("%", left, right, Level.PRODUCT), right, Level.SUM)
                return terms.binary("%", shifted, right, Level.PRODUCT)
        raise self.refused(node, "this operation cannot be translated")

    def _choice(self, node: ast.IfExp) -> Value:
        condition = self.truth(node.test)
        if condition.constant is not None:
            return self.visit(node.body if condition.constant else node.orelse)
        return terms.choice(condition, self.term(node.body), self.term(node.orelse))

    def _choice_of_truths(self, node: ast.IfExp) -> Term:
        condition = self.truth(node.test)
        if condition.constant is not None:
            return self.truth(node.body if condition.constant else node.orelse)
        return terms.choice(condition, self.truth(node.body), self.truth(node.orelse))

    def _compare(self, node: ast.Compare) -> Term:
        operands = [node.left, *node.comparators]
        pairs = zip(node.ops, operands, node.comparators, strict=False)
        return terms.logic([self._comparison(*pair) for pair in pairs], deciding=False)

    def _comparison(self, operator: ast.cmpop, left: ast.expr, right: ast.expr) -> Term:
        if isinstance(operator, ast.In | ast.NotIn):
            found = self._membership(left, right)
            return found if isinstance(operator, ast.In) else terms.negation(found)
        first, second = self.visit(left), self.visit(right)
        sign = _COMPARISONS[type(operator)]
        if isinstance(first, Task) and second == NULL and sign in ("==", "!="):
            there = self._presence(first)
            return there if sign == "!=" else terms.negation(there)
        first, second = self.as_term(first, left), self.as_term(second, right)
        self._check_status(first, second)
        return terms.binary(sign, first, second, Level.RELATION)

    def _check_status(self, first: Term, second: Term) -> None:
        for status, other in ((first, second), (second, first)):
            if status.status and other.literal is not None and other.literal not in STATUSES:
                self.warnings.append(f"No task ever has the status {show(other.literal)}.")

    def _membership(self, left: ast.expr, right: ast.expr) -> Term:
        container = self.visit(right)
        if isinstance(container, Tasks):
            match left:
                case ast.Constant(value=str() as key):
                    return self._presence(self.task(key))
            raise self.refused(left, "name a task by a literal string")
        item, container = self.term(left), self.as_term(container, right)
        if container.literal is not None:
            return terms.method(container, "contains", item, boolean=True)
        return terms.binary("in", item, container, Level.RELATION)

    # Lists, maps and calls ----------------------------------------------------------------------------

    def _sequence(self, node: ast.List | ast.Tuple | ast.Set) -> Term:
        return terms.list_of([self.term(item) for item in node.elts])

    def _map(self, node: ast.Dict) -> Term:
        entries: list[str] = []
        for key, value in zip(node.keys, node.values, strict=True):
            if not isinstance(key, ast.Constant) or not isinstance(key.value, str):
                raise self.refused(key or value, "the keys of a map are literal strings")
            entries.append(f"{terms.string(key.value).text}: {self.term(value).text}")
        return Term("{" + ", ".join(entries) + "}")

    def _call(self, node: ast.Call) -> Value:
        if node.keywords:
            raise self.refused(node.keywords[0], "arguments with names cannot be translated")
        match node.func:
            case ast.Attribute(attr=name, value=of) if name in METHODS:
                return METHODS[name](self, node, self.visit(of))
            case ast.Attribute(attr=name):
                advice = did_you_mean(nearest(name, METHODS))
                raise self.refused(node.func, f"the method {show(name)} cannot be translated.{advice}")
            case ast.Name(id=name) if name in FUNCTIONS:
                return FUNCTIONS[name](self, node)
            case ast.Name(id=name):
                advice = did_you_mean(nearest(name, FUNCTIONS))
                raise self.refused(node, f"the function {show(name)} cannot be translated.{advice}")
        raise self.refused(node, "this call cannot be translated")


_VISITORS: Final[dict[type[ast.expr], Callable[[Translator, Any], Value]]] = {
    ast.Constant: Translator._constant,
    ast.Name: Translator._name,
    ast.Attribute: Translator._attribute,
    ast.Subscript: Translator._subscript,
    ast.Call: Translator._call,
    ast.BoolOp: Translator._either,
    ast.UnaryOp: Translator._unary,
    ast.BinOp: Translator._arithmetic,
    ast.IfExp: Translator._choice,
    ast.Compare: Translator._compare,
    ast.List: Translator._sequence,
    ast.Tuple: Translator._sequence,
    ast.Set: Translator._placeholder,
    ast.Dict: Translator._map,
}
_VISITORS_FOR_TRUTH: Final[dict[type[ast.expr], Callable[[Translator, Any], Value]]] = {
    ast.BoolOp: Translator._logic,
    ast.IfExp: Translator._choice_of_truths,
}
