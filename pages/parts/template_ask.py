"""Asking for a template: the project, its questions, how the repository is to arrive, a preview, and sending it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import streamlit as st

from core import db
from core.access.policy import Actor
from core.config import settings
from core.errors import NotAllowed, PortalError
from core.projects.tables import Project
from core.reuse import queries as reuse
from core.templates import preapproval, queries, requests, sending, states
from core.templates.queries import RequestPage
from core.templates.requests import Wish
from core.templates.tables import TemplateVersion
from pages.parts import badges, notices, template_files, template_form, template_work
from pages.parts.notices import plain

SHOWN = 3
"""So many similar things are named above the form."""


def new(actor: Actor, version_id: int) -> None:
    """The form of a new request for a version of a template."""
    with db.reading() as session:
        version, entry = queries.version(session, actor, version_id)
        projects = {one.id: one for one in queries.requestable(session, actor)}
    st.page_link("templates.py", label="All templates", icon=":material/arrow_back:")
    st.title(f"Ask for {plain(entry.title)}", anchor=False)
    st.caption(f"{plain(entry.summary)} Version {plain(version.version)}.")
    if not projects:
        hint = "Register a project first, or ask its team to add you."
        notices.refuse(NotAllowed("There is no running project for which you may ask.", hint=hint))
        st.page_link("project.py", label="Register a project", query_params={"new": "1"}, icon=":material/add:")
        return
    wanted = st.query_params.get("project", "")
    index = list(projects).index(wanted) if wanted in projects else None
    chosen = st.selectbox("Project", projects, index, format_func=lambda one: projects[one].title, key=f"ask {version_id} project", placeholder="Choose the project it is for")  # fmt: skip
    if chosen is None:
        return
    _existing(actor, projects[chosen])
    _form(actor, version, projects[chosen], template_form.known_answers(projects[chosen]))


def again(actor: Actor, page: RequestPage) -> None:
    """The form of one's own draft, or of what was sent back, with the answers it has."""
    request = page.request
    st.page_link("request.py", label="Back to the request", query_params={"id": str(request.id)}, icon=":material/arrow_back:")  # fmt: skip
    st.title(f"Change request {request.id}", anchor=False)
    if request.state == "changes requested":
        st.warning(f"**To be changed.** {plain(request.reason)}", icon=":material/edit_note:")
    _form(actor, page.version, page.project, request.answers, request_id=request.id or 0, revision=request.revision,
          before=Wish(request.answers, request.delivery, request.remote, request.note))  # fmt: skip


def _existing(actor: Actor, project: Project) -> None:
    """What exists already, before something new is begun."""
    with db.reading() as session:
        review = reuse.review(session, actor, project.id)
    open_ = [one for one in review.hits if one.strong and one.decision is None]
    with st.container(border=True, gap="xsmall"):
        st.markdown("**What exists already**")
        for hit in review.hits[:SHOWN]:
            st.page_link("entry.py", label=plain(hit.title), query_params={"ref": hit.key}, icon=badges.kind_icon(hit.kind), help=", ".join(hit.reasons))  # fmt: skip
        if project.reuse_reviewed_at is None:
            told = (
                f"{badges.count(len(open_), 'strong hit')} to decide on." if open_ else "The review is not completed."
            )
            st.page_link("project.py", label=f"Reuse review: {told}", query_params={"id": project.id, "tab": "Reuse"}, icon=":material/rule:")  # fmt: skip
        else:
            st.caption(f"The reuse review was completed {badges.ago(project.reuse_reviewed_at)}.")


def _form(
    actor: Actor, version: TemplateVersion, project: Project, given: Mapping[str, Any], *, request_id: int = 0,
    revision: int = 0, before: Wish | None = None,
) -> None:  # fmt: skip
    key = f"ask {version.id} {project.id} {request_id} {revision}"
    left, right = st.columns([3, 2], gap="large")
    with left:
        st.subheader("Questions", anchor=False)
        answers, form = template_form.show(version, given, key=key)
        if form and not form.fields:
            st.caption("This template asks nothing.")
    with right:
        st.subheader("Delivery", anchor=False)
        wish = _delivery(answers, before, key)
        _approval(version, project)
    ready = form is not None and not form.errors
    with st.expander("Preview: the repository as it would be made", icon=":material/preview:", on_change="rerun", key=f"{key} preview") as preview:  # fmt: skip
        if preview.open and ready:
            _preview(version, answers, key)
        elif preview.open:
            st.caption("Mend the answers first.")
    if st.button("Send the request", type="primary", icon=":material/send:", key=f"{key} send", disabled=not ready):
        _send(actor, version, project, wish, request_id, revision)


def _delivery(answers: Mapping[str, Any], before: Wish | None, key: str) -> Wish:
    ways = {name: told for name, told in states.DELIVERIES.items() if name != "push" or settings().git_remotes}
    usual = before.delivery if before and before.delivery in ways else "zip"
    way = st.radio("The repository arrives as", ways, list(ways).index(usual), format_func=ways.__getitem__, key=f"{key} way")  # fmt: skip
    remote = ""
    if way == "push":
        remote = st.text_input("Empty git repository", before.remote if before else "", key=f"{key} remote", placeholder=settings().git_remotes[0], max_chars=400)  # fmt: skip
    note = st.text_area("Note to the approver", before.note if before else "", key=f"{key} note", max_chars=requests.NOTE_LENGTH, height=80)  # fmt: skip
    return Wish(answers, way or "zip", remote, note)


def _approval(version: TemplateVersion, project: Project) -> None:
    with db.reading() as session:
        covered = preapproval.covered_by(session, project.id, version.entry_id)
    if covered:
        st.success(f"**Approved at once.** {plain(covered)}", icon=":material/verified:")
    else:
        st.caption(
            f"Another person approves it within {states.APPROVAL_DAYS} working days: an ML engineer or a manager."
        )
    for step in requests.questions_of(version).manual_steps:
        st.caption(f":material/back_hand: By hand afterwards: {plain(step)}")


@st.cache_data(max_entries=50, show_spinner="Rendering …")
def _rendered(version_id: int, answers: str) -> Any:
    return sending.preview(version_id, json.loads(answers))


def _preview(version: TemplateVersion, answers: Mapping[str, Any], key: str) -> None:
    try:
        files = _rendered(version.id or 0, json.dumps(answers, sort_keys=True))
    except PortalError as error:
        notices.refuse(error)
        return
    template_files.show(files, key=f"{key} files")


def _send(actor: Actor, version: TemplateVersion, project: Project, wish: Wish, request_id: int, revision: int) -> None:
    try:
        made = sending.send(
            actor, project_id=project.id, version_id=version.id or 0, wish=wish, request_id=request_id, revision=revision
        )  # fmt: skip
    except PortalError as error:
        notices.refuse(error)
        return
    if made.state == "approved":
        template_work.begin()
    notices.after_rerun("Approved at once: the repository is being made." if made.state == "approved" else "Sent to the approvers.")  # fmt: skip
    st.switch_page("request.py", query_params={"id": str(made.id)})
