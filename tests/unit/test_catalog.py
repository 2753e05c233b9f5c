"""The templates: complete, documented, and made into definitions of their own."""

from __future__ import annotations

import copy
import re
from typing import Any

import pytest

from orchestrator.catalog import Template, UnknownTemplateError, get, instantiate, templates
from orchestrator.definition.issues import DefinitionError

KEYS = ["approval_chain", "conditional_workflow", "parallel_processing", "sequential_pipeline"]

REQUESTED = [
    (
        "approval_chain",
        {"level1_approver": "alice", "level2_approver": "bob", "request_title": "Budget Approval"},
    ),
    ("parallel_processing", {"worker_agent_1": "CA", "worker_agent_2": "CB", "worker_agent_3": "CC"}),
    ("sequential_pipeline", {"extraction_agent": "data_agent", "transformation_agent": "process_agent"}),
    ("conditional_workflow", {"assessment_agent": "review_agent", "priority_agent": "urgent_agent"}),
]


def test_there_are_four_templates_sorted_by_name() -> None:
    assert [template.key for template in templates()] == KEYS


@pytest.mark.parametrize("template", templates(), ids=lambda template: template.key)
def test_a_template_says_what_it_is_for(template: Template) -> None:
    assert template.description.endswith(".")
    assert len(template.use_cases) >= 3
    assert len(template.features) >= 3
    assert re.fullmatch(r"\d+\.\d+\.\d+", template.version)
    assert template.definition["metadata"] == {"template": template.key, "template_version": template.version}


@pytest.mark.parametrize("template", templates(), ids=lambda template: template.key)
def test_every_parameter_is_documented_and_its_default_fits_its_type(template: Template) -> None:
    for field in template.parameters:
        assert field.description.endswith("."), field.name
        assert field.default is not None, field.name
        assert field.check(field.default, field.name, resolved=True) == []


@pytest.mark.parametrize("template", templates(), ids=lambda template: template.key)
def test_every_parameter_is_used(template: Template) -> None:
    text = repr(template.definition["tasks"])
    assert [field.name for field in template.parameters if f"params.{field.name}" not in text] == []


@pytest.mark.parametrize("template", templates(), ids=lambda template: template.key)
def test_every_task_has_a_name_and_a_sentence(template: Template) -> None:
    for key, task in template.definition["tasks"].items():
        assert task["name"], key
        assert task["description"].endswith("."), key


@pytest.mark.parametrize(("key", "params"), REQUESTED, ids=[key for key, _ in REQUESTED])
def test_given_values_become_the_defaults_of_the_parameters(key: str, params: dict[str, Any]) -> None:
    definition = instantiate(key, params)
    assert {name: definition["parameters"][name]["default"] for name in params} == params


def test_an_instance_is_its_own() -> None:
    before = copy.deepcopy(get("approval_chain").definition)
    definition = instantiate("approval_chain", {"request_title": "Other"}, name="Laptops")
    definition["tasks"].clear()
    assert definition["name"] == "Laptops"
    assert get("approval_chain").definition == before


def test_an_unknown_template_is_refused_with_the_nearest_name() -> None:
    with pytest.raises(UnknownTemplateError, match="Did you mean 'approval_chain'"):
        get("aproval_chain")


def test_every_unknown_or_mistyped_parameter_is_named() -> None:
    with pytest.raises(DefinitionError) as caught:
        instantiate(
            "parallel_processing", {"worker_agent1": "CA", "records": "many", "required_partitions": 9}
        )
    found = {issue.path: (issue.code, issue.hint) for issue in caught.value.issues}
    assert found == {
        "parameters.worker_agent1": ("unknown_parameter", "worker_agent_1"),
        "parameters.records": ("wrong_type", ""),
        "parameters.required_partitions": ("not_in_enum", ""),
    }
