"""A run as it is drawn in a terminal: a line of facts, a bar, a tree of tasks with the runs they started."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.utils import timezone
from rich.cells import cell_len
from rich.console import Group, RenderableType
from rich.progress_bar import ProgressBar
from rich.text import Text
from rich.tree import Tree

from orchestrator.cli.exits import plain
from orchestrator.cli.looks import GLYPHS, STYLES, span
from orchestrator.models import Run, TaskRun
from orchestrator.planning.machine import RUN_ENDED
from orchestrator.reads.live import facts, task_looks
from orchestrator.reads.outline import outline_of
from orchestrator.reads.states import WORDS, Look, State, clock
from orchestrator.reads.why import Blocking, why

_CHILDREN = 5  # runs drawn below the tasks that started them
_ADVICE = 5
_NAME_WIDTH = 40
# What is shown first when there is no room for everything.
_URGENT: tuple[State, ...] = (
    "failed",
    "waiting",
    "retrying",
    "running",
    "success",
    "cancelled",
    "skipped",
    "queued",
)


@dataclass(frozen=True, slots=True)
class Line:
    """One task: its name and look, and the run it started if that is drawn too."""

    key: str
    name: str
    look: Look
    child: Shot | None = None


@dataclass(frozen=True, slots=True)
class Shot:
    """A run at one moment."""

    run: Run
    title: str
    state: State
    settled: int
    lines: Sequence[Line]
    advice: Sequence[Blocking] = ()


def shot(run_id: int, *, with_advice: bool = True, depth: int = 0) -> Shot:
    """Read the run now. Costs a few queries, and as many again for each run that it waits for."""
    run = Run.objects.select_related("workflow").get(pk=run_id)
    shape = outline_of(run.version_id)
    children = _children(run) if depth < _CHILDREN else {}
    looks = task_looks(run, shape)
    return Shot(
        run=run,
        title=run.workflow.name,
        state=facts(run)["state"],
        settled=run.total - run.unsettled,
        lines=[
            Line(
                key,
                shape.name_of(key),
                look,
                shot(children[key], with_advice=False, depth=depth + 1) if key in children else None,
            )
            for key, look in looks.items()
        ],
        advice=why(run)[:_ADVICE] if with_advice else (),
    )


def _children(run: Run) -> dict[str, int]:
    rows = TaskRun.objects.filter(run_id=run.pk, index=-1).exclude(child=None).order_by("order")
    return dict(rows.values_list("key", "child_id")[:_CHILDREN])


def draw(seen: Shot, *, height: int | None = None) -> RenderableType:
    """The picture, of at most `height` lines of tasks."""
    tree = Tree(_headline(seen), guide_style="dim")
    room = [height if height is not None else 10_000]
    _add(tree, seen, room)
    parts: list[RenderableType] = [tree, _bar(seen)]
    parts += [_advice(one) for one in seen.advice]
    return Group(*parts)


def _headline(seen: Shot) -> Text:
    run = seen.run
    took = span(run.started_at, run.finished_at)
    text = Text(plain(seen.title), style="bold")
    text.append(f"  #{run.pk}  ", style="default")
    text.append(f"{GLYPHS[seen.state]} {WORDS[seen.state].lower()}", style=STYLES[seen.state])
    return text.append(f"  {took}", style="default")


def _bar(seen: Shot) -> RenderableType:
    total = max(seen.run.total, 1)
    bar = ProgressBar(total=total, completed=seen.settled, width=40, complete_style=STYLES[seen.state])
    text = Text(f"{seen.settled} of {seen.run.total} tasks settled", style="dim")
    return Group(bar, text)


def _add(tree: Tree, seen: Shot, room: list[int]) -> None:
    chosen = _fitting(seen.lines, room[0])
    room[0] -= len(chosen)
    width = min(max((cell_len(line.name) for line in chosen), default=0), _NAME_WIDTH)
    for line in chosen:
        branch = tree.add(_task(line, width))
        if line.child and room[0] > 0:
            _add(branch.add(_headline(line.child)), line.child, room)
    if len(chosen) < len(seen.lines):
        tree.add(_rest(set(chosen_keys(chosen)), seen.lines))


def chosen_keys(lines: Iterable[Line]) -> list[str]:
    return [line.key for line in lines]


def _fitting(lines: Sequence[Line], room: int) -> Sequence[Line]:
    """All of them, or the most urgent in their usual order."""
    if len(lines) <= max(room, 0):
        return lines
    urgent = sorted(range(len(lines)), key=lambda n: (_URGENT.index(lines[n].look.state), n))
    return [lines[n] for n in sorted(urgent[: max(room - 1, 0)])]


def _rest(shown: set[str], lines: Sequence[Line]) -> Text:
    states = Counter(line.look.state for line in lines if line.key not in shown)
    counted = ", ".join(f"{states[state]} {WORDS[state].lower()}" for state in _URGENT if states[state])
    return Text(f"… and {sum(states.values())} more: {counted}", style="dim")


def _task(line: Line, width: int) -> Text:
    look = line.look
    style = STYLES[look.state]
    name = Text(plain(line.name))
    name.truncate(width, overflow="ellipsis", pad=True)
    text = Text(f"{GLYPHS[look.state]} ", style=style).append_text(name)
    text.append(f"  {plain(look.word)}", style=style)
    return text.append(f"  {plain(_figure(look))}", style="dim")


def _figure(look: Look) -> str:
    now = timezone.now()
    if look.since:
        return clock((now - datetime.fromisoformat(look.since)).total_seconds())
    if look.until:
        return f"in {clock((datetime.fromisoformat(look.until) - now).total_seconds())}"
    return look.figure or ""


def _advice(one: Blocking) -> Text:
    text = Text(f"\n{plain(one.sentence)}")
    return text.append(f"\n  → {plain(one.fix)}", style="bold") if one.fix else text


def has_ended(run: Run) -> bool:
    return run.status in RUN_ENDED
