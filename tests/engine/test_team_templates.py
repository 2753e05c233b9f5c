"""Templates that a team makes of its workflows: saved once, numbered without gaps, free of secrets, used by name."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection

from orchestrator import catalog, engine
from orchestrator.catalog import UnknownTemplateError
from orchestrator.definition import DefinitionError
from orchestrator.engine.template_saving import Wish
from orchestrator.exceptions import ConflictError, InvalidError
from orchestrator.models import TeamTemplate, TeamTemplateVersion, Workflow
from tests.engine.flows import flow, task
from tests.people import person

pytestmark = pytest.mark.django_db(transaction=True)

PARAMETERS = {
    "city": {"type": "string", "default": "Rome", "description": "Where."},
    "count": {"type": "integer", "required": True},
    "key": {"type": "string", "secret": True},
}


def definition(**given: Any) -> dict[str, Any]:
    return flow({"a": task(parameters={"city": "{{ params.city }}"})}, parameters=PARAMETERS, **given)


@pytest.fixture
def ann() -> User:
    return person("ann", "designer")


@pytest.fixture
def wish() -> Wish:
    workflow = engine.save_workflow(definition())
    return Wish(workflow, 1, workflow.draft, "Weather", "Asks for it.", "First\nsecond")


def test_it_is_kept_with_its_parameters_and_used_like_one_that_ships(wish: Wish, ann: User) -> None:
    version = engine.save_template("weather", wish, user=ann)
    assert (version.number, version.source, version.source_version) == (1, wish.source, 1)
    found = engine.find_template("weather")
    assert (found.key, found.name, found.version, found.owner) == ("weather", "Weather", "1", "ann")
    assert (found.description, found.documentation, found.team) == ("Asks for it.", "First\nsecond", True)
    told = [(f.name, f.type, f.required, f.default, f.description, f.widget) for f in found.parameters]
    assert told == [
        ("city", "string", False, "Rome", "Where.", ""),
        ("count", "integer", True, None, "", ""),
        ("key", "string", False, None, "", "secret"),
    ]
    made = engine.make_definition("weather", {"city": "Oslo", "count": 3}, name="Mine")
    assert (made["name"], made["id"], made["description"]) == ("Mine", "weather", "Asks for it.")
    assert [made["parameters"][name].get("default") for name in PARAMETERS] == ["Oslo", 3, None]
    assert engine.find_template("weather").definition["parameters"]["city"]["default"] == "Rome"
    assert engine.save_workflow(made, template="weather").key == "weather"


def test_they_stand_beside_those_that_ship(wish: Wish, ann: User) -> None:
    engine.save_template("weather", wish, user=ann)
    shipped = [one.key for one in catalog.templates()]
    assert [one.key for one in engine.all_templates()] == [*shipped, "weather"]
    assert engine.find_template("approval_chain") is catalog.get("approval_chain")


def test_versions_are_numbered_and_each_can_be_used(wish: Wish, ann: User) -> None:
    head = engine.save_template("weather", wish, user=ann).template
    newer = replace(wish, name="Weather now", definition=flow({"b": task()}), source_version=2)
    assert engine.add_template_version(head, newer, user=ann).number == 2
    assert list(engine.make_definition("weather")["tasks"]) == ["b"]
    assert list(engine.make_definition("weather", number=1)["tasks"]) == ["a"]
    assert engine.find_template("weather").name == "Weather now"
    with pytest.raises(DefinitionError, match="has no version 3"):
        engine.find_template("weather", 3)
    with pytest.raises(DefinitionError, match="has no version 1"):
        engine.find_template("approval_chain", 1)


def test_the_same_sent_twice_is_one(wish: Wish, ann: User) -> None:
    first = engine.save_template("weather", wish, user=ann)
    assert engine.save_template("weather", wish, user=ann) == first
    assert engine.add_template_version(first.template, wish, user=ann) == first
    assert TeamTemplateVersion.objects.count() == 1


@pytest.mark.parametrize("key", ["approval_chain", "blank", "import", "weather"])
def test_a_key_that_is_taken_is_refused_and_nothing_is_kept(key: str, wish: Wish, ann: User) -> None:
    engine.save_template("weather", wish, user=ann)
    with pytest.raises(InvalidError) as refused:
        engine.save_template(key, replace(wish, name="Other"), user=ann)
    assert [issue.path for issue in refused.value.issues] == ["key"]
    with pytest.raises(InvalidError):
        engine.save_template(key, wish, user=person("bob", "designer"))
    assert TeamTemplate.objects.count() == 1


@pytest.mark.parametrize(
    ("broken", "code"),
    [
        (flow({"a": task("b"), "b": task("a")}), "cycle"),
        (flow({"a": task(parameters={"password": "hunter2"})}), "plain_secret"),
        (
            flow({"a": task(parameters={"password": "hunter2"})}, **{f"x{one}": 1 for one in range(1_001)}),
            "plain_secret",
        ),
        (
            flow({"a": task()}, parameters={"k": {"type": "string", "secret": True, "default": "x"}}),
            "secret_default",
        ),
    ],
)
def test_what_does_not_check_or_tells_a_secret_is_refused(
    broken: dict[str, Any], code: str, wish: Wish, ann: User
) -> None:
    head = engine.save_template("weather", wish, user=ann).template
    for save in (
        lambda given: engine.save_template("other", given, user=ann),
        lambda given: engine.add_template_version(head, given, user=ann),
    ):
        with pytest.raises(DefinitionError) as refused:
            save(replace(wish, definition=broken))
        assert code in {issue.code for issue in refused.value.issues}
        assert "hunter2" not in str(refused.value)
    assert TeamTemplateVersion.objects.count() == 1


def test_a_secret_parameter_takes_no_default(wish: Wish, ann: User) -> None:
    engine.save_template("weather", wish, user=ann)
    with pytest.raises(DefinitionError) as refused:
        engine.make_definition("weather", {"key": "hunter2"})
    assert [(issue.path, issue.code) for issue in refused.value.issues] == [
        ("parameters.key", "secret_default")
    ]
    assert "hunter2" not in str(refused.value)


def test_retired_it_makes_nothing_new_until_it_is_brought_back(wish: Wish, ann: User) -> None:
    head = engine.save_template("weather", wish, user=ann).template
    with pytest.raises(ConflictError, match="Retire"):
        engine.delete_template(head)
    engine.retire_template(head)
    engine.retire_template(head)
    with pytest.raises(ConflictError, match="retired"):
        engine.make_definition("weather")
    assert "weather" not in {one.key for one in engine.all_templates()}
    engine.restore_template(head)
    assert engine.make_definition("weather")
    engine.retire_template(head)
    engine.delete_template(head)
    with pytest.raises(UnknownTemplateError):
        engine.find_template("weather")
    assert not TeamTemplateVersion.objects.exists()
    assert Workflow.objects.filter(pk=wish.source.pk).exists()


def test_a_misspelt_name_finds_the_teams_too(wish: Wish, ann: User) -> None:
    engine.save_template("weather", wish, user=ann)
    with pytest.raises(UnknownTemplateError, match="Did you mean 'weather'"):
        engine.find_template("wether")


def test_many_who_save_at_once_get_one_template_and_numbers_without_gaps(wish: Wish, ann: User) -> None:
    others = [person(f"p{n}", "designer") for n in range(4)]

    def save(user: User) -> bool:
        try:
            engine.save_template("weather", wish, user=user)
        except InvalidError:
            return False
        finally:
            connection.close()
        return True

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(save, others)) == [False, False, False, True]
    head = TeamTemplate.objects.get()

    def add(number: int) -> int:
        try:
            return engine.add_template_version(
                head, replace(wish, documentation=str(number)), user=ann
            ).number
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(add, range(8))) == list(range(2, 10))


def test_a_task_that_starts_it_by_name_starts_the_newest_version(wish: Wish, ann: User) -> None:
    head = engine.save_template("weather", wish, user=ann).template
    first = engine.workflow_of_template("weather")
    assert engine.workflow_of_template("weather") == first
    assert list(first.draft["tasks"]) == ["a"]
    engine.add_template_version(head, replace(wish, definition=flow({"b": task()})), user=ann)
    assert list(engine.workflow_of_template("weather").draft["tasks"]) == ["b"]
    engine.retire_template(head)
    with pytest.raises(InvalidError, match="no workflow template weather"):
        engine.workflow_of_template("weather")
