"""The shipped patterns are real: every stage, every variant, conditions that can be checked, and files that exist."""

from __future__ import annotations

from functools import cache
from typing import Any, get_args

import pytest
import yaml

from core.catalog import documents, export, forms
from core.catalog.kinds import Condition, DataSensitivity, PatternSpec, ServicesPerStage
from core.config import ROOT
from core.patterns import comparison

FOLDER = ROOT / "catalog" / "patterns"
NAMES = sorted(one.name for one in FOLDER.iterdir())
WITH_VARIANTS = [
    "batch-scoring", "online-scoring", "streaming-scoring", "edge-deployment", "shadow-traffic",
    "federated-restricted-data", "retrieval-application", "forecasting-delayed-truth",
]  # fmt: skip
STAGES = [info.alias for info in ServicesPerStage.model_fields.values()]


@cache
def text(name: str) -> str:
    return (FOLDER / name / "entry.yaml").read_text("utf-8")


@cache
def document(name: str) -> dict[str, Any]:
    found = yaml.safe_load(text(name))
    assert isinstance(found, dict)
    return found


@cache
def spec(name: str) -> PatternSpec:
    return PatternSpec.model_validate(document(name)["spec"])


def test_the_comparison_knows_the_stages_of_the_specification() -> None:
    assert list(comparison.STAGES) == STAGES


@pytest.mark.parametrize("name", NAMES)
def test_a_pattern_says_everything_that_a_team_needs_to_choose_and_to_start(name: str) -> None:
    one = spec(name)
    services = one.services.model_dump(by_alias=True)
    assert all(services[stage] for stage in STAGES), "a service for each of the six stages"
    assert one.not_for
    assert one.constraints
    assert one.trade_offs
    assert one.latency_class
    assert one.latency_note
    assert one.cost_class
    assert one.cost_note
    for told in (one.problem, one.data_connectivity, one.data_governance, one.mlops_strategy, one.champion_challenger):
        assert len(told) > 100
    assert len(one.infrastructure) >= 3
    assert one.versions[0].version == one.version, "the newest version is noted first"


@pytest.mark.parametrize("name", NAMES)
def test_a_pattern_has_a_diagram_in_which_everything_is_connected(name: str) -> None:
    diagram = spec(name).diagram
    assert diagram is not None
    joined = {end for edge in diagram.edges for end in (edge.source, edge.target)}
    assert {node.id for node in diagram.nodes} == joined


@pytest.mark.parametrize("name", NAMES)
def test_a_pattern_has_a_readme_with_its_use_its_limits_and_its_failures(name: str) -> None:
    readme = (FOLDER / name / "README.md").read_text("utf-8")
    for heading in ("## When to use", "## When not", "## How it runs", "## Failure modes", "## First week"):
        assert heading in readme


@pytest.mark.parametrize("name", WITH_VARIANTS)
def test_a_pattern_differs_concretely_for_each_classification_of_data(name: str) -> None:
    variants = spec(name).variants
    assert [one.classification for one in variants] == list(get_args(DataSensitivity))
    for one in variants:
        assert one.regions
        assert one.connectivity
        assert one.governance
        assert one.constraints
        assert any(one.services.model_dump().values())
    for field in ("services", "connectivity", "governance", "constraints"):
        told = [str(getattr(one, field)) for one in variants]
        assert len(set(told)) == len(told), f"two variants say the same of {field}"


@pytest.mark.parametrize("name", WITH_VARIANTS)
def test_the_approvals_of_a_pattern_have_conditions_that_are_checked_and_an_end(name: str) -> None:
    approvals = spec(name).pre_approvals
    facts = {condition.fact for one in approvals for condition in one.conditions}
    assert {"region", "classification"} <= facts
    assert all(one.valid_until for one in approvals)


@pytest.mark.parametrize("name", NAMES)
def test_infrastructure_as_code_that_is_named_by_path_exists_and_is_yaml(name: str) -> None:
    for one in spec(name).infrastructure:
        assert one.path or one.description or one.link
        if one.path:
            assert all(yaml.safe_load_all((FOLDER / name / one.path).read_text("utf-8")))


@pytest.mark.parametrize("name", NAMES)
def test_a_pattern_survives_export_and_import_unchanged(name: str) -> None:
    written = export.to_yaml(document(name))
    [again], problems = documents.parse(written, "the export")
    assert problems == []
    assert again == documents.parse(text(name), "the file")[0][0]


@pytest.mark.parametrize("name", NAMES)
def test_the_form_holds_every_field_of_a_pattern_without_loss(name: str) -> None:
    fields = forms.fields_of(document(name), ["architecture"])
    shapes = {one.name: one.shape for one in fields}
    assert (shapes["notFor"], shapes["latencyClass"], shapes["variants"]) == ("lines", "choice", "yaml")
    assert "" not in shapes
    typed = {one.path: forms.shown(one, _value(document(name), one.path)) for one in fields}
    assert forms.filled(document(name), fields, typed) == (document(name), [])


def _value(found: Any, path: str) -> Any:
    for name in path.split("."):
        found = found.get(name) if isinstance(found, dict) else None
    return found


@pytest.mark.parametrize(
    "condition", [{"text": "In the EU", "fact": "region"}, {"text": "In the EU", "allowed": ["eu"]}]
)
def test_a_checked_condition_has_a_fact_and_its_allowed_values(condition: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="names a fact and the allowed values"):
        Condition.model_validate(condition)


@pytest.mark.parametrize("field", ["variants", "preApprovals"])
def test_variants_and_approvals_of_a_pattern_are_told_apart(field: str) -> None:
    twice = dict(document("batch-scoring")["spec"])
    twice[field] = [twice[field][0], twice[field][0]]
    with pytest.raises(ValueError, match="occur twice"):
        PatternSpec.model_validate(twice)
