"""Who may review a case, and in which order they are asked: by independence, skill and load."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date

from sqlalchemy import func
from sqlmodel import Session, col, select

from core.access import policy, queries
from core.access.tables import Person
from core.catalog.tables import EntryTag
from core.db import now
from core.evidence import ci
from core.evidence.tables import EvidenceFile, EvidenceSnapshot
from core.projects.actions import scope_of
from core.projects.tables import Project
from core.projects.visibility import shown_to
from core.reviews.moving import subject_of
from core.reviews.states import OPEN, SIGNING_ROLES
from core.reviews.tables import CaseAnswer, CaseSeat, ChecklistVersion, Delegation, ReviewCase, ReviewerProfile


@dataclass(frozen=True)
class Candidate:
    """Somebody who can take a seat."""

    person_id: str
    skill: int
    """How many of the words that describe the case are among what they know best."""
    load: int
    """In how many open cases they have a seat."""
    stand_in_for: str | None = None


# --- independence ----------------------------------------------------------------------------------------------------


def barred(session: Session, case: ReviewCase) -> frozenset[str]:
    """Ids of the people who had a hand in what is reviewed, and so decide nothing about it (invariant 4).

    Its owner and submitter, whoever answered an item or uploaded evidence, and the author of the run and the committers,
    as MLflow and CI name them.
    """
    answered = select(CaseAnswer.answered_by).where(CaseAnswer.case_id == case.id).distinct()
    uploaded = select(EvidenceFile.uploaded_by).where(EvidenceFile.subject == subject_of(case)).distinct()
    refs = {case.owner, case.submitted_by or "", *session.exec(answered), *session.exec(uploaded)}
    known = {one.removeprefix("person:") for one in refs if one.startswith("person:")}
    return frozenset(known) | _known_as(session, _behind(session, case))


def _behind(session: Session, case: ReviewCase) -> frozenset[str]:
    snapshot = session.get(EvidenceSnapshot, case.snapshot_id) if case.snapshot_id else None
    return ci.people_behind(session, snapshot) if snapshot else frozenset()


def _known_as(session: Session, names: Iterable[str]) -> frozenset[str]:
    """Ids of the people whom MLflow or git may mean by ``names``, upper and lower case being the same.

    MLflow writes the login name, which often is the part of the address before the ``@``. Whoever is meant by mistake
    reviews another case; whoever is overlooked would review their own.
    """
    wanted = {_folded(one) for one in names} - {""}
    if not wanted:
        return frozenset()
    people = session.execute(select(Person.id, Person.name, Person.email))
    return frozenset(row.id for row in people if wanted & _names(row.id, row.name, row.email or ""))


def _names(person_id: str, name: str, email: str) -> set[str]:
    given = (person_id, f"person:{person_id}", name, email, email.partition("@")[0])
    return {_folded(one) for one in given} - {""}


def _folded(name: str) -> str:
    return unicodedata.normalize("NFKC", name).strip().casefold()


# --- the pool --------------------------------------------------------------------------------------------------------


def is_eligible(session: Session, case: ReviewCase, role: str, person_id: str) -> bool:
    """Whether a person may sit in the case in a role by what they are now, whoever else sits there.

    They are active, may sign in this role here, see the project, and had no hand in what is reviewed.
    """
    return person_id not in barred(session, case) and _may_sit(session, case, role, person_id)


def candidates(session: Session, case: ReviewCase, role: str) -> Iterator[Candidate]:
    """Those who can be given a seat in a role now, the best first: most skill, then least load.

    Left out are people who sit or sat in this case, take no more cases, or are away. The one who stands in for somebody
    comes in their place, if they could take the seat themselves.
    """
    project = session.get_one(Project, case.project_id)
    able = set(queries.who_may(session, SIGNING_ROLES[role], scope_of(project)))
    pool = able - barred(session, case) - _seated_ever(session, case)
    words, away = _words(session, case, project), stand_ins(session, role, now().date())
    profiles = {one.person_id: one for one in _profiles(session, pool)}
    loads = _loads(session, pool)
    free = {one for one in pool - set(away) if _takes_more(profiles.get(one), loads.get(one, 0))}
    ranked = sorted((-_skill(profiles.get(one), words), loads.get(one, 0), one) for one in pool)
    for rank, _, ranked_id in ranked:
        person_id = away.get(ranked_id, ranked_id)
        if person_id in free and _may_sit(session, case, role, person_id):
            free.discard(person_id)
            stands_for = ranked_id if person_id != ranked_id else None
            yield Candidate(person_id, -rank, loads.get(person_id, 0), stands_for)


def stand_ins(session: Session, role: str, on: date) -> dict[str, str]:
    """Person who is away on a day → who stands in for them in a role; nobody where that one is away too (depth one)."""
    there = (Delegation.role == role, col(Delegation.ended_at).is_(None))
    running = (col(Delegation.starts_on) <= on, col(Delegation.ends_on) >= on)
    rows = session.exec(select(Delegation).where(*there, *running).order_by(col(Delegation.id))).all()
    away = {one.from_id for one in rows}
    return {one.from_id: "" if one.to_id in away else one.to_id for one in rows}


def _may_sit(session: Session, case: ReviewCase, role: str, person_id: str) -> bool:
    person = queries.actor_for(session, person_id)
    seen = select(Project).where(Project.id == case.project_id)
    project = session.exec(seen.where(shown_to(person))).first() if person else None
    return person is not None and project is not None and policy.may(person, SIGNING_ROLES[role], scope_of(project))


def _seated_ever(session: Session, case: ReviewCase) -> set[str]:
    """Who gave a seat up is not given it again by itself; somebody can still seat them by hand."""
    return set(session.exec(select(CaseSeat.person_id).where(CaseSeat.case_id == case.id)))


def _words(session: Session, case: ReviewCase, project: Project) -> set[str]:
    """What a case is about: the modality and areas of its project, and the tags of its checklist."""
    tags = select(EntryTag.tag).join(ChecklistVersion, col(ChecklistVersion.entry_id) == EntryTag.entry_id)
    named = session.exec(tags.where(ChecklistVersion.id == case.checklist_id))
    return {_folded(one) for one in (project.modality, *project.risk_facts.get("areas", ()), *named)} - {""}


def _profiles(session: Session, people: set[str]) -> list[ReviewerProfile]:
    return list(session.exec(select(ReviewerProfile).where(col(ReviewerProfile.person_id).in_(people))))


def _loads(session: Session, people: set[str]) -> dict[str, int]:
    held = (
        select(CaseSeat.person_id, func.count())
        .join(ReviewCase, col(ReviewCase.id) == CaseSeat.case_id)
        .where(
            col(CaseSeat.person_id).in_(people), col(CaseSeat.released_at).is_(None), col(ReviewCase.state).in_(OPEN)
        )
        .group_by(CaseSeat.person_id)
    )
    return dict(session.exec(held).all())


def _takes_more(profile: ReviewerProfile | None, load: int) -> bool:
    return profile is None or (not profile.paused and load < profile.most_cases)


def _skill(profile: ReviewerProfile | None, words: set[str]) -> int:
    return len(words & {_folded(one) for one in profile.skills}) if profile else 0
