"""Checklist versions, cases with their answers, findings and seats, signatures, conditions, waivers and certificates."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import Index, UniqueConstraint, text
from sqlmodel import JSON, Column, Field, SQLModel

from core.db import now


class ChecklistVersion(SQLModel, table=True):
    """A version of a checklist: its whole content, frozen with its hash; published by somebody else than its author."""

    __tablename__ = "checklist_version"

    id: int | None = Field(default=None, primary_key=True)
    entry_id: int = Field(foreign_key="entry.id", index=True, ondelete="CASCADE")
    version: str = Field(max_length=40)
    content_hash: str = Field(max_length=64)
    content: dict[str, Any] = Field(default_factory=dict, sa_column=Column(JSON, nullable=False))
    """The ``spec`` of the checklist as the catalog has it, by its names in YAML."""
    state: str = Field(default="proposed", max_length=20, index=True)
    """proposed → published → deprecated → withdrawn; or rejected."""
    authored_by: str = Field(max_length=80)
    authored_at: datetime = Field(default_factory=now)
    published_by: str | None = Field(default=None, max_length=80)
    published_at: datetime | None = None
    reason: str = Field(default="", max_length=2000)

    __table_args__ = (UniqueConstraint("entry_id", "version"),)


class ReviewCase(SQLModel, table=True):
    """A checklist version applied to a subject. Items, quorum and clock are frozen here when it is opened."""

    __tablename__ = "review_case"

    id: int | None = Field(default=None, primary_key=True)
    checklist_id: int = Field(foreign_key="checklist_version.id", index=True)
    project_id: str = Field(foreign_key="project.id", max_length=63, index=True)
    kind: str = Field(max_length=20)
    """What the subject is: ``model``, ``project``, ``dataset`` or ``pipeline``."""
    name: str = Field(max_length=256)
    """The name of the registered model, the project's id, the dataset's reference, or the pipeline's name."""
    version: str = Field(default="", max_length=64)
    subject_digest: str = Field(default="", max_length=64)
    """What was submitted, as :class:`~core.evidence.tables.EvidenceSnapshot` has it; empty until there is evidence."""
    snapshot_id: int | None = Field(default=None, foreign_key="evidence_snapshot.id", ondelete="SET NULL")
    tier: str = Field(max_length=20)
    facts: dict[str, Any] = Field(default_factory=dict, sa_column=Column(JSON, nullable=False))
    """The facts that decided which items apply, as they stood."""
    items: list[dict[str, Any]] = Field(default_factory=list, sa_column=Column(JSON, nullable=False))
    """Every item of the checklist version with ``applies``, ``because`` and ``blocking`` for this case."""
    quorum: dict[str, int] = Field(default_factory=dict, sa_column=Column(JSON, nullable=False))
    """Role → how many signatures it takes."""
    environments: list[str] = Field(default_factory=list, sa_column=Column(JSON, nullable=False))
    """Where an approval lets the subject go."""
    days: int = 5
    """Working days in which reviewers decide."""
    validity_days: int = 365
    """How long an approval holds."""
    state: str = Field(default="draft", max_length=30, index=True)
    """One of ``states.NEXT``."""
    owner: str = Field(max_length=80, index=True)
    opened_at: datetime = Field(default_factory=now)
    submitted_by: str | None = Field(default=None, max_length=80)
    submitted_at: datetime | None = None
    begun_at: datetime | None = None
    due_at: datetime | None = None
    paused_at: datetime | None = None
    """Since when the owner has the ball, and the reviewers' clock stands."""
    reminded_at: datetime | None = None
    escalated_at: datetime | None = None
    decided_at: datetime | None = None
    expires_at: datetime | None = None
    reason: str = Field(default="", max_length=2000)
    """Why it was rejected, withdrawn, suspended or revoked."""
    revoke_proposed_by: str | None = Field(default=None, max_length=80)
    """A revocation takes a second person; who asked for it first."""
    previous_id: int | None = Field(default=None, foreign_key="review_case.id", ondelete="SET NULL")
    """The case of the version before, from which answers were carried over."""
    certificate_id: int | None = Field(default=None, foreign_key="certificate.id", ondelete="SET NULL")
    """The certified pipeline that approved it without a person."""
    sampled: bool = False
    """Whether a certified pipeline's version was chosen for a look by people."""
    revision: int = 1
    """Grows with every change, so that two people do not overwrite each other."""
    demo: bool = False

    __table_args__ = (
        Index("review_case_by_subject", "kind", "name", "version"),
        Index("review_case_by_due", "state", "due_at"),
    )


class CaseAnswer(SQLModel, table=True):
    """A revision of the answer to an item. Revisions are added, never changed; the last one counts."""

    __tablename__ = "case_answer"

    id: int | None = Field(default=None, primary_key=True)
    case_id: int = Field(foreign_key="review_case.id", index=True, ondelete="CASCADE")
    item_id: str = Field(max_length=40)
    revision: int
    value: Any = Field(default=None, sa_column=Column(JSON, nullable=True))
    note: str = Field(default="", max_length=4000)
    not_applicable: bool = False
    """The team says that the item does not apply; ``note`` says why."""
    agreed_by: str | None = Field(default=None, max_length=80)
    """The reviewer who agrees that a blocking item does not apply."""
    carried: bool = False
    """Taken over from the case of the version before, and to be attested again."""
    answered_by: str = Field(max_length=80)
    answered_at: datetime = Field(default_factory=now)

    __table_args__ = (UniqueConstraint("case_id", "item_id", "revision"),)


class CaseFinding(SQLModel, table=True):
    """What an item's check said of a snapshot; one for each item and snapshot."""

    __tablename__ = "case_finding"

    id: int | None = Field(default=None, primary_key=True)
    case_id: int = Field(foreign_key="review_case.id", index=True, ondelete="CASCADE")
    item_id: str = Field(max_length=40)
    snapshot_id: int | None = Field(default=None, foreign_key="evidence_snapshot.id", ondelete="SET NULL")
    verdict: str = Field(max_length=20)
    content: dict[str, Any] = Field(default_factory=dict, sa_column=Column(JSON, nullable=False))
    """The :class:`~core.checks.findings.Finding`."""
    current: bool = True
    """Whether it is about the evidence that the case rests on now."""
    judged_at: datetime = Field(default_factory=now)

    __table_args__ = (Index("case_finding_current", "case_id", "current"),)


class CaseComment(SQLModel, table=True):
    """What was said about an item, or about the case; a change request stays open until its item has a new revision."""

    __tablename__ = "case_comment"

    id: int | None = Field(default=None, primary_key=True)
    case_id: int = Field(foreign_key="review_case.id", index=True, ondelete="CASCADE")
    item_id: str = Field(default="", max_length=40)
    author: str = Field(max_length=80)
    at: datetime = Field(default_factory=now)
    text: str = Field(max_length=4000)
    asks_change: bool = False
    resolved_by_revision: int | None = None


class CaseSeat(SQLModel, table=True):
    """A place in the quorum with the person who fills it; ``stand_in_for`` where it came by delegation."""

    __tablename__ = "case_seat"

    id: int | None = Field(default=None, primary_key=True)
    case_id: int = Field(foreign_key="review_case.id", index=True, ondelete="CASCADE")
    role: str = Field(max_length=40)
    person_id: str = Field(foreign_key="person.id", index=True, max_length=20)
    stand_in_for: str | None = Field(default=None, max_length=20)
    assigned_by: str = Field(max_length=80)
    assigned_at: datetime = Field(default_factory=now)
    opened_at: datetime | None = None
    """When this reviewer first looked at the evidence."""
    released_at: datetime | None = None
    """When the seat was given up: recused, reassigned, or no longer eligible."""

    __table_args__ = (
        Index(
            "one_seat_a_person", "case_id", "person_id", unique=True,
            sqlite_where=text("released_at IS NULL"), postgresql_where=text("released_at IS NULL"),
        ),
    )  # fmt: skip


class Signature(SQLModel, table=True):
    """A person's decision with its meaning, bound to the record it was made on. Never changed; voided by a date alone."""

    id: int | None = Field(default=None, primary_key=True)
    case_id: int = Field(foreign_key="review_case.id", index=True, ondelete="CASCADE")
    seat_id: int | None = Field(default=None, foreign_key="case_seat.id", ondelete="SET NULL")
    person_id: str = Field(foreign_key="person.id", index=True, max_length=20)
    printed_name: str = Field(max_length=200)
    role: str = Field(max_length=40)
    meaning: str = Field(max_length=20)
    """authorship, review, approval or responsibility."""
    decision: str = Field(max_length=30)
    """submit, approve, approve with conditions, reject."""
    record_hash: str = Field(max_length=64)
    """SHA-256 of the canonical record that was signed; :class:`CaseRecord` has it."""
    payload: str
    """The canonical JSON that was signed: name, time, meaning, decision, record hash and nonce."""
    signature: str = Field(max_length=200)
    """Ed25519 over ``payload``, base64."""
    key: str = Field(max_length=64)
    """The public half of the key, hexadecimal."""
    signed_at: datetime
    voided_at: datetime | None = None
    void_reason: str = Field(default="", max_length=500)

    __table_args__ = (
        Index(
            "one_signature_a_seat", "case_id", "seat_id", unique=True,
            sqlite_where=text("voided_at IS NULL AND seat_id IS NOT NULL"),
            postgresql_where=text("voided_at IS NULL AND seat_id IS NOT NULL"),
        ),
    )  # fmt: skip


class CaseRecord(SQLModel, table=True):
    """A record as somebody signed it, by its hash: what was signed stays readable whatever happens to the case."""

    __tablename__ = "case_record"

    hash: str = Field(primary_key=True, max_length=64)
    case_id: int = Field(foreign_key="review_case.id", index=True, ondelete="CASCADE")
    content: str
    """The canonical JSON whose SHA-256 is ``hash``."""
    kept_at: datetime = Field(default_factory=now)


class PendingSignature(SQLModel, table=True):
    """What a person is about to sign: shown to them, valid for minutes, used once."""

    __tablename__ = "pending_signature"

    nonce: str = Field(primary_key=True, max_length=64)
    case_id: int = Field(foreign_key="review_case.id", ondelete="CASCADE")
    person_id: str = Field(foreign_key="person.id", max_length=20)
    meaning: str = Field(max_length=20)
    decision: str = Field(max_length=30)
    details: dict[str, Any] = Field(default_factory=dict, sa_column=Column(JSON, nullable=False))
    """What belongs to the decision: reason, conditions."""
    record_hash: str = Field(max_length=64)
    expires_at: datetime
    used_at: datetime | None = None


class SigningPin(SQLModel, table=True):
    """A person's second component for signing, as an argon2 hash; it locks after failures."""

    __tablename__ = "signing_pin"

    person_id: str = Field(primary_key=True, foreign_key="person.id", max_length=20, ondelete="CASCADE")
    hash: str = Field(max_length=200)
    set_at: datetime = Field(default_factory=now)
    failures: int = 0
    locked_until: datetime | None = None


class Condition(SQLModel, table=True):
    """What an approval is tied to: until a day somebody does something, judged by a check or by a signer."""

    __tablename__ = "case_condition"

    id: int | None = Field(default=None, primary_key=True)
    case_id: int = Field(foreign_key="review_case.id", index=True, ondelete="CASCADE")
    text: str = Field(max_length=1000)
    owner_id: str = Field(foreign_key="person.id", max_length=20)
    due_on: date
    """The last day on which it may be met."""
    check: str = Field(default="", max_length=80)
    """The check that judges it; empty where a signer does."""
    parameters: dict[str, Any] = Field(default_factory=dict, sa_column=Column(JSON, nullable=False))
    environments: list[str] = Field(default_factory=list, sa_column=Column(JSON, nullable=False))
    """Where the subject may go while the condition is open."""
    set_by: str = Field(max_length=80)
    voided_at: datetime | None = None
    """When the signature that set it was voided."""
    met_at: datetime | None = None
    met_by: str | None = Field(default=None, max_length=80)
    note: str = Field(default="", max_length=2000)


class Waiver(SQLModel, table=True):
    """A blocking item is let pass until a date, with a control that stands in for it. ``break-glass`` takes two people."""

    id: int | None = Field(default=None, primary_key=True)
    case_id: int = Field(foreign_key="review_case.id", index=True, ondelete="CASCADE")
    item_id: str = Field(max_length=40)
    """Empty for break-glass, which waives every open item of the case."""
    kind: str = Field(default="waiver", max_length=20)
    reason: str = Field(max_length=2000)
    control: str = Field(max_length=2000)
    """The compensating control."""
    environments: list[str] = Field(default_factory=list, sa_column=Column(JSON, nullable=False))
    requested_by: str = Field(max_length=80)
    requested_at: datetime = Field(default_factory=now)
    expires_at: datetime
    approved_by: str | None = Field(default=None, max_length=80)
    approved_at: datetime | None = None
    second_by: str | None = Field(default=None, max_length=80)
    """The second person of break-glass."""
    refused_at: datetime | None = None
    refused_by: str | None = Field(default=None, max_length=80)
    ended_at: datetime | None = None
    reviewed_by: str | None = Field(default=None, max_length=80)
    """Who looked at a break-glass afterwards."""
    reviewed_at: datetime | None = None
    review_note: str = Field(default="", max_length=2000)


class Delegation(SQLModel, table=True):
    """A reviewer lets another one with the same role stand in, from one day to another. It is not passed on."""

    id: int | None = Field(default=None, primary_key=True)
    from_id: str = Field(foreign_key="person.id", index=True, max_length=20)
    to_id: str = Field(foreign_key="person.id", index=True, max_length=20)
    role: str = Field(max_length=40)
    starts_on: date
    ends_on: date
    made_at: datetime = Field(default_factory=now)
    ended_at: datetime | None = None


class ReviewerProfile(SQLModel, table=True):
    """What a reviewer knows best and how much they take: assignment reads it. Absent means no limit and no skill."""

    __tablename__ = "reviewer_profile"

    person_id: str = Field(primary_key=True, foreign_key="person.id", max_length=20, ondelete="CASCADE")
    skills: list[str] = Field(default_factory=list, sa_column=Column(JSON, nullable=False))
    """Modalities, areas and checklists, such as ``text``, ``credit``, ``fairness``."""
    most_cases: int = 8
    paused: bool = False
    """Takes no new cases for now."""


class Certificate(SQLModel, table=True):
    """A validation pipeline that is trusted: versions of its tier that pass all its rules need no person while it holds."""

    id: int | None = Field(default=None, primary_key=True)
    project_id: str = Field(foreign_key="project.id", max_length=63, index=True, ondelete="CASCADE")
    name: str = Field(max_length=200)
    repository: str = Field(max_length=300)
    commit: str = Field(max_length=64)
    workflow: str = Field(max_length=200)
    checklist_id: int = Field(foreign_key="checklist_version.id")
    """The rules it runs: every item of this version that has a check."""
    rules_hash: str = Field(max_length=64)
    tier: str = Field(max_length=20)
    """The highest tier it may approve."""
    sample_every: int = 10
    """One in so many of its versions is looked at by people."""
    approvals: int = 0
    state: str = Field(default="proposed", max_length=20, index=True)
    """proposed → certified → lapsed; a pipeline that lapsed is certified again by a new case."""
    proposed_by: str = Field(max_length=80)
    proposed_at: datetime = Field(default_factory=now)
    certified_at: datetime | None = None
    expires_at: datetime | None = None
    lapsed_at: datetime | None = None
    lapse_reason: str = Field(default="", max_length=1000)
    doubted: bool = False
    """Whether it lapsed because its judgement is in doubt (disagreement, drift, an incident): the gate then no longer lets
    through what nobody but this pipeline approved. What lapsed by time or by new rules leaves its approvals alone."""
    demo: bool = False

    __table_args__ = (UniqueConstraint("repository", "commit", "workflow", "checklist_id"),)
