"""What must always hold of cases, asked of the rows alone: none of the guards of the core is asked, so that none can lie."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlmodel import Session, col, select

from core import db
from core.access.tables import Person, RoleGrant
from core.activity import chain
from core.activity.tables import Activity
from core.evidence.tables import CiFact, EvidenceCheck, EvidenceSnapshot
from core.reviews.record import kept
from core.reviews.tables import (
    CaseAnswer,
    CaseFinding,
    CaseSeat,
    Condition,
    Delegation,
    ReviewCase,
    Signature,
    Waiver,
)  # fmt: skip

EDGES = {
    "draft": {"submitted", "withdrawn"}, "submitted": {"in review", "withdrawn"},
    "in review": {"changes requested", "approved", "approved with conditions", "rejected", "withdrawn"},
    "changes requested": {"submitted", "withdrawn"},
    "approved": {"suspended", "expired", "superseded", "revoked"},
    "approved with conditions": {"approved", "suspended", "expired", "superseded", "revoked"},
    "suspended": {"in review", "revoked"},
}  # fmt: skip
"""The table of the design, written down once more: a state that is missing has no way out."""
APPROVED = {"approved", "approved with conditions"}
SIGNERS = {"model validator": "model validator", "reviewer": "reviewer"}


@dataclass
class Oracle:
    """Follows the log and the rows, step by step."""

    clock: Any
    seq: int = 0
    last: tuple[str, str] = ("", chain.GENESIS)
    states: dict[int, str] = field(default_factory=dict)
    """Case → its state, from the log alone."""
    reached: Counter[str] = field(default_factory=Counter)
    """What happened how often: a machine that never approves anything proves nothing."""

    def look(self) -> None:
        """Read what was recorded since the last look, and compare it with what there is."""
        with db.reading() as session:
            fresh = list(session.exec(select(Activity).where(Activity.seq > self.seq).order_by(col(Activity.seq))))
            for line in fresh:
                self._follow(session, line)
            if fresh:
                self._compare(session)

    # --- the log (14, 15, 16, 1, 2) --------------------------------------------------------------------------------

    def _follow(self, session: Session, line: Activity) -> None:
        at, previous = self.last
        assert line.seq == self.seq + 1, "16: the log has no gap"
        assert line.at >= at, "16: its time does not go back"
        assert line.previous == previous, "16: it is one chain"
        self.seq, self.last = line.seq, (line.at, line.hash)
        self.reached[line.event] += 1
        kind, _, key = line.subject.partition(":")
        if kind == "case":
            self._case_event(session, int(key), line.event, line.actor, json.loads(line.data))

    def _case_event(self, session: Session, case_id: int, event: str, actor: str, said: dict[str, Any]) -> None:
        if event == "case-opened":
            self.states[case_id] = "draft"
        elif event == "case-moved":
            self._moved(session, case_id, said)
        elif event == "case-signed":
            self._signed(session, case_id, actor, said)
        elif event == "waiver-approved":
            self._let_pass(session, session.get_one(Waiver, said["waiver"]))

    def _moved(self, session: Session, case_id: int, said: dict[str, Any]) -> None:
        before = self.states.get(case_id, "draft")
        assert said["before"] == before, "14, 15: each move is told once, from where the case was"
        assert said["after"] in EDGES.get(before, set()), f"1: from {before} no way leads to {said['after']}"
        self.states[case_id] = said["after"]
        self.reached[said["after"]] += 1
        if said["after"] in APPROVED and before == "in review":
            self._approved(session, session.get_one(ReviewCase, case_id))

    def _compare(self, session: Session) -> None:
        there = dict(session.execute(select(ReviewCase.id, ReviewCase.state)).all())  # type: ignore[arg-type]
        assert there == {one: self.states.get(one, "draft") for one in there}, "14: the log tells every state"
        self._one_seat_each(session)
        self._clocks(session)

    # --- a signature (2, 3, 4, 5, 11, 21) ----------------------------------------------------------------------------

    def _signed(self, session: Session, case_id: int, actor: str, said: dict[str, Any]) -> None:
        made, case = session.get_one(Signature, said["signature"]), session.get_one(ReviewCase, case_id)
        assert actor == f"person:{made.person_id}"
        assert session.get_one(Person, made.person_id).active, "3: who signs is active"
        if said["decision"] != "reject":
            self._just_compared(session, case)
        if said["decision"] == "submit":
            assert self.states.get(case_id, "draft") in ("draft", "changes requested")
            assert actor == case.owner
            return
        assert self.states[case_id] == "in review", "2: decisions are made in review only"
        seat = session.get_one(CaseSeat, made.seat_id)
        assert (seat.case_id, seat.person_id, seat.role) == (case_id, made.person_id, made.role), "3: from their seat"
        assert made.role in roles_of(session, made.person_id), "3, 21: in a role that they have"
        assert made.person_id not in makers(session, case), "4: who made it does not decide on it"
        self._in_order(session, case, made)
        self.reached[f"signed: {said['decision']}"] += 1

    def _just_compared(self, session: Session, case: ReviewCase) -> None:
        looked_at = (EvidenceCheck.snapshot_id == case.snapshot_id, EvidenceCheck.outcome != "unreachable")
        last = session.exec(select(EvidenceCheck).where(*looked_at).order_by(col(EvidenceCheck.id).desc())).first()
        assert last is not None, "11: evidence is compared again when it is signed on"
        assert last.outcome == "same", "11: and was still the same"
        assert self.clock() - last.checked_at < timedelta(minutes=2), "11: just now"

    def _in_order(self, session: Session, case: ReviewCase, made: Signature) -> None:
        signed = session.exec(
            select(Signature.signed_at).where(Signature.case_id == case.id).order_by(col(Signature.id))
        )
        moments = list(signed)
        assert moments == sorted(moments)
        assert case.submitted_at is not None
        assert case.submitted_at <= made.signed_at

    # --- an approval (4, 5, 7, 8, 10, 11, 12, 13) --------------------------------------------------------------------

    def _approved(self, session: Session, case: ReviewCase) -> None:
        standing = [one for one in signatures(session, case) if one.voided_at is None]
        decisions = [one for one in standing if one.decision != "submit"]
        assert all(one.decision.startswith("approve") for one in decisions), "13: one rejection ends the case"
        assert not (Counter(case.quorum) - Counter(one.role for one in decisions)), "7: the frozen quorum signed"
        assert len({one.person_id for one in decisions}) == len(decisions), "5: one person, one seat"
        assert not {one.person_id for one in decisions} & makers(session, case), "4: independent, all of them"
        records = [without_conditions(kept(session, one.record_hash)) for one in decisions]
        assert all(one == records[0] for one in records), "12: all signed the same"
        self._subject_is_what_was_submitted(session, case, standing)
        assert not blocking(session, case, self.clock()), "8, 10: nothing blocking is open"
        conditions = open_conditions(session, case)
        assert bool(conditions) == (self.states[case.id or 0] == "approved with conditions")
        for one in conditions:
            assert one.text
            assert one.environments
            assert set(one.environments) <= set(case.environments)

    def _subject_is_what_was_submitted(self, session: Session, case: ReviewCase, standing: list[Signature]) -> None:
        submitted = [one for one in standing if one.decision == "submit"]
        assert len(submitted) == 1, "11: its owner submitted exactly this"
        snapshot = session.get_one(EvidenceSnapshot, case.snapshot_id)
        digests = {kept(session, one.record_hash)["subject"]["digest"] for one in standing}
        assert digests == {case.subject_digest} == {snapshot.subject_digest}, "11: subject = signed = submitted = now"

    # --- waivers, seats and clocks (9, 5, 6, 26) ---------------------------------------------------------------------

    def _let_pass(self, session: Session, waiver: Waiver) -> None:
        case = session.get_one(ReviewCase, waiver.case_id)
        assert waiver.reason
        assert waiver.control, "9: with a compensating control"
        longest = timedelta(hours=72) if waiver.kind == "break-glass" else timedelta(days=90)
        assert self.clock() < waiver.expires_at <= self.clock() + longest, "9: until a date"
        deciders = [one for one in (waiver.approved_by, waiver.second_by) if one]
        assert len(set(deciders)) == len(deciders), "9: two are two"
        if waiver.kind == "waiver":
            assert waiver.approved_by != waiver.requested_by, "9: not by whoever asked"
        for one in deciders:
            assert one.removeprefix("person:") not in makers(session, case), "9: not by whoever made it"

    def _one_seat_each(self, session: Session) -> None:
        held = select(CaseSeat.case_id, CaseSeat.person_id).where(col(CaseSeat.released_at).is_(None))
        rows = session.execute(held).all()
        assert len(set(rows)) == len(rows), "5: one person, one seat"

    def _clocks(self, session: Session) -> None:
        for one in session.exec(select(ReviewCase).where(col(ReviewCase.state).in_(("draft", "changes requested")))):
            assert one.due_at is None or one.paused_at is not None, "26: no clock runs while the owner has the ball"

    # --- what the watch leaves ---------------------------------------------------------------------------------------

    def after_the_watch(self) -> None:
        """What holds of every approval right after the watch looked at it (8, 9, 18 and the ends of things)."""
        moment = self.clock()
        with db.reading() as session:
            for case in session.exec(select(ReviewCase).where(col(ReviewCase.state).in_(APPROVED))):
                assert case.expires_at is not None
                assert case.expires_at > moment, "what is over has expired"
                assert not blocking(session, case, moment), "8: no approval outlives the waiver it rests on"
                assert all(one.due_on >= moment.date() for one in open_conditions(session, case))
            over = select(Waiver).where(col(Waiver.ended_at).is_(None), col(Waiver.refused_at).is_(None))
            assert all(one.expires_at > moment for one in session.exec(over)), "waivers end by themselves"
            delegations = list(session.exec(select(Delegation).where(col(Delegation.ended_at).is_(None))))
            for one in delegations:
                assert one.starts_on <= one.ends_on, "6: dated"
                overlapping = [two for two in delegations if two.from_id == one.to_id and _overlap(one, two)]
                assert not overlapping, "6: of depth one"


# --- what rows say ---------------------------------------------------------------------------------------------------


def signatures(session: Session, case: ReviewCase) -> list[Signature]:
    return list(session.exec(select(Signature).where(Signature.case_id == case.id).order_by(col(Signature.id))))


def roles_of(session: Session, person_id: str) -> set[str]:
    held = select(RoleGrant.role).where(RoleGrant.person_id == person_id, RoleGrant.state == "active")
    return set(session.exec(held))


def makers(session: Session, case: ReviewCase) -> set[str]:
    """Who owns, submitted, answered, ran or committed what is reviewed."""
    answered = session.exec(select(CaseAnswer.answered_by).where(CaseAnswer.case_id == case.id))
    found = {one.removeprefix("person:") for one in (case.owner, case.submitted_by or "", *answered)}
    snapshot = session.get(EvidenceSnapshot, case.snapshot_id) if case.snapshot_id else None
    names = set(snapshot.content.get("people", [])) if snapshot else set()
    for fact in session.exec(select(CiFact).where(CiFact.model == case.name, CiFact.version == case.version)):
        names |= set(fact.committers)
    return found | set(session.exec(select(Person.id).where(col(Person.name).in_(names))))


def open_conditions(session: Session, case: ReviewCase) -> list[Condition]:
    wanted = select(Condition).where(Condition.case_id == case.id, col(Condition.voided_at).is_(None))
    return [one for one in session.exec(wanted) if one.met_at is None]


def blocking(session: Session, case: ReviewCase, at: datetime) -> list[str]:
    """Blocking items that stand against an approval at a moment."""
    answers = {
        one.item_id: one
        for one in session.exec(
            select(CaseAnswer).where(CaseAnswer.case_id == case.id).order_by(col(CaseAnswer.revision))
        )
    }
    current = select(CaseFinding).where(CaseFinding.case_id == case.id, col(CaseFinding.current))
    verdicts = {one.item_id: one.verdict for one in session.exec(current)}
    waivers = list(session.exec(select(Waiver).where(Waiver.case_id == case.id)))
    return [
        item["id"]
        for item in case.items
        if item["applies"] and item["blocking"]
        and not any(_lets_pass(one, item["id"], at) for one in waivers)
        and not _holds(item, answers.get(item["id"]), verdicts.get(item["id"], "missing"), case.tier)
    ]  # fmt: skip


def _holds(item: dict[str, Any], answer: CaseAnswer | None, verdict: str, tier: str) -> bool:
    if answer is not None and answer.not_applicable:
        return bool(answer.note) and (tier != "high" or answer.agreed_by is not None)
    return verdict == "pass" if item["check"] else answer is not None


def _lets_pass(waiver: Waiver, item: str, at: datetime) -> bool:
    two = waiver.kind != "break-glass" or waiver.second_by
    alive = waiver.approved_by and two and not waiver.refused_at and not waiver.ended_at and at < waiver.expires_at
    return bool(alive) and waiver.item_id in ("", item)


def without_conditions(record: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in record.items() if name != "conditions"}


def _overlap(one: Delegation, two: Delegation) -> bool:
    return one.role == two.role and one.starts_on <= two.ends_on and two.starts_on <= one.ends_on
