"""The verbs of a request for a template: ask, comment, decide, try again, close. ``states`` holds the rules.

Rendering and delivering are the job's (:mod:`core.templates.work`); they come back here to be kept.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlmodel import Session, select

from core import workdays
from core.access import policy, queries
from core.access.policy import Actor, Scope
from core.access.tables import Token
from core.activity import events
from core.activity.recording import record
from core.catalog.tables import Entry
from core.db import now
from core.errors import Conflict, Invalid, NotAllowed, NotFound
from core.people import actions as people
from core.people.notices import tell
from core.projects.actions import line, require_running, scope_of, text
from core.projects.tables import Project
from core.projects.visibility import shown_to
from core.templates import preapproval, states
from core.templates.form import Definition
from core.templates.questions import check_answers
from core.templates.remotes import check_remote
from core.templates.rendering import answers_hash
from core.templates.tables import TemplateComment, TemplateRequest, TemplateVersion

NOTE_LENGTH = 2000
TOKEN_DAYS = 365


@dataclass(frozen=True)
class Wish:
    """What a project asks for: the answers to the template's questions, and how the repository reaches its team."""

    answers: Mapping[str, Any]
    delivery: str = "zip"
    remote: str = ""
    note: str = ""


def draft(
    session: Session, *, actor: Actor, project_id: str, version_id: int, wish: Wish, demo: bool = False
) -> TemplateRequest:
    """Write a request down without asking anybody yet."""
    project = _project(session, actor, project_id)
    policy.require(actor, "template.request", scope_of(project))
    version = _published(session, version_id)
    request = TemplateRequest(
        project_id=project.id, version_id=version_id, entry_id=version.entry_id, requested_by=actor.ref, demo=demo
    )
    _fill(request, version, wish)
    session.add(request)
    session.flush()
    return request


def change(session: Session, *, actor: Actor, request_id: int, revision: int, wish: Wish) -> TemplateRequest:
    """Change one's own request while it is a draft or was sent back; ``revision`` is the one the requester saw."""
    request = locked(session, actor, request_id)
    _require_requester(actor, request)
    if request.state not in ("draft", "changes requested"):
        raise Conflict(
            f"Request {request_id} is {request.state}.", hint="Only a draft, or what was sent back, is changed."
        )
    if request.revision != revision:
        raise Conflict(f"Request {request_id} was changed meanwhile.", hint="Open it again and repeat the change.")
    _fill(request, session.get_one(TemplateVersion, request.version_id), wish)
    request.revision += 1
    session.add(request)
    session.flush()
    return request


def submit(session: Session, *, actor: Actor, request_id: int) -> TemplateRequest:
    """Send a request: approved at once where the project's pattern covers the template, else to an approver.

    The edge has put the answers to the template's own validators before, see :func:`core.templates.sending.send`.
    """
    request = locked(session, actor, request_id)
    _require_requester(actor, request)
    project = _project(session, actor, request.project_id)
    policy.require(actor, "template.request", scope_of(project))
    require_running(project)
    if project.reuse_reviewed_at is None:
        raise Conflict(
            f"The reuse review of {project.title} is not complete.",
            hint="Look at what exists first: the Reuse tab of the project.",
        )
    version = _published(session, request.version_id)
    _require_complete(version, request.answers)
    request.state = states.after(request.state, "submit")
    moment = now()
    request.answers_hash = answers_hash(request.answers)
    if request.paused_at is not None and request.due_at is not None:
        request.due_at, request.paused_at = workdays.resumed(request.due_at, request.paused_at, moment), None
    else:
        request.submitted_at, request.due_at = moment, workdays.due(moment, states.APPROVAL_DAYS)
    session.add(request)
    session.flush()
    entry = session.get_one(Entry, request.entry_id)
    told = events.TemplateRequested(_subject(project), request_id, entry.key, version.version, request.answers_hash)
    record(session, actor, told)
    if covered := preapproval.covered_by(session, project.id, entry.id or 0):
        _approve(session, policy.system("templates"), request, project, covered)
    else:
        asked = f"{actor.name} asks for the template {entry.title} for {project.title}."
        _tell_approvers(session, actor, request, project, asked)
    return request


def ask_for_changes(session: Session, *, actor: Actor, request_id: int, reason: str) -> None:
    """Send a request back to whoever made it; the approver's clock stands until it returns."""
    request, project = _for_decision(session, actor, request_id)
    request.state = states.after(request.state, "ask for changes")
    request.paused_at = now()
    request.reason = _reason(reason, "Say what is to be changed.")
    session.add(request)
    _say(session, actor, request, request.reason)
    record(session, actor, events.TemplateChangesRequested(_subject(project), request_id, request.reason))
    _tell_requester(session, actor, request, f"{actor.name} asks for changes to your request {request_id}.")


def approve(session: Session, *, actor: Actor, request_id: int, note: str = "") -> None:
    """Approve a request of somebody else; a job renders it from here on."""
    request, project = _for_decision(session, actor, request_id)
    _approve(session, actor, request, project, text("note", note, NOTE_LENGTH))


def reject(session: Session, *, actor: Actor, request_id: int, reason: str) -> None:
    """Turn a request down for good."""
    request, project = _for_decision(session, actor, request_id)
    request.state = states.after(request.state, "reject")
    _decided(request, actor, _reason(reason, "Say why."))
    session.add(request)
    record(session, actor, events.TemplateRefused(_subject(project), request_id, "rejected", request.reason))
    _tell_requester(session, actor, request, f"Your request {request_id} was rejected: {request.reason}")


def withdraw(session: Session, *, actor: Actor, request_id: int) -> None:
    """Take one's own request back."""
    request = locked(session, actor, request_id)
    _require_requester(actor, request)
    project = session.get_one(Project, request.project_id)
    request.state = states.after(request.state, "withdraw")
    session.add(request)
    record(session, actor, events.TemplateRefused(_subject(project), request_id, "withdrawn"))


def comment(session: Session, *, actor: Actor, request_id: int, words: str) -> None:
    """Say something about a request; its requester and those who spoke before are told."""
    request = locked(session, actor, request_id)
    _say(session, actor, request, _reason(words, "Write something first."))
    spoke = session.exec(select(TemplateComment.author).where(TemplateComment.request_id == request_id))
    told = f"{actor.name} commented on request {request_id}."
    tell(session, {request.requested_by, *spoke}, subject=_request_subject(request), text=told, except_for=actor)


def retry(session: Session, *, actor: Actor, request_id: int) -> None:
    """Render a failed request again, with the answers it has; or push a rendered one again."""
    request = locked(session, actor, request_id)
    project = session.get_one(Project, request.project_id)
    if actor.ref != request.requested_by:
        policy.require(actor, "template.approve", scope_of(project))
    if request.state != "rendered":
        request.state = states.after(request.state, "retry")
    elif not request.failure:
        raise Conflict(f"Request {request_id} is on its way.", hint="Nothing failed; wait a moment.")
    request.attempts, request.next_attempt_at, request.failure = 0, None, ""
    session.add(request)
    record(session, actor, events.TemplateRetried(_subject(project), request_id))


def deliver_otherwise(session: Session, *, actor: Actor, request_id: int, delivery: str, remote: str = "") -> None:
    """Choose another way for a rendered repository whose push failed."""
    request = locked(session, actor, request_id)
    _require_requester(actor, request)
    if request.state != "rendered":
        raise Conflict(f"Request {request_id} is {request.state}.", hint="The way is chosen anew after a failed push.")
    _set_delivery(request, delivery, remote)
    request.attempts, request.next_attempt_at, request.failure = 0, None, ""
    session.add(request)
    session.flush()


def close(session: Session, *, actor: Actor, request_id: int) -> None:
    """Say that the delivered repository runs."""
    request = locked(session, actor, request_id)
    _require_requester(actor, request)
    project = session.get_one(Project, request.project_id)
    request.state, request.closed_at = states.after(request.state, "close"), now()
    session.add(request)
    record(session, actor, events.TemplateClosed(_subject(project), request_id))


def issue_gate_token(session: Session, *, actor: Actor, request_id: int) -> str:
    """The token with which the delivered repository asks the gate: shown this once, to its requester, issued once."""
    request = locked(session, actor, request_id)
    _require_requester(actor, request)
    if request.state not in ("delivered", "closed"):
        raise Conflict(f"Request {request_id} is {request.state}.", hint="The token comes with the delivery.")
    if request.token_id is not None:
        held = session.get(Token, request.token_id)
        hint = "An administrator revokes it and creates another." if held else "Ask an administrator for another."
        raise Conflict("The gate token of this repository was issued already.", hint=hint)
    project = session.get_one(Project, request.project_id)
    token, secret = people.create_token(
        session, actor=policy.system("templates"), name=f"gate of {project.id}", scopes=["gate:ask"], days=TOKEN_DAYS
    )
    request.token_id = token.id
    session.add(request)
    record(session, actor, events.GateTokenIssued(_subject(project), request_id, token.id or 0))
    return secret


# --- shared ----------------------------------------------------------------------------------------------------------


def locked(session: Session, actor: Actor, request_id: int) -> TemplateRequest:
    """The request, locked, as ``actor`` may see it."""
    request = session.get(TemplateRequest, request_id, with_for_update=True, populate_existing=True)
    if request is None:
        raise NotFound(f"No template request {request_id}.", hint="My requests shows your own.")
    _project(session, actor, request.project_id)
    return request


def questions_of(version: TemplateVersion) -> Definition:
    """The questions of a version, as they were reviewed."""
    return Definition.from_dict(version.definition)


def _fill(request: TemplateRequest, version: TemplateVersion, wish: Wish) -> None:
    definition = questions_of(version)
    answers = {name: value for name, value in wish.answers.items() if name not in definition.secrets}
    if problems := check_answers(definition, answers):
        raise Invalid("Some answers cannot be used.", hint=" ".join(f"{name}: {why}" for name, why in problems.items()))
    request.answers = answers
    _set_delivery(request, wish.delivery, wish.remote)
    request.note = text("note", wish.note, NOTE_LENGTH)


def _set_delivery(request: TemplateRequest, delivery: str, remote: str) -> None:
    if delivery not in states.DELIVERIES:
        raise Invalid(f"{delivery[:40]!r} is no way to deliver.", hint=f"Possible: {', '.join(states.DELIVERIES)}.")
    request.delivery = delivery
    request.remote = check_remote(line("repository", remote, 400)) if delivery == "push" else ""


def _require_complete(version: TemplateVersion, answers: Mapping[str, Any]) -> None:
    if problems := check_answers(questions_of(version), answers):
        raise Invalid("Some answers cannot be used.", hint=" ".join(f"{name}: {why}" for name, why in problems.items()))


def _approve(session: Session, actor: Actor, request: TemplateRequest, project: Project, reason: str) -> None:
    request.state = states.after(request.state, "approve")
    _decided(request, actor, reason)
    session.add(request)
    session.flush()
    by_rule = reason if actor.kind == "system" else ""
    record(session, actor, events.TemplateApproved(_subject(project), request.id or 0, by_rule))
    _tell_requester(session, actor, request, f"Your request {request.id} is approved; the repository is being made.")


def _decided(request: TemplateRequest, actor: Actor, reason: str) -> None:
    request.decided_by, request.decided_at, request.reason, request.due_at = actor.ref, now(), reason, None


def _for_decision(session: Session, actor: Actor, request_id: int) -> tuple[TemplateRequest, Project]:
    request = locked(session, actor, request_id)
    project = session.get_one(Project, request.project_id)
    policy.require(actor, "template.approve", scope_of(project))
    if actor.ref == request.requested_by:
        raise NotAllowed("Nobody decides on their own request.", hint="Another ML engineer or manager does.")
    return request, project


def _project(session: Session, actor: Actor, project_id: str) -> Project:
    seen = select(Project).where(Project.id == project_id, shown_to(actor))
    project = session.exec(seen).first() if len(project_id) <= 63 else None
    if project is None:
        raise NotFound(f"No project {project_id[:80]!r}.", hint="The projects list shows all of them.")
    return project


def _published(session: Session, version_id: int) -> TemplateVersion:
    version = session.get(TemplateVersion, version_id)
    if version is None or version.state != "published":
        raise NotFound("No such published template version.", hint="Choose one from the list of templates.")
    return version


def _require_requester(actor: Actor, request: TemplateRequest) -> None:
    if actor.ref != request.requested_by:
        raise NotAllowed("Only whoever made the request does this.", hint="Comment on it instead.")


def _reason(words: str, missing: str) -> str:
    words = text("text", words, NOTE_LENGTH)
    if not words:
        raise Invalid(missing)
    return words


def _say(session: Session, actor: Actor, request: TemplateRequest, words: str) -> None:
    session.add(TemplateComment(request_id=request.id or 0, author=actor.ref, text=words))
    session.flush()


def _tell_approvers(session: Session, actor: Actor, request: TemplateRequest, project: Project, told: str) -> None:
    scope = Scope(project.unit_id, project.team_id, project.id)
    able = queries.who_may(session, "template.approve", scope)
    tell(session, able, subject=_request_subject(request), text=told, except_for=actor)


def _tell_requester(session: Session, actor: Actor, request: TemplateRequest, told: str) -> None:
    tell(session, [request.requested_by], subject=_request_subject(request), text=told, except_for=actor)


def _subject(project: Project) -> str:
    return f"project:{project.id}"


def _request_subject(request: TemplateRequest) -> str:
    return f"template-request:{request.id}"
