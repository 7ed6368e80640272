"""The records of the log in words: what somebody did, without who, to what and when."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from core.activity.queries import Line
from core.catalog.kinds import SPECS

WORDS = {
    "entry-created": "added version {version} from {source}",
    "entry-updated": "changed {fields} from {source}",
    "entry-went-stale": "marked it stale, gone from {source}",
    "entry-returned": "found it again in {source}",
    "lifecycle-changed": "moved it from {before} to {after}: {reason}",
    "change-proposed": "sent proposal {proposal} for {fields}",
    "proposal-revised": "revised proposal {proposal} in {fields}",
    "proposal-approved": "approved proposal {proposal} by {proposed_by}",
    "proposal-rejected": "rejected proposal {proposal} by {proposed_by}: {reason}",
    "proposal-withdrawn": "withdrew proposal {proposal}",
    "asset-requested": "asked for “{wish}”",
    "source-added": "added the source {location}",
    "source-removed": "removed the source {location}",
    "catalog-imported": "imported: {created} created, {updated} updated, {unchanged} unchanged, {stale} stale, {refused} refused",
    "entry-adopted": "adopted version {version} for the project {project}",
    "adoption-updated": "moved the project {project} from version {before} to {version}",
    "adopters-told": "told {people} people of its users that it is {lifecycle}; successor: {successor}",
    "value-claimed": "claimed that the project {project} saved {low_hours} to {high_hours} hours with it",
    "value-confirmed": "confirmed that the project {project} saved {low_hours} to {high_hours} hours, as {claimed_by} claimed",
    "adoption-ended": "ended the use of version {version} by the project {project}",
    "project-created": "started the project in the team {team}, to {stage}",
    "project-moved": "moved it from {before} to {after}",
    "project-edited": "changed {fields}",
    "member-added": "added {person} as {role}",
    "member-removed": "removed {person} as {role}",
    "tracking-claimed": "claimed the {kind} {what} in MLflow",
    "tracking-released": "released the {kind} {what} in MLflow",
    "risk-facts-stated": "stated the risk facts {changed}; the tier is {tier} by {rows}",
    "tier-confirmed": "confirmed the tier {tier}, from {before}",
    "tier-lowering-proposed": "proposed to lower the tier from {before} to {tier}: {reason}",
    "retrospective-written": "wrote the retrospective, revision {revision}",
    "harvest-decided": "decided on “{what}”: {decision}, because {reason}",
    "harvest-withdrawn": "took back the decision {decision} on “{what}”",
    "person-added": "made the person known, from {source}",
    "person-deactivated": "deactivated the person",
    "person-reactivated": "reactivated the person",
    "person-erased": "erased the person's name",
    "unit-added": "added the business unit",
    "team-added": "added the team",
    "team-joined": "made {person} a member",
    "team-left": "ended the membership of {person}",
    "role-proposed": "proposed the role {role} ({scope})",
    "role-granted": "granted the role {role} ({scope})",
    "role-declined": "declined the role {role} ({scope})",
    "role-revoked": "revoked the role {role} ({scope})",
    "signed-in": "signed in ({way})",
    "signed-out": "signed out",
    "template-proposed": "proposed version {version} from {source} {commit}",
    "template-published": "published version {version}, proposed by {proposed_by}",
    "template-rejected": "turned down version {version} of {proposed_by}: {reason}",
    "template-requested": "asked for {template} {version}, request {request}",
    "template-changes-requested": "asked for changes to request {request}: {reason}",
    "template-approved": "approved request {request} {by_rule}",
    "template-refused": "ended request {request}, {state}: {reason}",
    "template-rendered": "made the repository of request {request}, {files} files",
    "template-failed": "failed at request {request}: {reason}",
    "template-retried": "tried request {request} again",
    "template-delivered": "delivered {template} {version} as {way}, commit {commit} {remote}",
    "template-closed": "said that the repository of request {request} runs",
    "gate-token-issued": "issued the gate token {token} of request {request}",
    "template-update-prepared": "prepared the update of {template} from {before} to {version}, {conflicts} conflicts",
    "template-update-applied": "brought the repository from {before} to {version} of {template}",
    "checklist-proposed": "proposed version {version}, {content_hash}",
    "checklist-published": "published version {version} by {authored_by}, {content_hash}",
    "checklist-ended": "{state} version {version}: {reason}",
    "evidence-taken": "copied its evidence, {digest}",
    "evidence-changed": "found its evidence changed: {what}",
    "evidence-uploaded": "uploaded {file} ({media_type}, {size} bytes, {sha256})",
    "ci-fact-told": "told that version {version} came from {repository} at {commit} by {workflow}",
    "case-opened": "opened it with {checklist} {version} about {about}: {items} items, {carried} carried over",
    "case-evidence-attached": "attached evidence {digest}",
    "case-answered": "answered {item}, revision {revision}",
    "case-agreed": "agreed that {item} does not apply",
    "case-commented": "commented on {item}",
    "case-moved": "moved it from {before} to {after}: {reason}",
    "case-assigned": "assigned {person} as {role}",
    "case-sampled": "chose it for a look by people",
    "case-seat-released": "released {person} as {role}: {reason}",
    "case-signed": "signed ({meaning}): {decision}, {record_hash}",
    "signatures-voided": "voided signatures {signatures}: {reason}",
    "revocation-proposed": "wants the approval revoked, which takes a second person: {reason}",
    "condition-met": "met condition {condition}",
    "waiver-requested": "asked for a {kind} of {item} until {expires_at}",
    "waiver-approved": "approved the {kind} of {item}",
    "waiver-ended": "ended the waiver of {item}: {reason}",
    "break-glass-reviewed": "reviewed break-glass {waiver}: {note}",
    "delegation-made": "lets {to} stand in as {role} from {starts_on} to {ends_on}",
    "delegation-ended": "ended the delegation to {to} as {role}",
    "signing-pin-reset": "took their signing PIN away, so that they set a new one",
    "signing-pin-set": "set the PIN they sign with",
    "signing-pin-failed": "gave a wrong PIN, {failures} times in a row",
    "reviewer-profile-changed": "takes up to {most_cases} cases; skills: {skills}",
    "certificate-proposed": "proposed {repository} at {commit} ({workflow}) for tier {tier}",
    "certificate-granted": "certified it for tier {tier} until {expires_at}",
    "certificate-lapsed": "let it lapse: {reason}",
    "verdict-written": "wrote {status} to version {version} in MLflow",
    "attestation-issued": "issued a statement on version {version} for {environment}",
    "document-issued": "issued the {document}",
    "gate-asked": "asked the gate for version {version} to {environment}: allowed {allowed}, {codes}",
    "token-created": "created the token for {scopes}, until {expires}",
    "token-revoked": "revoked the token",
    "alias-moved": "saw the alias {alias} move from {before} to {after}",
    "model-registered": "saw the model for the first time",
    "model-vanished": "no longer finds the model in MLflow",
    "data-request-drafted": "drafted the data request {request}",
    "data-requested": "asked in request {request} to read {columns} for {people} ({environment}, {hours} hours)",
    "data-request-withdrawn": "withdrew the data request {request}",
    "data-approved": "approved the data request {request} by {requested_by}: {columns} ({environment}, {hours} hours)",
    "data-rejected": "rejected the data request {request} by {requested_by}: {reason}",
    "data-granted": "gave {people} access by request {request} until {until}, evidence {evidence}",
    "data-revoked": "ended the access of {people} by request {request}: {reason}",
    "data-expired": "ended the access by request {request} at its time",
    "data-expiry-near": "reminded that the access by request {request} ends within {hours} hours",
    "pattern-approved": "confirmed the approval {item} ({by}) of version {version}, until {expires}",
    "approval-revoked": "revoked the approval {item} of version {version}, inherited by {projects}: {reason}",
    "pattern-used": "put it on {pattern} {version}: inherited {inherited}, reopened {reopened}",
    "pattern-left": "took it off {pattern} {version}: no longer inherited {lost}",
    "approvals-reopened": "changed what approvals of {pattern} {version} stand on: reopened {reopened}",
    "approval-expiry-near": "reminded that the approval {item} of version {version} ends on {expires}, inherited by {projects}",
    "deviation-declared": "declared a deviation from {item}: {what}",
    "deviation-decided": "decided on the deviation from {item}: {state}. {note}",
    "deviation-resolved": "ended the deviation from {item}",
    "reuse-decided": "decided to {decision} {entry} {version}: {reason}",
    "reuse-review-completed": "completed the reuse review: {strong} strong hits; {reused} reused, {adapted} adapted, {built} built anew",
    "demand-taken": "took it up",
    "demand-released": "released it: {reason}",
    "demand-answered": "answered it with {entry} and told {told} people",
    "demand-declined": "declined it and told {told} people: {reason}",
    "demand-reopened": "asked for it again, which was {before}",
    "demo-built": "built the demo organisation",
    "demo-removed": "removed the demo organisation",
}


def sentence(line: Line, names: dict[str, str]) -> str:
    """What was done; an event of another release is told by its name."""
    values = {name: _value(value, names) for name, value in line.data.items()}
    told = WORDS.get(line.event, line.event.replace("-", " "))
    return told.format_map(defaultdict(lambda: "something unsaid", values))


MOST_NAMED = 6
"""So many of a list are named in a sentence; the record itself has all."""


def references(lines: Iterable[Line]) -> set[str]:
    """Everybody named in ``lines``, for looking up their names at once."""
    found: set[str] = set()
    for line in lines:
        found |= {line.actor, line.subject} | {value for value in line.data.values() if isinstance(value, str)}
    return {one for one in found if one.startswith(("person:", "token:", "system:"))}


def is_entry(subject: str) -> bool:
    """Whether a record's subject is an entry of the catalog, which has a page."""
    kind, _, rest = subject.partition(":")
    return kind in SPECS and "/" in rest


def page_of(subject: str) -> tuple[str, dict[str, str]] | None:
    """The page of the thing that a record or a notice is about, and its parameters; ``None`` where it has no page."""
    kind, _, rest = subject.partition(":")
    if is_entry(subject):
        return "entry.py", {"ref": subject}
    if kind == "project":
        return "project.py", {"id": rest}
    if kind == "demand":
        return "demand.py", {"text": rest}
    if kind == "case":
        return "review.py", {"id": rest}
    if kind == "registered-model":
        return "models.py", {"model": rest}
    if kind == "template-request":
        return "request.py", {"id": rest}
    if kind == "template-version":
        return "templates.py", {"version": rest}
    return None


def _value(value: Any, names: dict[str, str]) -> str:
    if isinstance(value, list):
        shown = [_value(one, names) for one in value[:MOST_NAMED]]
        more = len(value) - len(shown)
        return ", ".join([*shown, f"{more} more"] if more > 0 else shown) or "nothing"
    return names.get(str(value), str(value)) or "nothing"
