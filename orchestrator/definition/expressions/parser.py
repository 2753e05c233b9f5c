"""Tokens to a syntax tree, by precedence climbing. Nesting is counted, so hostile input meets the cap, not the stack."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeVar

from . import nodes
from .errors import ExpressionError, brief
from .functions import FUNCTIONS, Function
from .lexer import Token, tokens_of
from .limits import MAX_DEPTH, MAX_INTEGER
from .nodes import Node

ROOTS: Final = ("params", "tasks", "run", "workflow", "item", "index", "now", "secrets")
"""The names an expression may begin with; the context need not hold all of them."""

_CONSTANTS: Final[dict[str, bool | None]] = {"true": True, "false": False, "null": None}
_KEYWORDS: Final = frozenset({*_CONSTANTS, "in"})
_OR, _AND, _RELATION, _SUM, _PRODUCT = range(1, 6)
_LEVELS: Final = {
    "||": _OR, "&&": _AND,
    "==": _RELATION, "!=": _RELATION, "<": _RELATION, "<=": _RELATION,
    ">": _RELATION, ">=": _RELATION, "in": _RELATION,
    "+": _SUM, "-": _SUM, "*": _PRODUCT, "/": _PRODUCT, "%": _PRODUCT,
}  # fmt: skip


_T = TypeVar("_T")


def parse(source: str) -> Node:
    return _Parser(tokens_of(source)).whole()


class _Parser:
    __slots__ = ("_at", "_depth", "_tokens", "token")

    def __init__(self, tokens: list[Token]) -> None:
        self._tokens = tokens
        self._at = 0
        self._depth = 0
        self.token = tokens[0]

    def whole(self) -> Node:
        if self._ended():
            raise ExpressionError("the expression is empty", self.token.position)
        node = self._expression()
        if not self._ended():
            raise self._unexpected("an operator or the end")
        return node

    # Moving along -----------------------------------------------------------------------------------

    def _ended(self) -> bool:
        return self.token.kind == "end"

    def _advance(self) -> Token:
        token = self.token
        self._at += 1
        self.token = self._tokens[self._at]
        return token

    def _takes(self, sign: str) -> bool:
        if self.token.text != sign:
            return False
        self._advance()
        return True

    def _expect(self, sign: str) -> Token:
        if self.token.text != sign:
            raise self._unexpected(sign)
        return self._advance()

    def _unexpected(self, wanted: str) -> ExpressionError:
        found = "the expression ends" if self._ended() else f"found {brief(self.token.text)}"
        return ExpressionError(f"expected {wanted}, but {found}", self.token.position)

    def _deeper(self) -> None:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise ExpressionError(
                f"the expression is nested more than {MAX_DEPTH} levels deep", self.token.position, "too_deep"
            )

    # Operators ----------------------------------------------------------------------------------------

    def _expression(self) -> Node:
        self._deeper()
        node = self._operation(_OR)
        if self.token.text == "?":
            node = self._choice(node)
        self._depth -= 1
        return node

    def _choice(self, condition: Node) -> Node:
        position = self._advance().position
        then = self._operation(_OR)
        if self.token.text == "?":
            raise ExpressionError("put parentheses around a choice inside a choice", self.token.position)
        self._expect(":")
        return nodes.Choice(condition, then, self._expression(), position)

    def _operation(self, lowest: int) -> Node:
        left = self._unary()
        while (level := _LEVELS.get(self.token.text, 0)) >= lowest:
            left = self._joined(left, level)
        return left

    def _joined(self, left: Node, level: int) -> Node:
        """`left` and what follows it at one level of precedence."""
        if level == _RELATION:
            return self._relation(left)
        if level in (_SUM, _PRODUCT):
            return self._arithmetic(left, level)
        operator = self.token
        operands = [left]
        while self._takes(operator.text):
            operands.append(self._operation(level + 1))
        return nodes.Logic(operator.text, tuple(operands), operator.position)

    def _relation(self, left: Node) -> Node:
        operator = self._advance()
        right = self._operation(_RELATION + 1)
        # CEL would compare the truth of the first with the third, which nobody means.
        if _LEVELS.get(self.token.text) == _RELATION:
            raise ExpressionError("comparisons do not chain; join two of them with &&", self.token.position)
        return nodes.Binary(operator.text, left, right, operator.position)

    def _arithmetic(self, first: Node, level: int) -> Node:
        position = self.token.position
        rest: list[tuple[str, Node, int]] = []
        while _LEVELS.get(self.token.text) == level:
            operator = self._advance()
            rest.append((operator.text, self._operation(level + 1), operator.position))
        return nodes.Arithmetic(first, tuple(rest), position)

    def _unary(self) -> Node:
        if self.token.text not in ("!", "-"):
            return self._postfix(self._primary())
        operator = self._advance()
        if operator.text == "-" and self.token.kind in ("integer", "double"):
            return self._postfix(self._number(operator.position, negative=True))
        self._deeper()
        operand = self._unary()
        self._depth -= 1
        return nodes.Unary(operator.text, operand, operator.position)

    # Operands -----------------------------------------------------------------------------------------

    def _postfix(self, node: Node) -> Node:
        depth = self._depth
        while self.token.text in (".", "["):
            node = self._dotted(node) if self._takes(".") else self._indexed(node)
            if not isinstance(node, nodes.Member):
                self._deeper()
        self._depth = depth
        return node

    def _dotted(self, of: Node) -> Node:
        if self.token.kind != "name":
            raise self._unexpected("a name")
        name = self._advance()
        if self.token.text == "(":
            return self._call(name, of)
        if name.text in _KEYWORDS:
            raise ExpressionError(
                f'{name.text} is a word of the language; write ["{name.text}"]', name.position
            )
        return nodes.Member(of, name.text, name.position)

    def _indexed(self, of: Node) -> Node:
        position = self._advance().position
        key = self._expression()
        self._expect("]")
        if isinstance(key, nodes.Literal) and type(key.value) in (str, int):
            return nodes.Member(of, key.value, key.position)  # type: ignore[arg-type]
        return nodes.Index(of, key, position)

    def _primary(self) -> Node:
        token = self.token
        match token.kind:
            case "name":
                return self._name()
            case "string":
                self._advance()
                return nodes.Literal(token.value, token.position)
            case "integer" | "double":
                return self._number(token.position)
        match token.text:
            case "(":
                self._advance()
                node = self._expression()
                self._expect(")")
                return node
            case "[":
                self._advance()
                return nodes.ListOf(self._several("]", self._expression), token.position)
            case "{":
                self._advance()
                return nodes.MapOf(self._several("}", self._entry), token.position)
        raise self._unexpected("a value")

    def _number(self, position: int, *, negative: bool = False) -> Node:
        value = self._advance().value
        if isinstance(value, int) and value > MAX_INTEGER + negative:
            raise ExpressionError("the integer does not fit in 64 bits", position, "overflow")
        return nodes.Literal(-value if negative else value, position)

    def _name(self) -> Node:
        token = self._advance()
        if self.token.text == "(":
            return self._call(token, None)
        if token.text in _CONSTANTS:
            return nodes.Literal(_CONSTANTS[token.text], token.position)
        if token.text not in ROOTS:
            raise ExpressionError(
                f"{brief(token.text)} is not a known name",
                token.position,
                "unknown_name",
                wrong=token.text,
                names=ROOTS,
            )
        return nodes.Name(token.text, token.position)

    def _several(self, closing: str, one: Callable[[], _T]) -> tuple[_T, ...]:
        found: list[_T] = []
        while self.token.text != closing:
            found.append(one())
            if not self._takes(","):
                break
            # As in CEL a list and a map may end with a comma, but a call may not.
            if closing == ")" and self.token.text == closing:
                raise self._unexpected("a value")
        self._expect(closing)
        return tuple(found)

    def _entry(self) -> tuple[Node, Node]:
        key = self._expression()
        self._expect(":")
        return key, self._expression()

    # Calls --------------------------------------------------------------------------------------------

    def _call(self, name: Token, receiver: Node | None) -> Node:
        function = FUNCTIONS.get(name.text)
        if function is None and name.text != "has":
            raise ExpressionError(
                f"{brief(name.text)}() is not a function", name.position, "unknown_function",
                wrong=name.text, names=(*FUNCTIONS, "has"),
            )  # fmt: skip
        self._advance()
        arguments = self._several(")", self._expression)
        if function is None:
            return _has(arguments, receiver, name.position)
        return _checked_call(function, arguments, receiver, name.position)


def _has(arguments: tuple[Node, ...], receiver: Node | None, position: int) -> Node:
    match arguments:
        case (nodes.Member(key=str()) as member,) if receiver is None:
            return nodes.Has(member, position)
    raise ExpressionError("has() takes one field, as in has(params.region)", position)


def _checked_call(
    function: Function, arguments: tuple[Node, ...], receiver: Node | None, position: int
) -> Node:
    allowed = function.as_function if receiver is None else function.as_method
    given = arguments if receiver is None else (receiver, *arguments)
    if not allowed or len(given) != function.arity:
        raise ExpressionError(f"{function.name}() is used as {function.usage}", position)
    return nodes.Call(function.name, given, position)
