"""The layout, and what no file may do: rules that hold the house in order."""

from __future__ import annotations

import ast
import hashlib
import re
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("orchestrator", "editor", "monitoring")
LONGEST = 500
TOP_LEVEL = {
    *(
        ".ci",
        ".gitignore",
        "CHANGELOG.md",
        "CONTRIBUTING.md",
        "LICENSE",
        "Makefile",
        "README.md",
        "manage.py",
    ),
    *("pyproject.toml", "requirements.lock", "requirements-dev.lock"),
    *("editor", "monitoring", "orchestrator", "static", "templates", "tests"),
}
FORBIDDEN_CALLS = {"eval", "exec", "mark_safe", "csrf_exempt", "pickle.loads", "pickle.load", "yaml.load"}
# Whoever assigns a status, and why it is none of a run or a task.
ASSIGNS_STATUS = {
    "orchestrator/planning/board.py": "the chokepoint itself",
}
_INLINE = re.compile(
    r"""<style\b|\sstyle\s*=|\son[a-z]+\s*=\s*["']|\shx-on|["']js:|<script(?![^>]*\b(?:src=|type="application/json"))""",
    re.IGNORECASE,
)


def tracked() -> list[Path]:
    """Every file of the repository, and those that are about to be."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, check=True, capture_output=True, text=True,
    )  # fmt: skip
    return [path for line in listed.stdout.splitlines() if (path := ROOT / line).is_file()]


def sources() -> Iterator[Path]:
    for package in PACKAGES:
        yield from sorted((ROOT / package).rglob("*.py"))


def named(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def test_the_top_level_holds_what_the_design_says_and_nothing_else() -> None:
    assert {named(path).partition("/")[0] for path in tracked()} == TOP_LEVEL


def test_every_package_says_what_lives_there() -> None:
    packages = [path for path in sources() if path.name == "__init__.py" and "migrations" not in path.parts]
    assert [named(path) for path in packages if not ast.get_docstring(ast.parse(path.read_text()))] == []


@pytest.mark.parametrize("folder", ["static", "templates", "tests"])
def test_folders_that_are_no_packages_say_it_in_a_readme(folder: str) -> None:
    assert (ROOT / folder / "README.md").read_text().startswith("# ")


def test_no_file_is_longer_than_one_can_read() -> None:
    kinds = {".py", ".js", ".css", ".html"}
    written = [path for path in tracked() if path.suffix in kinds and "vendor" not in path.parts]
    long = {
        named(path): lines
        for path in written
        if "migrations" not in path.parts and (lines := len(path.read_text().splitlines())) > LONGEST
    }
    assert long == {}


def test_a_status_is_assigned_at_the_chokepoint_alone() -> None:
    found = {
        named(path)
        for path in sources()
        for node in ast.walk(ast.parse(path.read_text()))
        if _sets_status(node)
    }
    assert found == set(ASSIGNS_STATUS)


def _sets_status(node: ast.AST) -> bool:
    targets = (
        node.targets
        if isinstance(node, ast.Assign)
        else [node.target]
        if isinstance(node, ast.AugAssign)
        else []
    )
    return any(isinstance(target, ast.Attribute) and target.attr == "status" for target in targets)


def test_nothing_is_evaluated_marked_safe_or_unpickled() -> None:
    found = {
        f"{named(path)}: {ast.unparse(node.func)}"
        for path in sources()
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and ast.unparse(node.func) in FORBIDDEN_CALLS
    }
    assert found == set()


def test_no_template_holds_a_script_a_style_or_a_handler() -> None:
    pages = sorted((ROOT / "templates").rglob("*.html"))
    found = {named(page): match[0] for page in pages if (match := _INLINE.search(page.read_text()))}
    assert pages
    assert found == {}


@pytest.mark.parametrize(
    "text",
    [
        '<p style="x">',
        "<style>",
        '<a onclick="x()">',
        '<a hx-on:click="x">',
        "<script>1</script>",
        """<a hx-vals='js:{}'>""",
    ],
)
def test_the_scan_of_templates_finds_what_is_forbidden(text: str) -> None:
    assert _INLINE.search(text)


def test_vendored_files_are_what_their_list_says() -> None:
    folder = ROOT / "static" / "vendor"
    listed = (folder / "VENDOR.md").read_text()
    files = [path for path in folder.iterdir() if path.suffix in {".js", ".css"}]
    assert files
    assert [path.name for path in files if hashlib.sha256(path.read_bytes()).hexdigest() not in listed] == []


@pytest.mark.parametrize(("lock", "extra"), [("requirements.lock", ""), ("requirements-dev.lock", "dev")])
def test_the_lock_holds_every_dependency_and_names_no_index(lock: str, extra: str) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    text = (ROOT / lock).read_text().lower()
    wanted = project["dependencies"] + (project["optional-dependencies"][extra] if extra else [])
    missing = [one for one in wanted if re.sub(r"\[.*\]", "", one).lower() not in text]
    assert missing == []
    assert not re.search(r"index-url|find-links|trusted-host|https?:|file:", text)
