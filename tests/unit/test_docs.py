"""The documents say what is there: whoever adds a setting, command, field or event also writes of it."""

from __future__ import annotations

import ast
import json
import re
import shlex
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import click
import pytest

from orchestrator import actions
from orchestrator.api.urls import urlpatterns
from orchestrator.catalog import templates
from orchestrator.cli import main
from orchestrator.cli.exits import Exit
from orchestrator.definition import language
from orchestrator.definition.expressions.functions import FUNCTIONS
from orchestrator.definition.fields import Field

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
CHANGELOG = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")

NOT_YET = "not there yet"
# What the owner asked for by name, and the last word of a `baton` command that would be it.
ASKED_FOR = {
    "tools/workflow_cli.py list": "list",
    "tools/workflow_cli.py create <template> --param key=value": "create",
    "tools/workflow_cli.py start <workflow_id>": "start",
    "tools/workflow_cli.py monitor <workflow_id> --duration 600": "monitor",
    "tools/workflow_cli.py status <workflow_id>": "status",
    "tools/workflow_cli.py debug <workflow_id>": "debug",
    "tools/workflow_cli.py stop <workflow_id>": "stop",
    "tools/workflow_cli.py resume <workflow_id>": "resume",
    "tools/workflow_cli.py rollback <workflow_id>": "rollback",
    "tools/workflow_cli.py rollback <workflow_id> --checkpoint <checkpoint_id>": "rollback",
    "tools/workflow_cli.py templates": "templates",
    "tools/workflow_cli.py health": "health",
    "workflow/workflow_monitor.py monitor --interval 30": "watch",
    "workflow/workflow_monitor.py health": "health",
    "workflow/workflow_monitor.py alerts": "alerts",
    "workflow/migration_manager.py status": "schema status",
    "workflow/migration_manager.py migrate --workflow-id <id>": "schema migrate",
    "workflow/migration_manager.py migrate-all": "schema migrate-all",
    "tools/agent_metrics.py report": "agents report",
    "tools/performance_analyzer.py monitor": "resources",
}


def section(title: str) -> str:
    """What stands under a heading of the README, up to the next of the same rank."""
    found = re.search(rf"^## {re.escape(title)}\n(.*?)(?=^## |\Z)", README, re.DOTALL | re.MULTILINE)
    assert found, f"The README has no section {title!r}."
    return found[1]


def rows(text: str) -> list[list[str]]:
    """The cells of every row of its tables."""
    lines = [line for line in text.splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines]


def row_of(name: str, text: str) -> list[str]:
    found = [row for row in rows(text) if row[0] == f"`{name}`"]
    assert found, f"The README has no row for `{name}`."
    return found[0]


def test_the_readme_begins_with_one_sentence_and_the_two_commands() -> None:
    title, sentence, block = README.split("\n\n")[:3]
    assert title == "# Baton"
    assert sentence.count(". ") == 0 and sentence.endswith(".")
    assert block == "```sh\nmake run\nmake test\n```"


@pytest.mark.parametrize("path", ["README.md", "CONTRIBUTING.md"])
def test_links_lead_to_files_that_are_there(path: str) -> None:
    text = (ROOT / path).read_text(encoding="utf-8")
    targets = [target for target in re.findall(r"\]\(([^)#]+)\)", text) if "://" not in target]
    assert targets
    assert [target for target in targets if not (ROOT / target).exists()] == []


# Commands


def command_named(words: list[str]) -> tuple[click.Command | None, list[str]]:
    """The command that these words begin with, and what is left of them."""
    found: click.Command | None = main
    while isinstance(found, click.Group) and words:
        found, words = found.get_command(click.Context(found), words[0]), words[1:]
    return (None if isinstance(found, click.Group) and found is not main else found), words


def all_commands(group: click.Group = main, prefix: str = "") -> Iterator[tuple[str, click.Command]]:
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        if isinstance(command, click.Group):
            yield from all_commands(command, f"{prefix}{name} ")
        else:
            yield f"{prefix}{name}", command


def calls(text: str) -> set[str]:
    """Every `baton …` that is called in code of a document: spans, and lines of its blocks."""
    joined = text.replace("\\\n", " ")
    blocks = "\n".join(re.findall(r"```(?:sh|console)\n(.*?)```", joined, re.DOTALL))
    lines = re.findall(r"^(?:\$ )?(?:\.venv/bin/)?(baton [^#\n]+)", blocks, re.MULTILINE)
    return {call.strip() for call in [*lines, *re.findall(r"`(baton [^`\n]+)`", text)]}


def fault_of(call: str) -> str:
    words = shlex.split(call)[1:]
    if words == ["COMMAND", "--help"]:
        return ""
    command, rest = command_named(words)
    if command is None or command is main:
        return "there is no such command"
    known = {option for parameter in command.params for option in parameter.opts}
    unknown = {word for word in rest if word.startswith("--")} - known - {"--help"}
    return f"it has no {', '.join(sorted(unknown))}" if unknown else ""


@pytest.mark.parametrize("document", ["README.md", "CONTRIBUTING.md", "CHANGELOG.md"])
def test_commands_that_are_shown_are_there_with_their_options(document: str) -> None:
    shown = calls((ROOT / document).read_text(encoding="utf-8"))
    assert {call: fault for call in shown if (fault := fault_of(call))} == {}


def test_the_check_of_commands_finds_what_is_not_there() -> None:
    assert (
        fault_of("baton frobnicate") and fault_of("baton list --colour red") and fault_of("baton schema no")
    )
    assert len(calls(README)) > 40


def test_every_command_is_in_the_tables() -> None:
    documented = {
        " ".join(word for word in call.split()[1:] if re.fullmatch(r"[a-z][a-z-]*", word))
        for row in rows(section("Commands"))
        for call in re.findall(r"`(baton [^`]+)`", " ".join(row))
    }
    assert {name for name, _ in all_commands()} - documented == set()


@pytest.mark.parametrize(("asked", "command"), ASKED_FOR.items(), ids=ASKED_FOR)
def test_what_was_asked_for_is_mapped_to_what_exists_or_plainly_said_to_be_missing(
    asked: str, command: str
) -> None:
    answer = row_of(asked, section("Commands"))[1]
    exists = command_named(command.split())[0] is not None
    assert (f"`baton {command}" in answer and not answer.startswith(NOT_YET)) == exists
    assert answer.startswith(NOT_YET) != exists


def test_exit_codes_are_documented() -> None:
    documented = {row[0] for row in rows(section("Commands"))}
    assert {str(int(code)) for code in Exit} - documented == set()


def test_the_map_of_contributors_holds_every_folder() -> None:
    folders = {f"orchestrator/{path.name}/" for path in (ROOT / "orchestrator").iterdir() if path.is_dir()}
    folders |= {"editor/", "monitoring/", "static/", "templates/", "tests/"}
    mapped = {name for row in rows(CONTRIBUTING) for name in re.findall(r"`([^`]+/)`", row[0])}
    assert folders - {"orchestrator/__pycache__/"} == mapped


def test_every_target_of_make_is_documented() -> None:
    targets = set(re.findall(r"^([a-z]+):.*## ", MAKEFILE, re.MULTILINE))
    said = set(re.findall(r"\bmake ([a-z]+)", README + CONTRIBUTING))
    assert targets
    assert targets - said == set()
    assert set(re.findall(r"`make ([a-z]+)", README + CONTRIBUTING)) - targets == set()


# Settings


def read_variables() -> dict[str, str]:
    """Environment variable → the default it has where it is read, '' when that is not a plain text."""
    found: dict[str, str] = {}
    for path in sorted(ROOT.glob("orchestrator/**/*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            for name, default in _variables(node):
                found[name] = found.get(name) or default
    return found


def _variables(node: ast.AST) -> Iterator[tuple[str, str]]:
    if isinstance(node, ast.Compare) and isinstance(node.ops[0], ast.In | ast.NotIn):
        if ast.unparse(node.comparators[0]) == "os.environ":
            yield str(ast.literal_eval(node.left)), ""
    elif isinstance(node, ast.Subscript) and ast.unparse(node.value) == "os.environ":
        yield str(ast.literal_eval(node.slice)), ""
    elif isinstance(node, ast.Call):
        function = ast.unparse(node.func)
        if function in {"os.environ.get", "os.getenv", "os.environ.setdefault", "_flag", "_words"}:
            yield from _read(node)
        yield from (
            (str(ast.literal_eval(keyword.value)), "") for keyword in node.keywords if keyword.arg == "envvar"
        )


def _read(call: ast.Call) -> Iterator[tuple[str, str]]:
    if not isinstance(call.args[0], ast.Constant):
        return  # a helper of the settings, or a name that is handed between our own processes
    default = call.args[1] if len(call.args) > 1 else None
    is_flag = ast.unparse(call.func) == "_flag"
    text = str(default.value) if isinstance(default, ast.Constant) else "0" if is_flag else ""
    yield str(call.args[0].value), text


VARIABLES = {name: default for name, default in read_variables().items() if name != "COLUMNS"}


def test_the_variables_are_found_where_they_are_read() -> None:
    assert {"BATON_DATA_DIR", "BATON_DEBUG", "BATON_USER", "BATON_HOST", "BATON_WORKERS"} <= set(VARIABLES)


@pytest.mark.parametrize(("name", "default"), VARIABLES.items(), ids=VARIABLES)
def test_every_environment_variable_is_documented_with_its_default(name: str, default: str) -> None:
    _, shown, meaning = row_of(name, section("Settings"))
    assert meaning
    assert f"`{default}`" in shown or not default


def test_no_environment_variable_is_documented_that_nobody_reads() -> None:
    documented = {row[0].strip("`") for row in rows(section("Settings"))} - {"variable"}
    assert documented - set(VARIABLES) == set()


# The definition language, actions, events


def field_row(field: Field) -> str:
    default = "" if field.default is None else f" `{json.dumps(field.default)}`"
    choices = f" One of {', '.join(f'`{choice}`' for choice in field.enum)}." if field.enum else ""
    meaning = (field.description + choices).replace("|", "\\|")
    return f"| `{field.name}` | {field.type} |{' required' if field.required else default} | {meaning} |"


@pytest.mark.parametrize(
    "table", ["TOP_FIELDS", "TASK_FIELDS", "PARAMETER_FIELDS", "SETTINGS_FIELDS"], ids=lambda table: table
)
def test_the_fields_of_a_definition_are_those_of_the_language(table: str) -> None:
    expected = "\n".join(field_row(field) for field in getattr(language, table))
    assert expected in README, f"The table in the README should be:\n{expected}"


@pytest.mark.parametrize("word", [*language.JOINS, *language.MODES, *FUNCTIONS])
def test_every_word_of_the_language_is_explained(word: str) -> None:
    prose = "\n".join(line for line in section("The definition language").splitlines() if line[:1] != "|")
    assert f"`{word}`" in prose


@pytest.mark.parametrize("name", actions.ACTIONS)
def test_every_action_is_documented_by_its_summary(name: str) -> None:
    assert row_of(name, section("Actions"))[1] == actions.get(name).summary


@pytest.mark.parametrize("template", templates(), ids=lambda template: template.key)
def test_every_template_is_documented_with_a_command_that_makes_it(template: Any) -> None:
    text = section("Templates").replace("\\\n", " ")
    call = next(call for call in calls(text) if call.startswith(f"baton create {template.key} "))
    given = {word.partition("=")[0] for word in shlex.split(call) if "=" in word}
    assert given
    assert given <= {field.name for field in template.parameters}


def noted_events() -> set[str]:
    """The types of event that the planner and the engine write; those of decisions are the two decisions,
    and those of levels what became of one."""
    found = {"approval.approved", "approval.rejected"}
    found |= {f"approval.level_{status}" for status in ("approved", "expired", "passed")}
    for folder in ("planning", "engine"):
        for path in (ROOT / "orchestrator" / folder).glob("**/*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute | ast.Name):
                    name = node.func.attr if isinstance(node.func, ast.Attribute) else node.func.id
                    first = node.args[0] if node.args else None
                    if name in {"note", "NewEvent"} and isinstance(first, ast.Constant):
                        found.add(str(first.value))
    return found


def test_every_type_of_event_is_documented_and_no_other() -> None:
    documented = {row[0].strip("`") for row in rows(section("Events"))} - {"event"}
    assert documented == noted_events()


# Roles, routes, documents


def test_every_role_is_documented() -> None:
    groups = import_module("orchestrator.migrations.0002_groups").GROUPS
    assert {row[0].strip("`") for row in rows(section("Roles"))} - {"role"} == set(groups)


def test_every_route_of_the_api_is_documented() -> None:
    routes = {"/api/" + re.sub(r"<[^>]+>", "{id}", str(route.pattern)) for route in urlpatterns if route.name}
    assert {route for route in routes if f"`{route}`" not in section("REST")} == set()


def test_the_changelog_holds_one_line_each_under_headings() -> None:
    assert CHANGELOG.startswith("# Changelog\n")
    assert "\n## Unreleased\n" in CHANGELOG
    body = CHANGELOG.split("## Unreleased\n", 1)[1].splitlines()
    odd = [line for line in body if line and not re.match(r"(### [A-Z]|## |- [A-Z])", line)]
    assert odd == []


@pytest.mark.parametrize("path", ["README.md", "CONTRIBUTING.md", "CHANGELOG.md"])
def test_documents_make_no_promises_of_time(path: str) -> None:
    text = (ROOT / path).read_text(encoding="utf-8")
    assert re.findall(r"(?i)\b(coming soon|roadmap|TODO|TBD|next release|will be added)\b", text) == []
