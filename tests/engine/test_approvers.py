"""Who is asked in a definition and could not decide today, as the database knows it."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import Group

from orchestrator import engine
from tests.people import person
from tests.unit.definitions import a_definition, a_gate, a_task, places

pytestmark = pytest.mark.django_db

PATH = "tasks.ask.parameters.approvers"


@pytest.fixture(autouse=True)
def _people() -> None:
    person("ada")
    gone = person("gus")
    gone.is_active = False
    gone.save()
    finance = Group.objects.create(name="finance")
    finance.user_set.add(person("fay"))
    Group.objects.create(name="legal").user_set.add(gone)


def asking(**task: Any) -> dict[str, Any]:
    return a_definition({"ask": {"action": "approval_gate", **task}, "other": a_task()})


@pytest.mark.parametrize(
    ("approvers", "wrong"),
    [
        (["ada", "group:finance"], []),
        ("ada, group:finance", []),
        (["ada", "alcie"], ["[1]"]),
        (["gus", 3, "ada", "group:sales", "group:legal"], ["[0]", "[3]", "[4]"]),
        ("ada, alcie, bob", ["", ""]),
        (["{{ params.who }}", ""], []),
        ({"not": "names"}, []),
    ],
)
def test_who_could_not_decide_today_is_named(approvers: Any, wrong: list[str]) -> None:
    issues = engine.check_approvers(asking(parameters={"approvers": approvers}))
    assert [(one.code, one.path) for one in issues] == [
        ("no_such_approver", f"{PATH}{place}") for place in wrong
    ]
    assert all(one.severity == "warning" for one in issues)


def test_the_sentence_says_who_and_why() -> None:
    users, group = engine.check_approvers(asking(parameters={"approvers": ["alcie", "group:legal"]}))
    assert "There is no user 'alcie' who can sign in." in users.message
    assert "There is nobody in the group 'legal' who can sign in." in group.message


def test_an_approver_is_found_where_older_definitions_name_them() -> None:
    assert places(engine.check_approvers(asking(agent_id="alcie"))) == {("no_such_approver", f"{PATH}[0]")}


@pytest.mark.parametrize(
    "data", [None, [], {}, {"tasks": [3]}, {"tasks": {"a": 3, "b": {"action": ["approval_gate"]}}}]
)
def test_whatever_it_is_given_it_has_an_answer(data: Any) -> None:
    assert engine.check_approvers(data) == []


def test_many_approvals_cost_two_queries(django_assert_num_queries: Any) -> None:
    gates = {f"g{n}": a_gate(approvers=[f"user{n}", f"group:group{n}"]) for n in range(1_000)}
    with django_assert_num_queries(2):
        assert len(engine.check_approvers(a_definition(gates))) == 500
    with django_assert_num_queries(0):
        assert engine.check_approvers(a_definition()) == []
