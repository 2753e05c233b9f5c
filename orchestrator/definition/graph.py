"""The graph of dependencies: loops, order, layers, what lies upstream.

`edges` maps each task to the tasks it depends on; a dependency that is no task itself is ignored. Everything is
iterative and near-linear: definitions of 5,000 tasks are ordinary, and a chain of them is deeper than Python's stack.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence

Edges = Mapping[str, Sequence[str]]


class CycleError(Exception):
    """The tasks depend on each other in a loop; `loop` names it, the first task again at its end."""

    def __init__(self, loop: list[str]) -> None:
        super().__init__(" -> ".join(loop))
        self.loop = loop


def components(edges: Edges) -> list[list[str]]:
    """The strongly connected components, dependencies before dependants (Tarjan's algorithm).

    A component of several tasks is a tangle of loops; a task alone in its component is in none, unless it names itself.
    """
    found: list[list[str]] = []
    number: dict[str, int] = {}
    low: dict[str, int] = {}
    open_tasks: list[str] = []
    is_open: set[str] = set()
    for root in edges:
        if root in number:
            continue
        walk = [(root, _enter(root, edges, number, low, open_tasks, is_open))]
        while walk:
            task, rest = walk[-1]
            nxt = next(rest, None)
            if nxt is None:
                walk.pop()
                if walk:
                    low[walk[-1][0]] = min(low[walk[-1][0]], low[task])
                if low[task] == number[task]:
                    found.append(_close(task, open_tasks, is_open))
            elif nxt not in number:
                walk.append((nxt, _enter(nxt, edges, number, low, open_tasks, is_open)))
            elif nxt in is_open:
                low[task] = min(low[task], number[nxt])
    return found


def _enter(
    task: str,
    edges: Edges,
    number: dict[str, int],
    low: dict[str, int],
    open_tasks: list[str],
    is_open: set[str],
) -> Iterator[str]:
    number[task] = low[task] = len(number)
    open_tasks.append(task)
    is_open.add(task)
    return iter([name for name in edges[task] if name in edges])


def _close(task: str, open_tasks: list[str], is_open: set[str]) -> list[str]:
    members = [open_tasks.pop()]
    while members[-1] != task:
        members.append(open_tasks.pop())
    is_open.difference_update(members)
    return members


def cycles(edges: Edges, parts: Iterable[list[str]] | None = None) -> list[list[str]]:
    """One loop for each tangle, the shortest through its first task: a, b, a means a needs b and b needs a.

    `parts` are the components, where they are known already."""
    order = {task: place for place, task in enumerate(edges)}
    loops = []
    for members in components(edges) if parts is None else parts:
        first = members[0] if len(members) == 1 else min(members, key=order.__getitem__)
        if len(members) > 1 or first in edges[first]:
            loops.append(_loop(first, set(members), edges))
    return sorted(loops, key=lambda loop: order[loop[0]])


def find_cycle(edges: Edges) -> list[str] | None:
    """A loop, the first task again at its end, or None."""
    return next(iter(cycles(edges)), None)


def _loop(first: str, members: set[str], edges: Edges) -> list[str]:
    came_from: dict[str, str] = {}
    queue = deque([first])
    while queue:
        task = queue.popleft()
        for needed in edges[task]:
            if needed == first:
                return [*_trail(task, first, came_from), first]
            if needed in members and needed not in came_from:
                came_from[needed] = task
                queue.append(needed)
    raise AssertionError("a component of several tasks holds a loop through each of them")


def _trail(task: str, first: str, came_from: dict[str, str]) -> list[str]:
    trail = [task]
    while trail[-1] != first:
        trail.append(came_from[trail[-1]])
    return trail[::-1]


def successors(edges: Edges) -> dict[str, list[str]]:
    """The tasks that depend directly on each task, in definition order."""
    found: dict[str, list[str]] = {task: [] for task in edges}
    for task, needed in edges.items():
        for name in dict.fromkeys(needed):
            if name in found:
                found[name].append(task)
    return found


def topological_order(edges: Edges) -> list[str]:
    """Every task after its dependencies; where that leaves a choice, in definition order by layers.

    Raises CycleError."""
    return [task for layer in layers(edges) for task in layer]


def layers(edges: Edges) -> list[list[str]]:
    """Tasks by their longest distance from a start: each layer needs only the layers before it. Raises CycleError."""
    after = successors(edges)
    missing = {task: sum(1 for name in set(needed) if name in edges) for task, needed in edges.items()}
    layer = [task for task, count in missing.items() if not count]
    found: list[list[str]] = []
    while layer:
        found.append(layer)
        layer = _next_layer(layer, after, missing)
    if sum(map(len, found)) < len(edges):
        raise CycleError(find_cycle(edges) or [])
    place = {task: index for index, task in enumerate(edges)}
    return [sorted(layer, key=place.__getitem__) for layer in found]


def _next_layer(layer: list[str], after: dict[str, list[str]], missing: dict[str, int]) -> list[str]:
    ready = []
    for task in layer:
        for follower in after[task]:
            missing[follower] -= 1
            if not missing[follower]:
                ready.append(follower)
    return ready


class Ancestry:
    """Which tasks lie upstream of which. One bit a pair: sets of names would hold n² of them for a chain.

    Works on looped graphs too: the members of a loop lie upstream of each other. `parts` are the components, where they
    are known already."""

    def __init__(self, edges: Edges, parts: Iterable[list[str]] | None = None) -> None:
        self._tasks = list(edges)
        self._bit = {task: place for place, task in enumerate(edges)}
        self._above: dict[str, int] = {}
        for members in components(edges) if parts is None else parts:
            looped = len(members) > 1 or members[0] in edges[members[0]]
            above = sum(1 << self._bit[task] for task in members) if looped else 0
            for needed in {name for task in members for name in edges[task] if name in edges}:
                above |= self._above.get(needed, 0) | 1 << self._bit[needed]
            self._above.update(dict.fromkeys(members, above))

    def is_upstream(self, task: str, of: str) -> bool:
        """Whether `of` waits, directly or through others, for `task`."""
        bit = self._bit.get(task)
        return bit is not None and bool(self._above[of] >> bit & 1)

    def upstream(self, of: str) -> frozenset[str]:
        above = self._above[of]
        return frozenset(task for task, bit in self._bit.items() if above >> bit & 1)

    def above(self, of: str) -> int:
        """The tasks upstream as a set of bits, which is put together with others in one step."""
        return self._above[of]

    def bits(self, tasks: Iterable[str]) -> int:
        """The same of these tasks themselves. One by one into a large number would be quadratic."""
        found = bytearray(len(self._bit) // 8 + 1)
        for task in tasks:
            place = self._bit[task]
            found[place >> 3] |= 1 << (place & 7)
        return int.from_bytes(found, "little")

    def up_to(self, task: str) -> int:
        """What lies upstream, and the task itself."""
        return self._above[task] | 1 << self._bit[task]

    def named(self, bits: int) -> Iterator[str]:
        """The tasks in such a set, in definition order."""
        while bits:
            lowest = bits & -bits
            yield self._tasks[lowest.bit_length() - 1]
            bits ^= lowest


def upstream(edges: Edges) -> dict[str, frozenset[str]]:
    """For each task the tasks it waits for, directly or through others. Quadratic in size: see Ancestry."""
    ancestry = Ancestry(edges)
    return {task: ancestry.upstream(task) for task in edges}
