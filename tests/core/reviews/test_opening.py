"""Opening a case: what is frozen, what it needs, and who may; and the evidence it rests on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from sqlmodel import select

from core import db
from core.access.policy import MATRIX, ROLES, Actor
from core.catalog import actions as catalog
from core.catalog.tables import Entry
from core.config import ROOT
from core.errors import Conflict, Invalid, NotAllowed, NotFound
from core.projects.tables import Project
from core.reviews import opening, requesting
from core.reviews.tables import CaseFinding, ChecklistVersion, ReviewCase
from core.reviews.terms import terms_of
from core.tracking.tables import MirrorVersion
from tests.core.reviews.house import ITEMS, MODEL, House, checklist, evidence, mirror


def test_a_case_freezes_items_quorum_clock_and_facts_for_the_tier(house: House) -> None:
    case = house.case(house.open())
    assert (case.state, case.owner, case.tier, case.version) == ("draft", house.ada.ref, "high", "1")
    assert [one["id"] for one in case.items] == [one["id"] for one in ITEMS]
    assert {one["id"] for one in case.items if one["blocking"]} == {"TXT-1", "MET-1"}
    assert (case.quorum, case.days, case.validity_days) == ({"model validator": 1, "reviewer": 1}, 5, 182)
    assert case.environments == ["production"]
    [told] = house.log(case.id or 0, "case-opened")
    assert (told["checklist"], told["about"], told["items"]) == ("checklist:default/small", f"model:{MODEL}:1", 6)


def test_what_happens_to_the_checklist_or_the_tier_later_changes_no_open_case(house: House) -> None:
    case_id = house.open()
    with db.writing() as session:
        version = session.exec(select(ChecklistVersion)).one()
        version.content = {**version.content, "quorum": {"reviewer": 3}, "sections": []}
        session.add(version)
    house.tier("minimal")
    case = house.case(case_id)
    assert (len(case.items), case.quorum, case.tier) == (6, {"model validator": 1, "reviewer": 1}, "high")


def test_a_checklist_scales_its_quorum_and_clock_by_tier(house: House) -> None:
    scaled = {
        "quorum": {"model validator": 1, "reviewer": {"high": 2, "limited": 0}}, "days": {"high": 3},
        "environments": {"high": ["test"]}, "validityDays": 30,
    }  # fmt: skip
    entry_id = checklist(name="scaled", **scaled)
    case = house.case(house.open(checklist=entry_id))
    assert (case.quorum["reviewer"], case.days, case.environments, case.validity_days) == (2, 3, ["test"], 30)
    house.tier("limited")
    mirror("2")
    case = house.case(house.open(checklist=entry_id, version="2"))
    assert (case.quorum, case.days) == ({"model validator": 1}, 5)


@pytest.mark.parametrize("quorum", [{}, {"manager": 1}, {"reviewer": 0}])
def test_a_checklist_by_which_nobody_could_decide_opens_no_case(house: House, quorum: dict[str, int]) -> None:
    entry_id = checklist(name="undecidable", quorum=quorum)
    with pytest.raises(Conflict, match="no case could be decided"):
        house.open(checklist=entry_id)


@pytest.mark.parametrize("role", ROLES)
def test_only_those_who_answer_for_the_project_open_a_case(house: House, role: str) -> None:
    insider, outsider = house.person(role, team="risk"), house.person(role, team="sales")
    with pytest.raises(NotAllowed):
        house.open(outsider)
    if role in MATRIX["case.answer"]:
        house.open(insider)
    else:
        with pytest.raises(NotAllowed):
            house.open(insider)


def test_a_token_that_may_write_evidence_owns_no_case(house: House) -> None:
    token = Actor("token", "1", "pipeline", scopes=frozenset({"metrics:write"}))
    with pytest.raises(NotAllowed, match="cannot own"):
        house.open(token)


@pytest.mark.parametrize(
    ("state", "refusal"),
    [
        ({"tier": ""}, "not known"),
        ({"tier": "prohibited"}, "prohibited"),
        ({"stage": "stopped"}, "stays as it is"),
    ],
)
def test_a_project_without_tier_with_a_prohibited_one_or_at_its_end_has_no_case(
    house: House, state: dict[str, str], refusal: str
) -> None:
    house.set(Project, "churn", **state)
    with pytest.raises(Conflict, match=refusal):
        house.open()


def test_a_tier_that_nobody_confirmed_yet_is_enough(house: House) -> None:
    with db.reading() as session:
        assert session.get_one(Project, "churn").tier_confirmed_by is None
    assert house.open()


@pytest.mark.parametrize(
    ("subject", "refusal"),
    [
        ({"name": "somebody.elses"}, NotFound),
        ({"name": "nul\x00"}, NotFound),
        ({"version": "9"}, NotFound),
        ({"version": ""}, NotFound),
        ({"version": "1\x00"}, NotFound),
        ({"kind": "dataset"}, Invalid),
        ({"kind": "nonsense"}, Invalid),
        ({"checklist": "checklist:default/none"}, NotFound),
        ({"project_id": "none"}, NotFound),
    ],
)
def test_what_is_not_there_or_not_the_projects_is_refused(
    house: House, subject: dict[str, Any], refusal: type[Exception]
) -> None:
    with pytest.raises(refusal):
        house.open(**subject)


def test_a_version_that_left_mlflow_is_refused(house: House) -> None:
    mirror("2", gone_at=db.now())
    with pytest.raises(Conflict, match="no longer in MLflow"):
        house.open(version="2")
    with db.reading() as session:
        assert session.get(MirrorVersion, (1, MODEL, "2")) is not None


def test_a_checklist_that_one_does_not_see_is_not_there(house: House) -> None:
    house.set(Entry, house.entry_id, classification="restricted")
    with pytest.raises(NotFound, match="No such checklist"):
        house.open()


SHIPPED = sorted((ROOT / "catalog" / "checklists").glob("*/entry.yaml"))


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.parent.name)
def test_every_shipped_checklist_can_be_decided_in_each_of_its_tiers(path: Path) -> None:
    content = yaml.safe_load(path.read_text("utf-8"))["spec"]
    for tier in content.get("tiers", ("minimal", "limited", "high")):
        terms = terms_of(content, tier)
        assert terms.days >= 1
        assert terms.validity_days >= terms.days
        assert set(terms.environments) <= {"development", "test", "production"}


def test_whoever_does_not_see_the_project_finds_neither_it_nor_its_cases(house: House) -> None:
    case_id = house.open()
    house.set(Project, "churn", classification="restricted")
    stranger = house.person("data scientist", team="sales")
    with pytest.raises(NotFound, match="No project"):
        house.open(stranger)
    with pytest.raises(NotFound, match="No case"):
        house.do(opening.attach, stranger, case_id=case_id, snapshot_id=1)


def test_one_case_of_a_checklist_is_open_on_a_subject_and_the_next_one_after_it(house: House) -> None:
    case_id = house.open()
    checklist(version="2.0.0")
    with pytest.raises(Conflict, match=f"Case {case_id}"):
        house.open(house.ben)
    other = house.open(checklist=checklist(name="other"))
    assert other != case_id
    house.do(requesting.withdraw, house.ada, case_id=case_id, reason="Begun too early.")
    assert house.open(house.ben) not in (case_id, other)


def test_a_project_is_reviewed_under_its_id_and_judged_at_once(house: House) -> None:
    intake = checklist(
        [{"id": "ANS-1", "type": "text", "question": "Why?", "evidence": {"check": "answer_present", "parameters": {"minimum_words": 2}}}],
        name="intake", appliesTo="project", quorum={"reviewer": 1},
    )  # fmt: skip
    subject = {"checklist": intake, "kind": "project", "version": ""}
    with pytest.raises(Invalid, match="own id"):
        house.open(**subject, name="other")
    case_id = house.open(**subject, name="churn")
    assert house.standings(case_id)["ANS-1"].verdict == "missing"
    house.answer(case_id, "ANS-1", "It pays.")
    assert house.standings(case_id)["ANS-1"].verdict == "pass"


def test_checks_judge_by_the_limits_of_the_organisation_as_they_were_when_the_case_was_opened(house: House) -> None:
    own = {"check": "metric_at_least", "parameters": {"metric": "accuracy", "value": 0.8, "source": "The charter"}}
    entry_id = checklist(
        [
            {"id": "FAIR-1", "type": "metric", "question": "Fair?", "evidence": {"check": "demographic_parity_ratio"}},
            {"id": "ACC-1", "type": "metric", "question": "Accurate?", "evidence": own},
        ],
        name="limited",
    )
    set_limits(0.9)
    case_id = house.open(checklist=entry_id)
    set_limits(0.6)
    house.attach(case_id, **{"rai.demographic_parity_ratio": 0.7})
    frozen = {one["id"]: one["parameters"] for one in house.case(case_id).items}
    assert frozen["FAIR-1"] == {"limit": 0.9, "source": "The works council"}
    assert frozen["ACC-1"] == own["parameters"]


def set_limits(high: float) -> None:
    """Let the organisation demand this of the ratio of selection rates."""
    ratio = {"values": {"limit": {"minimal": 0.5, "limited": 0.5, "high": high}}, "source": "The works council"}
    document = {
        "apiVersion": "factory/v1", "kind": "policy",
        "metadata": {"name": "validation-limits", "title": "Limits", "description": "Of checks."},
        "spec": {"owner": "platform", "version": str(high), "appliesTo": "Checks.", "limits": {"demographic_parity_ratio": ratio}},
    }  # fmt: skip
    with db.writing() as session:
        catalog.register(session, document=document)


# --- evidence --------------------------------------------------------------------------------------------------------


def test_attached_evidence_is_judged_and_newer_evidence_judged_anew(house: House) -> None:
    case_id = house.open()
    assert house.standings(case_id)["MET-1"].verdict == "missing"
    house.attach(case_id, accuracy=0.7)
    assert house.standings(case_id)["MET-1"].verdict == "fail"
    second = house.attach(case_id, accuracy=0.85)
    assert house.standings(case_id)["MET-1"].verdict == "pass"
    case = house.case(case_id)
    assert (case.snapshot_id, case.subject_digest) == (second, f"{'1':0>64}")
    with db.reading() as session:
        rows = session.exec(select(CaseFinding).where(CaseFinding.item_id == "MET-1").order_by(CaseFinding.id))  # type: ignore[arg-type]
        assert [(one.verdict, one.current) for one in rows] == [("fail", False), ("pass", True)]
    assert [one["verdicts"] for one in house.log(case_id, "case-evidence-attached")] == [
        {"fail": 1, "pass": 1},
        {"pass": 2},
    ]


def test_evidence_of_another_version_or_older_than_what_is_there_is_not_attached(house: House) -> None:
    case_id = house.open()
    foreign, first = evidence("2"), evidence()
    house.attach(case_id)
    for snapshot_id, refusal in ((foreign, NotFound), (999, NotFound), (0, NotFound), (first, Invalid)):
        with pytest.raises(refusal):
            house.do(opening.attach, house.ada, case_id=case_id, snapshot_id=snapshot_id)


def test_a_pipeline_may_attach_evidence_and_strangers_may_not(house: House) -> None:
    case_id = house.open()
    house.attach(case_id, Actor("token", "1", "pipeline", scopes=frozenset({"metrics:write"})))
    with pytest.raises(NotAllowed):
        house.attach(case_id, house.vera)


def test_evidence_stays_as_it_is_while_reviewers_look_at_it(house: House) -> None:
    case_id = house.reviewed()
    with pytest.raises(Conflict, match="in review"):
        house.attach(case_id)
    with db.reading() as session:
        assert session.get_one(ReviewCase, case_id).state == "in review"
