"""The graph of dependencies: loops are named, orders are right, and size does no harm."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.definition import graph
from orchestrator.definition.graph import Ancestry, CycleError, Edges
from tests.unit.definitions import graphs, within

DIAMOND = {"d": ["b", "c"], "b": ["a"], "c": ["a"], "a": []}


def is_loop(loop: list[str], edges: Edges) -> bool:
    """Whether each task of it depends on the next, and it ends where it began."""
    return loop[0] == loop[-1] and all(after in edges[task] for task, after in pairwise(loop))


def reaches(start: str, goal: str, edges: Edges) -> bool:
    """The slow, certain way to ask whether `start` waits for `goal`."""
    seen: set[str] = set()
    todo = [name for name in edges[start] if name in edges]
    while todo:
        task = todo.pop()
        if task not in seen:
            seen.add(task)
            todo += [name for name in edges[task] if name in edges]
    return goal in seen


# Loops -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("edges", "loops"),
    [
        pytest.param({}, [], id="no tasks"),
        pytest.param(DIAMOND, [], id="a diamond"),
        pytest.param({"a": ["ghost"]}, [], id="a dependency that is no task"),
        pytest.param({"a": ["a"]}, [["a", "a"]], id="a task alone"),
        pytest.param({"a": ["b"], "b": ["a"]}, [["a", "b", "a"]], id="two"),
        pytest.param({"a": ["b"], "b": ["c"], "c": ["a"]}, [["a", "b", "c", "a"]], id="three"),
        pytest.param(
            {"a": ["b"], "b": ["c", "a"], "c": ["a"]}, [["a", "b", "a"]], id="the shortest through the first"
        ),
        pytest.param(
            {"x": ["a"], "a": ["b"], "b": ["a"], "y": ["z"], "z": ["y"]},
            [["a", "b", "a"], ["y", "z", "y"]],
            id="one for each tangle, in definition order",
        ),
        pytest.param(
            {"a": ["b", "c"], "b": ["a"], "c": ["d"], "d": ["c"]},
            [["a", "b", "a"], ["c", "d", "c"]],
            id="in definition order although the second comes first",
        ),
        pytest.param(
            {"a": ["b", "c"], "b": ["a"], "c": ["d"], "d": ["a"]}, [["a", "b", "a"]], id="the shorter of two"
        ),
        pytest.param({"z": ["y"], "y": ["z"]}, [["z", "y", "z"]], id="the first as defined, not by name"),
        pytest.param({"a": ["b", "b"], "b": ["a", "a"]}, [["a", "b", "a"]], id="dependencies named twice"),
    ],
)
def test_a_loop_is_named_by_its_tasks(edges: Edges, loops: list[list[str]]) -> None:
    assert graph.cycles(edges) == loops
    assert graph.find_cycle(edges) == (loops[0] if loops else None)


def test_an_order_of_looped_tasks_is_refused_with_the_loop() -> None:
    with pytest.raises(CycleError, match="a -> b -> a") as caught:
        graph.layers({"a": ["b"], "b": ["a"], "c": []})
    assert caught.value.loop == ["a", "b", "a"]


@given(graphs())
def test_an_acyclic_graph_has_no_loop(edges: Edges) -> None:
    assert graph.cycles(edges) == []
    assert all(len(members) == 1 for members in graph.components(edges))


@given(graphs(), st.data())
def test_an_edge_back_is_reported_as_a_loop_that_is_there(
    edges: dict[str, list[str]], data: st.DataObject
) -> None:
    first = data.draw(st.sampled_from(sorted(edges)))
    behind = [task for task in edges if task == first or reaches(task, first, edges)]
    edges[first] = [*edges[first], data.draw(st.sampled_from(behind))]
    loops = graph.cycles(edges)
    assert len(loops) == 1
    assert is_loop(loops[0], edges)
    assert len(set(loops[0])) == len(loops[0]) - 1
    with pytest.raises(CycleError):
        graph.topological_order(edges)


@given(st.dictionaries(st.sampled_from("abcdefg"), st.lists(st.sampled_from("abcdefgh"))))
def test_in_any_graph_components_are_the_tasks_that_wait_for_each_other(edges: Edges) -> None:
    component = {task: number for number, members in enumerate(graph.components(edges)) for task in members}
    assert set(component) == set(edges)
    for one in edges:
        for other in edges:
            together = one == other or (reaches(one, other, edges) and reaches(other, one, edges))
            assert together == (component[one] == component[other])
            if reaches(one, other, edges):
                assert component[other] <= component[one]
    looped = {task for task in edges if reaches(task, task, edges)}
    assert {component[loop[0]] for loop in graph.cycles(edges)} == {component[task] for task in looped}
    assert all(is_loop(loop, edges) for loop in graph.cycles(edges))


# Orders ------------------------------------------------------------------------------------------------


def test_layers_are_by_the_longest_way_from_a_start() -> None:
    edges = {"end": ["a", "c"], "c": ["b"], "b": ["a"], "a": [], "alone": []}
    assert graph.layers(edges) == [["a", "alone"], ["b"], ["c"], ["end"]]


def test_inside_a_layer_the_order_is_that_of_the_definition() -> None:
    edges = {"z": [], "y": [], "b": ["y"], "a": ["z"]}
    assert graph.topological_order(edges) == ["z", "y", "b", "a"]


def test_successors_come_in_definition_order_and_once() -> None:
    assert graph.successors(DIAMOND) == {"d": [], "b": ["d"], "c": ["d"], "a": ["b", "c"]}
    assert graph.successors({"a": [], "b": ["a", "a", "ghost"]}) == {"a": ["b"], "b": []}


@given(graphs())
def test_an_order_holds_each_task_once_and_after_its_dependencies(edges: Edges) -> None:
    order = graph.topological_order(edges)
    assert sorted(order) == sorted(edges)
    assert all(order.index(needed) < order.index(task) for task in edges for needed in edges[task])
    place = {task: depth for depth, layer in enumerate(graph.layers(edges)) for task in layer}
    for task, needed in edges.items():
        assert place[task] == max((place[name] + 1 for name in needed), default=0)


# Upstream ----------------------------------------------------------------------------------------------


def test_upstream_is_what_a_task_waits_for() -> None:
    assert graph.upstream(DIAMOND) == {
        "d": {"a", "b", "c"},
        "b": {"a"},
        "c": {"a"},
        "a": frozenset(),
    }
    assert not Ancestry(DIAMOND).is_upstream("ghost", "d")


def test_the_members_of_a_loop_lie_upstream_of_each_other() -> None:
    ancestry = Ancestry({"a": ["b"], "b": ["a"], "c": ["b"], "self": ["self"], "d": []})
    assert ancestry.upstream("a") == ancestry.upstream("c") == {"a", "b"}
    assert ancestry.is_upstream("self", "self")
    assert not ancestry.is_upstream("d", "d")


@given(st.dictionaries(st.sampled_from("abcdefg"), st.lists(st.sampled_from("abcdefgh"))))
def test_upstream_agrees_with_walking_the_graph(edges: Edges) -> None:
    for task, above in graph.upstream(edges).items():
        assert above == {name for name in edges if reaches(task, name, edges)}


# Size --------------------------------------------------------------------------------------------------


def test_a_chain_deeper_than_the_stack_is_walked() -> None:
    size = 5_000
    edges = {f"t{n}": [f"t{n - 1}"] if n else [] for n in range(size)}
    with within(2):
        assert graph.topological_order(edges) == list(edges)
        assert len(graph.components(edges)) == size
        assert Ancestry(edges).is_upstream("t0", f"t{size - 1}")
        edges["t0"] = [f"t{size - 1}"]
        assert graph.cycles(edges) == [["t0", *(f"t{n}" for n in reversed(range(size)))]]


def test_a_hundred_thousand_edges_are_walked_once() -> None:
    width = 316  # squared, about 100,000
    edges: dict[str, list[str]] = {f"a{n}": [] for n in range(width)}
    edges |= {f"b{n}": [f"a{m}" for m in range(width)] for n in range(width)}
    with within(2):
        assert [len(layer) for layer in graph.layers(edges)] == [width, width]
        assert graph.cycles(edges) == []
        assert len(Ancestry(edges).upstream("b0")) == width
