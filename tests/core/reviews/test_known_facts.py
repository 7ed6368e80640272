"""What checks learn of a project and its subject from the portal."""

from __future__ import annotations

from typing import Any

from core import db
from core.catalog import actions as catalog
from core.evidence.tables import EvidenceSnapshot
from core.people import actions as people
from core.projects import actions as projects
from core.projects import adoption, members
from core.projects.tables import Project
from core.reviews import judging
from core.reviews.known_facts import known_facts, sections
from core.reviews.tables import ReviewCase
from core.tracking.tables import MirrorAlias, MirrorExperiment, MirrorMetric, MirrorRun, MirrorVersion
from tests.conftest import SYSTEM
from tests.core.datasets.house import register
from tests.core.reviews.house import MODEL, House, evidence, mirror


def facts(case_id: int) -> dict[str, Any]:
    with db.reading() as session:
        case = session.get_one(ReviewCase, case_id)
        snapshot = session.get(EvidenceSnapshot, case.snapshot_id) if case.snapshot_id else None
        return known_facts(session, case, snapshot)


def test_what_a_project_says_of_itself_is_known_as_it_stands_now(house: House) -> None:
    case_id = house.open()
    assert (facts(case_id)["on_call"], facts(case_id)["access"], facts(case_id)["roles"]) == ("", {}, {})
    house.set(
        Project, "churn", monitoring="Drift, weekly", on_call_id=house.ben.id, key_metric="auc",
        data_access="Asked of the owner", tier="minimal",
    )  # fmt: skip
    with db.writing() as session:
        members.add_member(session, actor=house.ada, project_id="churn", person_id=house.ben.id, role="data scientist")
    known = facts(case_id)
    assert (known["monitoring"], known["on_call"], known["key_metric"]) == ("Drift, weekly", house.ben.id, "auc")
    assert known["access"] == {"route": "Asked of the owner", "expires": False}
    assert known["roles"] == {"data scientist": [house.ben.id]}
    assert known["tier"] == "high", "the tier is the one of the case"
    with db.writing() as session:
        people.deactivate_person(session, actor=SYSTEM, person_id=house.ben.id)
    assert facts(case_id)["on_call"] == ""


def test_what_it_adopted_and_ran_is_known(house: House) -> None:
    case_id = house.open()
    entry_id = register(owner="risk")
    with db.writing() as session:
        adoption.adopt(session, actor=SYSTEM, project_id="churn", entry_id=entry_id)
        session.add(MirrorExperiment(server_id=1, experiment_id="7", name="lending/churn/explore", project="churn"))
        for number in range(2):
            session.add(
                MirrorRun(server_id=1, run_id=str(number), experiment_id="7", project="churn", status="FINISHED")
            )
        session.add(MirrorRun(server_id=1, run_id="x", experiment_id="7", project="other", status="FINISHED"))
    known = facts(case_id)
    assert (known["catalog"], known["runs"]) == (["dataset"], {"explore": 2})
    [dataset] = known["datasets"]
    assert (dataset["name"], dataset["source"]) == ("payments", "The card system.")


def test_the_model_card_is_that_of_the_entry_and_of_the_version(house: House) -> None:
    case_id = house.open()
    assert facts(case_id)["model_card"] == {"intended use": "", "limitations": ""}
    document = {
        "apiVersion": "factory/v1", "kind": "model",
        "metadata": {"name": "churn-score", "title": "Churn score", "description": "Scores."},
        "spec": {"owner": "risk", "task": "classification", "registeredName": MODEL, "intendedUse": "Whom to call.",
                 "limitations": ["New customers."]},
    }  # fmt: skip
    with db.writing() as session:
        catalog.register(session, document=document)
    house.attach(case_id)
    assert facts(case_id)["model_card"] == {"intended use": "Whom to call.", "limitations": "New customers."}
    assert facts(case_id)["entry"]["title"] == "Churn score"
    with db.writing() as session:
        snapshot = session.get_one(EvidenceSnapshot, house.case(case_id).snapshot_id)
        card = "# Card\n\n## Limitations ##\nNobody under 18.\n## Oversight\nA person decides."
        snapshot.content = {
            **snapshot.content,
            "contents": {"docs/MODEL_CARD.md": card, "other.md": "# Caveats\nNone."},
        }
        session.add(snapshot)
    card_now = facts(case_id)["model_card"]
    assert (card_now["limitations"], card_now["oversight"]) == ("Nobody under 18.", "A person decides.")
    assert (card_now["intended use"], "caveats" in card_now) == ("Whom to call.", False)


def test_a_project_that_is_reviewed_has_its_own_entry(house: House) -> None:
    with db.writing() as session:
        projects.edit(session, actor=house.ada, project_id="churn", revision=1, summary="Who leaves?")
    case_id = house.open()
    house.set(ReviewCase, case_id, kind="project", name="churn", version="")
    assert facts(case_id)["entry"]["problem"] == "Who leaves?"


def test_sections_of_markdown_are_the_texts_under_its_headings() -> None:
    assert sections("before\n# A\none\n\ntwo\n### b c ###\n# D") == {"a": "one\n\ntwo", "b c": "", "d": ""}
    assert sections("nothing") == {}


def test_a_version_is_compared_with_the_one_that_serves(house: House) -> None:
    case_id = house.open()
    house.attach(case_id)
    mirror("2")
    evidence("2", accuracy=0.99)

    def champion() -> float | None:
        with db.reading() as session:
            found = judging.evidence_of(session, session.get_one(ReviewCase, case_id)).champion
        return found["accuracy"].value if found else None

    assert champion() is None
    with db.writing() as session:
        session.add(MirrorAlias(server_id=1, model=MODEL, alias="champion", version="1", seen_at=db.now()))
    assert champion() is None, "a version is no champion to itself"
    with db.writing() as session:
        session.get_one(MirrorAlias, (1, MODEL, "champion")).version = "2"
    assert champion() == 0.99


def test_conditions_are_judged_on_the_newest_copy_of_evidence(house: House) -> None:
    case_id = house.reviewed()
    evidence(accuracy=0.5)
    with db.reading() as session:
        case = session.get_one(ReviewCase, case_id)
        values = [
            one(session, case).metrics["accuracy"].value for one in (judging.evidence_of, judging.newest_evidence)
        ]
    assert values == [0.9, 0.5]


def test_a_champion_whose_evidence_was_never_copied_is_read_from_the_mirror(house: House) -> None:
    case_id = house.open()
    mirror("2")
    with db.writing() as session:
        session.get_one(MirrorVersion, (1, MODEL, "2")).run_id = "serving"
        session.add(MirrorMetric(server_id=1, run_id="serving", key="accuracy", value=0.97))
        session.add(MirrorAlias(server_id=1, model=MODEL, alias="champion", version="2", seen_at=db.now()))
    with db.reading() as session:
        found = judging.evidence_of(session, session.get_one(ReviewCase, case_id)).champion
    assert found["accuracy"].value == 0.97
