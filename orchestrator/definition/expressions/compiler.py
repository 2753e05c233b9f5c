"""A syntax tree to nested closures: what can be decided before the context is known is decided once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from ..issues import show
from . import nodes
from .errors import ExpressionError
from .functions import FUNCTIONS
from .nodes import Node
from .values import ARITHMETIC, COMPARISONS, JSON, boolean, contains, kind_of, negate, same, shown

Context = Mapping[str, Any]
Run = Callable[[Context], JSON]

LONGEST_KEY_SHOWN = 64
_UNNAMED: Final = "this value"


def compiled(node: Node) -> Run:
    return _COMPILERS[type(node)](node)


def _literal(node: nodes.Literal) -> Run:
    value = node.value
    return lambda _: value


def _list(node: nodes.ListOf) -> Run:
    items = [compiled(item) for item in node.items]
    return lambda context: [item(context) for item in items]


def _map(node: nodes.MapOf) -> Run:
    for key, _ in node.entries:
        if isinstance(key, nodes.Literal) and not isinstance(key.value, str):
            raise ExpressionError("the keys of a map are strings", key.position, "type")
    entries = [(compiled(key), compiled(value), key.position) for key, value in node.entries]

    def build(context: Context) -> JSON:
        built: dict[str, JSON] = {}
        for key_of, value_of, position in entries:
            key = key_of(context)
            if not isinstance(key, str):
                raise ExpressionError(f"the keys of a map are strings, not {shown(key)}", position, "type")
            if key in built:
                raise ExpressionError(f"the key {show(key)} is there twice", position, "type")
            built[key] = value_of(context)
        return built

    return build


# Paths --------------------------------------------------------------------------------------------------


def _path(node: nodes.Name | nodes.Member) -> Run:
    steps: list[nodes.Member] = []
    base: Node = node
    while isinstance(base, nodes.Member):
        steps.append(base)
        base = base.of
    steps.reverse()
    if isinstance(base, nodes.Name):
        return _rooted(base, steps)
    start, text = compiled(base), _UNNAMED
    return lambda context: _walked(start(context), text, steps)


def _rooted(root: nodes.Name, steps: list[nodes.Member]) -> Run:
    name, keys = root.name, [step.key for step in steps]

    def slow(context: Context) -> JSON:
        if name not in context:
            raise ExpressionError(f"{name} is not available here", root.position, "missing")
        return _walked(context[name], name, steps)

    def walk(context: Context) -> JSON:
        # The common case takes no care; whatever is not plain is walked again by the one that explains.
        try:
            value = context[name]
            for key in keys:
                if type(value) is not dict:
                    return slow(context)
                value = value[key]
        except KeyError:
            return slow(context)
        return value

    return walk


def _walked(value: JSON, text: str, steps: list[nodes.Member]) -> JSON:
    for step in steps:
        value = _item(value, step.key, text, step.position)
        text = _longer(text, step.key)
    return value


def _described(node: Node) -> str:
    match node:
        case nodes.Name(name=name):
            return name
        case nodes.Member(of=of, key=key):
            return _longer(_described(of), key)
    return _UNNAMED


def _longer(text: str, key: str | int) -> str:
    plain = isinstance(key, str) and len(key) <= LONGEST_KEY_SHOWN and key.isidentifier()
    return f"{text}.{key}" if plain else f"{text}[{show(key)}]"


def _item(value: JSON, key: JSON, text: str, position: int) -> JSON:
    """One step into a map or a list; `text` is how the message names `value`."""
    if isinstance(value, dict) and isinstance(key, str):
        if key in value:
            return value[key]
        raise ExpressionError(
            f"{_longer(text, key)} is not there", position, "missing", wrong=key, names=value
        )
    if isinstance(value, list) and kind_of(key) == "integer":
        if 0 <= key < len(value):
            return value[key]
        raise ExpressionError(
            f"{text} has {len(value)} items, so there is no item {show(key)}", position, "missing"
        )
    wanted = f"field {show(key)}" if isinstance(key, str) else f"item {show(key)}"
    raise ExpressionError(f"{text} is {shown(value)}, so it has no {wanted}", position, "type")


def _index(node: nodes.Index) -> Run:
    of, key, position = compiled(node.of), compiled(node.key), node.position
    text = _described(node.of)

    def index(context: Context) -> JSON:
        found = key(context)
        if not isinstance(found, str) and kind_of(found) != "integer":
            raise ExpressionError(f"an index is a string or an integer, not {shown(found)}", position, "type")
        return _item(of(context), found, text, position)

    return index


def _has(node: nodes.Has) -> Run:
    """As in CEL only the last name may be missing: a typing error further up must not pass for an answer."""
    parent, key, position = compiled(node.member.of), node.member.key, node.member.position

    def has(context: Context) -> bool:
        value = parent(context)
        if not isinstance(value, dict):
            raise ExpressionError(f"has() looks into a map, not into {shown(value)}", position, "type")
        return key in value

    return has


# Operators ----------------------------------------------------------------------------------------------


def _unary(node: nodes.Unary) -> Run:
    operand, position = compiled(node.operand), node.position
    if node.operator == "!":
        return lambda context: not boolean(operand(context), position)
    return lambda context: negate(operand(context), position)


def _binary(node: nodes.Binary) -> Run:
    left, right, position = compiled(node.left), compiled(node.right), node.position
    match node.operator:
        case "==":
            return lambda context: same(left(context), right(context), position)
        case "!=":
            return lambda context: not same(left(context), right(context), position)
        case "in":
            return _membership(left, node, right)
    compare = COMPARISONS[node.operator]
    return lambda context: compare(left(context), right(context), position)


def _membership(left: Run, node: nodes.Binary, right: Run) -> Run:
    position = node.position
    constant = _constant_list(node.right)
    if constant is not None:
        return lambda context: contains(left(context), constant, position)
    return lambda context: contains(left(context), right(context), position)


def _constant_list(node: Node) -> list[JSON] | None:
    """The value of a list of literals. Only for operators that let nobody keep the list, which is then shared."""
    if not isinstance(node, nodes.ListOf):
        return None
    values = [item.value for item in node.items if isinstance(item, nodes.Literal)]
    return values if len(values) == len(node.items) else None


def _arithmetic(node: nodes.Arithmetic) -> Run:
    first = compiled(node.first)
    rest = [(ARITHMETIC[sign], compiled(operand), position) for sign, operand, position in node.rest]

    def calculate(context: Context) -> JSON:
        value = first(context)
        for operation, operand, position in rest:
            value = operation(value, operand(context), position)
        return value

    return calculate


def _logic(node: nodes.Logic) -> Run:
    """As in CEL the operands commute: one that decides does so even if another has no value."""
    operands = [(compiled(operand), operand.position) for operand in node.operands]
    deciding = node.operator == "||"

    def decide(context: Context) -> bool:
        failure: ExpressionError | None = None
        for operand, position in operands:
            try:
                if boolean(operand(context), position) is deciding:
                    return deciding
            except ExpressionError as error:
                failure = failure or error
        if failure is not None:
            raise failure
        return not deciding

    return decide


def _choice(node: nodes.Choice) -> Run:
    condition, then, otherwise = compiled(node.condition), compiled(node.then), compiled(node.otherwise)
    position = node.position
    return lambda context: then(context) if boolean(condition(context), position) else otherwise(context)


def _call(node: nodes.Call) -> Run:
    run, position = FUNCTIONS[node.function].run, node.position
    arguments = [compiled(argument) for argument in node.arguments]
    if len(arguments) == 1:
        only = arguments[0]
        return lambda context: run(only(context), position)
    return lambda context: run(*[argument(context) for argument in arguments], position)


_COMPILERS: Final[dict[type, Callable[[Any], Run]]] = {
    nodes.Literal: _literal,
    nodes.Name: _path,
    nodes.Member: _path,
    nodes.Index: _index,
    nodes.ListOf: _list,
    nodes.MapOf: _map,
    nodes.Unary: _unary,
    nodes.Binary: _binary,
    nodes.Arithmetic: _arithmetic,
    nodes.Logic: _logic,
    nodes.Choice: _choice,
    nodes.Has: _has,
    nodes.Call: _call,
}
