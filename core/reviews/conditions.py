"""Conditions of an approval: what somebody does until a day, where the subject may go meanwhile, and who says it is met."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

from sqlmodel import Session, col, select

from core.access import policy, queries
from core.access.policy import Actor
from core.access.tables import Person
from core.activity import chain, events
from core.activity.recording import record
from core.checks import registry
from core.checks.findings import Finding
from core.db import now
from core.errors import Conflict, Invalid, NotAllowed, NotFound
from core.people.notices import tell
from core.projects.actions import active_person, scope_of, text
from core.projects.tables import Project
from core.projects.visibility import shown_to
from core.reviews import certifying, ending, judging, limiting, moving, states
from core.reviews.moving import locked_case, subject_of
from core.reviews.tables import CaseSeat, Condition, ReviewCase, Signature, Waiver
from core.reviews.waiving import in_force

LENGTH = 1000
_FIELDS = {"text", "owner", "due_on", "check", "parameters", "environments"}


def clean(session: Session, case: ReviewCase, wanted: Mapping[str, Any]) -> dict[str, Any]:
    """A condition as it is signed: its text, its owner (a person who sees the case), its last day (ISO), its check or
    nothing, and the environments to which the subject may go while it is open."""
    if unknown := set(wanted) - _FIELDS:
        raise Invalid(f"A condition has no {sorted(map(str, unknown))[0][:40]!r}.")
    words = text("condition", str(wanted.get("text") or ""), LENGTH)
    if not words:
        raise Invalid("Say what the condition is.")
    check = str(wanted.get("check") or "")
    given = limiting.limits_now(session) if check else {}
    parameters = limiting.limited(check, _parameters(wanted.get("parameters")), given, case.tier)
    if check and (problem := registry.against(check, parameters, tier=case.tier)):
        raise Invalid(problem, hint="Choose a check of the register, or let a signer judge it.")
    return {
        "text": words, "owner": _owner(session, case, str(wanted.get("owner") or "")),
        "due_on": _day(case, wanted.get("due_on")).isoformat(), "check": check,
        "parameters": parameters, "environments": _environments(case, wanted),
    }  # fmt: skip


def set_all(session: Session, actor: Actor, case: ReviewCase, wanted: list[dict[str, Any]]) -> None:
    """Tie the case to the conditions of a signature that was just made; their owners are told."""
    for one in wanted:
        made = Condition(
            case_id=case.id or 0, text=one["text"], owner_id=one["owner"].removeprefix("person:"),
            due_on=date.fromisoformat(one["due_on"]), check=one["check"], parameters=one["parameters"],
            environments=one["environments"], set_by=actor.ref,
        )  # fmt: skip
        session.add(made)
        session.flush()
        told = f"Until {one['due_on']} you are to meet a condition of case {case.id} ({case.name}): {made.text}"
        tell(session, [made.owner_id], subject=subject_of(case), text=told, except_for=actor)


def standing(session: Session, case: ReviewCase) -> list[Condition]:
    """The conditions of the case whose signatures count, met or not."""
    wanted = select(Condition).where(Condition.case_id == case.id, col(Condition.voided_at).is_(None))
    return list(session.exec(wanted.order_by(col(Condition.id))))


def open_ones(session: Session, case: ReviewCase) -> list[Condition]:
    """Those that are not met yet."""
    return [one for one in standing(session, case) if one.met_at is None]


def environments(session: Session, case: ReviewCase) -> frozenset[str]:
    """Where an approval lets the subject go at present: less than the case says while conditions are open, or while an
    item is let pass in some environments only."""
    moment = now()
    waivers = session.exec(select(Waiver).where(Waiver.case_id == case.id))
    limits = [one.environments for one in waivers if in_force(one, moment)]
    limits += [one.environments for one in open_ones(session, case)]
    return frozenset(case.environments).intersection(*limits)


def meet(session: Session, *, actor: Actor, condition_id: int, note: str) -> None:
    """Say that a condition without a check is met: a signer of the case does, in their role, and not its owner."""
    condition, case = _for_judgement(session, actor, condition_id)
    if condition.check:
        raise Conflict(f"The check {condition.check} judges this condition.", hint="Run it again once it should pass.")
    _require_signer(session, actor, case)
    if actor.id == condition.owner_id:
        raise NotAllowed("Nobody says that their own condition is met.", hint="Another signer of the case does.")
    condition.note = text("note", note, 2000)
    if not condition.note:
        raise Invalid("Say how you know that it is met.")
    _met(session, actor, case, condition)


def run_check(session: Session, *, actor: Actor, condition_id: int) -> Finding:
    """Run the check of a condition on the newest evidence of its subject; the condition is met where it passes.

    Whoever answers for the case or signed it may ask for it: the check decides, not they.
    """
    condition, case = _for_judgement(session, actor, condition_id)
    if not condition.check:
        raise Conflict("This condition has no check.", hint="A signer of the case says when it is met.")
    scope = scope_of(session.get_one(Project, case.project_id))
    if not policy.may(actor, "case.answer", scope):
        _require_signer(session, actor, case)
    found = registry.run(condition.check, judging.newest_evidence(session, case), condition.parameters, tier=case.tier)
    condition.note = found.text[:2000]
    session.add(condition)
    session.flush()
    if found.verdict == "pass":
        _met(session, actor, case, condition)
    return found


def _met(session: Session, actor: Actor, case: ReviewCase, condition: Condition) -> None:
    condition.met_at, condition.met_by = now(), actor.ref
    session.add(condition)
    session.flush()
    record(session, actor, events.ConditionMet(subject_of(case), condition.id or 0, by_check=bool(condition.check)))
    if not open_ones(session, case):
        moving.move(session, actor, case, "meet conditions")
        certifying.granted(session, case)
    told = f"A condition of case {case.id} ({case.name}) is met: {condition.text}"
    tell(session, {case.owner, condition.owner_id}, subject=subject_of(case), text=told, except_for=actor)
    # with fewer conditions it may go to more environments
    ending.supersede_former(session, actor, case, environments(session, case))


def _for_judgement(session: Session, actor: Actor, condition_id: int) -> tuple[Condition, ReviewCase]:
    found = session.get(Condition, condition_id)
    if found is None:
        raise NotFound(f"No condition {condition_id}.")
    case = locked_case(session, actor, found.case_id)
    session.refresh(found)
    states.after(case.state, "meet conditions")
    if found.met_at or found.voided_at:
        raise Conflict("This condition is met already." if found.met_at else "This condition no longer counts.")
    if found.due_on < now().date():
        raise Conflict(
            f"The last day of this condition was {found.due_on:%d %b %Y}.", hint="The approval is suspended."
        )
    return found, case


def _require_signer(session: Session, actor: Actor, case: ReviewCase) -> None:
    """Refuse whoever did not sign this approval, or no longer has the role in which they did."""
    signed = select(Signature.role).join(CaseSeat, col(CaseSeat.id) == Signature.seat_id).where(
        Signature.case_id == case.id, Signature.person_id == actor.id, col(Signature.voided_at).is_(None)
    )  # fmt: skip
    role = session.exec(signed).first()
    if role is None:
        raise NotAllowed("Only a signer of this case does this.", hint="They set the condition, or agreed to it.")
    policy.require(actor, states.SIGNING_ROLES[role], scope_of(session.get_one(Project, case.project_id)))


# --- parts -----------------------------------------------------------------------------------------------------------


def _owner(session: Session, case: ReviewCase, given: str) -> str:
    person: Person = active_person(session, given.removeprefix("person:"))
    actor = queries.actor_for(session, person.id)
    if (
        actor is None
        or not session.exec(select(Project.id).where(Project.id == case.project_id, shown_to(actor))).first()
    ):
        raise Invalid(f"{person.name} does not see this case.", hint="Choose somebody who does.")
    return actor.ref


def _day(case: ReviewCase, given: Any) -> date:
    try:
        day = given if isinstance(given, date) else date.fromisoformat(str(given))
    except ValueError:
        raise Invalid(f"{str(given)[:40]!r} is no day.", hint="Write it as 2026-12-31.") from None
    today = now().date()
    if not today <= day <= today + timedelta(days=case.validity_days):
        raise Invalid("A condition is due between today and the end of the approval.")
    return day


def _environments(case: ReviewCase, wanted: Mapping[str, Any]) -> list[str]:
    given = wanted.get("environments") or []
    if not isinstance(given, list | tuple) or not given or not all(one in case.environments for one in given):
        raise Invalid(
            "Say where the subject may go while the condition is open.",
            hint=f"Some of: {', '.join(case.environments)}. If it may go nowhere yet, ask for changes instead.",
        )
    return sorted(set(given))


def _parameters(given: Any) -> dict[str, Any]:
    try:
        if isinstance(found := json.loads(chain.canonical(given or {})), dict):
            return found
    except (TypeError, ValueError):
        pass
    raise Invalid("The parameters of a check are names with plain values.")
