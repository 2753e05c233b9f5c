"""Secrets that stand in a definition for all to read: by their shape, or by the name of the field they stand in.

A finding never repeats what it found. Whatever holds `{{ }}` is taken to be filled in later.
"""

from __future__ import annotations

import json
import re
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any, Final

from orchestrator.definition import language
from orchestrator.definition.fields import holds_template
from orchestrator.definition.issues import ROOT, Issue, at, warning
from orchestrator.definition.rules.draft import Draft, mapping

Path = tuple[str | int, ...]

# What it is, text that each of its kind holds, and its shape. To look for the text first costs next to nothing; and no
# shape is looked for again within what it has been looked for.
_SHAPES: Final = tuple(
    (what, marks, re.compile(shape))
    for what, marks, shape in (
        ("a private key", ("PRIVATE KEY-----",), r"-----BEGIN [A-Z ]{0,30}PRIVATE KEY-----"),
        ("a GitHub token", ("ghp_",), r"\bghp_[A-Za-z0-9]{20}"),
        ("a GitHub token", ("gho_",), r"\bgho_[A-Za-z0-9]{20}"),
        ("a GitHub token", ("ghs_",), r"\bghs_[A-Za-z0-9]{20}"),
        ("a GitHub token", ("github_pat_",), r"\bgithub_pat_[A-Za-z0-9_]{20}"),
        ("a GitLab token", ("glpat-",), r"\bglpat-[\w-]{20}"),
        ("an API key", ("sk-",), r"\bsk-(?:[a-z0-9]{1,20}-){0,3}[A-Za-z0-9_]{20}"),
        ("a Stripe key", ("k_live_",), r"\b[sr]k_live_[A-Za-z0-9]{16}"),
        ("an AWS key", ("AKIA",), r"\bAKIA[A-Z0-9]{16}\b"),
        ("an AWS key", ("ASIA",), r"\bASIA[A-Z0-9]{16}\b"),
        ("a Slack token", ("xox",), r"\bxox[abeoprs]-[A-Za-z0-9-]{10}"),
        ("a Slack address", ("hooks.slack.com/",), r"hooks\.slack\.com/services/\w{1,20}/\w{1,20}/\w{16}"),
        ("a Google key", ("AIza",), r"\bAIza[\w-]{35}"),
        ("a token", ("eyJ", ".eyJ"), r"(?<![\w-])eyJ[\w-]{8,}\.eyJ[\w-]{8,}\.[\w-]{8}"),
        ("a password", ("://", "@"), r"\b[a-zA-Z][a-zA-Z0-9+.-]{0,20}://[^\s/:@{}]{0,100}:[^\s/@{}]{1,200}@"),
        ("a key", ("://", "key="), r"[?&](?:api_?)?key=[^\s&#{}]{8}"),
        ("a token", ("://", "token="), r"[?&](?:\w{1,20}_)?token=[^\s&#{}]{8}"),
        ("a secret", ("://", "secret="), r"[?&](?:\w{1,20}_)?secret=[^\s&#{}]{6}"),
        ("a password", ("://", "=", "passw"), r"[?&]passw(?:or)?d=[^\s&#{}]{4}"),
        (
            "a password",
            ("uthorization",),
            r"[Aa]uthorization['\"]?\s{0,5}[:=]\s{0,5}['\"]?(?:[Bb]asic|[Bb]earer|[Tt]oken)\s[^\s{}]{6}",
        ),
    )
)
_SEPARATORS: Final = str.maketrans("", "", "-_ .")
_NAMED: Final = re.compile(
    r".*(?:password|passwd|passphrase|secret|token|apikey|accesskey|secretkey|privatekey|signingkey|subscriptionkey)"
    r"|pwd|authorization|proxyauthorization|credentials?|cookie"
)
# Words of paging, which say where to go on.
_NO_SECRET: Final = re.compile(
    r".*(?:page|next|continuation|cursor|sync|cancel(?:lation)?|stop|start|end)token"
)
# What stands in for a value: <your token>, ***, xxxx, $TOKEN, ${TOKEN}, %TOKEN%.
_STAND_IN: Final = re.compile(r"<.*>|(.)\1*|\$\{?\w+\}?|%\w+%", re.DOTALL)
_HIDDEN_FROM: Final = (language.APPROVAL_GATE, language.CONDITION_CHECK)


def check_plain_secrets(draft: Draft) -> Iterator[Issue]:
    """No secret stands in plain text."""
    found = dict(_by_name(draft)) | dict(_by_shape(draft.data))
    for path, what in found.items():
        yield _finding(draft, path, what)


def _by_name(draft: Draft) -> Iterator[tuple[Path, str]]:
    """What parameters with such names are given."""
    for name, spec in draft.parameters.items():
        default = mapping(spec).get("default")
        if mapping(spec).get("secret") is not True and _is_plain(default) and _is_named(name):
            yield ("parameters", name, "default"), "a secret"
    for key, task in draft.tasks.items():
        yield from _named_in(task.get("parameters"), ("tasks", key, "parameters"))
        if "compensation" in task:
            undone = mapping(task["compensation"]).get("parameters")
            yield from _named_in(undone, ("tasks", key, "compensation", "parameters"))


def _named_in(value: Any, path: Path) -> Iterator[tuple[Path, str]]:
    for where, name, text in _texts(value, path):
        if isinstance(name, str) and _is_named(name) and _is_plain(text):
            yield (*where, name), "a secret"


def _by_shape(data: Mapping[str, Any]) -> Iterator[tuple[Path, str]]:
    """What looks like one, wherever it stands. Most definitions hold no text that one of these holds: one look tells."""
    whole = json.dumps(data, ensure_ascii=False)
    shapes = [shape for shape in _SHAPES if all(mark in whole for mark in shape[1])]
    for where, name, text in _texts(data, ()) if shapes else ():
        for what, marks, shape in shapes:
            if all(mark in text for mark in marks) and shape.search(text):
                yield (*where, name), what
                break


def _texts(value: Any, path: Path) -> Iterator[tuple[Path, str | int, str]]:
    """Every text in it, with the name or the number it stands under and where that is."""
    waiting: deque[tuple[Path, Any]] = deque([(path, value)])
    while waiting:
        where, one = waiting.popleft()
        for key, member in _members(one):
            if isinstance(member, str):
                yield where, key, member
            elif member and isinstance(member, dict | list):
                waiting.append(((*where, key), member))


def _members(value: Any) -> Iterable[tuple[str | int, Any]]:
    if isinstance(value, dict):
        return value.items()
    return enumerate(value) if isinstance(value, list) else ()


def _is_plain(value: Any) -> bool:
    """Whether it is a text that says what it says."""
    if not isinstance(value, str) or not value.strip():
        return False
    return not holds_template(value) and not _STAND_IN.fullmatch(value)


@lru_cache(maxsize=1_024)
def _is_named(name: str) -> bool:
    """Whether what is called so is secret."""
    if len(name) > 100:
        return False
    plain = name.lower().translate(_SEPARATORS)
    return bool(_NAMED.fullmatch(plain)) and not _NO_SECRET.fullmatch(plain)


def _finding(draft: Draft, path: Path, what: str) -> Issue:
    where = ROOT
    for key in path:
        where = at(where, key)
    looks = f"This looks like {what} in plain text, for everybody to read who sees the workflow."
    return warning(where, "plain_secret", f"{looks} {_advice(draft, path)}", "{{ secrets.name }}")


def _advice(draft: Draft, path: Path) -> str:
    match path:
        case ("tasks", str() as key, "parameters" | "compensation", *_) if (
            draft.tasks.get(key, {}).get("action") not in _HIDDEN_FROM
        ):
            return "Keep it as a secret and write {{ secrets.name }} here."
        case ("parameters", _, *_):
            return "Declare the parameter with secret: true and without a default, or use {{ secrets.name }} in the task."
    return "Take it out; where an action needs it, write {{ secrets.name }}."
