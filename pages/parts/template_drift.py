"""The drift board: which repository stands on which template version, and preparing its update."""

from __future__ import annotations

from typing import Any

import streamlit as st

from core import db
from core.access import policy
from core.access.policy import Actor
from core.errors import Invalid, PortalError
from core.templates import queries, sending, updates
from core.templates.queries import DriftRow
from core.templates.tables import TemplateStand, TemplateUpdate, TemplateVersion
from pages.parts import addresses, badges, notices, template_form, template_work, writing
from pages.parts.notices import plain

SIZE = 50
MOST_MEGABYTES = 20
STATES = {
    "asked": ("Being prepared", ":material/progress_activity:", "blue"),
    "prepared": ("Prepared", ":material/merge:", "green"),
    "failed": ("Failed", ":material/error:", "red"),
    "applied": ("Applied", ":material/task_alt:", "green"),
}


def board(actor: Actor) -> None:
    """Repositories, those with a security update first, then the furthest behind."""
    everything = addresses.tick("Also those that are up to date", "all")
    page = addresses.page_number()
    with db.reading() as session:
        rows, total = queries.drift(session, actor, behind_only=not everything, page=page, size=SIZE)
    st.markdown(f"**{badges.count(total, 'repository', 'repositories')}**")
    for row in rows:
        _line(row)
    if not rows:
        told = "No repository is behind its template." if not everything else "No repository came from a template yet."
        st.info(told, icon=":material/task_alt:")
    addresses.pages(total, SIZE, page)


def _line(row: DriftRow) -> None:
    with st.container(border=True, gap="xsmall"):
        with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
            st.page_link("templates.py", label=f"**{plain(row.project)}** on {plain(row.template)}", query_params={"stand": str(row.stand_id)}, icon=":material/difference:")  # fmt: skip
            st.markdown(badge(row))
        newest = f", newest is {row.newest}" if row.behind else ""
        st.caption(plain(f"version {row.version}{newest} · {row.team} · since {badges.exact(row.since)}"))


def badge(row: DriftRow) -> str:
    """How far it is behind, as icon, word and colour."""
    if not row.behind:
        return badges.text("Up to date", ":material/check_circle:", "green")
    behind = badges.text(f"Behind by {row.behind}", ":material/update:", "orange")
    return (badges.text("Security", ":material/security:", "red") + " " if row.security else "") + behind


def one(actor: Actor, stand_id: int) -> None:
    """The page of one repository: its updates, and preparing the next one."""
    st.page_link("templates.py", label="All repositories", query_params={"view": "drift"}, icon=":material/arrow_back:")
    try:
        with db.reading() as session:
            stand, row = queries.stand(session, actor, stand_id)
            made = queries.updates(session, actor, stand_id)
            newest = queries.version(session, actor, row.newest_id)[0] if row else None
    except PortalError as error:
        st.title("Repository", anchor=False)
        notices.refuse(error)
        return
    if row is None or newest is None:
        return
    st.title(f"{plain(row.project)} on {plain(row.template)}", anchor=False)
    st.markdown(badge(row))
    st.caption(plain(f"It stands on version {row.version}; the newest is {row.newest}."))
    st.page_link(
        "project.py", label="The project", query_params={"id": row.project_id}, icon=badges.kind_icon("project")
    )
    for update in made:
        _update(actor, update)
    if any(one.state == "asked" for one in made):
        _watch(actor, stand_id)
    elif row.behind and policy.may_anywhere(actor, "template.request"):
        _prepare(actor, stand, newest)


@st.fragment(run_every="2s")
def _watch(actor: Actor, stand_id: int) -> None:
    with db.reading() as session:
        if not any(one.state == "asked" for one in queries.updates(session, actor, stand_id)):
            st.rerun()
    st.caption(":material/progress_activity: A job prepares the update; you can leave and come back.")


def _update(actor: Actor, update: TemplateUpdate) -> None:
    with st.container(border=True, gap="xsmall"):
        st.markdown(f"**Update {update.id}** {badges.text(*STATES[update.state])}")
        badges.when(plain(f"Asked for {update.source},"), update.asked_at)
        if update.failure:
            st.error(plain(update.failure), icon=":material/error:")
        if update.result is None:
            return
        st.markdown(f"{badges.count(len(update.changed), 'file')} change, **{len(update.conflicts)} in conflict**")
        for path in update.conflicts:
            st.markdown(f":material/call_merge: Decide in **{plain(path)}**: both sides changed the same place.")
        with st.container(horizontal=True):
            st.download_button("Download the update", lambda: _zip(actor, update.id or 0), file_name=f"update-{update.id}.zip", mime="application/zip", icon=":material/download:", on_click="ignore", key=f"get_{update.id}")  # fmt: skip
            if update.state == "prepared" and writing.confirmed("It is applied", "Does the repository have this update now?", key=f"applied_{update.id}", icon=":material/task_alt:"):  # fmt: skip
                writing.attempt(updates.applied, actor=actor, update_id=update.id, done="The project stands on the newer version.")  # fmt: skip
        st.caption("In the zip: `update.patch` for `git apply --3way`, `update.bundle` with a branch where it came from git, and every file.")  # fmt: skip


def _prepare(actor: Actor, stand: TemplateStand, version: TemplateVersion) -> None:
    st.subheader(f"Prepare the update to {plain(version.version)}", anchor=False)
    if version.notes:
        st.markdown(plain(version.notes))
    left, right = st.columns([3, 2], gap="large")
    key = f"update {stand.id} {version.id}"
    with left:
        st.markdown("**Answers**, as they were given; new questions are asked here")
        answers, form = template_form.show(version, stand.answers, key=key)
    with right:
        way = st.radio("The project as", ("A zip of it", "A git address"), horizontal=True, key=f"{key} way")
        upload, address = None, ""
        if way == "A zip of it":
            upload = st.file_uploader(
                "Zip of the repository", type="zip", key=f"{key} zip", max_upload_size=MOST_MEGABYTES
            )
        else:
            address = st.text_input("Address", key=f"{key} address", max_chars=400, placeholder="https://github.com/acme/project.git")  # fmt: skip
    ready = form is not None and not form.errors
    if st.button("Prepare the update", type="primary", icon=":material/merge:", key=f"{key} send", disabled=not ready):
        _send(actor, stand, version, answers, upload, address)


def _send(
    actor: Actor, stand: TemplateStand, version: TemplateVersion, answers: dict[str, Any], upload: Any, address: str
) -> None:
    try:
        if upload is None and not address.strip():
            raise Invalid("Choose the zip of the project, or write its git address.")
        complete = sending.complete(version.id or 0, answers)
        content = (upload.name, upload.getvalue()) if upload is not None else None
        with db.writing() as session:
            updates.ask(session, actor=actor, stand_id=stand.id or 0, version_id=version.id or 0, answers=complete, address=address.strip(), upload=content)  # fmt: skip
    except PortalError as error:
        notices.refuse(error)
        return
    template_work.begin()
    st.rerun()


def _zip(actor: Actor, update_id: int) -> bytes:
    with db.reading() as session:
        return queries.update_result(session, actor, update_id)
