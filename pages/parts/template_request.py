"""A request as its people see it: how it stands, the repository, what was said, and what each may do now."""

from __future__ import annotations

import streamlit as st

from core import db
from core.access import queries as people
from core.access.policy import Actor
from core.errors import PortalError
from core.templates import delivery, queries, repository, requests, sending, states
from core.templates.queries import RequestPage
from pages.parts import badges, notices, template_decide, template_files, template_requests, template_work, writing
from pages.parts.notices import plain

MOVING = ("approved", "rendered")
"""States from which a job goes on by itself."""


def show(actor: Actor, page: RequestPage) -> None:
    """The whole page of a request."""
    request, version = page.request, page.version
    st.page_link("templates.py", label="My requests", query_params={"view": "mine"}, icon=":material/arrow_back:")
    st.title(f"{plain(page.template)} for {plain(page.project.title)}", anchor=False)
    with db.reading() as session:
        refs = {one.author for one in page.comments} | {request.requested_by, request.decided_by or ""}
        names = people.names(session, refs)
    st.markdown(badges.text(*template_requests.STATES[request.state]))
    if request.state in MOVING and not request.failure:
        _watch(actor, request.id or 0, request.state)
    with st.container(horizontal=True):
        st.page_link("project.py", label="The project", query_params={"id": page.project.id}, icon=badges.kind_icon("project"))  # fmt: skip
        st.page_link("templates.py", label=f"Version {plain(version.version)}", query_params={"version": str(version.id)}, icon=":material/folder_open:")  # fmt: skip
    for line in story(page, names):
        st.caption(plain(line))
    if request.note:
        st.markdown("> " + plain(request.note).replace("\n", "\n> "))
    if request.failure:
        st.error(plain(request.failure), icon=":material/error:")
    template_decide.show(actor, page)
    _own(actor, page)
    _result(actor, page)
    _files(actor, page)
    _said(actor, page, names)


@st.fragment(run_every="2s")
def _watch(actor: Actor, request_id: int, state: str) -> None:
    """Look again every two seconds, and draw the page anew once the job went on."""
    with db.reading() as session:
        now = queries.request(session, actor, request_id).request
    if now.state != state or now.failure:
        st.rerun()
    st.caption(":material/progress_activity: A job makes the repository; you can leave and come back.")


def story(page: RequestPage, names: dict[str, str]) -> list[str]:
    """What happened so far, the oldest first."""
    request = page.request
    lines = [f"Asked by {names[request.requested_by]}, {badges.exact(request.submitted_at or request.created_at)}"]
    if request.state == "submitted":
        lines.append(f"An approver decides until {badges.exact(request.due_at)}")
    if request.decided_at and request.decided_by:
        by = "at once" if request.decided_by.startswith("system:") else f"by {names[request.decided_by]}"
        word = "Rejected" if request.state == "rejected" else "Approved"
        lines.append(
            f"{word} {by}, {badges.exact(request.decided_at)}{': ' + request.reason if request.reason else ''}"
        )
    if request.rendered_at:
        lines.append(f"Made {badges.exact(request.rendered_at)}")
    if request.delivered_at:
        to = f" to {request.remote}" if request.delivery == "push" else ""
        lines.append(
            f"Delivered as {request.delivery}{to}, {badges.exact(request.delivered_at)}, commit {request.commit[:12]}"
        )
    if request.closed_at:
        lines.append(f"It runs, said {badges.exact(request.closed_at)}")
    return lines


def _own(actor: Actor, page: RequestPage) -> None:
    request = page.request
    if not page.is_own:
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        if request.state in ("draft", "changes requested"):
            st.page_link("request.py", label="Change and send", query_params={"id": str(request.id), "edit": "yes"}, icon=":material/edit:")  # fmt: skip
        if request.state == "failed" or (request.state == "rendered" and request.failure):
            _again(actor, page)
        if request.state == "delivered" and st.button("It runs: close", icon=":material/task_alt:", key="close"):
            writing.attempt(requests.close, actor=actor, request_id=request.id, done="Closed. Well done.")
        if "withdraw" in states.NEXT[request.state] and writing.confirmed("Withdraw", "Take this request back?", key="withdraw", icon=":material/undo:"):  # fmt: skip
            writing.attempt(requests.withdraw, actor=actor, request_id=request.id, done="The request was withdrawn.")


def _again(actor: Actor, page: RequestPage) -> None:
    if st.button("Try again", type="primary", icon=":material/refresh:", key="retry"):
        _begin(requests.retry, actor=actor, request_id=page.request.id)
    if page.request.state == "rendered" and st.button(
        "Take the zip instead", icon=":material/folder_zip:", key="as_zip"
    ):
        _begin(requests.deliver_otherwise, actor=actor, request_id=page.request.id, delivery="zip")


def _begin(action: object, **arguments: object) -> None:
    try:
        with db.writing() as session:
            action(session, **arguments)  # type: ignore[operator]
    except PortalError as error:
        notices.refuse(error)
        return
    template_work.begin()
    st.rerun()


def _result(actor: Actor, page: RequestPage) -> None:
    """The repository to take away, what is left to do by hand, and its gate token."""
    request = page.request
    if request.state not in states.HAS_RESULT:
        return
    st.subheader("The repository", anchor=False)
    name = f"{page.project.id}-{request.id}"
    with st.container(horizontal=True, vertical_alignment="center"):
        st.download_button("Download as zip", lambda: _zip(actor, request.id or 0), file_name=f"{name}.zip", mime="application/zip", icon=":material/folder_zip:", on_click="ignore", type="primary")  # fmt: skip
        st.download_button("Download as git bundle", lambda: _bundle(actor, request.id or 0), file_name=f"{name}.bundle", mime="application/octet-stream", icon=":material/account_tree:", on_click="ignore")  # fmt: skip
    st.code(_first_steps(page, name), language="bash")
    for step in requests.questions_of(page.version).manual_steps:
        st.markdown(f":material/back_hand: By hand: {plain(step)}")
    if request.experiment:
        there = "is there" if request.experiment_made_at else "is made as soon as MLflow answers"
        st.caption(plain(f"Its experiment in MLflow, {request.experiment}, {there}."))
    if page.is_own and request.state in ("delivered", "closed"):
        _token(actor, page)


def _first_steps(page: RequestPage, name: str) -> str:
    if page.request.delivery == "push":
        return f"git clone {page.request.remote}"
    if page.request.delivery == "bundle":
        return f"git clone {name}.bundle {page.project.id}"
    return f"unzip {name}.zip -d {page.project.id} && cd {page.project.id} && git init -b main && git add -A && git commit -m 'Start'"


def _token(actor: Actor, page: RequestPage) -> None:
    st.markdown("**Gate token.** With it the repository's pipeline asks the gate, as `PORTAL_TOKEN` among its secrets.")
    if page.request.token_id is not None:
        st.caption("It was issued. It was shown once and is kept nowhere.")
        return
    if st.button("Issue the gate token", icon=":material/key:", key="token"):
        try:
            with db.writing() as session:
                secret = requests.issue_gate_token(session, actor=actor, request_id=page.request.id or 0)
        except PortalError as error:
            notices.refuse(error)
            return
        st.code(secret, language=None)
        st.caption(f"Copy it now: it is shown this once, and ends in {requests.TOKEN_DAYS} days.")


def _zip(actor: Actor, request_id: int) -> bytes:
    with db.reading() as session:
        return queries.result(session, actor, request_id).to_zip()


def _bundle(actor: Actor, request_id: int) -> bytes:
    with db.reading() as session:
        page = queries.request(session, actor, request_id)
        files, subject, at = delivery.first_commit(session, page.request, page.project)
    return repository.bundle(files, subject=subject, at=at)


def _files(actor: Actor, page: RequestPage) -> None:
    request = page.request
    has_result = request.state in states.HAS_RESULT
    title = "Its files" if has_result else "Preview: the repository as it would be made"
    opened = st.expander(title, icon=":material/folder_open:", on_change="rerun", key="request_files", expanded=page.may_decide)  # fmt: skip
    if not opened.open:
        return
    with opened:
        try:
            if has_result:
                with db.reading() as session:
                    files = queries.result(session, actor, request.id or 0)
            else:
                files = sending.preview(page.version.id or 0, request.answers)
        except PortalError as error:
            notices.refuse(error)
            return
        template_files.show(files, key=f"request {request.id}")
    with st.expander("Answers", icon=":material/list:"):
        st.json(request.answers)


def _said(actor: Actor, page: RequestPage, names: dict[str, str]) -> None:
    st.subheader("Comments", anchor=False)
    for one in page.comments:
        with st.container(border=True, gap="xsmall"):
            st.markdown(plain(one.text))
            badges.when(plain(names[one.author]), one.at)
    with st.form("comment", border=False, clear_on_submit=True):
        words = st.text_area("Comment", max_chars=requests.NOTE_LENGTH, height=80)
        if st.form_submit_button("Comment", icon=":material/comment:"):
            writing.attempt(requests.comment, actor=actor, request_id=page.request.id, words=words, done="Said.")
