"""YAML as a way to write JSON: one document of maps, lists and plain values, without aliases and tags.

The library's parser gives events and no more; the value is put together here, without recursion, so that neither an
alias bomb nor a tag nor depth can do anything. Of YAML's many spellings only those of JSON have a type: `no` and
`2026-01-01` are text. What is written here reads back as it was.
"""

from __future__ import annotations

import re
from typing import Any, Final

import yaml

from orchestrator.definition import strict_json
from orchestrator.definition.issues import ROOT, DefinitionError, Issue, show

_PARSER: Final = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # the C parser is ten times as fast
_MOST_VALUES: Final = 300_000  # several times what a definition can hold; a million take seconds
_CONSTANTS: Final = {"": None, "~": None, "null": None, "true": True, "false": False}
_INTEGER: Final = re.compile(r"[-+]?(?:0|[1-9][0-9]*)")
# With a point or an exponent; 010 is text, for it may be the code of something.
_REAL: Final = re.compile(r"[-+]?(?:(?:[0-9]+\.[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?|[0-9]+[eE][-+]?[0-9]+)")
_ENDS_LINES: Final = re.compile("[\x85\u2028\u2029]")
_TEXT_TAGS: Final = ("!", "tag:yaml.org,2002:str")


def loads(text: str | bytes) -> Any:
    """The value of a YAML text. Raises DefinitionError with what is wrong and where."""
    source = strict_json.decode(text)
    builder = _Builder()
    try:
        for event in yaml.parse(source, Loader=_PARSER):
            builder.take(event)
    except yaml.YAMLError as error:
        raise DefinitionError([_fault(error)]) from None
    issues = strict_json.check_value(builder.value)
    if issues:
        raise DefinitionError(issues)
    return builder.value


def dumps(value: Any) -> str:
    """The value as YAML, its keys in their order; `loads` gives the same value again."""
    return yaml.dump(value, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=110)


class _Builder:
    """Puts a value together from the parser's events."""

    def __init__(self) -> None:
        self.value: Any = None
        self._documents = 0
        self._values = 0
        self._open: list[list[Any]] = []
        self._kinds: list[type[yaml.Event]] = []

    def take(self, event: yaml.Event) -> None:
        match event:
            case yaml.DocumentStartEvent():
                self._documents += 1
                if self._documents > 1:
                    raise _refused("several_documents", "Only one definition can be read at once", event)
            case yaml.AliasEvent():
                raise _refused("alias", f"The alias *{event.anchor} is not taken: write the value out", event)
            case yaml.NodeEvent():
                self._node(event)
            case yaml.CollectionEndEvent():
                self._close(event)

    def _node(self, event: yaml.NodeEvent) -> None:
        if event.anchor is not None:
            raise _refused("alias", f"The anchor &{event.anchor} is not taken: write the value out", event)
        tag = getattr(event, "tag", None)
        if tag is not None and tag not in _TEXT_TAGS:
            raise _refused(
                "tag", f"The tag {show(tag)} is not taken: definitions hold plain values only", event
            )
        if isinstance(event, yaml.ScalarEvent):
            self._put(_scalar(event))
            return
        if len(self._open) > strict_json.MAX_DEPTH:
            raise _refused(
                "too_deep",
                f"Lists and maps stand in each other more than {strict_json.MAX_DEPTH} deep",
                event,
            )
        self._open.append([])
        self._kinds.append(type(event))

    def _close(self, event: yaml.Event) -> None:
        members, kind = self._open.pop(), self._kinds.pop()
        self._put(_mapping(members, event) if kind is yaml.MappingStartEvent else members)

    def _put(self, value: Any) -> None:
        self._values += 1
        if self._values > _MOST_VALUES:
            text = f"This holds more than {_MOST_VALUES:,} values; a definition has far fewer."
            raise DefinitionError([Issue(ROOT, "too_large", text)])
        if self._open:
            self._open[-1].append(value)
        else:
            self.value = value


def _mapping(members: list[Any], event: yaml.Event) -> dict[str, Any]:
    keys, values = members[::2], members[1::2]
    if any(isinstance(key, dict | list) for key in keys):
        raise _refused(
            "bad_yaml", "The key of a map is text; a map that ends here has a list or a map for a key", event
        )
    return strict_json.mapping_of(list(zip(keys, values, strict=True)))


def _scalar(event: yaml.ScalarEvent) -> Any:
    text: str = event.value
    if not event.implicit[0] or event.tag in _TEXT_TAGS:
        return text
    if text == "<<":
        raise _refused("merge", "The merge key << is not taken: write the fields out", event)
    if text in _CONSTANTS:
        return _CONSTANTS[text]
    if _INTEGER.fullmatch(text):
        return strict_json.integer(text)
    return strict_json.real(text) if _REAL.fullmatch(text) else text


def _fault(error: yaml.YAMLError) -> Issue:
    mark = getattr(error, "problem_mark", None)
    problem = getattr(error, "problem", None) or getattr(error, "reason", None) or "it cannot be read"
    place = f" at line {mark.line + 1}, column {mark.column + 1}" if mark else ""
    # The C parser reads ahead and has a limit of its own.
    code = "too_deep" if "nesting depth" in problem else "bad_yaml"
    return Issue(ROOT, code, f"This is not YAML that can be read: {problem}{place}.")


def _refused(code: str, text: str, event: yaml.Event) -> DefinitionError:
    mark = event.start_mark
    place = f" (line {mark.line + 1}, column {mark.column + 1})" if mark else ""
    return DefinitionError([Issue(ROOT, code, f"{text}{place}.")])


class _Dumper(yaml.SafeDumper):
    """Quotes whatever would read back as something else, and writes a value that is met twice out twice."""

    def ignore_aliases(self, _: Any) -> bool:
        return True

    def text(self, value: str) -> yaml.ScalarNode:
        # To YAML these end a line as well: only between double quotes do they stay what they are.
        style = '"' if _ENDS_LINES.search(value) else None
        return self.represent_scalar("tag:yaml.org,2002:str", value, style=style)


_Dumper.add_representer(str, _Dumper.text)
_Dumper.add_implicit_resolver(
    "tag:yaml.org,2002:float", re.compile(f"^{_REAL.pattern}$"), list("-+.0123456789")
)
