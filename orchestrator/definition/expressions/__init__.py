"""The expression language: a closed subset of CEL over plain JSON, used in conditions and inside `{{ }}`.

Here live its lexer, parser, meaning and static references. Not here: which names a definition may use where (that is
validation), templates, and anything that reads a database, a clock or a file. No regular expression, no comprehension
and no user-defined function belongs in the language: every expression ends quickly, whatever it says.

It differs from CEL in these ways, all of them refusals or extensions, never another answer: integers and doubles mix
in arithmetic; infinity and NaN are errors; the keys of a map are strings, each once; comparisons do not chain; `!` and
`-` may follow one another; has() takes a name in brackets too; there are no bytes, unsigned or hexadecimal numbers, raw
or triple-quoted strings, or comments. Where CEL in Rust departs from the specification, ours follows that: the tests
that compare the two name each case.
"""

from __future__ import annotations

from .errors import Code, ExpressionError
from .expression import Expression, compile_expression, holds
from .limits import MAX_STRING_BYTES
from .parser import ROOTS
from .references import Reference

__all__ = [
    "MAX_STRING_BYTES",
    "ROOTS",
    "Code",
    "Expression",
    "ExpressionError",
    "Reference",
    "compile_expression",
    "holds",
]
