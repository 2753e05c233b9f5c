"""Definitions that must be refused: what stands in the file, which code and path the answer names."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import Any

from tests.engine.flows import flow, task


@dataclass(frozen=True, slots=True)
class Bad:
    """One text that is refused. `words` must stand in the message; the API takes JSON and no other format."""

    name: str
    text: str
    code: str
    path: str = "$"
    words: str = ""
    is_json: bool = True
    by_api: bool = True


def _of(name: str, data: Any, code: str, path: str, words: str = "") -> Bad:
    return Bad(name, json.dumps(data), code, path, words)


def _top(name: str, code: str, path: str, words: str = "", /, **changes: Any) -> Bad:
    return _of(name, flow({"a": task()}, **changes), code, path, words)


def _task(name: str, code: str, path: str, words: str = "", /, **changes: Any) -> Bad:
    return _of(name, flow({"a": {**task(), **changes}}), code, f"tasks.a.{path}", words)


def _raw(name: str, member: str, code: str, path: str, words: str = "") -> Bad:
    """A definition whose metadata is written as it stands here."""
    whole = json.dumps(flow({"a": task()}))
    return Bad(name, f'{whole[:-1]}, "metadata": {member}}}', code, path, words)


def _condition(name: str, text: str, words: str = "") -> Bad:
    return _task(name, "", "conditions[0]", words, conditions=[text])


def _file(name: str, path: str, code: str = "path_outside_workspace") -> Bad:
    given = {"operation": "read", "path": path}
    return _task(name, code, "parameters.path", action="file_operation", parameters=given)


def _files(name: str, code: str, path: str, /, **parameters: Any) -> Bad:
    return _task(name, code, f"parameters.{path}", action="file_operation", parameters=parameters)


def _yaml(name: str, text: str, code: str, path: str = "$", words: str = "") -> Bad:
    return Bad(name, text, code, path, words, is_json=False, by_api=False)


def _key(name: str, key: str, path: str) -> Bad:
    return _of(name, flow({key: task()}), "bad_key", path)


def _recorded(name: str, workflow: Any, code: str, path: str, words: str = "") -> Bad:
    return replace(_of(name, {"name": "w", "workflow": workflow}, code, path, words), by_api=False)


def _nested(levels: int) -> str:
    return "[" * levels + "]" * levels


GRAPH = [
    _of(
        "cycle",
        flow({"a": task("b"), "b": task("a")}),
        "cycle",
        "tasks.a.dependencies[0]",
        "a -> b -> a",
    ),
    _of("self dependency", flow({"a": task("a")}), "self_dependency", "tasks.a.dependencies[0]"),
    _of(
        "unknown dependency",
        flow({"load": task(), "b": task("laod")}),
        "unknown_dependency",
        "tasks.b.dependencies[0]",
        "'load'",
    ),
    _of(
        "duplicate dependency",
        flow({"a": task(), "b": task("a", "a")}),
        "duplicate",
        "tasks.b.dependencies[1]",
    ),
    _of("no tasks", flow({}), "no_tasks", "tasks"),
    _of("5,001 tasks", flow({f"t{n}": {} for n in range(5_001)}), "too_many_tasks", "tasks", "5,000"),
    _of("100,000 tasks", flow({f"t{n}": 0 for n in range(100_000)}), "too_many_tasks", "tasks", "5,000"),
]

JSON_TEXTS = [
    Bad("duplicate task", '{"name": "F", "tasks": {"a": {}, "a": {}}}', "duplicate_key", "tasks.a"),
    Bad("970 levels", _nested(970), "too_deep"),
    Bad("100,000 levels", _nested(100_000), "too_deep"),
    _raw("33 levels", _nested(33), "too_deep", "metadata" + "[0]" * 31),
    _raw("lone surrogate", r'"\ud800"', "bad_unicode", "metadata"),
    _raw("null character", r'{"x": "\u0000"}', "null_character", "metadata.x"),
    _raw("null character in a key", r'{"\u0000": 1}', "null_character", r"metadata['\x00']"),
    _raw("NaN", '{"x": NaN}', "bad_number", "metadata.x"),
    _raw("Infinity", '{"x": -Infinity}', "bad_number", "metadata.x"),
    _raw("1e999", '{"x": 1e999}', "bad_number", "metadata.x"),
    _raw("4,000 digits", '{"x": ' + "9" * 4_000 + "}", "bad_number", "metadata.x"),
    Bad("cut off", '{"name": "F", "tasks": {', "bad_json"),
    Bad("a list", "[]", ""),
]

NAMES = [
    _top("a long name", "too_long", "name", "200", name="x" * 100_000),
    _top("right to left", "bad_text", "name", "U+202E", name="\u202egnp.exe"),
    _top("zero width", "bad_text", "name", "U+200B", name="a\u200bb"),
    _top("control character", "bad_text", "name", "U+0007", name="a\x07"),
    _top("homoglyph id", "bad_id", "id", id="аdmin"),
    _top("no name", "required", "name", name=None),
    _key("homoglyph key", "аdmin", "tasks['аdmin']"),
    _key("a long key", "k" * 65, f"tasks.{'k' * 65}"),
    _key("no key", "", "tasks['']"),
    _key("__proto__", "__proto__", "tasks.__proto__"),
    _top("a newer schema", "unknown_version", "version", "newer than 2.0.0", version="3.0.0"),
    _top("no schema", "unknown_version", "version", "Did you mean '1.2.0'?", version="1.7"),
    _task("an action nobody knows", "unknown_action", "action", "agent_task", action="sing"),
]

BOUNDS = [
    _task("timeout 0", "out_of_range", "timeout_seconds", timeout_seconds=0),
    _task("timeout -1", "out_of_range", "timeout_seconds", timeout_seconds=-1),
    _task("timeout 1e9", "out_of_range", "timeout_seconds", timeout_seconds=10**9),
    _task("a million retries", "out_of_range", "retry_count", retry_count=10**6),
    _task("retry delay -1", "out_of_range", "retry_delay", retry_delay=-1),
    _task("retry delay of more than an hour", "out_of_range", "retry_delay", "3,600", retry_delay=3_601),
    _task("a backoff that overflows", "out_of_range", "retry_backoff", "100", retry_backoff=1e308),
    _task("a backoff that hurries", "out_of_range", "retry_backoff", retry_backoff=0.5),
    _task("timeout as text", "wrong_type", "timeout_seconds", timeout_seconds="soon"),
    _task("dependencies as a number", "wrong_type", "dependencies", dependencies=3),
    _of("tasks as text", {**flow({}), "tasks": "load"}, "wrong_type", "tasks"),
]

EXPRESSIONS = [
    _condition("50,000 characters", "1 + " * 12_500 + "1"),
    _condition("5,000 parentheses", "(" * 5_000 + "1" + ")" * 5_000),
    _condition("a.a.a", "a" + ".a" * 1_000),
    _condition("__class__", "params.__class__ == 1", "column"),
    _condition("__import__", "__import__('os').system('id')", "column"),
    _condition("9**9**9", "9**9**9 > 1", "column"),
    _condition("1/0", "1/0 == 1", "division by zero"),
    _condition("undeclared parameter", "params.nobody == 1", "declares no parameter 'nobody'"),
    _condition("a task that is not upstream", "tasks.a.status == 'failed'", "cannot look at its own result"),
    _condition("a condition in Python", "params['x'].strip() or True", "column"),
    _task("for_each over a number", "wrong_type", "for_each", "a list", for_each="3"),
    _condition("unknown task", "tasks.nobody.output == 1", "column"),
    _task("{{ not closed", "", "parameters.description", parameters={"description": "{{ params.a"}),
    _task(
        "1,001 substitutions",
        "",
        "parameters.description",
        parameters={"description": "{{ run.id }}" * 1_001},
    ),
]

PATHS = [
    _file("..", "../secret"),
    _file("an absolute path", "/etc/passwd"),
    _file("/proc", "/proc/self/environ"),
    _file("a backslash", "a\\..\\b"),
    _file("a name of 300 characters", "x" * 300),
    _file("null character in a path", "a\x00b", "null_character"),
    _file("no path", ""),
    _file("a dot", "."),
    _file("a dot before", "./a"),
    _file("out and in again", "a/../../b"),
    _file("a home", "~/x"),
    _file("nothing between slashes", "a//b"),
    _file("a slash at the end", "a/"),
    _file("a line break in a path", "a\nb"),
    _file("33 folders", "/".join("a" * 33)),
    _file("right to left in a path", "\u202egnp.exe"),
    _file("a file that is being written", ".baton-tmp-1"),
    _files(
        "a copy that leads out",
        "path_outside_workspace",
        "destination",
        operation="copy",
        path="a",
        destination="/tmp/b",
    ),
    _files(
        "a pattern that leads out",
        "path_outside_workspace",
        "patterns[1]",
        operation="cleanup",
        patterns=["*.log", "../*"],
    ),
    _files("an operation nobody knows", "not_in_enum", "operation", operation="shred", path="a"),
    _files("an operation to be filled in", "not_templated", "operation", operation="{{ run.id }}", path="a"),
    _files("nothing to write", "missing_parameter", "content", operation="write", path="a"),
]

OTHERS = [
    _of(
        "a workflow that starts itself",
        flow({"a": task(action="workflow_trigger", parameters={"workflow_id": "me"})}, id="me"),
        "self_trigger",
        "tasks.a.parameters.workflow_id",
    ),
    _of(
        "an approval for nobody",
        flow({"a": task(action="approval_gate", agent_id="system")}),
        "no_approver",
        "tasks.a.parameters.approvers",
    ),
    _of(
        "a call of a file",
        flow({"a": task(action="api_call", parameters={"url": "file:///etc/passwd"})}),
        "bad_url",
        "tasks.a.parameters.url",
    ),
    _task("an output schema of no kind", "bad_schema", "output_schema", output_schema={"type": "objekt"}),
    _of(
        "Python that older conditions do not know",
        flow({"a": {**task(), "conditions": ["open('x').read()"]}}, version="1.2.0"),
        "untranslatable_condition",
        "tasks.a.conditions[0]",
        "At column 11",
    ),
]

_RECORDED = {"id": "split"}, {"id": "blast", "parents": ["splitt"]}
WFFORMAT = [
    _recorded(
        "a parent that is no task",
        {"specification": {"tasks": _RECORDED}},
        "unknown_dependency",
        "tasks.blast.dependencies[0]",
        "Did you mean 'split'?",
    ),
    _recorded(
        "an id twice",
        {"tasks": [*_RECORDED, {"id": "split"}]},
        "duplicate",
        "workflow.tasks[2].id",
    ),
]

YAML = [
    _yaml("XML", "<?xml version='1.0'?><flow/>", "not_a_map"),
    _yaml("YAML bomb", "a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\ntasks: [*b]\n", "alias", words="anchor"),
    _yaml("YAML tag", "name: !!python/object/apply:os.system ['id']\n", "tag", words="line 1, column 7"),
    _yaml("YAML merge", "name: x\ntasks:\n  <<: {a: 1}\n", "merge", words="line 3, column 3"),
    _yaml("two YAML documents", "name: x\n---\nname: y\n", "several_documents", words="line 2"),
    _yaml("duplicate YAML task", "name: x\ntasks:\n  a: {}\n  a: {}\n", "duplicate_key", "tasks.a"),
    _yaml("a tab in YAML", "name: x\ntasks:\n\ta: {}\n", "bad_yaml", words="line 3"),
    _yaml("deep YAML", f"name: {_nested(33)}\n", "too_deep"),
    _yaml("deeper YAML", f"name: {_nested(100_000)}\n", "too_deep"),
    _yaml("a number for a key", "name: x\ntasks:\n  1: {}\n", "not_json", "tasks", "put it in quotes"),
]

ROWS = [*GRAPH, *JSON_TEXTS, *NAMES, *BOUNDS, *EXPRESSIONS, *PATHS, *OTHERS, *WFFORMAT, *YAML]
