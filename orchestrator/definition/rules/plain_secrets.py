"""Secrets that stand in a definition for all to read: by their shape, or by the name of the field they stand in.

A finding never repeats what it found. Whatever holds `{{ }}` is taken to be filled in later.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any, Final

from orchestrator.definition import language
from orchestrator.definition.fields import holds_template
from orchestrator.definition.issues import ROOT, Issue, at, warning
from orchestrator.definition.rules.draft import Draft, mapping

Path = tuple[str | int, ...]

# What it is; what is looked for first, in the whole definition at once, and must begin with plain letters to be fast; and
# its exact shape. No shape is looked for again within what it has been looked for.
_SHAPES: Final = tuple(
    (what, re.compile(first), re.compile(shape))
    for what, first, shape in (
        ("a private key", r"PRIVATE KEY-----", r"-----BEGIN [A-Z ]{0,30}PRIVATE KEY-----"),
        ("a GitHub token", r"ghp_", r"\bghp_[A-Za-z0-9]{20}"),
        ("a GitHub token", r"gho_", r"\bgho_[A-Za-z0-9]{20}"),
        ("a GitHub token", r"ghs_", r"\bghs_[A-Za-z0-9]{20}"),
        ("a GitHub token", r"github_pat_", r"\bgithub_pat_[A-Za-z0-9_]{20}"),
        ("a GitHub token", r"ghu_", r"\bghu_[A-Za-z0-9]{20}"),
        ("a GitHub token", r"ghr_", r"\bghr_[A-Za-z0-9]{20}"),
        ("a GitLab token", r"glpat-", r"\bglpat-[\w-]{20}"),
        ("an API key", r"sk-\w", r"\bsk-(?:[a-z0-9]{1,20}-){0,3}[A-Za-z0-9_]{20}"),
        ("a Stripe key", r"k_live_", r"\b[sr]k_live_[A-Za-z0-9]{16}"),
        ("an AWS key", r"AKIA[A-Z0-9]", r"\bAKIA[A-Z0-9]{16}\b"),
        ("an AWS key", r"ASIA[A-Z0-9]", r"\bASIA[A-Z0-9]{16}\b"),
        ("a Slack token", r"xox[abeoprs]-", r"\bxox[abeoprs]-[A-Za-z0-9-]{10}"),
        ("a Slack address", r"hooks\.slack\.com/", r"hooks\.slack\.com/services/\w{1,20}/\w{1,20}/\w{16}"),
        ("a Google key", r"AIza\w", r"\bAIza[\w-]{35}"),
        ("a token", r"\.eyJ", r"(?<![\w-])eyJ[\w-]{8,}\.eyJ[\w-]{8,}\.[\w-]{8}"),
        (
            "a password",
            r"://[^\s/:@{}]{0,100}:[^\s/@{}]{1,200}@",
            r"\b[a-zA-Z][a-zA-Z0-9+.-]{0,20}://[^\s/:@{}]{0,100}:[^\s/@{}]{1,200}@",
        ),
        # Of prose they are told apart by standing alone and holding a figure.
        ("a token", r"Bearer \S{8}", r"\ABearer (?=\S*\d)[\w.~+/=-]{8,}\Z"),
        ("a password", r"Basic \S{8}", r"\ABasic (?=\S*\d)[\w+/=-]{8,}\Z"),
        ("a key", r"key=[^\s&#{}]{8}", r"[?&](?:api_?)?key=[^\s&#{}]{8}"),
        ("a token", r"token=[^\s&#{}]{8}", r"[?&](?:\w{1,20}_)?token=[^\s&#{}]{8}"),
        ("a secret", r"secret=[^\s&#{}]{6}", r"[?&](?:\w{1,20}_)?secret=[^\s&#{}]{6}"),
        ("a password", r"passw(?:or)?d=[^\s&#{}]{4}", r"[?&]passw(?:or)?d=[^\s&#{}]{4}"),
        (
            "a password",
            r"uthorization: ",
            r"\b[Aa]uthorization: {1,5}(?:[Bb]asic|[Bb]earer|[Tt]oken) {1,5}[^\s{}]{6}",
        ),
    )
)
_SEPARATORS: Final = str.maketrans("", "", "-_ .")
_NAMED: Final = re.compile(
    r".*(?:password|passwd|passphrase|secret|token|apikey|accesskey|secretkey|privatekey|signingkey|subscriptionkey)"
    r"|pwd|authorization|proxyauthorization|credentials?|cookie"
)
# One of these is in each such name.
_WORDS: Final = ("pass", "secret", "token", "key", "pwd", "authorization", "credential", "cookie")
# Words of paging, which say where to go on.
_NO_SECRET: Final = re.compile(
    r".*(?:page|next|continuation|cursor|sync|cancel(?:lation)?|stop|start|end)token"
)
# What stands in for a value: <your token>, ***, xxxx, $TOKEN, ${TOKEN}, %TOKEN%.
_STAND_IN: Final = re.compile(r"<.*>|(.)\1*|\$\{?\w+\}?|%\w+%", re.DOTALL)
_HIDDEN_FROM: Final = (language.APPROVAL_GATE, language.CONDITION_CHECK)


def check_plain_secrets(draft: Draft) -> Iterator[Issue]:
    """No secret stands in plain text."""
    whole = json.dumps(draft.data, ensure_ascii=False)
    found = dict(_by_name(draft, whole.lower())) | dict(_by_shape(draft.data, whole))
    for path, what in found.items():
        yield _finding(draft, path, what)


def _by_name(draft: Draft, whole: str) -> Iterator[tuple[Path, str]]:
    """What parameters with such names are given."""
    if not any(word in whole for word in _WORDS):
        return
    for name, spec in draft.parameters.items():
        default = mapping(spec).get("default")
        if mapping(spec).get("secret") is not True and _is_plain(default) and _is_named(name):
            yield ("parameters", name, "default"), "a secret"
    for key, task in draft.tasks.items():
        for path in _named_in(task.get("parameters")):
            yield ("tasks", key, "parameters", *path), "a secret"
        if "compensation" in task:
            for path in _named_in(mapping(task["compensation"]).get("parameters")):
                yield ("tasks", key, "compensation", "parameters", *path), "a secret"


def _named_in(value: Any, is_named: bool = False) -> Iterator[Path]:
    """`is_named`: what lists lie in has such a name."""
    for key, member in _members(value):
        named = _is_named(key) if isinstance(key, str) else is_named
        if isinstance(member, str):
            if named and _is_plain(member):
                yield (key,)
        elif member and isinstance(member, dict | list):
            for path in _named_in(member, named):
                yield (key, *path)


def _by_shape(data: Mapping[str, Any], whole: str) -> Iterator[tuple[Path, str]]:
    """What looks like one, wherever it stands. Most definitions hold no text that could: one look at the whole tells."""
    shapes = [shape for shape in _SHAPES if shape[1].search(whole)]
    for path, text in _texts(data, ()) if shapes else ():
        for what, first, shape in shapes:
            if first.search(text) and shape.search(text):
                yield path, what
                break


def _texts(value: Any, path: Path) -> Iterator[tuple[Path, str]]:
    """Every text in it, and where it stands."""
    for key, member in _members(value):
        if isinstance(member, str):
            yield (*path, key), member
        elif member and isinstance(member, dict | list):
            yield from _texts(member, (*path, key))


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
