"""The layout, and what no file may do: rules that hold the house in order."""

from __future__ import annotations

import ast
import hashlib
import re
import tomllib
from collections.abc import Iterator
from fnmatch import fnmatch
from html.parser import HTMLParser
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
# Names that no code of ours uses, whether it calls, decorates or imports them.
FORBIDDEN = {"eval", "exec", "mark_safe", "SafeString", "csrf_exempt", "pickle", "marshal", "shelve"}
FORBIDDEN_TAGS = re.compile(r"\|\s*safe(seq)?\b|\{%-?\s*autoescape\s+off")
# Whoever assigns a status, and why it is none of a run or a task.
ASSIGNS_STATUS = {
    "orchestrator/agents/client/answers.py": "that of an answer over HTTP",
    "orchestrator/planning/board.py": "the chokepoint itself",
}
# Whoever may write to the disk, and what.
WRITES_FILES = {
    "orchestrator/actions/cell.py": "the answers of its process, to the one that started it",
    "orchestrator/actions/workspace.py": "the one door to the files of users",
    "orchestrator/agents/outbox/folder.py": "the files of outbox agents",
    "orchestrator/cli/workflows.py": "export --output: the file that was named on the command line",
    "orchestrator/database.py": "the lock by which one process migrates",
    "orchestrator/engine/transactions.py": "the lock at which turns queue for SQLite",
    "orchestrator/files.py": "files that are handed in",
    "orchestrator/keyfiles.py": "the keys, which are made once",
    "orchestrator/settings.py": "makes the data directory",
    "orchestrator/web/setup_code.py": "uses the code for the first account up",
}
WRITING_CALLS = {
    *("mkdir", "rename", "rmdir", "symlink_to", "hardlink_to", "unlink", "write_bytes", "write_text"),
    *(
        "os.link",
        "os.makedirs",
        "os.open",
        "os.remove",
        "os.replace",
        "os.symlink",
        "shutil.copy",
        "shutil.move",
    ),
    *(
        "shutil.copyfile",
        "shutil.copytree",
        "shutil.rmtree",
        "tempfile.mkstemp",
        "tempfile.NamedTemporaryFile",
    ),
}


def tracked() -> list[Path]:
    """Every file of the project: all but what `.gitignore` names."""
    ignored = [line.rstrip("/") for line in (ROOT / ".gitignore").read_text().splitlines() if line]
    return list(_files(ROOT, [*ignored, ".git"]))


def _files(folder: Path, ignored: list[str]) -> Iterator[Path]:
    for path in sorted(folder.iterdir()):
        if any(fnmatch(path.name, pattern) for pattern in ignored):
            continue
        if path.is_dir():
            yield from _files(path, ignored)
        else:
            yield path


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


def parsed() -> Iterator[tuple[Path, ast.AST]]:
    """Every node of every module."""
    for path in sources():
        for node in ast.walk(ast.parse(path.read_text())):
            yield path, node


def test_a_status_is_assigned_at_the_chokepoint_alone() -> None:
    assert {named(path) for path, node in parsed() if _sets_status(node)} == set(ASSIGNS_STATUS)


def _sets_status(node: ast.AST) -> bool:
    if isinstance(node, ast.Call) and ast.unparse(node.func) in {"setattr", "object.__setattr__"}:
        return any(
            isinstance(argument, ast.Constant) and argument.value == "status" for argument in node.args
        )
    return isinstance(node, ast.Attribute) and node.attr == "status" and isinstance(node.ctx, ast.Store)


@pytest.mark.parametrize(
    "code",
    [
        "run.status = 1",
        "run.status: str = 1",
        "run.status += 1",
        "a, run.status = 1, 2",
        "setattr(run, 'status', 1)",
        "for run.status in names: pass",
    ],
)
def test_the_search_for_assigned_statuses_finds_them(code: str) -> None:
    assert any(_sets_status(node) for node in ast.walk(ast.parse(code)))


def test_nothing_is_evaluated_marked_safe_exempted_or_unpickled() -> None:
    found = {f"{named(path)}: {name}" for path, node in parsed() for name in _names(node) & FORBIDDEN}
    assert found == set()


def _names(node: ast.AST) -> set[str]:
    match node:
        case ast.Name():
            return {node.id}
        case ast.Attribute():
            # A method of that name is somebody's own; `re.compile` and `executor.exec` are no `exec`.
            return {node.attr} - {"eval", "exec"}
        case ast.Import():
            return {alias.name.partition(".")[0] for alias in node.names}
        case ast.ImportFrom():
            return {(node.module or "").partition(".")[0], *(alias.name for alias in node.names)}
    return set()


@pytest.mark.parametrize(
    "code",
    [
        "eval('1')",
        "exec(text)",
        "import pickle",
        "from pickle import loads",
        "@csrf_exempt\ndef view(): ...",
        "from django.utils.safestring import mark_safe as s",
        "safestring.mark_safe(x)",
    ],
)
def test_the_search_for_forbidden_names_finds_them(code: str) -> None:
    assert any(_names(node) & FORBIDDEN for node in ast.walk(ast.parse(code)))


def test_files_are_written_only_by_those_with_a_reason() -> None:
    assert {named(path) for path, node in parsed() if _writes(node)} == set(WRITES_FILES)


def _writes(node: ast.AST) -> bool:
    if not isinstance(node, ast.Call):
        return False
    name = ast.unparse(node.func)
    last = name.rpartition(".")[2]
    return bool({name, last} & WRITING_CALLS) or (
        last in {"open", "fdopen"} and _mode(node) not in {"", "r", "rb"}
    )


def _mode(call: ast.Call) -> str:
    """The mode of an `open`, of whichever kind, '' when none is given."""
    given = [*call.args, *(keyword.value for keyword in call.keywords if keyword.arg == "mode")]
    texts = [one.value for one in given if isinstance(one, ast.Constant) and isinstance(one.value, str)]
    return next((text for text in texts if re.fullmatch(r"[rwaxbt+]{1,3}", text)), "")


@pytest.mark.parametrize(
    ("code", "writes"),
    [
        ("open(path, 'w')", True),
        ("path.open(mode='ab')", True),
        ("open(path, 'r+')", True),
        ("path.write_text(text)", True),
        ("os.open(path, flags)", True),
        ("shutil.rmtree(path)", True),
        ("open(path)", False),
        ("path.open('rb')", False),
        ("text.replace('a', 'b')", False),
    ],
)
def test_the_search_for_writes_finds_them_and_no_more(code: str, writes: bool) -> None:
    assert any(_writes(node) for node in ast.walk(ast.parse(code))) is writes


# Templates


class Scan(HTMLParser):
    """Finds in a page what the content security policy would refuse, or what could be run from a text."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        data = given.get("type") == "application/json"
        if tag == "style" or (tag == "script" and not data and "src" not in given):
            self.found.append(f"<{tag}>")
        self.found += [name for name, value in attrs if _is_inline(name, value or "")]

    handle_startendtag = handle_starttag


def _is_inline(name: str, value: str) -> bool:
    handler = name == "style" or name.startswith(("hx-on", "data-hx-on")) or re.fullmatch(r"on[a-z]+", name)
    return bool(handler) or value.lstrip().lower().startswith(("js:", "javascript:"))


def faults_of(page: str) -> list[str]:
    scan = Scan()
    # Tags of Django stand inside of those of HTML and hold quotes, by which a parser would lose its way.
    scan.feed(
        re.sub(r"\{%.*?%\}", " ", re.sub(r"\{% comment %\}.*?\{% endcomment %\}", "", page, flags=re.DOTALL))
    )
    scan.close()
    return [*scan.found, *(match[0] for match in FORBIDDEN_TAGS.finditer(page))]


MAILS = ROOT / "templates" / "mail"  # no policy of ours reaches them, and mail programs know no style sheets
OF_MAILS = {"style", "<style>"}


def test_no_template_holds_a_script_a_style_a_handler_or_unescaped_text() -> None:
    pages = sorted((ROOT / "templates").rglob("*.html"))
    assert pages
    found = {page: faults_of(page.read_text()) for page in pages}
    for page in MAILS.rglob("*.html"):
        found[page] = [fault for fault in found[page] if fault not in OF_MAILS]
    assert {named(page): faults for page, faults in found.items() if faults} == {}


@pytest.mark.parametrize(
    "page",
    [
        '<p style="x">',
        "<p style=x>",
        "<style>",
        '<a onclick="x()">',
        "<a onclick=x()>",
        '<a{% if x == "y" %} onclick="x()"{% endif %}>',
        '<a hx-on:click="x">',
        '<a hx-on--after-request="x">',
        "<script>1</script>",
        '<script type="module">1</script>',
        """<a hx-vals='js:{}'>""",
        '<a href="javascript:x()">',
        "{{ name|safe }}",
        "{% autoescape off %}",
    ],
)
def test_the_scan_of_templates_finds_what_is_forbidden(page: str) -> None:
    assert faults_of(page)


@pytest.mark.parametrize(
    "page",
    [
        """<script src="{% static 'a.js' %}"></script>""",
        '<script type="application/json">{}</script>',
        "<b>on=1</b>",
    ],
)
def test_the_scan_of_templates_lets_the_rest_pass(page: str) -> None:
    assert faults_of(page) == []


# Other people's code


def test_vendored_files_are_what_their_list_says() -> None:
    folder = ROOT / "static" / "vendor"
    listed = dict(
        re.findall(r"^\| `([^`]+)`.*`([0-9a-f]{64})` \|$", (folder / "VENDOR.md").read_text(), re.MULTILINE)
    )
    found = {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.iterdir()
        if path.suffix not in {".md", ".txt"}
    }
    assert found
    assert found == listed


@pytest.mark.parametrize(("lock", "extra"), [("requirements.lock", ""), ("requirements-dev.lock", "dev")])
def test_the_lock_holds_every_dependency_and_names_no_index(lock: str, extra: str) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = project["dependencies"] + (project["optional-dependencies"][extra] if extra else [])
    lines = (ROOT / lock).read_text().lower().splitlines()
    assert [one for one in wanted if re.sub(r"\[.*\]", "", one).lower() not in lines] == []
    assert [line for line in lines if not re.fullmatch(r"[a-z0-9.-]+==[a-z0-9.!+]+( ; .+)?", line)] == []
