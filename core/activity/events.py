"""Every event of the portal: one frozen dataclass each, its docstring is its documentation.

``subject`` says which thing the event is about; the other fields are what a reader needs to understand it later. Events
never hold a personal name: people appear as ``person:<id>`` and their names stand in the person table, where they can
be erased. Values are text, whole numbers, booleans, lists and mappings of these: no floats, so that hashes are stable.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar


@dataclass(frozen=True)
class Event:
    """What every event has: a name and the thing it is about."""

    name: ClassVar[str] = ""
    subject: str


@dataclass(frozen=True)
class EntryCreated(Event):
    """An entry came into the catalog, from a file, an import or the interface."""

    name = "entry-created"
    source: str
    version: str


@dataclass(frozen=True)
class EntryUpdated(Event):
    """Fields of an entry changed; ``kept`` are fields a person had edited, which the source did not overwrite."""

    name = "entry-updated"
    source: str
    fields: list[str]
    kept: list[str] = field(default_factory=list)
    version: str = ""


@dataclass(frozen=True)
class EntryWentStale(Event):
    """The definition of an entry vanished from its source; the entry stays, marked stale."""

    name = "entry-went-stale"
    source: str


@dataclass(frozen=True)
class EntryReturned(Event):
    """The definition of a stale entry is back in its source."""

    name = "entry-returned"
    source: str


@dataclass(frozen=True)
class LifecycleChanged(Event):
    """An entry moved along proposed, approved, deprecated, retired."""

    name = "lifecycle-changed"
    before: str
    after: str
    reason: str
    successor: str = ""


@dataclass(frozen=True)
class ChangeProposed(Event):
    """Somebody proposed a new entry or a change to one; it waits for another person."""

    name = "change-proposed"
    proposal: int
    fields: list[str]


@dataclass(frozen=True)
class ProposalRevised(Event):
    """The author of a waiting proposal changed it; ``fields`` are those that differ from what it said before."""

    name = "proposal-revised"
    proposal: int
    revision: int
    fields: list[str]


@dataclass(frozen=True)
class ProposalApproved(Event):
    """A second person approved a proposal; the change is in the catalog."""

    name = "proposal-approved"
    proposal: int
    proposed_by: str


@dataclass(frozen=True)
class ProposalRejected(Event):
    """A second person rejected a proposal, with a reason."""

    name = "proposal-rejected"
    proposal: int
    proposed_by: str
    reason: str


@dataclass(frozen=True)
class ProposalWithdrawn(Event):
    """The proposer took a proposal back."""

    name = "proposal-withdrawn"
    proposal: int


@dataclass(frozen=True)
class AssetRequested(Event):
    """Somebody asked for an asset that a search did not find."""

    name = "asset-requested"
    wish: str


@dataclass(frozen=True)
class SourceAdded(Event):
    """A catalog source (a git repository) was added for imports."""

    name = "source-added"
    location: str


@dataclass(frozen=True)
class SourceRemoved(Event):
    """A catalog source was removed; the entries that came from it stay."""

    name = "source-removed"
    location: str


@dataclass(frozen=True)
class CatalogImported(Event):
    """An import or load was applied, with how many entries it touched and refused."""

    name = "catalog-imported"
    created: int
    updated: int
    unchanged: int
    stale: int
    refused: int


@dataclass(frozen=True)
class EntryAdopted(Event):
    """A project uses a version of an entry from now on, as it is (``reuse``) or changed (``adapt``)."""

    name = "entry-adopted"
    project: str
    version: str
    how: str = "reuse"


@dataclass(frozen=True)
class AdoptionUpdated(Event):
    """A project moved to a newer version of an entry it uses."""

    name = "adoption-updated"
    project: str
    before: str
    version: str


@dataclass(frozen=True)
class AdoptionEnded(Event):
    """A project no longer uses an entry."""

    name = "adoption-ended"
    project: str
    version: str


@dataclass(frozen=True)
class ProjectCreated(Event):
    """A project was started."""

    name = "project-created"
    team: str
    stage: str


@dataclass(frozen=True)
class ProjectMoved(Event):
    """A project moved to another stage; stopping keeps the finding."""

    name = "project-moved"
    before: str
    after: str
    finding: str = ""


@dataclass(frozen=True)
class PersonAdded(Event):
    """A person became known to the portal."""

    name = "person-added"
    source: str


@dataclass(frozen=True)
class PersonDeactivated(Event):
    """A person may no longer sign in; their name stays readable on what they did."""

    name = "person-deactivated"


@dataclass(frozen=True)
class PersonReactivated(Event):
    """A deactivated person may sign in again."""

    name = "person-reactivated"


@dataclass(frozen=True)
class PersonErased(Event):
    """A person's name and address were erased; the log keeps the pseudonym."""

    name = "person-erased"


@dataclass(frozen=True)
class UnitAdded(Event):
    """A business unit was added."""

    name = "unit-added"


@dataclass(frozen=True)
class TeamAdded(Event):
    """A team was added, in a business unit or none."""

    name = "team-added"
    unit: str


@dataclass(frozen=True)
class TeamJoined(Event):
    """A person joined a team."""

    name = "team-joined"
    person: str


@dataclass(frozen=True)
class TeamLeft(Event):
    """A person left a team."""

    name = "team-left"
    person: str


@dataclass(frozen=True)
class RoleProposed(Event):
    """An administrator proposed a role that takes two people: validator, reviewer or manager."""

    name = "role-proposed"
    role: str
    scope: str


@dataclass(frozen=True)
class RoleGranted(Event):
    """A person holds a role in a scope from now on."""

    name = "role-granted"
    role: str
    scope: str
    source: str = "portal"


@dataclass(frozen=True)
class RoleDeclined(Event):
    """A second person declined a proposed role."""

    name = "role-declined"
    role: str
    scope: str


@dataclass(frozen=True)
class RoleRevoked(Event):
    """A person no longer holds a role in a scope."""

    name = "role-revoked"
    role: str
    scope: str
    source: str = "portal"


@dataclass(frozen=True)
class SignedIn(Event):
    """A person signed in, locally or through the identity provider."""

    name = "signed-in"
    way: str


@dataclass(frozen=True)
class SignedOut(Event):
    """A person ended a local sign-in."""

    name = "signed-out"


@dataclass(frozen=True)
class TokenCreated(Event):
    """A token for a program was created; its secret was shown once and is kept nowhere."""

    name = "token-created"
    scopes: list[str]
    expires: str


@dataclass(frozen=True)
class TokenRevoked(Event):
    """A token was revoked."""

    name = "token-revoked"


@dataclass(frozen=True)
class AliasMoved(Event):
    """The mirror saw an alias (champion, challenger …) of a registered model move in MLflow."""

    name = "alias-moved"
    alias: str
    before: str
    after: str


@dataclass(frozen=True)
class ModelRegistered(Event):
    """The mirror saw a registered model for the first time."""

    name = "model-registered"


@dataclass(frozen=True)
class ModelVanished(Event):
    """A registered model is no longer in MLflow; what the mirror knew of it stays, marked as gone."""

    name = "model-vanished"


@dataclass(frozen=True)
class DemoBuilt(Event):
    """The demo organisation was built."""

    name = "demo-built"


@dataclass(frozen=True)
class DemoRemoved(Event):
    """The demo organisation was removed; the log keeps what it did."""

    name = "demo-removed"


# --- projects: registration, facts, stages ---------------------------------------------------------------------------


@dataclass(frozen=True)
class ProjectEdited(Event):
    """Somebody changed what a project says of itself; ``fields`` names what changed."""

    name = "project-edited"
    fields: list[str]
    revision: int


@dataclass(frozen=True)
class MemberAdded(Event):
    """A person works in a project in a role from now on."""

    name = "member-added"
    person: str
    role: str


@dataclass(frozen=True)
class MemberRemoved(Event):
    """A person no longer works in a project in a role."""

    name = "member-removed"
    person: str
    role: str


@dataclass(frozen=True)
class TrackingClaimed(Event):
    """An experiment or registered model in MLflow belongs to a project from now on."""

    name = "tracking-claimed"
    kind: str
    what: str


@dataclass(frozen=True)
class TrackingReleased(Event):
    """An experiment or registered model in MLflow no longer belongs to a project."""

    name = "tracking-released"
    kind: str
    what: str


@dataclass(frozen=True)
class RiskFactsStated(Event):
    """The team stated the risk facts of a project; ``rows`` of the decision table fired, and the tier follows."""

    name = "risk-facts-stated"
    changed: list[str]
    rows: list[str]
    before: str
    tier: str


@dataclass(frozen=True)
class TierConfirmed(Event):
    """A reviewer confirmed, raised or (as the second one) lowered the tier of a project."""

    name = "tier-confirmed"
    before: str
    tier: str
    table: str
    reason: str = ""
    proposed_by: str = ""


@dataclass(frozen=True)
class TierLoweringProposed(Event):
    """A reviewer proposed a lower tier for a project; it holds when a second one confirms it."""

    name = "tier-lowering-proposed"
    before: str
    tier: str
    reason: str


# --- harvest and the value of reuse ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class AdoptersTold(Event):
    """The people of the projects that use an entry were told that it is deprecated or retired, and what replaces it."""

    name = "adopters-told"
    lifecycle: str
    successor: str
    people: int


@dataclass(frozen=True)
class ValueClaimed(Event):
    """Somebody said how many working hours an adoption saved, as a range; another person is to confirm it."""

    name = "value-claimed"
    project: str
    low_hours: int
    high_hours: int


@dataclass(frozen=True)
class ValueConfirmed(Event):
    """A manager confirmed how many working hours an adoption saved."""

    name = "value-confirmed"
    project: str
    low_hours: int
    high_hours: int
    claimed_by: str


@dataclass(frozen=True)
class RetrospectiveWritten(Event):
    """Somebody wrote or changed what a project leaves to the next ones."""

    name = "retrospective-written"
    revision: int


@dataclass(frozen=True)
class HarvestDecided(Event):
    """Something a project made is shared, left to be generalised later, or left; a share names its draft's proposal."""

    name = "harvest-decided"
    what: str
    decision: str
    reason: str
    proposal: int = 0


@dataclass(frozen=True)
class HarvestWithdrawn(Event):
    """A decision about something a project made was taken back before the project closed."""

    name = "harvest-withdrawn"
    what: str
    decision: str


# --- reuse review and demand -----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class ReuseDecided(Event):
    """A project reuses or adapts an entry, or builds its own in spite of it, and why; ``before`` is what stood there."""

    name = "reuse-decided"
    entry: str
    version: str
    decision: str
    before: str
    reason: str


@dataclass(frozen=True)
class ReuseReviewCompleted(Event):
    """A team decided on every strong hit of its project's reuse review; how many of each decision it took."""

    name = "reuse-review-completed"
    strong: int
    reused: int
    adapted: int
    built: int


@dataclass(frozen=True)
class DemandTaken(Event):
    """Somebody works on what others looked for and did not find."""

    name = "demand-taken"


@dataclass(frozen=True)
class DemandReleased(Event):
    """Somebody no longer works on what others asked for; another one can take it up."""

    name = "demand-released"
    reason: str


@dataclass(frozen=True)
class DemandAnswered(Event):
    """An entry answers what people asked for; ``told`` of them were told."""

    name = "demand-answered"
    entry: str
    told: int


@dataclass(frozen=True)
class DemandDeclined(Event):
    """What people asked for will not be built, and why; ``told`` of them were told."""

    name = "demand-declined"
    reason: str
    told: int


@dataclass(frozen=True)
class DemandReopened(Event):
    """Something answered or declined was asked for again: its answer is gone or retired, or somebody still wants it."""

    name = "demand-reopened"
    before: str


# --- patterns: approvals, use, deviations ----------------------------------------------------------------------------


@dataclass(frozen=True)
class PatternApproved(Event):
    """A reviewer confirmed a pre-approval of one pattern version: projects that keep its conditions inherit it."""

    name = "pattern-approved"
    item: str
    by: str
    version: str
    expires: str


@dataclass(frozen=True)
class ApprovalRevoked(Event):
    """A reviewer took the approval of a pattern version back; it is open in every project that had inherited it."""

    name = "approval-revoked"
    item: str
    version: str
    reason: str
    projects: int


@dataclass(frozen=True)
class ApprovalExpiryNear(Event):
    """The people of the projects that inherit an approval of a pattern, and who gave it, were told that it ends soon."""

    name = "approval-expiry-near"
    approval: int
    item: str
    version: str
    expires: str
    projects: int


@dataclass(frozen=True)
class ApprovalsReopened(Event):
    """A project no longer inherits approvals of its pattern, because something it says of itself or its tier changed."""

    name = "approvals-reopened"
    pattern: str
    version: str
    reopened: list[str]


@dataclass(frozen=True)
class PatternUsed(Event):
    """A project stands on a pattern from now on, or declared anew how it uses it; ``reopened`` are approvals it lost."""

    name = "pattern-used"
    pattern: str
    version: str
    region: str
    inherited: list[str]
    reopened: list[str]


@dataclass(frozen=True)
class PatternLeft(Event):
    """A project no longer stands on its pattern; ``lost`` are the approvals that it had inherited."""

    name = "pattern-left"
    pattern: str
    version: str
    lost: list[str]


@dataclass(frozen=True)
class DeviationDeclared(Event):
    """A team declared that its project does not keep a condition of an approval."""

    name = "deviation-declared"
    item: str
    condition: str
    what: str


@dataclass(frozen=True)
class DeviationDecided(Event):
    """A reviewer accepted or rejected a deviation, declared or found in the facts."""

    name = "deviation-decided"
    item: str
    condition: str
    values: list[str]
    state: str
    note: str
    expires: str = ""


@dataclass(frozen=True)
class DeviationResolved(Event):
    """A deviation is no more: the team says so, the fact is back within the allowed, or the pattern was left."""

    name = "deviation-resolved"
    item: str
    condition: str


# --- datasets: access requests and grants ----------------------------------------------------------------------------


@dataclass(frozen=True)
class DataRequestDrafted(Event):
    """Somebody wrote down which data they want to read, or changed that draft; nobody was asked yet."""

    name = "data-request-drafted"
    request: int


@dataclass(frozen=True)
class DataRequested(Event):
    """Somebody asked to read columns of a dataset; ``renews`` is the request whose grant this one would continue."""

    name = "data-requested"
    request: int
    project: str
    people: list[str]
    columns: list[str]
    environment: str
    hours: int
    basis: str
    renews: int = 0


@dataclass(frozen=True)
class DataRequestWithdrawn(Event):
    """The requester took a request for data back."""

    name = "data-request-withdrawn"
    request: int


@dataclass(frozen=True)
class DataApproved(Event):
    """The owner agreed to a request for data, in whole or ``in_part``; access is not given by this alone."""

    name = "data-approved"
    request: int
    requested_by: str
    columns: list[str]
    environment: str
    hours: int
    in_part: bool


@dataclass(frozen=True)
class DataRejected(Event):
    """The owner turned a request for data down."""

    name = "data-rejected"
    request: int
    requested_by: str
    reason: str


@dataclass(frozen=True)
class DataGranted(Event):
    """Access was given, with the evidence for it: these people may read from ``since`` until before ``until``."""

    name = "data-granted"
    request: int
    grant: int
    people: list[str]
    columns: list[str]
    environment: str
    since: str
    until: str
    evidence: str


@dataclass(frozen=True)
class DataRevoked(Event):
    """Access of these people ended before its time; ``whole`` when nobody reads by this grant any more."""

    name = "data-revoked"
    request: int
    grant: int
    people: list[str]
    at: str
    reason: str
    whole: bool = True


@dataclass(frozen=True)
class DataExpired(Event):
    """A grant reached its end, or a renewal took its place before that."""

    name = "data-expired"
    request: int
    grant: int
    at: str
    renewed_by: int = 0


@dataclass(frozen=True)
class DataExpiryNear(Event):
    """The people of a grant were reminded that it ends within these hours."""

    name = "data-expiry-near"
    request: int
    grant: int
    hours: int


@dataclass(frozen=True)
class TemplateProposed(Event):
    """Somebody proposed a version of a template: a snapshot by its content hash, from a source at a commit."""

    name = "template-proposed"
    version: str
    source: str
    commit: str
    content_hash: str


@dataclass(frozen=True)
class TemplatePublished(Event):
    """Another person published a version of a template after its lint; projects can be started from it."""

    name = "template-published"
    version: str
    content_hash: str
    proposed_by: str
    warnings: int = 0
    security: bool = False


@dataclass(frozen=True)
class TemplateRejected(Event):
    """Another person turned down a version of a template, or its proposer took it back."""

    name = "template-rejected"
    version: str
    proposed_by: str
    reason: str


@dataclass(frozen=True)
class TemplateRequested(Event):
    """A project asked for a repository from a template version, with the hash of its answers."""

    name = "template-requested"
    request: int
    template: str
    version: str
    answers_hash: str


@dataclass(frozen=True)
class TemplateChangesRequested(Event):
    """An approver asked for changes to a request for a template; the clock stands until it comes back."""

    name = "template-changes-requested"
    request: int
    reason: str


@dataclass(frozen=True)
class TemplateApproved(Event):
    """A request for a template was approved, by another person or by what the project's pattern is pre-approved for."""

    name = "template-approved"
    request: int
    by_rule: str = ""


@dataclass(frozen=True)
class TemplateRefused(Event):
    """A request for a template was rejected by an approver, or withdrawn by whoever made it."""

    name = "template-refused"
    request: int
    state: str
    reason: str = ""


@dataclass(frozen=True)
class TemplateRendered(Event):
    """The repository of a request was rendered; ``digest`` is the SHA-256 of its zip."""

    name = "template-rendered"
    request: int
    digest: str
    files: int


@dataclass(frozen=True)
class TemplateFailed(Event):
    """Rendering a request failed and why; it can be tried again with the answers it has."""

    name = "template-failed"
    request: int
    reason: str


@dataclass(frozen=True)
class TemplateRetried(Event):
    """A failed request is rendered again."""

    name = "template-retried"
    request: int


@dataclass(frozen=True)
class TemplateDelivered(Event):
    """A repository reached its project: as a zip, a bundle, or pushed to ``remote`` with this first commit."""

    name = "template-delivered"
    request: int
    template: str
    version: str
    way: str
    commit: str
    remote: str = ""


@dataclass(frozen=True)
class TemplateClosed(Event):
    """The requester said that the delivered repository runs."""

    name = "template-closed"
    request: int


@dataclass(frozen=True)
class GateTokenIssued(Event):
    """The gate token of a delivered repository was issued, once."""

    name = "gate-token-issued"
    request: int
    token: int


@dataclass(frozen=True)
class TemplateUpdatePrepared(Event):
    """The update of a project's repository to a newer template version was prepared, with so many conflicts named."""

    name = "template-update-prepared"
    template: str
    before: str
    version: str
    conflicts: int


@dataclass(frozen=True)
class TemplateUpdateApplied(Event):
    """A team brought its repository to a newer template version."""

    name = "template-update-applied"
    template: str
    before: str
    version: str


@dataclass(frozen=True)
class GateAsked(Event):
    """The gate was asked whether a version may go to an environment, and what it answered; ``codes`` are its reasons."""

    name = "gate-asked"
    version: str
    environment: str
    allowed: bool
    codes: list[str]


@dataclass(frozen=True)
class ChecklistProposed(Event):
    """Somebody proposed a version of a checklist; it binds no case until another person publishes it."""

    name = "checklist-proposed"
    version: str
    content_hash: str


@dataclass(frozen=True)
class ChecklistPublished(Event):
    """Another person published a version of a checklist: cases are opened with it from now on."""

    name = "checklist-published"
    version: str
    content_hash: str
    authored_by: str


@dataclass(frozen=True)
class ChecklistEnded(Event):
    """A version of a checklist was rejected, deprecated or withdrawn, and why."""

    name = "checklist-ended"
    version: str
    state: str
    reason: str


@dataclass(frozen=True)
class EvidenceTaken(Event):
    """The evidence on a model version was copied from MLflow; ``digest`` is that of the copy."""

    name = "evidence-taken"
    snapshot: int
    digest: str
    subject_digest: str


@dataclass(frozen=True)
class EvidenceChanged(Event):
    """What MLflow says now differs from the copy that a case rests on."""

    name = "evidence-changed"
    snapshot: int
    what: list[str]


@dataclass(frozen=True)
class EvidenceUploaded(Event):
    """Somebody uploaded a file as evidence; ``sha256`` is that of its bytes."""

    name = "evidence-uploaded"
    file: str
    sha256: str
    size: int
    media_type: str


@dataclass(frozen=True)
class CiFactTold(Event):
    """A CI pipeline said from which repository and commit a version came, and how many people committed."""

    name = "ci-fact-told"
    version: str
    repository: str
    commit: str
    workflow: str
    committers: int


@dataclass(frozen=True)
class CaseOpened(Event):
    """A review case was opened: a checklist version applied to a subject, with its items frozen."""

    name = "case-opened"
    checklist: str
    version: str
    about: str
    tier: str
    items: int
    previous: int = 0
    carried: int = 0


@dataclass(frozen=True)
class CaseEvidenceAttached(Event):
    """The case rests on this copy of evidence now; ``verdicts`` counts what its checks said."""

    name = "case-evidence-attached"
    snapshot: int
    digest: str
    verdicts: dict[str, int]


@dataclass(frozen=True)
class CaseAnswered(Event):
    """An item of a case got a new revision of its answer."""

    name = "case-answered"
    item: str
    revision: int
    not_applicable: bool = False


@dataclass(frozen=True)
class CaseAgreed(Event):
    """A reviewer agreed that an item of a case does not apply."""

    name = "case-agreed"
    item: str
    revision: int


@dataclass(frozen=True)
class CaseCommented(Event):
    """Somebody commented on an item of a case, or on the case."""

    name = "case-commented"
    comment: int
    item: str = ""


@dataclass(frozen=True)
class CaseMoved(Event):
    """A review case took a step from one state to the next; replaying these rebuilds its state."""

    name = "case-moved"
    step: str
    before: str
    after: str
    reason: str = ""
    items: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class CaseAssigned(Event):
    """A person got a seat in the quorum of a case, by delegation for ``stand_in_for``."""

    name = "case-assigned"
    seat: int
    role: str
    person: str
    stand_in_for: str = ""


@dataclass(frozen=True)
class CaseSeatReleased(Event):
    """A seat of a case was given up, and why."""

    name = "case-seat-released"
    seat: int
    role: str
    person: str
    reason: str


@dataclass(frozen=True)
class CaseSigned(Event):
    """A person signed a record of a case with a meaning; ``record_hash`` is what they saw."""

    name = "case-signed"
    signature: int
    meaning: str
    decision: str
    role: str
    record_hash: str


@dataclass(frozen=True)
class SignaturesVoided(Event):
    """Signatures of a case no longer count, because something was changed after them."""

    name = "signatures-voided"
    signatures: list[int]
    reason: str


@dataclass(frozen=True)
class RevocationProposed(Event):
    """Somebody wants an approval revoked; it takes a second person."""

    name = "revocation-proposed"
    reason: str


@dataclass(frozen=True)
class ConditionMet(Event):
    """A condition of an approval was met, by a check or by a signer's word."""

    name = "condition-met"
    condition: int
    by_check: bool


@dataclass(frozen=True)
class WaiverRequested(Event):
    """Somebody asked to let an item pass until a date, with a control that stands in for it."""

    name = "waiver-requested"
    waiver: int
    item: str
    kind: str
    expires_at: str


@dataclass(frozen=True)
class WaiverApproved(Event):
    """Another person approved a waiver; break-glass takes two."""

    name = "waiver-approved"
    waiver: int
    item: str
    kind: str
    seconded: bool = False


@dataclass(frozen=True)
class WaiverEnded(Event):
    """A waiver was refused, expired or ended early, and why."""

    name = "waiver-ended"
    waiver: int
    item: str
    reason: str


@dataclass(frozen=True)
class BreakGlassReviewed(Event):
    """Somebody looked at a break-glass after it was used."""

    name = "break-glass-reviewed"
    waiver: int
    note: str


@dataclass(frozen=True)
class DelegationMade(Event):
    """A reviewer lets another one stand in for a role between two days."""

    name = "delegation-made"
    role: str
    to: str
    starts_on: str
    ends_on: str


@dataclass(frozen=True)
class DelegationEnded(Event):
    """A delegation ended before its last day."""

    name = "delegation-ended"
    role: str
    to: str


@dataclass(frozen=True)
class SigningPinSet(Event):
    """A person set the PIN they sign with; the log knows no more of it."""

    name = "signing-pin-set"


@dataclass(frozen=True)
class SigningPinReset(Event):
    """An administrator took a person's signing PIN away, so that the person sets a new one."""

    name = "signing-pin-reset"


@dataclass(frozen=True)
class SigningPinFailed(Event):
    """A wrong PIN was given at signing; after several the PIN locks for a while."""

    name = "signing-pin-failed"
    failures: int
    locked: bool


@dataclass(frozen=True)
class ReviewerProfileChanged(Event):
    """A reviewer changed what they know best, how many cases they take, or whether they take any."""

    name = "reviewer-profile-changed"
    skills: list[str]
    most_cases: int
    paused: bool


@dataclass(frozen=True)
class CaseSampled(Event):
    """A version that a certified pipeline would have passed goes to people, so that somebody checks the pipeline."""

    name = "case-sampled"
    certificate: int


@dataclass(frozen=True)
class CertificateProposed(Event):
    """A validation pipeline was proposed for certification, by repository, commit, workflow and rules."""

    name = "certificate-proposed"
    repository: str
    commit: str
    workflow: str
    tier: str


@dataclass(frozen=True)
class CertificateGranted(Event):
    """A validation pipeline is certified: versions of its tier that pass all its rules need no person."""

    name = "certificate-granted"
    tier: str
    sample_every: int
    expires_at: str


@dataclass(frozen=True)
class CertificateLapsed(Event):
    """A certificate lapsed: drift, disagreement, a change of its rules, or its last day."""

    name = "certificate-lapsed"
    reason: str


@dataclass(frozen=True)
class VerdictWritten(Event):
    """The verdict on a model version was written back to MLflow as tags, and as an alias where one is set."""

    name = "verdict-written"
    version: str
    status: str
    alias: str = ""


@dataclass(frozen=True)
class AttestationIssued(Event):
    """A signed statement about a model version left the portal; ``digest`` is that of its payload."""

    name = "attestation-issued"
    version: str
    environment: str
    allowed: bool
    digest: str


@dataclass(frozen=True)
class DocumentIssued(Event):
    """A document about a case left the portal, with the hash of the record it shows."""

    name = "document-issued"
    document: str
    record_hash: str


def all_events() -> list[type[Event]]:
    """Every event class, by name; the documentation and its test read this."""
    return sorted(Event.__subclasses__(), key=lambda one: one.name)
