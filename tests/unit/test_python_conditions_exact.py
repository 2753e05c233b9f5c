"""How exactly Python conditions are translated, and which are refused and where."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.definition.expressions import ExpressionError, compile_expression
from orchestrator.definition.expressions.expression import holds
from orchestrator.definition.versions.python_conditions import Untranslatable, rewrite, translate
from tests.unit.definitions import within
from tests.unit.python_worlds import KNOWN, look_at
from tests.unit.test_python_conditions import PAIRS

# Exact translations -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("workflow.metadata['level'] > 2", "workflow.metadata.level > 2"),
        ("workflow.tasks['assess'].result['ok'] == True", "tasks.assess.output.ok == true"),
        ("workflow.tasks['load-2'].status == 'failed'", 'tasks["load-2"].status == "failed"'),
        ("tasks['a'].output.rows > 2", "tasks.a.output.rows > 2"),
        ("tasks.a.status == 'failed'", 'tasks.a.status == "failed"'),
        ("parameters['size'] == 1", "params.size == 1"),
        ("{{size}} > 3", "params.size > 3"),
        ("{{ size }} > 3", "params.size > 3"),
        ("'{{env}}' == 'prod'", 'string(params.env) == "prod"'),
        ("'a-{{env}}-b' == 'x'", '"a-" + string(params.env) + "-b" == "x"'),
        ("{{ workflow.metadata.level }} == 1", "workflow.metadata.level == 1"),
        ("params.a == true", "params.a == true"),
        ("params.a == null or false", "params.a == null"),
        ('params.a == "it\'s"', 'params.a == "it\'s"'),
        ("params.a == 'é\\n\"'", 'params.a == "é\\n\\""'),
        ("params.a == 'x' 'y'", 'params.a == "xy"'),
        ("params.a == 0x10", "params.a == 16"),
        ("params.a == 1_000", "params.a == 1000"),
        (" \n params.a == 1 \n ", "params.a == 1"),
        ("(params.a\n == 1)", "params.a == 1"),
        ("params.a == 1  # a comment", "params.a == 1"),
        ("not not params.a == 1", "params.a == 1"),
        ("1 == 1 and params.a == 2", "1 == 1 && params.a == 2"),
        ("True or params.a", "true"),
        ("(" * 200 + "params.a == 1" + ")" * 200, "params.a == 1"),
        ("str(params.a == 1) == 'True'", '(params.a == 1 ? "True" : "False") == "True"'),
    ],
)
def test_a_condition_is_rewritten_plainly(source: str, expected: str) -> None:
    assert rewrite(source, KNOWN) == expected


def test_without_known_tasks_each_is_taken_to_be_there() -> None:
    assert rewrite("workflow.tasks.get('x') is None") == "false"
    assert rewrite("workflow.tasks['x'].status == 'failed'") == 'tasks.x.status == "failed"'


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("workflow.tasks.get('nobody') or 1 == 1", "There is no task 'nobody'"),
        ("any(t for t in [workflow.tasks.get('nobody')])", "There is no task 'nobody'"),
        ("workflow.tasks['a'].status == 'done'", "No task ever has the status 'done'"),
        ("'COMPLETED' != workflow.tasks['a'].status", "No task ever has the status 'COMPLETED'"),
        ("str(params.a) == 'True'", "str()"),
    ],
)
def test_what_is_lost_is_said(source: str, words: str) -> None:
    (warning,) = translate(source, KNOWN).warnings
    assert words in warning


# What is refused ----------------------------------------------------------------------------------------

REFUSED = [
    ("", 1, "not a Python expression"),
    ("   ", 1, "not a Python expression"),
    ("1 + \n", 4, "not a Python expression"),
    ("x = 1", 3, "not a Python expression"),
    ("import os", 1, "not a Python expression"),
    ("workflow.metadata.level > ", 26, "not a Python expression"),
    ("a\x00b", 1, "not a Python expression"),
    ("name == 'x'", 1, "'name' is not known here"),
    ("workflw.metadata == 1", 1, "Did you mean 'workflow'?"),
    ("1 == 1 and os.path == 1", 12, "'os' is not known here"),
    ("1 == 1 and os.system('ls')", 15, "the method 'system' cannot"),
    ("workflow.owner == 'x'", 10, "cannot see 'owner' of the workflow"),
    ("workflow.metdata == 1", 10, "Did you mean 'metadata'?"),
    ("workflow == 1", 1, "name one of its fields"),
    ("workflow.tasks == {}", 10, "name one of its fields"),
    ("workflow.tasks['a'] == 1", 1, "a whole workflow or task is not a value"),
    ("workflow.tasks[0].status == 'x'", 16, "by a literal string"),
    ("workflow.tasks[params.x].status == 'x'", 23, "by a literal string"),
    ("workflow.tasks['nobody'].status == 'x'", 16, "there is no task 'nobody'"),
    ("workflow.tasks['asess'].status == 'x'", 16, "Did you mean 'assess'?"),
    ("workflow.tasks['a'].owner == 'x'", 21, "cannot see 'owner' of a task"),
    ("workflow.tasks['a'].resul == 'x'", 21, "Did you mean 'result'?"),
    ("workflow.tasks.get('nobody').status == 'x'", 30, "there is no task 'nobody'"),
    ("workflow.tasks.values()", 16, "the method 'values' cannot be translated"),
    ("params.x in workflow.tasks", 8, "by a literal string"),
    ("any(t.status == 'x' for t in workflow.tasks.values())", 30, "over a literal list can be unrolled"),
    ("any(a == b for a in [1] for b in [2])", 21, "only one loop"),
    ("any(a == b for a, b in [(1, 2)])", 24, "with one variable"),
    ("[x for x in [1]] == [1]", 1, "a loop other than"),
    ("any(params.a)", 12, "only a literal list"),
    ("sum([1, 2]) == 3", 5, "only a loop over a literal list"),
    ("any([1], [2])", 1, "takes one argument"),
    ("params.get()", 1, "get() takes a literal string"),
    ("params.get(1)", 1, "get() takes a literal string"),
    ("params.get('a', 1, 2)", 1, "get() takes a literal string"),
    ("params.get('a', default=1)", 17, "arguments with names"),
    ("params.a.lower('x')", 16, "takes no argument"),
    ("params.a.strip() == ''", 10, "the method 'strip' cannot be translated"),
    ("params.a.startwith('x')", 10, "Did you mean 'startswith'?"),
    ("lenn(params.a)", 1, "Did you mean 'len'?"),
    ("max(1, 2) == 2", 1, "the function 'max' cannot be translated"),
    ("params.f()()", 1, "cannot be translated"),
    ("(lambda: 1)()", 1, "this call cannot be translated"),
    ("2 ** 3 == 8", 1, "this operation cannot be translated"),
    ("7 // 2 == 3", 1, "this operation"),
    ("params.a % params.b == 0", 1, "this operation"),
    ("'%s' % params.a == 'x'", 1, "this operation"),
    ("~1 == 0", 1, "this operator"),
    ("1 | 2", 1, "this operation"),
    ("params.a @ params.b", 1, "this operation"),
    ("f'{params.a}' == 'x'", 1, "an f-string cannot be translated"),
    ("(x := 1) == 1", 2, "an assignment cannot be translated"),
    ("lambda: 1", 1, "a lambda cannot be translated"),
    ("await params.a", 1, "cannot be translated"),
    ("[*params.a]", 2, "cannot be translated"),
    ("{**params.a}", 11, "keys of a map are literal strings"),
    ("{1: 2} == params.a", 2, "keys of a map are literal strings"),
    ("params.a[1:2]", 10, "cannot be translated"),
    ("b'x' == params.a", 1, "this value cannot be written"),
    ("params.a == 1j", 13, "this value"),
    ("params.a == ...", 13, "this value"),
    ("params.a == 1e999", 13, "this value"),
    ("params.a == 9223372036854775808", 13, "this value"),
    ("'é' == params.__class__", 15, "'__class__' is not a field"),
    ("1 == 1 and \\\n params.__dict__", 22, "'__dict__' is not a field"),
    ("(1 == 1 and\r\n  params.__dict__)", 23, "'__dict__' is not a field"),
    ("  nothing == 1", 3, "'nothing' is not known here"),
]


@pytest.mark.parametrize(
    ("source", "column", "words"), REFUSED, ids=[source[:50] or "nothing" for source, _, _ in REFUSED]
)
def test_what_cannot_be_translated_is_refused_at_its_column(source: str, column: int, words: str) -> None:
    with pytest.raises(Untranslatable) as caught:
        rewrite(source, KNOWN)
    assert words in caught.value.message
    assert caught.value.position + 1 == column
    assert str(caught.value) == f"at column {column}: {caught.value.message}"


_THIRTY = f"[{', '.join('1' * 30)}]"
_EMPTY_LOOPS = "any(" * 5 + "False" + "".join(f" for x{n} in {_THIRTY})" for n in range(5))
_LOOPS = "any(" * 4 + "a == b" + "".join(f" for x{n} in [{', '.join('1' * 30)}])" for n in range(4))

HOSTILE = {
    "a class": "workflow.__class__.__mro__[1].__subclasses__()",
    "a class of text": "''.__class__.__base__ == 1",
    "a class by subscript": "workflow['__class__'] == 1",
    "globals": "workflow.metadata.get.__globals__['os'].system('ls')",
    "getattr": "getattr(workflow, '__class__')",
    "import": "__import__('os').system('rm -rf /')",
    "eval": "eval('1')",
    "exec": "exec('import os')",
    "open": "open('/etc/passwd').read()",
    "a lambda that calls itself": "(lambda f: f(f))(lambda f: f(f))",
    "format": "'{0.__class__}'.format(workflow) == ''",
    "a power": "9**9**9**9 > 1",
    "a shift": "1 << 10**10 > 1",
    "a long text": "'a' * 10**10 == ''",
    "a comprehension": "[x for x in [1] * 10**9]",
    "loops in loops": _LOOPS,
    "a loop that doubles": "any(any(any(any(any(any(n == m for m in [1,2,3,4,5,6,7,8,9]) for n in [1,2,3,4,5,6,7,8,9]) "
    "for o in [1,2,3,4,5,6,7,8,9]) for p in [1,2,3,4,5,6,7,8,9]) for q in [1,2,3,4,5,6,7,8,9]) for r in [1,2,3])",
    "loops that come to nothing": _EMPTY_LOOPS,
    "or that doubles": "((((((((((params.a or 1) or 2) or 3) or 4) or 5) or 6) or 7) or 8) or 9) or 10) == 1",
    "parentheses": "(" * 201 + "1" + ")" * 201,
    "many parentheses": "(" * 5_000 + "1" + ")" * 5_000,
    "brackets": "[" * 900 + "]" * 900,
    "signs": "-" * 1_500 + "1 == 1",
    "not": "not " * 450 + "1",
    "dots": "params" + ".a" * 900 + " == 1",
    "calls": "str(" * 400 + "1" + ")" * 400 + " == '1'",
    "a hundred thousand characters": "1 == 1 or " * 10_000 + "1 == 1",
    "a hundred thousand spaces": " " * 100_000 + "1",
    "a null character": "params.a == '\x00'",
    "a lone surrogate": "params.a == '\ud800'",
    "an escape of half a character": "params.a == '\\ud800' and params.__x",
    "an odd escape": "params.a == '\\d' and params.__x",
    "digits without end": "9" * 1_900 + " == 1",
    "digits beyond what Python converts": "9" * 5_000 + " == 1",
    "a name that only looks right": "wоrkflow.metadata == 1",
    "an iterator": "iter([1]) == 1",
    "a statement": "1; import os",
    "a decorator": "@x\ndef f(): pass",
    "a yield": "(yield 1)",
    "a print": "print('x')",
}


@pytest.mark.parametrize("source", HOSTILE.values(), ids=HOSTILE.keys())
def test_what_is_hostile_is_refused_quickly(source: str) -> None:
    with within(1), pytest.raises(Untranslatable) as caught:
        rewrite(source, KNOWN)
    assert 0 <= caught.value.position <= len(source)
    assert len(caught.value.message) < 300


_SYMBOLS = [
    ".",
    "['a']",
    "(",
    ")",
    "[",
    "]",
    "{",
    "}",
    "{{",
    "}}",
    "'x'",
    '"',
    "1",
    "+",
    "==",
    "<",
    ",",
    ":",
    "\\",
    "-",
    "**",
    "*",
    ":=",
    "#",
    "é",
]
_NAMES = ["workflow", "params", "tasks", "status", "a", "None", "get(", "any(", "len("]
_WORDS = [" in ", " not ", " and ", " or ", " if ", " else ", " for ", " is ", "lambda ", "\n", "\t"]
_TOKENS = st.sampled_from([*_SYMBOLS, *_NAMES, *_WORDS])


@given(st.text(max_size=60) | st.lists(_TOKENS, max_size=20).map("".join))
def test_any_text_is_rewritten_to_an_expression_or_refused(source: str) -> None:
    try:
        result = rewrite(source, KNOWN)
    except Untranslatable as error:
        assert 0 <= error.position <= len(source)
        return
    compile_expression(result)


# Python reports these itself, whoever asks for them.
_WATCHED = frozenset({"exec", "import", "open", "os.system", "subprocess.Popen"})
_is_watching = False
_seen: list[str] = []


def _watch(event: str, _: object) -> None:
    if _is_watching and event in _WATCHED:
        _seen.append(event)


@contextmanager
def watched() -> Iterator[list[str]]:
    """What is evaluated, imported, opened or started in here. A hook cannot be taken away again, only be silent."""
    global _is_watching
    _seen.clear()
    _is_watching = True
    try:
        yield _seen
    finally:
        _is_watching = False


sys.addaudithook(_watch)


def test_nothing_is_evaluated_on_the_way() -> None:
    sources = [str(one) for one in PAIRS] + [source for source, _, _ in REFUSED] + [*HOSTILE.values()]
    refused = 0
    with watched() as seen:
        for source in sources:
            try:
                rewrite(source, KNOWN)
            except Untranslatable:
                refused += 1
    assert seen == []
    assert refused == len(REFUSED) + len(HOSTILE)


def test_what_is_evaluated_would_be_seen() -> None:
    with watched() as seen:
        exec("1")
    assert "exec" in seen


def test_a_reference_to_what_is_missing_is_an_error_and_not_false() -> None:
    expression = compile_expression(rewrite("workflow.metadata['level'] > 2", KNOWN))
    with pytest.raises(ExpressionError, match="level is not there"):
        holds(expression, look_at({"metadata": {}, "params": {}, "tasks": {}}))
