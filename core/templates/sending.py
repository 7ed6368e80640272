"""Sending a request: what the child process says of the answers stands between reading and writing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from core import db
from core.access.policy import Actor
from core.errors import Invalid
from core.templates import publishing, rendering, requests
from core.templates.rendering import Form
from core.templates.requests import Wish
from core.templates.snapshot import Snapshot
from core.templates.tables import TemplateRequest, TemplateVersion


def files_of(version_id: int) -> Snapshot:
    """The reviewed files of a published version."""
    with db.reading() as session:
        return publishing.reviewed_files(session, session.get_one(TemplateVersion, version_id))


def form(version_id: int, answers: Mapping[str, Any]) -> Form:
    """The template's form for the answers so far: what is asked, with which defaults and choices, and what is wrong."""
    return rendering.resolve(files_of(version_id), answers)


def send(
    actor: Actor,
    *,
    project_id: str,
    version_id: int,
    wish: Wish,
    request_id: int = 0,
    revision: int = 0,
    demo: bool = False,
) -> TemplateRequest:
    """Send a request whose answers the template itself accepts: a new one, or one's own draft or what was sent back."""
    accepted = replace(wish, answers=complete(version_id, wish.answers))
    with db.writing() as session:
        if request_id:
            requests.change(session, actor=actor, request_id=request_id, revision=revision, wish=accepted)
        else:
            made = requests.draft(
                session, actor=actor, project_id=project_id, version_id=version_id, wish=accepted, demo=demo
            )
            request_id = made.id or 0
        return requests.submit(session, actor=actor, request_id=request_id)


def preview(version_id: int, answers: Mapping[str, Any]) -> Snapshot:
    """The repository as it would be made from these answers; nothing is kept."""
    files = files_of(version_id)
    accepted = _accepted(rendering.resolve(files, answers))
    return rendering.render(files, accepted, source="preview", commit="", manifest={})


def complete(version_id: int, answers: Mapping[str, Any]) -> dict[str, Any]:
    """``answers`` with everything else the template asks for, as its own rules accept them; no secret among them."""
    return _accepted(form(version_id, answers))


def _accepted(resolved: Form) -> dict[str, Any]:
    if resolved.errors:
        listed = " ".join(f"{name}: {why}" for name, why in resolved.errors.items())
        raise Invalid("The template does not accept some answers.", hint=listed)
    asked = (one.question for one in resolved.fields if one.visible)
    names = {one.name for one in asked if not one.computed and not one.secret}
    return {name: value for name, value in resolved.answers.items() if name in names}
