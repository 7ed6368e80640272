"""The checklists and regulations that ship: every check can be used, every mapping exists, and releases ask for fairness."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from functools import cache
from typing import Any

import pytest
from sqlmodel import select

from core import db
from core.access import policy
from core.access.policy import Actor
from core.catalog import sources
from core.catalog.kinds import Requirement
from core.checks import limits, registry
from core.config import ROOT
from core.projects import actions as projects
from core.projects.tables import Project
from core.reviews import checklists, items, opening, terms
from core.reviews.applicability import freeze
from core.reviews.regulations import Regulation, not_in_force, regulations
from core.reviews.tables import CaseFinding
from tests.conftest import SYSTEM

TIERS = ("minimal", "limited", "high")
PACKS = (
    "responsible-ai", "technical-validation", "production-readiness", "privacy", "llm-application", "retirement",
    "model-release",
)  # fmt: skip


@cache
def specs(kind: str) -> dict[str, dict[str, Any]]:
    """Name → specification by the names in YAML."""
    read = [file.read() for file in sources.read_folder(ROOT / "catalog")]
    return {one.metadata.name: one.raw["spec"] for found, _ in read for one in found if one.kind == kind}


@cache
def known() -> dict[str, Regulation]:
    return {
        f"{name}/{row['id']}": Regulation(name, name, Requirement.model_validate(row))
        for name, spec in specs("policy").items()
        for row in spec.get("requirements", ())
    }


def listed(content: dict[str, Any]) -> list[dict[str, Any]]:
    return [item for section in content["sections"] for item in section["items"]]


def frozen(name: str, tier: str, **facts: Any) -> dict[str, items.FrozenItem]:
    return {one.id: one for one in freeze(specs("checklist")[name], {"tier": tier, **facts}, tier) if one.applies}


@pytest.mark.parametrize("name", PACKS)
def test_a_pack_asks_in_full_says_why_and_names_what_it_answers_to(name: str) -> None:
    asked = listed(specs("checklist")[name])
    assert len(asked) >= 12
    assert all(len(one["why"]) > 30 for one in asked)
    assert all(one["question"].endswith(("?", ".")) for one in asked)
    assert sum(bool(one.get("mappings")) for one in asked) >= len(asked) * 0.9
    assert {policy.partition("/")[0] for one in asked for policy in one.get("mappings", ())} >= {"nist-ai-rmf"}


def test_packs_together_use_every_type_of_answer() -> None:
    used = {one.get("type", "metric" if "evidence" in one else "text") for name in PACKS for one in listed(specs("checklist")[name])}  # fmt: skip
    used |= {one.get("type", "text") for one in listed(specs("checklist")["pipeline-certification"])}
    assert used == set(items.TYPES)


@pytest.mark.parametrize("name", sorted(specs("checklist")))
@pytest.mark.parametrize("tier", TIERS)
def test_every_check_exists_and_can_use_its_parameters_with_the_limits_of_the_organisation(
    name: str, tier: str
) -> None:
    given = specs("policy")["validation-limits"]["limits"]
    for one in freeze(specs("checklist")[name], {}, tier):
        if one.check:
            parameters = limits.merged(one.check, one.parameters, given, tier=tier)
            assert registry.against(one.check, parameters, tier=tier) == "", one.id


@pytest.mark.parametrize("name", sorted(specs("checklist")))
@pytest.mark.parametrize("tier", TIERS)
def test_somebody_signs_every_checklist_at_every_tier(name: str, tier: str) -> None:
    assert terms.terms_of(specs("checklist")[name], tier).quorum


@pytest.mark.parametrize("name", sorted(specs("checklist")))
def test_what_only_evidence_of_a_model_can_show_is_asked_of_models_alone(name: str) -> None:
    content = specs("checklist")[name]
    if content["appliesTo"] == "model":
        return
    of_runs = {
        one.name
        for one in registry.all_checks()
        if {"run", "y_pred", "y_true", "y_prob", "model", "X"} & set(one.needs)
    }
    assert not [one["id"] for one in listed(content) if one.get("evidence", {}).get("check") in of_runs]


@pytest.mark.parametrize("name", sorted(specs("checklist")))
def test_every_mapping_is_a_requirement_of_a_policy_and_none_is_over(name: str) -> None:
    """What is only coming may be mapped; what ended may not."""
    off = [one for one in not_in_force(specs("checklist")[name], known(), date(2026, 11, 27)) if one.standing != "not yet in force"]  # fmt: skip
    assert off == []


def test_successors_of_a_requirement_exist() -> None:
    missing = {after for one in known().values() for after in one.requirement.superseded_by} - set(known())
    assert missing == set()


def test_a_release_at_the_tier_high_is_blocked_by_fairness_and_signed_by_a_domain_expert_too() -> None:
    people = {"areas": ["credit"]}
    blocking = {one.check for one in frozen("model-release", "high", **people).values() if one.blocking}
    assert blocking >= {"demographic_parity_ratio", "equalized_odds_difference", "worst_group_ratio", "group_count"}
    quorums = [terms.terms_of(specs("checklist")["model-release"], tier).quorum for tier in TIERS]
    assert quorums == [
        {"model validator": 1, "reviewer": 1}, {"model validator": 1, "reviewer": 1},
        {"model validator": 1, "reviewer": 1, "domain expert": 1},
    ]  # fmt: skip


def test_groups_are_not_compared_where_nobody_is_judged() -> None:
    facts = {"areas": [], "significant_effect": False, "profiling": False, "vulnerable": False}
    asked = frozen("model-release", "minimal", **facts)
    assert not {"MOD-13", "MOD-14", "MOD-25", "MOD-26", "MOD-27", "MOD-28"} & set(asked)


def test_a_project_without_personal_data_answers_one_item_on_privacy_and_one_with_them_many() -> None:
    """Beside the few that everybody answers."""
    nothing = frozen("privacy", "high", personal_data="none", autonomy="advice", special_categories=False)
    direct = frozen("privacy", "high", personal_data="direct", autonomy="advice", special_categories=False)
    assert set(nothing) == {"PRI-1", "PRI-2"}
    assert len(direct) > 15
    assert "PRI-2" not in direct


def test_nothing_about_language_models_is_mapped_to_guidance_that_leaves_them_out() -> None:
    mapped = {
        one.partition("/")[0] for item in listed(specs("checklist")["llm-application"]) for one in item["mappings"]
    }
    assert not mapped & {"sr-26-2", "sr-11-7"}


def test_each_ships_as_a_version_and_opens_a_case_that_asks(shipped: str, person: Callable[..., Actor]) -> None:
    """What is about a project can be asked at once: every check of it says something, and none breaks."""
    ada = person("data scientist", team="risk")
    with db.writing() as session:
        assert checklists.ship(session, policy.system("loader")) == []
        projects.create(session, actor=SYSTEM, project_id="churn", title="Churn", team_id="risk", stage="operate")
        project = session.get_one(Project, "churn")
        project.tier, project.risk_facts = (
            "high",
            {"personal_data": "direct", "areas": ["credit"], "autonomy": "automatic"},
        )
        assert set(known()) == set(regulations(session))
    of_projects = [name for name, spec in specs("checklist").items() if spec["appliesTo"] == "project"]
    assert len(of_projects) == 5
    for name in of_projects:
        with db.writing() as session:
            case = opening.open_case(
                session, actor=ada, project_id="churn", checklist=name, kind="project", name="churn"
            )
            said = session.exec(select(CaseFinding).where(CaseFinding.case_id == case.id)).all()
        assert sum(one["applies"] for one in case.items) >= 10, name
        assert {one.content["check"] for one in said} == {
            one["check"] for one in case.items if one["applies"] and one["check"]
        }
        assert not [
            one.content["text"]
            for one in said
            if "broke" in one.content["text"] or "cannot be used" in one.content["text"]
        ]
