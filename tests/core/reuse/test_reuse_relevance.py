"""What the review finds in the shipped catalog: the right things on top, everyday words not strong."""

from __future__ import annotations

import pytest

from core import db
from core.catalog import actions as catalog
from core.people import actions as people
from core.projects import actions as projects
from core.reuse import actions, queries
from core.reuse.queries import Review
from tests.conftest import SYSTEM

CHURN = {
    "title": "Churn of contract customers",
    "summary": "Predict which customers will cancel their contract next month, so that the retention team calls them. "
    "The decision threshold follows from cost: a false alarm costs a call, a miss costs a customer.",
    "value_hypothesis": "Two per cent fewer cancellations in the consumer business.",
    "target": "customer churn", "modality": "tabular", "classification": "confidential",
}  # fmt: skip


@pytest.fixture
def organisation(shipped: str) -> None:
    """A team, a project it stopped, another that runs, and the dataset of its contracts, beside the shipped catalog."""
    with db.writing() as session:
        people.add_unit(session, actor=SYSTEM, unit_id="telco", name="Telco")
        people.add_team(session, actor=SYSTEM, team_id="crm", name="CRM", unit_id="telco")
        projects.create(
            session, actor=SYSTEM, project_id="retention-letters", title="Letters that keep customers", team_id="crm",
            summary="Predict customer churn from contract data and write to customers before they cancel.",
            target="churn", modality="tabular",
        )  # fmt: skip
        projects.move(
            session, actor=SYSTEM, project_id="retention-letters", stage="stopped",
            finding="Cancellations are booked 90 days late, so features leak the label.",
        )  # fmt: skip
        projects.create(
            session, actor=SYSTEM, project_id="scratch-finder", title="Scratches on wafers", team_id="crm",
            summary="Finds scratches on silicon wafers in images of the line.", modality="image",
        )  # fmt: skip
        catalog.register(
            session,
            document={
                "apiVersion": "factory/v1", "kind": "dataset",
                "metadata": {
                    "name": "contract-history", "title": "Contract history", "tags": ["tabular", "customers"],
                    "description": "Contracts of consumers with their start, tariff, cancellation and its reason.",
                },
                "spec": {"owner": "crm", "classification": "confidential", "source": "Billing", "target": "churn"},
            },
        )  # fmt: skip


def review(project_id: str = "churn", **texts: str) -> Review:
    with db.writing() as session:
        projects.create(session, actor=SYSTEM, project_id=project_id, team_id="crm", **texts)  # type: ignore[arg-type]
    with db.reading() as session:
        return queries.review(session, SYSTEM, project_id)


def test_a_churn_project_finds_the_stopped_project_the_dataset_and_the_asset_and_why(organisation: None) -> None:
    found = review(**CHURN)
    best = {}
    for hit in found.hits:
        best.setdefault(hit.group, hit)
    assert found.hits[0].key == "project:default/retention-letters"
    assert found.hits[0].finding == "Cancellations are booked 90 days late, so features leak the label."
    assert {"customers", "churn", "cancel"} <= {one.word for one in found.hits[0].terms}
    assert "same target: churn" in found.hits[0].facts
    assert best["datasets"].key == "dataset:default/contract-history"
    assert {"same target: churn", "same modality: tabular", "same data classification: confidential"} <= set(
        best["datasets"].facts
    )
    assert best["internal code"].key == "asset:default/threshold-tuner"
    assert {"threshold", "cost"} <= {one.word for one in best["internal code"].terms}
    strong = {one.key for one in found.strong}
    assert {best[group].key for group in ("similar projects", "datasets", "internal code")} <= strong
    assert "project:default/scratch-finder" not in strong
    assert len(strong) <= queries.STRONG_PER_GROUP * 4


@pytest.mark.parametrize(
    ("expected", "texts"),
    [
        ("dataset:default/wine", {"title": "Origin of wine", "summary": "Tell the cultivar of a wine from its chemical analysis."}),
        ("asset:default/pii-scan", {"title": "Personal data in free text", "summary": "Find names, addresses and phone numbers of people in tickets before they are stored: a scan for personal data."}),
        ("repository:default/fairlearn", {"title": "Fairness of loan decisions", "summary": "Measure and reduce unfairness between groups with fairness metrics and mitigation."}),
        ("asset:default/drift-statistics", {"title": "Watch over scoring data", "summary": "Notice when the distribution of features drifts from training: drift statistics with population stability index."}),
    ],
)  # fmt: skip
def test_a_project_about_something_shipped_finds_it_among_its_strong_hits(
    organisation: None, expected: str, texts: dict[str, str]
) -> None:
    assert expected in {one.key for one in review(**texts).strong}


def test_everyday_words_alone_make_no_strong_hit(organisation: None) -> None:
    found = review(title="Rota of the night nurses", summary="Plan who works which night on the ward of the hospital.")
    assert found.strong == []
    with db.writing() as session:
        actions.complete(session, actor=SYSTEM, review=found)


def test_an_unrelated_entry_leaves_the_ranking_as_it_is(organisation: None) -> None:
    before = [(one.key, one.score) for one in review(**CHURN).hits]
    with db.writing() as session:
        projects.create(session, actor=SYSTEM, project_id="zephyr", title="Zephyr xylophone", team_id="crm")
    with db.reading() as session:
        after = [(one.key, one.score) for one in queries.review(session, SYSTEM, "churn").hits]
    assert after == before
