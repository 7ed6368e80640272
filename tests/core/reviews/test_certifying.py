"""Certified pipelines: what they make passes without a person while every rule holds, and some of it people see anyway."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlmodel import select

from core import db
from core.access import policy
from core.access.policy import Actor
from core.activity.tables import Activity
from core.catalog import actions as catalog
from core.checks import limits
from core.errors import Conflict, Invalid, NotAllowed, NotFound, Unavailable
from core.evidence import keeping
from core.evidence.tables import CiFact, EvidenceCheck, EvidenceSnapshot
from core.gates import facts
from core.gates.cases import CertificateFact
from core.projects.tables import Project
from core.reviews import automating, certifying, moving, passing
from core.reviews.certifying import CERTIFIER
from core.reviews.tables import CaseAnswer, Certificate, ChecklistVersion, ReviewCase, Waiver
from tests.conftest import SYSTEM
from tests.core.reviews import house as houses
from tests.core.reviews.bank import Bank
from tests.core.reviews.house import ANSWERS, MODEL, House

COMMIT = "0123456789abcdef" * 2 + "01234567"
PIPELINE: dict[str, Any] = {
    "project_id": "churn", "name": "nightly", "repository": "https://git.example/churn", "commit": COMMIT,
    "workflow": "validate.yml", "tier": "limited", "sample_every": 100,
}  # fmt: skip
sqlite = pytest.mark.parametrize("store", ["sqlite"], indirect=True)


@pytest.fixture
def never_sampled(monkeypatch: pytest.MonkeyPatch) -> None:
    """No version is drawn for a look by people."""
    monkeypatch.setattr(passing, "is_sampled", lambda *_: False)


@pytest.fixture
def team(house: House, never_sampled: None) -> House:
    """A project of a limited and confirmed tier, and the checklist by which pipelines are examined."""
    house.set(Project, "churn", tier="limited", tier_confirmed_by="person:p-risk")
    question = {"id": "PIP-1", "type": "text", "question": "What is covered?", "blockingFor": ["limited"]}
    houses.checklist([question], name="pipeline-certification", appliesTo="pipeline")
    return house


def propose(house: House, actor: Actor | None = None, **changes: Any) -> Certificate:
    given = PIPELINE | {"checklist": house.entry_id} | changes
    made: Certificate = house.do(certifying.propose, actor or house.ada, **given)
    return made


def approve(case_id: int, **changes: Any) -> None:
    """What people do to a case that convinces them, without the signatures."""
    with db.writing() as session:
        case = moving.locked_case(session, SYSTEM, case_id)
        for step in ("submit", "begin", "approve"):
            moving.move(session, SYSTEM, case, step)
        case.decided_at, case.expires_at = db.now(), db.now() + timedelta(days=182)
        for name, value in changes.items():
            setattr(case, name, value)
        session.add(case)
        certifying.granted(session, case)


def certificate(number: int = 1) -> Certificate:
    with db.reading() as session:
        return session.get_one(Certificate, number)


def own_case() -> ReviewCase:
    with db.reading() as session:
        return session.exec(
            select(ReviewCase).where(ReviewCase.kind == "pipeline").order_by(ReviewCase.id.desc())
        ).first()  # type: ignore[union-attr,return-value]


def told_by_ci(version: str = "2", **changes: Any) -> None:
    given = {name: PIPELINE[name] for name in ("repository", "commit", "workflow")} | changes
    with db.writing() as session:
        session.add(CiFact(model=MODEL, version=version, committers=["ben"], told_by="token:1", **given))


def verified(case_id: int, outcome: str = "same") -> None:
    with db.writing() as session:
        snapshot_id = session.get_one(ReviewCase, case_id).snapshot_id or 0
        session.add(EvidenceCheck(snapshot_id=snapshot_id, outcome=outcome, checked_at=db.now()))


@pytest.fixture
def certified(team: House) -> House:
    """The pipeline is certified, people approved version 1, and CI says that the pipeline made version 2."""
    propose(team)
    approve(own_case().id or 0)
    approve(team.ready())
    houses.mirror("2")
    told_by_ci()
    return team


@pytest.fixture
def second(certified: House) -> int:
    """A draft about version 2 with good evidence, whose answers were carried over from version 1."""
    case_id = certified.open(version="2", carry_from=_approved_case())
    certified.attach(case_id)
    verified(case_id)
    return case_id


def _approved_case() -> int:
    with db.reading() as session:
        wanted = select(ReviewCase.id).where(ReviewCase.version == "1", ReviewCase.state == "approved")
        return session.exec(wanted).one() or 0


def consider(case_id: int, actor: Actor = CERTIFIER) -> list[str]:
    with db.writing() as session:
        return certifying.consider(session, actor=actor, case_id=case_id)


# --- proposing and granting ------------------------------------------------------------------------------------------


def test_a_proposal_opens_a_case_of_its_own_and_its_approval_certifies_the_pipeline(team: House) -> None:
    made = propose(team)
    case = own_case()
    assert (made.state, case.kind, case.name, case.version, case.owner) == (
        "proposed", "pipeline", "nightly", COMMIT, team.ada.ref,
    )  # fmt: skip
    approve(case.id or 0)
    found = certificate()
    assert (found.state, found.expires_at, found.certified_at) == (
        "certified", own_case().expires_at, own_case().decided_at,
    )  # fmt: skip
    with db.reading() as session:
        assert [one.id for one in certifying.of_project(session, team.ada, "churn")] == [1]
    assert any("is certified up to the tier limited" in one for one in team.told(team.ada))


@sqlite
@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"tier": "high"}, "No pipeline is certified for the tier"),
        ({"tier": "prohibited"}, "No pipeline is certified for the tier"),
        ({"commit": "abc1234"}, "certified at one commit"),
        ({"commit": "main"}, "certified at one commit"),
        ({"sample_every": 0}, "People look at one version in"),
        ({"sample_every": 101}, "People look at one version in"),
        ({"name": " "}, "name"),
        ({"repository": ""}, "repository"),
        ({"workflow": "a\nb"}, "workflow"),
        ({"checklist": "checklist:default/pipeline-certification"}, "a checklist for models"),
    ],
)
def test_what_cannot_be_certified_is_refused_by_its_name(team: House, changes: dict[str, Any], words: str) -> None:
    with pytest.raises(Invalid, match=words):
        propose(team, **changes)


@sqlite
def test_only_the_team_proposes_and_the_same_pipeline_only_once(team: House) -> None:
    with pytest.raises(NotAllowed):
        propose(team, team.person("data scientist"))
    with pytest.raises(NotAllowed):
        propose(team, team.rita)
    propose(team)
    with pytest.raises(Conflict, match="proposed already"):
        propose(team)
    approve(own_case().id or 0)
    with pytest.raises(Conflict, match="certified already"):
        propose(team)


@sqlite
def test_a_pipeline_that_was_turned_down_or_lapsed_is_proposed_again(team: House) -> None:
    propose(team)
    with db.writing() as session:
        case = moving.locked_case(session, SYSTEM, own_case().id or 0)
        moving.move(session, SYSTEM, case, "withdraw")
    propose(team)
    approve(own_case().id or 0)
    with db.writing() as session:
        certifying.drift(session, actor=team.rita, reason="Drift of age", certificate_id=1)
    assert (certificate().state, certificate().doubted) == ("lapsed", True)
    propose(team)
    approve(own_case().id or 0)
    assert (certificate().state, certificate().doubted, certificate().lapse_reason) == ("certified", False, "")


@sqlite
def test_a_case_about_something_else_or_with_open_conditions_certifies_nothing(team: House) -> None:
    propose(team)
    approve(team.ready())
    assert certificate().state == "proposed"
    approve(own_case().id or 0, state="approved with conditions")
    with db.writing() as session:
        session.get_one(Certificate, 1).state = "proposed"
        assert certifying.granted(session, session.get_one(ReviewCase, own_case().id or 0)) is None


# --- passing ---------------------------------------------------------------------------------------------------------


def test_a_version_that_passes_every_rule_is_approved_without_a_person(certified: House, second: int) -> None:
    former = _approved_case()
    assert consider(second) == []
    case = certified.case(second)
    assert (case.state, case.certificate_id, case.submitted_by, certificate().approvals) == (
        "approved", 1, "system:certificates", 1,
    )  # fmt: skip
    steps = certified.log(second, "case-moved")
    assert [one["step"] for one in steps] == ["submit", "begin", "approve"]
    assert all("certificate 1" in one["reason"] for one in steps)
    assert case.expires_at == (case.decided_at or db.now()) + timedelta(days=case.validity_days)
    assert certified.case(former).state == "superseded"
    assert any("approved without a person" in one for one in certified.told(certified.ada))
    assert consider(second) != [], "it is decided"


@sqlite
def test_a_submitted_case_passes_too_and_one_in_review_stays_with_people(certified: House, second: int) -> None:
    with db.writing() as session:
        moving.move(session, SYSTEM, moving.locked_case(session, SYSTEM, second), "submit")
    assert (consider(second), certified.case(second).state) == ([], "approved")
    with db.writing() as session:
        case = session.get_one(ReviewCase, second)
        case.state, case.certificate_id = "in review", None
        session.add(case)
    assert any("people have it" in one for one in consider(second))


def _ci(**changes: Any) -> Callable[[House, int], None]:
    return lambda _house, _case: told_by_ci(**changes)


def _set(table: Any, key: Any, **values: Any) -> Callable[[House, int], None]:
    return lambda house, _case: house.set(table, key, **values)


def _of_case(**values: Any) -> Callable[[House, int], None]:
    return lambda house, case: house.set(ReviewCase, case, **values)


def _new_answer(house: House, case: int) -> None:
    house.answer(case, "TXT-1", "Whom to dismiss.")


def _not_applicable(house: House, case: int) -> None:
    house.answer(case, "OPT-1", not_applicable=True, note="Nobody decides.")


def _gone_answer(house: House, case: int) -> None:
    with db.writing() as session:
        for one in session.exec(select(CaseAnswer).where(CaseAnswer.case_id == case, CaseAnswer.item_id == "NUM-1")):
            session.delete(one)


def _worse(house: House, case: int) -> None:
    house.attach(case, accuracy=0.5)
    verified(case)


def _commit_in_run(house: House, case: int) -> None:
    with db.writing() as session:
        snapshot = session.get_one(EvidenceSnapshot, session.get_one(ReviewCase, case).snapshot_id)
        snapshot.content = {**snapshot.content, "tags": {"mlflow.source.git.commit": "f" * 40}}
        session.add(snapshot)


def _waived(house: House, case: int) -> None:
    with db.writing() as session:
        session.add(
            Waiver(
                case_id=case, item_id="MET-1", reason="r", control="c", requested_by="a", approved_by="b",
                approved_at=db.now(), expires_at=db.now() + timedelta(days=1),
            )
        )  # fmt: skip


def _limit(house: House, _case: int) -> None:
    """The organisation sets a limit that the checklist leaves to it."""
    document = {
        "apiVersion": "factory/v1", "kind": "policy", "metadata": {"name": limits.POLICY.rpartition("/")[2], "description": "Limits.", "title": "Limits"},
        "spec": {
            "owner": "platform", "appliesTo": "all",
            "limits": {"metric_at_least": {"values": {"rows": dict.fromkeys(("minimal", "limited", "high"), 100)}, "source": "house"}},
        },
    }  # fmt: skip
    with db.writing() as session:
        catalog.register(session, document=document)


AGAINST: list[tuple[Callable[[House, int], None], str]] = [
    (_set(Certificate, 1, state="lapsed"), "no certified pipeline"),
    (_set(Certificate, 1, commit="f" * 40), "no certified pipeline"),
    (_set(Certificate, 1, workflow="other.yml"), "no certified pipeline"),
    (_set(Certificate, 1, expires_at=db.now()), "does not hold"),
    (_set(Certificate, 1, tier="minimal"), "above what is certified"),
    (_set(Project, "churn", tier_confirmed_by=None), "not the confirmed one"),
    (_set(Project, "churn", tier="minimal"), "not the confirmed one"),
    (_of_case(sampled=True), "people have it"),
    (_of_case(snapshot_id=None), "no evidence"),
    (_of_case(subject_digest="f" * 64), "no evidence"),
    (_of_case(previous_id=None), "has to be read by people"),
    (_ci(commit="f" * 40), "with one voice"),
    (_commit_in_run, "another commit"),
    (_worse, "MET-1 does not pass: fail"),
    (_new_answer, "TXT-1 has to be read by people"),
    (_gone_answer, "NUM-1 has to be read by people"),
    (_not_applicable, "OPT-1 needs a person's word"),
    (_waived, "MET-1 needs a person's word"),
    (_limit, "rules were changed"),
    (lambda _house, case: verified(case, "changed"), "not found the same"),
    (
        lambda house, _case: house.set(EvidenceCheck, 1, checked_at=db.now() - timedelta(minutes=3)),
        "not found the same",
    ),
    (lambda house, _case: house.set(ReviewCase, _approved_case(), state="revoked"), "has to be read by people"),
]


@sqlite
@pytest.mark.parametrize(("spoil", "words"), AGAINST)
def test_one_thing_that_does_not_hold_leaves_the_version_to_people(
    certified: House, second: int, spoil: Callable[[House, int], None], words: str
) -> None:
    spoil(certified, second)
    state = certified.case(second).state
    assert words in "; ".join(consider(second))
    assert (certified.case(second).state, certified.case(second).certificate_id) == (state, None)


@sqlite
def test_answers_that_were_attested_again_as_they_were_need_no_reader(certified: House, second: int) -> None:
    for item in ("TXT-1", "NUM-1"):
        certified.answer(second, item, ANSWERS[item])
    assert consider(second) == []


@sqlite
def test_only_those_who_answer_for_the_case_and_the_portal_have_it_considered(certified: House, second: int) -> None:
    with pytest.raises(NotAllowed):
        consider(second, certified.rita)
    certified.set(Project, "churn", classification="restricted")
    with pytest.raises(NotFound):
        consider(second, certified.person("data scientist"))
    assert consider(second, certified.ada) == []
    assert certified.log(second, "case-moved") != []


# --- sampling and lapsing --------------------------------------------------------------------------------------------


@sqlite
def test_a_sampled_version_goes_to_people_and_is_recorded_once(
    certified: House, second: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(passing, "is_sampled", lambda *_: True)
    assert consider(second) == []
    case = certified.case(second)
    assert (case.state, case.sampled, case.certificate_id) == ("draft", True, None)
    assert certified.log(second, "case-sampled") == [{"certificate": 1}]
    assert "chosen for a look by people" in certified.told(certified.ada)[0]
    assert consider(second) != []


@sqlite
def test_one_in_so_many_is_sampled_the_same_ones_each_time_and_nobody_can_tell_which(store: str) -> None:
    made = Certificate(
        id=1, project_id="churn", name="n", repository="r", commit="c", workflow="w", checklist_id=1, rules_hash="",
        tier="minimal", proposed_by="x", sample_every=10,
    )  # fmt: skip
    cases = [
        ReviewCase(
            checklist_id=1, project_id="churn", kind="model", name="m", version=str(one), tier="minimal", owner="x"
        )
        for one in range(1000)
    ]
    drawn = [one.version for one in cases if passing.is_sampled(made, one)]
    assert drawn == [one.version for one in cases if passing.is_sampled(made, one)]
    assert 60 <= len(drawn) <= 140, "of a binomial of 1000 with a tenth, ten to the minus four lies outside"
    made.sample_every = 1
    assert all(passing.is_sampled(made, one) for one in cases)


def test_drift_lets_the_certificates_of_a_model_lapse_and_puts_them_in_doubt(certified: House, second: int) -> None:
    consider(second)
    with db.writing() as session, pytest.raises(NotAllowed):
        certifying.drift(session, actor=certified.ada, reason="Drift", model=MODEL)
    with db.writing() as session:
        assert certifying.drift(session, actor=certified.vera, reason="Age drifts", model="another") == []
        assert certifying.drift(session, actor=certified.vera, reason="Age drifts", model=MODEL) == [1]
        assert certifying.drift(session, actor=certified.vera, reason="Age drifts", model=MODEL) == []
    found = certificate()
    assert (found.state, found.doubted, found.lapse_reason) == ("lapsed", True, "Age drifts")
    with db.reading() as session:
        [case] = facts.read(session, SYSTEM, MODEL, "2").facts.cases
    assert case.certificate == CertificateFact(1, "nightly", True)
    assert certified.case(second).state == "approved", "what runs keeps running; the gate says no"


@sqlite
@pytest.mark.parametrize(
    ("change", "reason", "doubted"),
    [
        (lambda house: None, None, False),
        (lambda house: house.set(Certificate, 1, expires_at=db.now()), "its time is over", False),
        (lambda house: _limit(house, 0), "a rule or a limit was changed", False),
        (lambda house: _second_version(house), "its checklist has another version", False),
        (lambda house: house.set(ReviewCase, own_case().id, state="suspended"), "its own case is suspended", True),
        (lambda house: house.set(ReviewCase, own_case().id, state="revoked"), "its own case is revoked", True),
        (lambda house: house.set(ReviewCase, own_case().id, state="superseded"), "its own case is superseded", False),
        (
            lambda house: house.set(
                ReviewCase, _approved_case(), state="revoked", certificate_id=1, decided_at=db.now() + timedelta(hours=1)
            ),
            "people revoked its version 1", True,
        ),
        (
            lambda house: house.set(
                ReviewCase, _approved_case(), state="revoked", certificate_id=1, decided_at=db.now() - timedelta(days=1)
            ),
            None, False,
        ),
    ],
)  # fmt: skip
def test_a_certificate_lapses_when_what_it_rests_on_is_gone(
    certified: House, change: Callable[[House], None], reason: str | None, doubted: bool
) -> None:
    change(certified)
    certified.set(CiFact, 1, commit="f" * 40)  # so that nothing else is to be done
    assert automating.work(CERTIFIER).startswith(f"{1 if reason else 0} lapsed")
    found = certificate()
    assert (found.state, found.lapse_reason, found.doubted) == (
        "lapsed" if reason else "certified",
        reason or "",
        doubted,
    )


def _second_version(house: House) -> None:
    with db.writing() as session:
        first = session.exec(select(ChecklistVersion).where(ChecklistVersion.entry_id == house.entry_id)).one()
        session.add(
            ChecklistVersion(
                entry_id=house.entry_id, version="2.0.0", content_hash="1" * 64, content=first.content, state="published",
                authored_by="x", published_by="y", published_at=db.now(),
            )
        )  # fmt: skip


# --- what people sign leads there ------------------------------------------------------------------------------------


def _certificate_of(bank: Bank, **changes: Any) -> None:
    columns = {name: PIPELINE[name] for name in ("name", "repository", "commit", "workflow", "tier")} | {
        "project_id": "churn", "checklist_id": bank.checklist_id, "rules_hash": "", "proposed_by": bank.olga.ref,
    } | changes  # fmt: skip
    with db.writing() as session:
        session.add(Certificate(**columns))


@sqlite
def test_the_last_signature_on_its_case_certifies_a_pipeline(bank: Bank) -> None:
    _certificate_of(bank)
    case_id = bank.submitted(kind="pipeline", name="nightly")
    bank.change(case_id, version=COMMIT)
    bank.signed(bank.vera, case_id, "approve")
    assert certificate().state == "proposed"
    bank.signed(bank.rita, case_id, "approve")
    assert (bank.state(case_id), certificate().state) == ("approved", "certified")


@sqlite
def test_a_rejected_sample_lets_the_certificate_lapse(bank: Bank) -> None:
    _certificate_of(bank, state="certified", expires_at=bank.clock() + timedelta(days=9))
    case_id = bank.submitted(sampled=True)
    with db.writing() as session:
        given = {name: PIPELINE[name] for name in ("repository", "commit", "workflow")}
        session.add(CiFact(model="churn", version="1", told_by="token:1", **given))
    bank.signed(bank.vera, case_id, "reject", reason="The groups fare differently.")
    found = certificate()
    assert (found.state, found.doubted, found.lapse_reason) == (
        "lapsed",
        True,
        "people rejected its version 1 of churn",
    )


# --- by itself -------------------------------------------------------------------------------------------------------


@pytest.fixture
def mlflow(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What MLflow has: ``metrics`` of new versions, and what a comparison with it finds."""
    has: dict[str, Any] = {"metrics": {}, "outcome": "same", "asked": 0}

    def fresh(model: str, version: str, *, actor: Actor) -> EvidenceSnapshot:
        has["asked"] += 1
        if has["outcome"] == "unreachable":
            raise Unavailable("MLflow is out of reach.")
        with db.reading() as session:
            return session.get_one(EvidenceSnapshot, houses.evidence(version, model=model, **has["metrics"]))

    def verify(snapshot_id: int) -> EvidenceCheck:
        has["asked"] += 1
        with db.writing() as session:
            made = EvidenceCheck(snapshot_id=snapshot_id, outcome=has["outcome"], checked_at=db.now())
            session.add(made)
        return made

    monkeypatch.setattr(keeping, "fresh", fresh)
    monkeypatch.setattr(keeping, "verify", verify)
    return has


def case_of(version: str = "2") -> ReviewCase | None:
    with db.reading() as session:
        return session.exec(select(ReviewCase).where(ReviewCase.kind == "model", ReviewCase.version == version)).first()


def test_the_portal_opens_the_case_itself_and_approves_it(certified: House, mlflow: dict[str, Any]) -> None:
    assert automating.work(CERTIFIER) == "0 lapsed, 1 opened, 1 approved, 0 left to people"
    case = case_of()
    assert case is not None
    assert (case.state, case.owner, case.certificate_id) == ("approved", certified.ada.ref, 1)
    with db.reading() as session:
        actors = set(session.exec(select(Activity.actor).where(Activity.subject == f"case:{case.id}")))
    assert actors == {"system:certificates"}
    asked = mlflow["asked"]
    assert automating.work(CERTIFIER) == "0 lapsed, 0 opened, 0 approved, 0 left to people"
    assert mlflow["asked"] == asked


@sqlite
def test_what_a_rule_fails_is_left_to_its_owner_who_is_told_why_once(certified: House, mlflow: dict[str, Any]) -> None:
    mlflow["metrics"] = {"accuracy": 0.4}
    automating.work(CERTIFIER)
    asked = mlflow["asked"]
    automating.work(CERTIFIER)
    case = case_of()
    assert case is not None
    assert (case.state, case.snapshot_id is not None, mlflow["asked"]) == ("draft", True, asked)
    assert [one for one in certified.told(certified.ada) if "MET-1 does not pass: fail" in one] != []


@sqlite
def test_while_mlflow_does_not_answer_the_version_waits(certified: House, mlflow: dict[str, Any]) -> None:
    mlflow["outcome"] = "unreachable"
    assert automating.work(CERTIFIER) == "0 lapsed, 1 opened, 0 approved, 0 left to people"
    mlflow["outcome"] = "changed"
    assert automating.work(CERTIFIER) == "0 lapsed, 0 opened, 0 approved, 0 left to people"
    mlflow["outcome"] = "same"
    assert automating.work(CERTIFIER) == "0 lapsed, 0 opened, 1 approved, 0 left to people"


@sqlite
def test_no_case_is_opened_for_versions_of_others_or_by_those_who_left(
    certified: House, mlflow: dict[str, Any]
) -> None:
    told_by_ci("3")
    houses.mirror("4", gone_at=db.now())
    told_by_ci("4")
    certified.set(CiFact, 1, workflow="other.yml")
    assert "0 opened" in automating.work(CERTIFIER)
    certified.set(CiFact, 1, workflow=PIPELINE["workflow"])
    certified.set(Project, "churn", stage="stopped")
    assert "0 opened" in automating.work(CERTIFIER)
    with pytest.raises(NotAllowed):
        automating.work(policy.Actor("person", "p-1", "Ada"))
