"""Proposing a version of a template, from an uploaded archive or a git repository, and what waits for a second person."""

from __future__ import annotations

from typing import Any

import streamlit as st

from core import db
from core.access import policy
from core.access import queries as people
from core.access.policy import Actor, Scope
from core.catalog.kinds import API_VERSION
from core.errors import Invalid, PortalError
from core.templates import publishing, queries, snapshot
from core.templates.queries import TemplateRow
from pages.parts import badges, notices, template_version, template_work
from pages.parts.notices import plain

MOST_MEGABYTES = 20


def show(actor: Actor) -> None:
    """What waits, then the form."""
    with db.reading() as session:
        rows = queries.templates(session, actor)
        teams = {
            one.id: one.name
            for one in people.teams(session)
            if policy.may(actor, "entry.propose", Scope(one.unit_id, one.id))
        }
        waiting = [(one, version) for one in rows if one.waiting for version in queries.versions(session, actor, one.entry_id)]  # fmt: skip
    _waiting([(row, version) for row, version in waiting if version.state == "proposed"])
    st.subheader("Propose a version", anchor=False)
    st.caption(
        "copier templates, cookiecutter templates, Backstage software templates and plain repositories are understood. "
        "Hooks, tasks and steps are never run: they are shown as steps by hand."
    )
    left, right = st.columns(2, gap="large")
    with left:
        template = _template(rows, teams)
        version = st.text_input("Version", key="publish_version", placeholder="1.0.0", max_chars=40)
        notes = st.text_area("What is new", key="publish_notes", max_chars=publishing.NOTES_LENGTH, height=80)
        security = st.checkbox("Projects on older versions should update for security", key="publish_security")
    with right:
        given = _source()
    if st.button("Read and propose", type="primary", icon=":material/policy:", key="publish_send"):
        _send(actor, template, {"version": version, "notes": notes, "security": security}, given)


def _waiting(rows: list[tuple[TemplateRow, Any]]) -> None:
    st.subheader("Waiting for a second person", anchor=False)
    for row, version in rows:
        with st.container(border=True, horizontal=True, vertical_alignment="center"):
            st.page_link("templates.py", label=f"{plain(row.title)} {plain(version.version)}", query_params={"version": str(version.id)}, icon=":material/policy:")  # fmt: skip
            st.markdown(badges.text(*template_version.STATES[version.state]))
            st.caption(plain(f"from {version.source}"))
    if not rows:
        st.caption("No version waits.")


def _template(rows: list[TemplateRow], teams: dict[str, str]) -> dict[str, Any]:
    """The template the version is of: one that is there, or a new one."""
    options = {0: "A new template"} | {one.entry_id: one.title for one in rows}
    chosen = st.selectbox("Template", options, format_func=options.__getitem__, key="publish_template")
    if chosen:
        return {"entry_id": chosen}
    name = st.text_input("Name", key="publish_name", placeholder="batch-pipeline", max_chars=63)
    title = st.text_input(
        "Title", key="publish_title", placeholder="Batch training and scoring pipeline", max_chars=140
    )
    summary = st.text_area("What it gives", key="publish_summary", height=80, max_chars=1000)
    owner = st.selectbox("Owner", teams, format_func=teams.__getitem__, key="publish_owner", index=None)
    return {"name": name.strip(), "title": title.strip(), "summary": summary.strip(), "owner": owner}


def _source() -> dict[str, Any]:
    way = st.radio("From", ("An archive", "A git repository"), horizontal=True, key="publish_way")
    if way == "An archive":
        return {"upload": st.file_uploader("Zip of the template", type="zip", key="publish_upload", max_upload_size=MOST_MEGABYTES)}  # fmt: skip
    return {
        "location": st.text_input("Address", key="publish_location", placeholder="https://github.com/acme/template.git", max_chars=400),
        "ref": st.text_input("Branch or tag", key="publish_ref", placeholder="the default branch", max_chars=200),
        "folder": st.text_input("Folder in it", key="publish_folder", placeholder="the whole repository", max_chars=200),
    }  # fmt: skip


def _send(actor: Actor, template: dict[str, Any], said: dict[str, Any], given: dict[str, Any]) -> None:
    try:
        reading = _uploaded(given["upload"]) if "upload" in given else None
        with db.writing() as session:
            entry_id = template.get("entry_id") or publishing.begin(session, actor=actor, document=_document(template))
            if reading is not None:
                source = given["upload"].name
                made = publishing.propose(
                    session, actor=actor, entry_id=entry_id, reading=reading, source=source, **said
                )
            else:
                made = publishing.ask_to_read(session, actor=actor, entry_id=entry_id, **said, **given)
    except PortalError as error:
        notices.refuse(error)
        return
    if reading is None:
        template_work.begin()
    notices.after_rerun(f"Version {made.version} is proposed." if reading else "The repository is being read.")
    st.switch_page("templates.py", query_params={"version": str(made.id)})


def _uploaded(upload: Any) -> publishing.Reading:
    if upload is None:
        raise Invalid("Choose the zip of the template.")
    return publishing.read(snapshot.from_zip(upload.getvalue()))


def _document(template: dict[str, Any]) -> dict[str, Any]:
    metadata = {"name": template["name"], "title": template["title"], "description": template["summary"]}
    spec = {"owner": template["owner"] or "", "engine": "copier"}
    return {"apiVersion": API_VERSION, "kind": "template", "metadata": metadata, "spec": spec}
