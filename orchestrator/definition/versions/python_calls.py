"""The functions and methods that conditions of older definitions may call, each with its translation.

To allow another, write it here and add it to its table.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Final

from . import terms
from .terms import NULL, Term

if TYPE_CHECKING:
    from .python_conditions import Translator, Value

_ZERO: Final = Term("0")
_ONE: Final = Term("1")


def _only_argument(translator: Translator, node: ast.Call) -> ast.expr:
    if len(node.args) != 1:
        raise translator.refused(node, "this call takes one argument")
    return node.args[0]


def _no_argument(translator: Translator, node: ast.Call) -> None:
    if node.args:
        raise translator.refused(node.args[0], "this call takes no argument")


# Methods ------------------------------------------------------------------------------------------------


def _get(translator: Translator, node: ast.Call, of: Value) -> Value:
    match node.args:
        case [ast.Constant(value=str() as key), *rest] if len(rest) < 2:
            if isinstance(of, Term):
                return terms.lookup(of, key, translator.term(rest[0]) if rest else NULL)
            return translator.part(of, key, node.args[0])
    raise translator.refused(node, "get() takes a literal string and perhaps a default")


def _lower(translator: Translator, node: ast.Call, of: Value) -> Term:
    _no_argument(translator, node)
    return terms.method(translator.as_term(of, node), "lowerAscii")


def _keys(translator: Translator, node: ast.Call, of: Value) -> Value:
    """A map is searched and counted by its keys anyway."""
    _no_argument(translator, node)
    return of


def _starts_with(translator: Translator, node: ast.Call, of: Value) -> Term:
    return _affix(translator, node, of, "startsWith")


def _ends_with(translator: Translator, node: ast.Call, of: Value) -> Term:
    return _affix(translator, node, of, "endsWith")


def _affix(translator: Translator, node: ast.Call, of: Value, name: str) -> Term:
    text, argument = translator.as_term(of, node), _only_argument(translator, node)
    several = argument.elts if isinstance(argument, ast.Tuple) else [argument]
    found = [terms.method(text, name, translator.term(one), boolean=True) for one in several]
    return terms.logic(found, deciding=True)


# Loops --------------------------------------------------------------------------------------------------


def _any(translator: Translator, node: ast.Call) -> Term:
    return terms.logic(_rounds(translator, node, deciding=True), deciding=True)


def _all(translator: Translator, node: ast.Call) -> Term:
    return terms.logic(_rounds(translator, node, deciding=False), deciding=False)


def _rounds(translator: Translator, node: ast.Call, *, deciding: bool) -> Iterator[Term]:
    argument = _only_argument(translator, node)
    if isinstance(argument, ast.List | ast.Tuple):
        yield from map(translator.truth, argument.elts)
        return
    if not isinstance(argument, ast.GeneratorExp | ast.ListComp):
        raise translator.refused(argument, "only a literal list, or a loop over one, can be unrolled")
    for chosen in translator.rounds(argument):
        # "Any" asks for one that is chosen and true; "all" forgives those that are not chosen.
        first = chosen if deciding else terms.negation(chosen)
        yield terms.logic([first, translator.truth(argument.elt)], deciding=not deciding)


def _sum(translator: Translator, node: ast.Call) -> Term:
    argument = _only_argument(translator, node)
    if not isinstance(argument, ast.GeneratorExp | ast.ListComp):
        raise translator.refused(argument, "only a loop over a literal list can be added up")
    counted = argument.elt
    return terms.total(
        terms.choice(chosen, _number(translator.term(counted)), _ZERO)
        for chosen in translator.rounds(argument)
    )


def _number(term: Term) -> Term:
    """Python counts true as 1."""
    return terms.choice(term, _ONE, _ZERO) if term.boolean else term


def _length(translator: Translator, node: ast.Call) -> Term:
    argument = _only_argument(translator, node)
    if isinstance(argument, ast.ListComp):
        return terms.total(terms.choice(chosen, _ONE, _ZERO) for chosen in translator.rounds(argument))
    return terms.call("size", translator.term(argument))


# Conversions --------------------------------------------------------------------------------------------


def _conversion(name: str) -> Callable[[Translator, ast.Call], Term]:
    def convert(translator: Translator, node: ast.Call) -> Term:
        return terms.call(name, translator.term(_only_argument(translator, node)))

    return convert


def _str(translator: Translator, node: ast.Call) -> Term:
    text = translator.term(_only_argument(translator, node))
    if text.boolean:
        return terms.choice(text, terms.string("True"), terms.string("False"))
    if text.literal is None:
        translator.warnings.append("str() writes true, false and 3.0 as 'true', 'false' and '3'.")
    return terms.call("string", text)


def _bool(translator: Translator, node: ast.Call) -> Term:
    return translator.truth(_only_argument(translator, node))


METHODS: Final[dict[str, Callable[[Translator, ast.Call, Value], Value]]] = {
    "get": _get,
    "lower": _lower,
    "keys": _keys,
    "startswith": _starts_with,
    "endswith": _ends_with,
}
FUNCTIONS: Final[dict[str, Callable[[Translator, ast.Call], Value]]] = {
    "any": _any,
    "all": _all,
    "sum": _sum,
    "len": _length,
    "str": _str,
    "int": _conversion("int"),
    "float": _conversion("double"),
    "bool": _bool,
}
