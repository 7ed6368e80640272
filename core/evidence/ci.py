"""What CI pipelines say of the versions they make, and who had a hand in a version."""

from __future__ import annotations

import re
from collections.abc import Iterable
from email.utils import parseaddr

from sqlmodel import Session, select

from core.access.policy import Actor
from core.activity import events
from core.activity.recording import record
from core.errors import Invalid
from core.evidence.keeping import require_about
from core.evidence.tables import CiFact, EvidenceSnapshot
from core.projects.actions import line
from core.tracking import queries as tracking

COMMITTERS = 200
"""People whom one pipeline run may name."""
_COMMIT = re.compile(r"[0-9a-f]{7,64}")
_VERSION = re.compile(r"[0-9]{1,19}")


def tell(
    session: Session,
    *,
    actor: Actor,
    model: str,
    version: str,
    repository: str,
    commit: str,
    workflow: str,
    committers: Iterable[str],
) -> CiFact:
    """Note from where a version came and who committed to it: they are barred from reviewing it.

    Telling the same twice leaves one fact; what was told is never taken back. Raises :class:`Invalid` by field.
    """
    require_about(session, actor, model)
    told = CiFact(
        model=line("name of the model", model, 256), version=_matching("version", version.strip(), _VERSION),
        repository=line("repository", repository, 300),
        commit=_matching("commit", commit.strip().lower(), _COMMIT),
        workflow=line("workflow", workflow, 200), committers=_people(committers), told_by=actor.ref,
    )  # fmt: skip
    same = [one for one in _facts(session, told.model, told.version) if _said(one) == _said(told)]
    if same:
        return same[0]
    session.add(told)
    session.flush()
    event = events.CiFactTold(
        tracking.subject(told.model), version=told.version, repository=told.repository, commit=told.commit,
        workflow=told.workflow, committers=len(told.committers),
    )  # fmt: skip
    record(session, actor, event)
    return told


def people_behind(session: Session, snapshot: EvidenceSnapshot) -> frozenset[str]:
    """Names and mail addresses, as MLflow and CI spell them, of those who had a hand in a version.

    Authors of its runs and committers. Of “Ada <ada@example.org>” both parts are there, and of an address that a git
    host made up for somebody, their name there.
    """
    named = set(snapshot.content.get("people", []))
    for fact in _facts(session, snapshot.model, snapshot.version):
        named |= set(fact.committers)
    return frozenset(spelling for name in named for spelling in _spellings(name))


def _facts(session: Session, model: str, version: str) -> list[CiFact]:
    return list(session.exec(select(CiFact).where(CiFact.model == model, CiFact.version == version)))


def _said(fact: CiFact) -> tuple[str, str, str, list[str]]:
    return fact.repository, fact.commit, fact.workflow, fact.committers


def _spellings(name: str) -> set[str]:
    spoken, address = parseaddr(name)
    found = {name, spoken, address} if "@" in address else {name}
    host_name = re.fullmatch(r"(?:[0-9]+[+-])?(.+)@users\.noreply\..+", address)
    return (found | ({host_name[1]} if host_name else set())) - {""}


def _people(committers: Iterable[str]) -> list[str]:
    people = sorted({line("committer", one, 200) for one in committers})
    if len(people) > COMMITTERS:
        raise Invalid(
            f"At most {COMMITTERS} committers can be named at once.", hint="Tell the others in a second call."
        )
    return people


def _matching(field: str, value: str, form: re.Pattern[str]) -> str:
    if not form.fullmatch(value):
        what = "a whole number" if field == "version" else "7 to 64 hexadecimal digits"
        raise Invalid(f"The {field} takes {what}.")
    return value
