"""All rules together: everything is reported at once, limits hold, and no code goes without a test."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import pytest

import orchestrator.definition
from orchestrator import actions
from orchestrator.definition import formats, language, parse
from orchestrator.definition.expressions.errors import Code
from orchestrator.definition.issues import DefinitionError
from orchestrator.definition.rules import RULES
from orchestrator.definition.strict_json import MAX_BYTES, MAX_DEPTH
from tests.unit import (
    test_decision_form,
    test_fields,
    test_rules_actions,
    test_rules_expressions,
    test_rules_graph,
    test_rules_proofs,
    test_rules_reachability,
    test_rules_structure,
    test_strict_json,
)
from tests.unit.definitions import (
    Row,
    a_definition,
    a_file_task,
    a_gate,
    a_task,
    assert_found,
    checked,
    each_of,
    places,
    within,
)

PACKAGE = Path(orchestrator.definition.__file__).parent


def nested(depth: int) -> object:
    return [nested(depth - 1)] if depth else 1


LIMITS = [
    Row(["a"], "not_a_map", "$", "A definition is a map with a name and tasks; this is a list of 1"),
    Row(None, "not_a_map", "$", "this is null"),
    Row("{}", "not_a_map", "$", "this is '{}'"),
    Row(
        a_definition({f"t{n}": {} for n in range(5_001)}),
        "too_many_tasks",
        "tasks",
        "at most 5,000 tasks; these are 5,001. Split it",
    ),
    Row(a_definition([{}] * 5_001), "too_many_tasks", "tasks", "these are 5,001"),
    Row(
        a_definition({f"t{n}": {**a_task(), "for_each": "[1]"} for n in range(101)}),
        "too_many_loops",
        "tasks",
        "At most 100 tasks of a workflow have for_each; these are 101. Split it",
    ),
    Row(
        a_definition({f"t{n}": a_task(*["t0"] * 2_000) for n in range(51)}),
        "too_many_dependencies",
        "tasks",
        "102,000 dependencies in all; at most 100,000",
    ),
    Row(a_definition(metadata={"a": nested(31)}), "too_deep", f"metadata.a{'[0]' * 30}", "32 deep"),
    Row(a_definition(metadata={"a": "x" * MAX_BYTES}), "too_large", "$", "at most 2,097,152 are taken"),
    Row(a_definition(metadata={"a": "\x00"}), "null_character", "metadata.a", "remove it"),
    Row(a_definition(name="\ud800"), "bad_unicode", "name", "lone surrogate"),
    Row(a_definition(metadata={"n": float("nan")}), "bad_number", "metadata.n", "nan cannot be kept"),
    Row(a_definition(metadata={"n": 10**30}), "bad_number", "metadata.n", "Write it as text"),
    Row(a_definition(metadata={"n": {1, 2}}), "not_json", "metadata.n", "A set is not a JSON value"),
]

VERSIONS = [
    Row(a_definition(version="3.0.0"), "unknown_version", "version", "newer than 2.0.0. Update Baton"),
    Row(a_definition(version="1.5.0"), "unknown_version", "version", "there are 1.0.0, 1.1.0, 1.2.0, 2.0.0"),
    Row(a_definition(version=[2]), "unknown_version", "version", "There is no schema version a list of 1"),
    Row(
        a_definition({"a": a_task(conditions=["lambda: 1"])}, version="1.2.0"),
        "untranslatable_condition",
        "tasks.a.conditions[0]",
        "At column 1: a lambda cannot be translated",
    ),
    Row(
        a_definition({"a": a_task(conditions=["workflow.tasks.get('b') or 1 == 1"])}, version="1.2.0"),
        "changed_condition",
        "tasks.a.conditions[0]",
        "There is no task 'b'",
        severity="warning",
    ),
    Row(
        a_definition({"a": a_task(parameters={"title": "{{who}}"})}, version="1.2.0"),
        "declared_parameter",
        "parameters.who",
        "a run now asks for it",
        severity="warning",
    ),
]

ROWS = [*LIMITS, *VERSIONS]


@each_of(ROWS)
def test_what_holds_for_the_whole_is_judged_first(row: Row) -> None:
    with within(1):
        assert_found(row)


def test_the_largest_that_is_allowed_is_accepted() -> None:
    assert checked(a_definition({f"t{n}": a_task() for n in range(language.MAX_TASKS)})).issues == ()
    assert checked(a_definition(metadata={"a": nested(MAX_DEPTH - 2)})).issues == ()
    room = MAX_BYTES - len('{"name":"Nightly load","version":"2.0.0","tasks":{"load":{"action":"agent_task",')
    assert checked(a_definition(metadata={"a": "x" * (room - 100)})).issues == ()
    dense = {f"t{n}": a_task(*[f"t{m}" for m in range(n)]) for n in range(447)}
    assert checked(a_definition(dense)).issues == ()


TEN_FAULTS = a_definition(
    {
        "extract": a_task("load"),
        "load": a_task("extract"),
        "a b": a_task(),
        "self": a_task("self"),
        "typo": a_task("extrakt"),
        "slow": a_task(timeout_seconds=-1),
        "who": a_gate(approvers=[]),
        "what": a_task(action="file_operatoin"),
        "when": a_task(conditions=["1 <"]),
        "where": a_file_task(path="../etc/passwd"),
        "shape": a_task(output_schema={"type": "objekt"}),
        "twice": a_task("self", "self"),
        "back": a_task(on_failure={"action": "rollback", "checkpoint": "never"}),
    },
    name="",
    parameters={"p": {"type": "integer", "default": "x"}},
    settings={"max_parallel": 0},
    owner="ada",
)


def test_everything_that_is_wrong_is_reported_at_once() -> None:
    report = checked(TEN_FAULTS)
    assert places(report.errors) == {
        ("required", "name"),
        ("wrong_type", "parameters.p.default"),
        ("out_of_range", "settings.max_parallel"),
        ("cycle", "tasks.extract.dependencies[0]"),
        ("bad_key", "tasks['a b']"),
        ("self_dependency", "tasks.self.dependencies[0]"),
        ("unknown_dependency", "tasks.typo.dependencies[0]"),
        ("out_of_range", "tasks.slow.timeout_seconds"),
        ("no_approver", "tasks.who.parameters.approvers"),
        ("unknown_action", "tasks.what.action"),
        ("expression_syntax", "tasks.when.conditions[0]"),
        ("path_outside_workspace", "tasks.where.parameters.path"),
        ("bad_schema", "tasks.shape.output_schema"),
        ("duplicate", "tasks.twice.dependencies[1]"),
        ("unknown_checkpoint", "tasks.back.on_failure.checkpoint"),
    }
    assert places(report.warnings) == {("unknown_field", "owner")}
    assert len(report.issues) == len(set(report.issues))


def test_more_errors_than_anybody_reads_are_counted_no_further() -> None:
    report = checked(a_definition({f"t{n}": a_task(retry_count=-1) for n in range(3_000)}))
    assert len(report.issues) == 1_001
    assert (report.issues[-1].code, report.issues[-1].path) == ("too_many_issues", "$")
    assert "more than 1,000 errors" in report.issues[-1].message


def test_warnings_are_no_reason_to_refuse_however_many() -> None:
    tasks = {f"t{n}": a_task(colour="red") for n in range(3_000)}
    report = checked(a_definition(tasks))
    assert report.ok
    assert len(report.issues) == 1_001
    assert report.issues[-1].severity == "warning"
    tasks["t2999"]["dependencies"] = ["t2999"]
    assert [issue.code for issue in checked(a_definition(tasks)).errors] == ["self_dependency"]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_a_rule_says_what_it_holds_a_definition_to(rule: object) -> None:
    assert (rule.__doc__ or "").strip().endswith(".")


TEXTS = [
    ("a: [1", "bad_yaml"),
    ("? [a]\n: 1", "bad_yaml"),
    ("a: &x 1\nb: *x", "alias"),
    ("a:\n  <<: {b: 1}", "merge"),
    ("a: !!python/object/apply:os.system [ls]", "tag"),
    ("a: 1\n---\nb: 2", "several_documents"),
]


@pytest.mark.parametrize(("text", "code"), TEXTS)
def test_a_text_that_cannot_be_read_is_refused_as_a_whole(text: str, code: str) -> None:
    with pytest.raises(DefinitionError) as caught:
        formats.read(text, "a.yaml")
    assert places(caught.value.issues) == {(code, "$")}


# Codes -------------------------------------------------------------------------------------------------

# Only a run can meet these; the tests of expressions do.
AT_RUN = {"expression_limit"}
# Only outputs are found to be this, see test_output_schema.
OF_OUTPUTS = {"output_schema"}
# Its own tests name these.
TESTED_ELSEWHERE = {"too_many_issues", "unknown_type", "not_editable", "cannot_send_back"}


def codes_in(tree: ast.AST) -> Iterator[str]:
    """The codes of the findings a module makes: `Issue(path, code, …)` and its shorter forms."""
    position = {"Issue": 1, "warning": 1, "_issue": 1, "_refused": 0}
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in position:
            argument = node.args[position[node.func.id]]
            if isinstance(argument, ast.Constant):
                yield argument.value


def all_codes() -> set[str]:
    found = {f"expression_{code}" for code in get_args(Code)}
    for path in PACKAGE.rglob("*.py"):
        found.update(codes_in(ast.parse(path.read_text())))
    return found


def codes_with_a_row() -> set[str]:
    tables = (
        test_rules_structure,
        test_rules_graph,
        test_rules_actions,
        test_rules_expressions,
        test_rules_proofs,
        test_rules_reachability,
    )
    found = {row.code for table in tables for row in table.ROWS} | {row.code for row in ROWS}
    found |= {code for _, code, *_ in test_strict_json.REFUSED} | {
        code for _, _, code, *_ in test_fields.WRONG
    }
    found |= {code for _, code in TEXTS}
    found |= {code for form in test_decision_form.FORMS for _, code in form.values[1]}
    return found | AT_RUN | OF_OUTPUTS | TESTED_ELSEWHERE


def test_every_code_has_a_row() -> None:
    without = sorted(all_codes() - codes_with_a_row())
    assert without == [], " ".join(without)


def test_codes_are_words_that_a_program_can_match() -> None:
    codes = all_codes()
    assert len(codes) > 50
    assert all(code.isidentifier() and code.islower() for code in codes)


def test_an_error_of_a_definition_carries_every_error() -> None:
    with pytest.raises(DefinitionError) as caught:
        parse(TEN_FAULTS, actions=actions.schemas())
    assert caught.value.issues == checked(TEN_FAULTS).errors
