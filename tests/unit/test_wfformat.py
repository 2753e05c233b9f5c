"""WfFormat: the files of wfcommons.org as definitions, whatever their tasks are called."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.definition.issues import DefinitionError
from orchestrator.definition.names import RESERVED_KEYS, is_key
from orchestrator.definition.wfformat import definition_of, is_wfformat
from tests.unit.definitions import VALUES, checked, places, within


def document(*tasks: Any, measured: Any = None, **given_fields: Any) -> dict[str, Any]:
    """As versions 1.5 and later have it."""
    workflow: dict[str, Any] = {"specification": {"tasks": list(tasks)}}
    if measured is not None:
        workflow["execution"] = {"tasks": measured}
    return {"name": "blast", "schemaVersion": "1.5", "workflow": workflow, **given_fields}


def older(*tasks: Any, under: str = "tasks", **given_fields: Any) -> dict[str, Any]:
    """As versions up to 1.4 have it."""
    return {"name": "blast", "schemaVersion": "1.4", "workflow": {under: list(tasks)}, **given_fields}


def one(key: str, /, *parents: Any, **fields: Any) -> dict[str, Any]:
    return {"id": key, "parents": list(parents), **fields}


def edges(data: dict[str, Any]) -> dict[str, list[Any]]:
    return {key: task["dependencies"] for key, task in definition_of(data)["tasks"].items()}


# Which documents ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "yes"),
    [
        (document(), True),
        (older(), True),
        (older(under="jobs"), True),
        ({"workflow": {"specification": {}, "tasks": []}}, True),
        ({"workflow": {"specification": {"tasks": {}}}}, False),
        ({"workflow": {"specification": 3, "tasks": "x"}}, False),
        ({"workflow": []}, False),
        ({"workflow": "tasks"}, False),
        ({**document(), "tasks": {}}, False),
        ({"tasks": {}}, False),
        ({}, False),
        ([document()], False),
        (None, False),
    ],
)
def test_a_document_is_known_by_where_its_tasks_stand(data: Any, yes: bool) -> None:
    assert is_wfformat(data) is yes


@given(
    st.dictionaries(
        st.sampled_from(["specification", "execution", "tasks", "jobs"]),
        VALUES
        | st.lists(
            st.fixed_dictionaries(
                {},
                optional={
                    "id": VALUES | st.sampled_from(["a", "b"]),
                    "name": VALUES | st.sampled_from(["a", "b"]),
                    "parents": VALUES | st.lists(st.sampled_from(["a", "b"])),
                    "children": VALUES | st.lists(st.sampled_from(["a", "b"])),
                    "runtime": VALUES,
                    "runtimeInSeconds": VALUES,
                },
            )
        ),
    ),
    st.dictionaries(st.sampled_from(["name", "description", "author"]), VALUES),
)
@settings(max_examples=300, deadline=None)
def test_any_document_becomes_a_definition_or_is_refused_with_its_places(
    workflow: dict[str, Any], more: dict[str, Any]
) -> None:
    data = {"workflow": workflow, **more}
    before = copy.deepcopy(data)
    if not is_wfformat(data):
        return
    try:
        assert checked(definition_of(data)).issues is not None
    except DefinitionError as error:
        assert all(issue.path.startswith("workflow.") for issue in error.issues)
    assert data == before


# What becomes of them -----------------------------------------------------------------------------------


def test_a_task_becomes_one_of_the_demo_agent_that_takes_as_long_as_was_measured() -> None:
    data = document(
        one("split"),
        one("blast", "split"),
        measured=[{"id": "split", "runtimeInSeconds": 12.3456}, {"id": "blast", "runtimeInSeconds": 4000}],
        description="A run.",
        author={"name": "Ann"},
    )
    definition = definition_of(data)
    assert definition["name"] == "blast"
    assert definition["description"] == "A run."
    assert definition["metadata"] == {"format": "WfFormat", "schemaVersion": "1.5", "author": {"name": "Ann"}}
    assert definition["parameters"]["time_scale"]["default"] == 0
    assert definition["tasks"]["split"] == {
        "name": "split",
        "action": "agent_task",
        "agent_id": "demo",
        "parameters": {"seconds": "{{ 12.346 * params.time_scale }}"},
        "dependencies": [],
        "execution_mode": "parallel",
        "timeout_seconds": 3600,
    }
    assert definition["tasks"]["blast"]["dependencies"] == ["split"]
    assert definition["tasks"]["blast"]["timeout_seconds"] == 8000
    assert checked(definition).issues == ()


@pytest.mark.parametrize("field", ["runtime", "runtimeInSeconds"])
@pytest.mark.parametrize("under", ["tasks", "jobs"])
def test_the_older_shape_has_the_runtime_with_the_task(under: str, field: str) -> None:
    data = older({"name": "a", "type": "compute", field: 7}, under=under)
    assert definition_of(data)["tasks"]["a"]["parameters"] == {"seconds": "{{ 7.0 * params.time_scale }}"}


def test_in_the_older_shape_tasks_name_each_other_by_name() -> None:
    data = older(
        {"name": "split_ID01", "id": "ID01", "parents": []},
        {"name": "blast_ID02", "id": "ID02", "parents": ["split_ID01"]},
        {"name": "merge_ID03", "id": "ID03", "parents": ["blast_ID02", "ID01"]},
    )
    assert edges(data) == {"ID01": [], "ID02": ["ID01"], "ID03": ["ID02", "ID01"]}
    assert [task["name"] for task in definition_of(data)["tasks"].values()] == [
        "split_ID01",
        "blast_ID02",
        "merge_ID03",
    ]
    assert checked(definition_of(data)).ok


def test_since_1_5_the_id_comes_before_a_name_that_reads_the_same() -> None:
    data = document({**one("a"), "name": "b"}, {**one("b"), "name": "a"}, one("c", "a"))
    assert edges(data)["c"] == ["a"]
    assert edges(older(*data["workflow"]["specification"]["tasks"]))["c"] == ["b"]


def test_an_edge_that_only_the_parent_tells_of_is_one() -> None:
    data = document(one("a", children=["b", "c", "nowhere", 3]), one("b", "a"), one("c"))
    assert edges(data) == {"a": [], "b": ["a"], "c": ["a"]}


def test_an_edge_that_is_told_twice_is_one() -> None:
    data = document(one("a", children=["b", "b"]), one("b", "a", "a"))
    assert edges(data)["b"] == ["a"]


@pytest.mark.parametrize("seconds", [None, "7", True, -1, float("inf"), float("nan"), [], {}])
def test_what_is_no_measure_of_time_takes_none(seconds: Any) -> None:
    data = document(one("a"), measured=[{"id": "a", "runtimeInSeconds": seconds}, None, 3, {"id": 3}])
    assert definition_of(data)["tasks"]["a"]["parameters"]["seconds"] == "{{ 0.0 * params.time_scale }}"


@pytest.mark.parametrize("seconds", [86_400, 10**9, 1e300, 10**400])
def test_no_task_works_longer_than_an_agent_may(seconds: float) -> None:
    data = document(one("a"), measured=[{"id": "a", "runtimeInSeconds": seconds}])
    definition = definition_of(data)
    assert definition["tasks"]["a"]["parameters"]["seconds"].startswith("{{ 86400")
    assert definition["tasks"]["a"]["timeout_seconds"] == 2 * 86_400
    assert checked(definition).ok


# What their ids may be ----------------------------------------------------------------------------------

LONG = "x" * 200


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("NFCORE.RNASEQ:FASTQC_2", "NFCORE_RNASEQ_FASTQC_2"),
        ("a b/c\\d", "a_b_c_d"),
        ("../../etc/passwd", "etc_passwd"),
        ("123", "t_123"),
        ("-x-", "t_-x-"),
        ("…", "task"),
        ("é", "task"),
        ("__proto__", "proto"),
        ("constructor", "t_constructor"),
        ("prototype", "t_prototype"),
        (LONG, "x" * 64),
    ],
)
def test_an_id_becomes_a_key_and_stays_the_name(name: str, key: str) -> None:
    tasks = definition_of(document(one(name), one("after", name)))["tasks"]
    assert list(tasks) == [key, "after"]
    assert tasks[key]["name"] == name
    assert tasks["after"]["dependencies"] == [key]


def test_ids_that_come_to_the_same_key_get_one_each() -> None:
    names = ["a.b", "a b", "a/b", "a_b", LONG, LONG + "y", LONG + "z", "a_b_2"]
    data = document(*(one(name) for name in names), one("last", *names))
    definition = definition_of(data)
    keys = list(definition["tasks"])[:-1]
    assert keys == ["a_b", "a_b_2", "a_b_3", "a_b_4", "x" * 64, "x" * 62 + "_2", "x" * 62 + "_3", "a_b_2_2"]
    assert definition["tasks"]["last"]["dependencies"] == keys
    assert [definition["tasks"][key]["name"] for key in keys] == [name[:200] for name in names]
    assert checked(definition).ok


@given(
    st.lists(
        st.text(min_size=1, max_size=90) | st.sampled_from(sorted(RESERVED_KEYS)), unique=True, max_size=8
    )
)
@settings(max_examples=300, deadline=None)
def test_every_id_becomes_a_key_of_its_own(names: list[str]) -> None:
    keys = list(definition_of(document(*(one(name) for name in names)))["tasks"])
    assert len(keys) == len(names)
    assert all(is_key(key) for key in keys)


def test_thousands_of_ids_that_come_to_the_same_key_take_no_time() -> None:
    data = document(*(one("é" * (number % 50) + "ü" * (number // 50 + 1)) for number in range(20_000)))
    with within(1):
        assert len(definition_of(data)["tasks"]) == 20_000


# What is refused ----------------------------------------------------------------------------------------


def test_tasks_without_an_id_and_those_whose_id_is_taken_are_all_named() -> None:
    data = document(one("a"), {"parents": []}, one("b"), one("a"), "c", {"id": 3}, {"id": "", "name": ""})
    with pytest.raises(DefinitionError) as caught:
        definition_of(data)
    under = "workflow.specification.tasks"
    assert [(issue.path, issue.code) for issue in caught.value.issues] == [
        (f"{under}[1]", "required"),
        (f"{under}[3].id", "duplicate"),
        (f"{under}[4]", "required"),
        (f"{under}[5]", "required"),
        (f"{under}[6]", "required"),
    ]


def test_in_the_older_shape_they_are_named_where_they_stand() -> None:
    for under in ("tasks", "jobs"):
        with pytest.raises(DefinitionError) as caught:
            definition_of(older({"name": "a"}, {"name": "a"}, under=under))
        assert [issue.path for issue in caught.value.issues] == [f"workflow.{under}[1].id"]


def test_a_parent_that_is_no_task_is_left_for_the_check_to_report() -> None:
    report = checked(definition_of(document(one("split"), one("blast", "splitt", 3, "split"))))
    assert places(report.issues) == {
        ("unknown_dependency", "tasks.blast.dependencies[0]"),
        ("wrong_type", "tasks.blast.dependencies[2]"),
    }
    (unknown,) = (issue for issue in report.issues if issue.code == "unknown_dependency")
    assert "Did you mean 'split'?" in unknown.message


def test_tasks_that_wait_for_each_other_are_reported_by_the_check() -> None:
    report = checked(definition_of(document(one("a", "b"), one("b", "a"), one("c", "c"))))
    assert {issue.code for issue in report.issues} == {"cycle", "self_dependency"}


def test_a_document_without_tasks_is_reported_by_the_check() -> None:
    assert places(checked(definition_of(document())).issues) == {("no_tasks", "tasks")}
