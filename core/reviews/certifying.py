"""Certified pipelines: a validation pipeline gets a case of its own, and while it is certified its versions need no person.

A pipeline is its repository, commit, workflow and the rules that it runs; whatever of that changes is another one. How a
certificate ends decides what becomes of the versions it passed: where its time is over or its rules are new, they stay
approved; where its judgement is in doubt, the gate lets them through nowhere until people approve them. The next version
needs people in both cases.
"""

from __future__ import annotations

import re
from datetime import timedelta

from sqlmodel import Session, col, select

from core.access import policy
from core.access.policy import Actor
from core.activity import events
from core.activity.recording import record
from core.db import now
from core.errors import Conflict, Invalid, NotFound
from core.people.notices import tell
from core.projects.actions import line, locked, scope_of
from core.projects.tables import Project, ProjectMember, ProjectTracking
from core.projects.visibility import shown_to
from core.reviews import checklists, ending, moving, opening, passing
from core.reviews.moving import locked_case, subject_of, title_of
from core.reviews.record import stamp
from core.reviews.tables import Certificate, ChecklistVersion, ReviewCase

CHECKLIST = "checklist:default/pipeline-certification"
"""The checklist by which pipelines are examined."""
CERTIFIER = policy.system("certificates")
"""Who takes the steps that no person takes."""
SAMPLE_EVERY = 10
"""One in so many versions goes to people unless told otherwise: the portal's own measure."""
MOST_SAMPLED_EVERY = 100
REASON_LENGTH = 1000
_COMMIT = re.compile(r"[0-9a-f]{40}([0-9a-f]{24})?")


def propose(
    session: Session,
    *,
    actor: Actor,
    project_id: str,
    name: str,
    repository: str,
    commit: str,
    workflow: str,
    checklist: str | int,
    tier: str,
    sample_every: int = SAMPLE_EVERY,
) -> Certificate:
    """Propose a validation pipeline of a project for certification and open its case, as the owner of that.

    ``checklist`` names the rules it runs: those by which versions of the project's models are reviewed. A pipeline whose
    certificate lapsed is proposed again the same way. Raises :class:`Invalid` by field.
    """
    project = locked(session, actor, project_id)
    policy.require(actor, "case.submit", scope_of(project))
    rules = _rules(session, checklist)
    made = _fresh_or_lapsed(
        session, project.id, line("repository", repository, 300), _full_commit(commit), line("workflow", workflow, 200),
        rules.id or 0,
    )  # fmt: skip
    made.name, made.tier = line("name", name, 200), _covered(tier)
    made.sample_every, made.rules_hash = _share(sample_every), passing.rules_hash(session, rules, made.tier)
    made.state, made.proposed_by, made.proposed_at, made.demo = "proposed", actor.ref, now(), project.demo
    session.add(made)
    session.flush()
    told = events.CertificateProposed(
        reference(made), repository=made.repository, commit=made.commit, workflow=made.workflow, tier=made.tier
    )
    record(session, actor, told)
    opening.open_case(
        session, actor=actor, project_id=project.id, checklist=CHECKLIST, kind="pipeline", name=made.name,
        version=made.commit,
    )  # fmt: skip
    return made


def granted(session: Session, case: ReviewCase) -> Certificate | None:
    """Certify the pipeline whose case was just approved without conditions; to be called wherever a case becomes approved.

    The certificate holds as long as the approval. People who certify a pipeline anew, after it was in doubt, vouch for what
    it passed before as well. Cases about anything else are left alone.
    """
    if case.kind != "pipeline" or case.state != "approved":
        return None
    mine = (
        Certificate.project_id == case.project_id,
        Certificate.name == case.name,
        Certificate.commit == case.version,
    )
    wanted = select(Certificate).where(*mine, Certificate.state == "proposed").order_by(col(Certificate.id))
    found = session.exec(wanted.with_for_update()).first()
    if found is None:
        return None
    found.state, found.certified_at, found.expires_at = "certified", case.decided_at or now(), case.expires_at
    found.lapsed_at, found.lapse_reason, found.doubted = None, "", False
    session.add(found)
    session.flush()
    told = events.CertificateGranted(
        reference(found), tier=found.tier, sample_every=found.sample_every,
        expires_at=stamp(found.expires_at) if found.expires_at else "",
    )  # fmt: skip
    record(session, CERTIFIER, told)
    _tell(
        session, found, f"is certified up to the tier {found.tier}: its versions that pass every rule need no person."
    )
    return found


def consider(session: Session, *, actor: Actor, case_id: int) -> list[str]:
    """Approve a version without a person if a certified pipeline made it and nothing speaks against it.

    Returns what speaks against it; empty where the case is approved, or was chosen for a look by people (``sampled``).
    Its evidence has to be verified just before. The same case may be considered any number of times.
    """
    case = locked_case(session, actor, case_id)
    if actor.kind == "system":
        policy.require(actor, "admin.jobs")
    else:
        policy.require(actor, "case.answer", scope_of(session.get_one(Project, case.project_id)))
    certificate = passing.certificate_for(session, case)
    if certificate is None:
        return ["no certified pipeline made it"]
    session.refresh(certificate, with_for_update=True)
    found = passing.against(session, certificate, case, now())
    if found or not passing.is_verified(session, case, now()):
        return found or ["its evidence was not found the same as in MLflow just now"]
    if passing.is_sampled(certificate, case):
        _sample(session, certificate, case)
    else:
        _pass(session, certificate, case)
    return []


def disagreed(session: Session, case: ReviewCase) -> None:
    """Let the certificate lapse when people rejected a version that it would have passed; to be called after a rejection."""
    if case.sampled and case.state == "rejected":
        certificate = passing.certificate_for(session, case)
        if certificate is not None:
            lapse(
                session,
                CERTIFIER,
                certificate,
                f"people rejected its version {case.version} of {case.name}",
                doubted=True,
            )


def drift(session: Session, *, actor: Actor, reason: str, certificate_id: int = 0, model: str = "") -> list[int]:
    """Let a certificate, or all of the project that owns a model, lapse because of drift or an incident; returns which."""
    words = line("reason", reason, REASON_LENGTH)
    wanted = select(Certificate).where(Certificate.state == "certified").order_by(col(Certificate.id)).with_for_update()
    if certificate_id:
        wanted = wanted.where(Certificate.id == certificate_id)
    else:
        owner = select(ProjectTracking.project_id).where(ProjectTracking.kind == "model", ProjectTracking.name == model)
        wanted = wanted.where(col(Certificate.project_id).in_(owner))
    found = session.exec(wanted).all()
    for one in found:
        _require_reach(session, actor, one)
        lapse(session, actor, one, words, doubted=True)
    return [one.id or 0 for one in found]


def lapse(session: Session, actor: Actor, certificate: Certificate, reason: str, *, doubted: bool) -> None:
    """End a certificate that holds; ``doubted`` where its judgement is no longer trusted."""
    certificate.state, certificate.lapsed_at = "lapsed", now()
    certificate.lapse_reason, certificate.doubted = reason[:REASON_LENGTH], doubted
    session.add(certificate)
    session.flush()
    record(session, actor, events.CertificateLapsed(reference(certificate), certificate.lapse_reason))
    after = " The gate lets what only it approved through nowhere until people approve it." if doubted else ""
    _tell(session, certificate, f"is no longer certified: {certificate.lapse_reason}.{after}")


def why_lapsed(session: Session, certificate: Certificate) -> tuple[str, bool] | None:
    """Why a certificate no longer holds though nobody said so, and whether that puts its judgement in doubt."""
    if certificate.expires_at is None or certificate.expires_at <= now():
        return "its time is over", False
    rules = session.get_one(ChecklistVersion, certificate.checklist_id)
    if checklists.published(session, rules.entry_id).id != rules.id or rules.state == "withdrawn":
        return "its checklist has another version", False
    if passing.rules_hash(session, rules, certificate.tier) != certificate.rules_hash:
        return "a rule or a limit was changed", False
    case = _case_of(session, certificate)
    if case is None or case.state != "approved":
        return f"its own case is {case.state if case else 'gone'}", case is None or case.state in (
            "suspended",
            "revoked",
        )
    revoked = select(ReviewCase.version).where(
        ReviewCase.certificate_id == certificate.id, ReviewCase.state == "revoked",
        col(ReviewCase.decided_at) >= certificate.certified_at,
    )  # fmt: skip
    if (version := session.exec(revoked).first()) is not None:
        return f"people revoked its version {version}", True
    return None


def of_project(session: Session, actor: Actor, project_id: str) -> list[Certificate]:
    """The certificates of a project that ``actor`` sees, the newest first."""
    seen = select(Project.id).where(Project.id == project_id, shown_to(actor))
    wanted = select(Certificate).where(col(Certificate.project_id).in_(seen))
    return list(session.exec(wanted.order_by(col(Certificate.id).desc())))


def reference(certificate: Certificate) -> str:
    """How events and notices name a certificate."""
    return f"certificate:{certificate.id}"


# --- what it leads to ------------------------------------------------------------------------------------------------


def _sample(session: Session, certificate: Certificate, case: ReviewCase) -> None:
    case.sampled = True
    moving.touch(session, case)
    record(session, CERTIFIER, events.CaseSampled(subject_of(case), certificate.id or 0))
    what = f"{title_of(case)} passed every rule of {certificate.name} and was chosen for a look by people."
    tell(session, [case.owner], subject=subject_of(case), text=what)


def _pass(session: Session, certificate: Certificate, case: ReviewCase) -> None:
    """Take the case through its states to the approval, every step recorded as the portal's."""
    at, reason = now(), f"certified pipeline {certificate.name}, certificate {certificate.id}"
    case.certificate_id = certificate.id
    if case.state == "draft":
        case.submitted_by, case.submitted_at = CERTIFIER.ref, at
        moving.move(session, CERTIFIER, case, "submit", reason=reason)
    moving.move(session, CERTIFIER, case, "begin", reason=reason)
    case.decided_at, case.expires_at = at, at + timedelta(days=case.validity_days)
    case.due_at, case.paused_at, case.reminded_at, case.escalated_at = None, None, None, None
    moving.move(session, CERTIFIER, case, "approve", reason=reason)
    certificate.approvals += 1
    session.add(certificate)
    session.flush()
    ending.tell_everybody(session, CERTIFIER, case, f"was approved without a person by the {reason}.")
    ending.supersede_former(session, CERTIFIER, case, frozenset(case.environments))


def _tell(session: Session, certificate: Certificate, what: str) -> None:
    members = select(ProjectMember.person_id).where(ProjectMember.project_id == certificate.project_id)
    people = {certificate.proposed_by, *session.exec(members)}
    tell(session, people, subject=f"project:{certificate.project_id}", text=f"The pipeline {certificate.name} {what}")


# --- what it needs ---------------------------------------------------------------------------------------------------


def _rules(session: Session, checklist: str | int) -> ChecklistVersion:
    found = checklists.published(session, checklist)
    if found.content.get("appliesTo") != "model":
        raise Invalid("A pipeline runs the rules of a checklist for models.", hint="Choose such a checklist.")
    if not any(one.check for one in opening.items_of(session, found.content, {}, passing.TIERS_ALLOWED[0])):
        raise Invalid("This checklist has no item with a check: there is nothing that a pipeline could run.")
    return found


def _fresh_or_lapsed(
    session: Session, project_id: str, repository: str, commit: str, workflow: str, checklist_id: int
) -> Certificate:
    """The certificate to propose: a new one, or the one of this very pipeline that lapsed or was turned down."""
    same = (
        Certificate.repository == repository, Certificate.commit == commit, Certificate.workflow == workflow,
        Certificate.checklist_id == checklist_id,
    )  # fmt: skip
    found = session.exec(select(Certificate).where(*same).with_for_update()).first()
    if found is None:
        return Certificate(
            project_id=project_id, name="", repository=repository, commit=commit, workflow=workflow,
            checklist_id=checklist_id, rules_hash="", tier="", proposed_by="",
        )  # fmt: skip
    if found.project_id != project_id:
        raise Conflict("Another project proposed this pipeline.", hint="Each project certifies pipelines of its own.")
    case = _case_of(session, found)
    turned_down = found.state == "proposed" and (case is None or case.state in ("rejected", "withdrawn"))
    if found.state == "lapsed" or turned_down:
        return found
    raise Conflict(f"This pipeline is {found.state} already.", hint="Any change of it is another commit.")


def _case_of(session: Session, certificate: Certificate) -> ReviewCase | None:
    """The newest case about the pipeline itself."""
    mine = (
        ReviewCase.kind == "pipeline", ReviewCase.project_id == certificate.project_id,
        ReviewCase.name == certificate.name, ReviewCase.version == certificate.commit,
    )  # fmt: skip
    return session.exec(select(ReviewCase).where(*mine).order_by(col(ReviewCase.id).desc())).first()


def _full_commit(given: str) -> str:
    commit = given.strip().lower()
    if not _COMMIT.fullmatch(commit):
        raise Invalid("A pipeline is certified at one commit.", hint="Give all 40 or 64 digits of its hash.")
    return commit


def _covered(tier: str) -> str:
    if tier not in passing.TIERS_ALLOWED:
        raise Invalid(
            f"No pipeline is certified for the tier {tier[:20]!r}.",
            hint=f"Possible: {', '.join(passing.TIERS_ALLOWED)}; about high risk, people decide.",
        )
    return tier


def _share(sample_every: int) -> int:
    if not 1 <= sample_every <= MOST_SAMPLED_EVERY:
        raise Invalid(f"People look at one version in 1 to {MOST_SAMPLED_EVERY}, not in {sample_every}.")
    return sample_every


def _require_reach(session: Session, actor: Actor, certificate: Certificate) -> None:
    """Refuse whoever may not suspend approvals of the project; a project that is not shown is not there."""
    if actor.kind == "system":
        policy.require(actor, "admin.jobs")
        return
    project = session.exec(select(Project).where(Project.id == certificate.project_id, shown_to(actor))).first()
    if project is None:
        raise NotFound(f"No certificate {certificate.id}.")
    policy.require(actor, "approval.suspend", scope_of(project))
