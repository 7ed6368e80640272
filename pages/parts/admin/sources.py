"""Where definitions come from: git sources, an uploaded file, and what was refused when it was read."""

from __future__ import annotations

import hashlib
from functools import partial
from typing import Any

import streamlit as st

from core import db, jobs
from core.access import queries as people
from core.access.policy import Actor
from core.catalog import actions, loader, queries, sources
from core.catalog.loader import Report
from core.catalog.sources import SourceFile
from core.catalog.tables import Source
from core.errors import Invalid, PortalError
from pages.parts import badges, notices, writing
from pages.parts.notices import plain

UPLOAD = "import:upload"
MOST_ROWS = 200


def show(actor: Actor) -> None:
    """Git sources, one file, and the problems."""
    with db.reading() as session:
        listed = queries.sources(session, actor)
        problems = queries.problems(session, actor)
        teams = {one.id: one.name for one in people.teams(session)}
    st.subheader("Git sources", anchor=False)
    for source in listed:
        _source(actor, source)
    if not listed:
        st.info("No source yet. Add a repository whose definitions belong in the catalog.", icon=":material/source:")
    _add(actor)
    st.subheader("Import a file", anchor=False)
    _upload(actor, teams)
    st.subheader("Problems", anchor=False)
    _problems(problems)


def _source(actor: Actor, source: Source) -> None:
    with st.container(border=True):
        st.markdown(f"**{plain(source.location)}**")
        st.caption(
            f"Imported {badges.ago(source.imported_at)}" + (f": {plain(source.outcome)}" if source.outcome else "")
        )
        with st.container(horizontal=True):
            if st.button("Import now", key=f"import_{source.id}", icon=":material/sync:"):
                _import_now(actor, source)
            if writing.confirmed(
                "Remove", "Entries that came from it stay.", key=f"remove_{source.id}", icon=":material/delete:"
            ):
                writing.attempt(actions.remove_source, done="The source is removed.", actor=actor, source_id=source.id)


def _import_now(actor: Actor, source: Source) -> None:
    try:
        jobs.enqueue(actor, "import-source", source.id)
    except PortalError as error:
        notices.refuse(error)
    else:
        st.success("The import is queued; reload in a moment to see how it went.", icon=":material/schedule:")


def _add(actor: Actor) -> None:
    with st.form("add_source"):
        location = st.text_input("Location", placeholder="https://github.com/organisation/repository")
        if st.form_submit_button("Add source", icon=":material/add:"):
            writing.attempt(actions.add_source, done="Added; import it now.", actor=actor, location=location)


def _upload(actor: Actor, teams: dict[str, str]) -> None:
    file = st.file_uploader("YAML file with definitions", type=["yaml", "yml"], help="Ours, Backstage or Azure ML; many documents in one file are fine.")  # fmt: skip
    owner = st.selectbox(
        "Team for definitions that name no owner", teams, index=None, format_func=teams.__getitem__, key="default_owner"
    )
    if file is None:
        st.session_state.pop("import_checked", None)
        return
    content, name = file.getvalue(), file.name
    print_ = hashlib.sha256(f"{owner}\0".encode() + content).hexdigest()
    with st.container(horizontal=True):
        check = st.button("Check what it would do", icon=":material/rule:")
        checked, report = st.session_state.get("import_checked", ("", None))
        apply = checked == print_ and not check and st.button("Apply", type="primary", icon=":material/publish:")
    if check or apply:
        report = _run(actor, name, content, owner, print_, dry_run=not apply)
        if report is None:
            return
        st.session_state["import_checked"] = (print_ if report.dry_run else "", report)
        st.rerun()
    if report is not None:
        _report(report)


def _run(actor: Actor, name: str, content: bytes, owner: str | None, print_: str, *, dry_run: bool) -> Report | None:
    try:
        text = content.decode("utf-8")
        file = SourceFile(name[:200], print_, partial(sources.read, text, name[:200], default_owner=owner))
        return loader.run(actor, source=UPLOAD, files=[file], whole=False, dry_run=dry_run)
    except UnicodeDecodeError:
        notices.refuse(Invalid("The file is not UTF-8 text.", hint="Save it as UTF-8."))
    except PortalError as error:
        notices.refuse(error)
    return None


def _report(report: Report) -> None:
    counts = ", ".join(f"{count} {action}" for action, count in report.counts.items() if count)
    if report.dry_run:
        st.info(f"It would: {counts or 'change nothing'}. Nothing is changed yet.", icon=":material/rule:")
    else:
        st.success(f"Imported: {counts or 'nothing changed'}.", icon=":material/check_circle:")
    if report.changes:
        rows: list[dict[str, Any]] = [
            {
                "What": one.action, "Entry": plain(one.key), "Fields": plain(", ".join(one.fields)),
                "Kept as edited here": plain(", ".join(one.kept)), "Problems": plain(" ".join(one.problems)),
            }
            for one in report.changes[:MOST_ROWS]
        ]  # fmt: skip
        st.table(rows, border="horizontal", hide_index=True, alt="What the import does to each entry")


def _problems(problems: list[tuple[str, str, list[str]]]) -> None:
    if not problems:
        st.success("Every definition file was read without a problem.", icon=":material/check_circle:")
    for source, path, found in problems:
        st.error(
            f"**{plain(path)}** ({plain(source)})\n\n" + "\n".join(f"- {plain(one)}" for one in found),
            icon=":material/rule:",
        )
