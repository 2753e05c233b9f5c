"""JSON as Baton takes it: what is ambiguous, unbounded or cannot be stored is refused, with its place.

Python's own parser keeps the last of two equal keys, reads NaN, lone surrogates and integers of any length, and gives up
on depth by an exception of its own; databases refuse NUL. Here each of these has a stable code, and the same rules hold
for values that arrive already parsed (an agent's result, YAML).
"""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

from orchestrator.definition.issues import ROOT, DefinitionError, Issue, at, show

MAX_BYTES = 2 * 1024 * 1024
MAX_DEPTH = 32
MAX_INTEGER = 2**53  # beyond it a browser, and many another reader, silently rounds

_MOST_ISSUES = 100
_MOST_VALUES = 2_000_000  # more than fit in MAX_BYTES; ends the walk of a value that shares its parts
_LONGEST_INTEGER = 17
_FORBIDDEN = re.compile("[\x00\ud800-\udfff]")

_Trail = tuple[Any, "str | int"] | None  # (trail of the parent, key): a path is only written out for an issue


class _Repeated(dict[str, Any]):
    """A map in which these keys stood more than once."""

    keys_given_twice: list[str]


class _BadNumber:
    """A number that JSON allows, or Python reads, and Baton does not keep."""

    def __init__(self, text: str) -> None:
        self.text = text[:20]


def loads(text: str | bytes, *, max_bytes: int = MAX_BYTES, max_depth: int = MAX_DEPTH) -> Any:
    """The value of a JSON text. Raises DefinitionError with every fault, located."""
    source = decode(text, max_bytes)
    try:
        value = json.loads(
            source,
            object_pairs_hook=mapping_of,
            parse_int=integer,
            parse_float=real,
            parse_constant=_BadNumber,
        )
    except json.JSONDecodeError as error:
        place = f"line {error.lineno}, column {error.colno}"
        raise _refused("bad_json", f"This is not JSON: {error.msg} at {place}.") from None
    except RecursionError:
        raise _refused("too_deep", _too_deep(max_depth)) from None
    issues = check_value(value, max_depth=max_depth)
    if issues:
        raise DefinitionError(issues)
    return value


def decode(text: str | bytes, max_bytes: int = MAX_BYTES) -> str:
    """The text itself, checked for its size and encoding before anything looks into it."""
    size = len(text) if isinstance(text, bytes) else len(text.encode("utf-8", "surrogatepass"))
    if size > max_bytes:
        raise _refused("too_large", _too_large(size, max_bytes))
    if isinstance(text, bytes):
        try:
            text = text.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise _refused("bad_unicode", f"This is not UTF-8: byte {error.start} cannot be read.") from None
    text = text.removeprefix("\ufeff")
    if not text.strip():
        raise _refused("empty", "There is nothing here: a definition is expected.")
    return text


def check_value(
    value: Any, path: str = ROOT, *, max_bytes: int | None = None, max_depth: int = MAX_DEPTH
) -> list[Issue]:
    """The same rules for a value that is already parsed; `max_bytes` counts it as compact JSON."""
    issues: list[Issue] = []
    for issue in _faults(value, path, max_depth):
        issues.append(issue)
        if len(issues) >= _MOST_ISSUES:
            break
    if not issues and max_bytes is not None:
        size = len(json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode())
        if size > max_bytes:
            issues.append(Issue(path, "too_large", _too_large(size, max_bytes)))
    return issues


def mapping_of(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A map that remembers which keys it was given twice, so that `check_value` can say where."""
    plain = dict(pairs)
    if len(plain) == len(pairs):
        return plain
    repeated = _Repeated(plain)
    times = Counter(name for name, _ in pairs)
    repeated.keys_given_twice = [name for name in plain if times[name] > 1][:_MOST_ISSUES]
    return repeated


def integer(text: str) -> Any:
    """The whole number, or what `check_value` reports as one that cannot be kept."""
    return int(text) if len(text) <= _LONGEST_INTEGER else _BadNumber(text)


def real(text: str) -> Any:
    """The number, or what `check_value` reports as one that cannot be kept."""
    number = float(text)
    return number if math.isfinite(number) else _BadNumber(text)


def _faults(value: Any, path: str, max_depth: int) -> Iterator[Issue]:
    """Every fault in the value. Iterative: its depth is not yet known to be harmless."""
    yield from _fault(value, path, None)
    stack: list[tuple[Any, _Trail, int]] = [(value, None, 1)] if isinstance(value, dict | list) else []
    seen = 0
    while stack:
        container, trail, depth = stack.pop()
        if depth > max_depth:
            yield Issue(_path(path, trail), "too_deep", _too_deep(max_depth))
            continue
        seen += len(container)
        if seen > _MOST_VALUES:
            yield Issue(path, "too_large", f"This holds more than {_MOST_VALUES:,} values.")
            return
        if isinstance(container, dict) and not _has_sound_keys(container):
            yield from _key_faults(container, path, trail)
        for key, member in container.items() if isinstance(container, dict) else enumerate(container):
            if isinstance(member, (dict, list)):
                stack.append((member, (trail, key), depth + 1))
            elif not _is_sound(member):
                yield from _fault(member, path, (trail, key))


def _is_sound(value: Any) -> bool:
    """Whether `_fault` finds nothing, told quickly: a draft of thousands of values is checked at each edit."""
    if isinstance(value, str):
        return _FORBIDDEN.search(value) is None
    if value is None or isinstance(value, bool):
        return True
    if isinstance(value, int):
        return -MAX_INTEGER <= value <= MAX_INTEGER
    return isinstance(value, float) and math.isfinite(value)


def _has_sound_keys(container: dict[Any, Any]) -> bool:
    try:
        return type(container) is dict and _FORBIDDEN.search("".join(container)) is None
    except TypeError:  # a key that is no text
        return False


def _fault(value: Any, path: str, trail: _Trail) -> Iterator[Issue]:
    """What is wrong with a value that holds no others."""
    if isinstance(value, str):
        if _FORBIDDEN.search(value):
            yield _bad_text(value, _path(path, trail))
    elif isinstance(value, bool) or value is None:
        return
    elif isinstance(value, _BadNumber):
        yield _bad_number(value.text, _path(path, trail))
    elif isinstance(value, int):
        if abs(value) > MAX_INTEGER:
            yield _bad_number(show(value), _path(path, trail))
    elif isinstance(value, float):
        if not math.isfinite(value):
            yield _bad_number(str(value), _path(path, trail))
    elif not isinstance(value, dict | list):
        text = f"A {type(value).__name__} is not a JSON value: use text, numbers, true, false, null, lists and maps."
        yield Issue(_path(path, trail), "not_json", text)


def _key_faults(container: dict[Any, Any], path: str, trail: _Trail) -> Iterator[Issue]:
    if isinstance(container, _Repeated):
        for key in container.keys_given_twice:
            text = f"The key {show(key)} stands here more than once; which one is meant?"
            yield Issue(_path(path, (trail, key)), "duplicate_key", text)
    for key in container:
        if not isinstance(key, str):
            yield Issue(_path(path, trail), "not_json", f"The key {show(key)} is not text; put it in quotes.")
        elif _FORBIDDEN.search(key):
            yield _bad_text(key, _path(path, (trail, key)))


def _path(path: str, trail: _Trail) -> str:
    keys: list[str | int] = []
    while trail is not None:
        trail, key = trail
        keys.append(key)
    for key in reversed(keys):
        path = at(path, key)
    return path


def _bad_text(text: str, path: str) -> Issue:
    if "\x00" in text:
        return Issue(path, "null_character", "Text cannot hold the null character (\\u0000); remove it.")
    return Issue(path, "bad_unicode", "This text holds half of a character (a lone surrogate); remove it.")


def _bad_number(text: str, path: str) -> Issue:
    message = (
        f"{text} cannot be kept exactly: numbers are finite, and whole ones within ±2^53. Write it as text."
    )
    return Issue(path, "bad_number", message)


def _too_deep(limit: int) -> str:
    return f"Lists and maps stand in each other more than {limit} deep."


def _too_large(size: int, limit: int) -> str:
    return f"This is {size:,} bytes long; at most {limit:,} are taken."


def _refused(code: str, message: str) -> DefinitionError:
    return DefinitionError([Issue(ROOT, code, message)])
