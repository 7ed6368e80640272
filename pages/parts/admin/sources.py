"""Where definitions come from: git sources, an upload, and what was refused when it was read."""

from __future__ import annotations

import streamlit as st

from core import db, jobs
from core.access import queries as people
from core.access.policy import Actor
from core.catalog import actions, queries
from core.catalog.tables import Source
from core.errors import PortalError, Unavailable
from core.jobs import SourceCheck
from pages.parts import badges, notices, writing
from pages.parts.admin import import_report, uploads
from pages.parts.notices import plain

_RENEWED = "2s"


def show(actor: Actor) -> None:
    """Git sources, one upload, and the problems."""
    with db.reading() as session:
        listed = queries.sources(session, actor)
        problems = queries.problems(session, actor)
        teams = {one.id: one.name for one in people.teams(session)}
    st.subheader("Git sources", anchor=False)
    _sources(actor, listed)
    _add(actor)
    st.subheader("Import a file", anchor=False)
    uploads.show(actor, teams)
    st.subheader("Problems", anchor=False)
    _problems(problems)


def _sources(actor: Actor, listed: list[Source]) -> None:
    """The sources; while a dry run is under way they are drawn anew until it has ended."""
    if not listed:
        st.info("No source yet. Add a repository whose definitions belong in the catalog.", icon=":material/source:")
        return
    waiting = _is_waiting(_checks(actor))
    st.fragment(_list, run_every=_RENEWED if waiting else None)(actor, listed, waiting)


def _list(actor: Actor, listed: list[Source], waiting: bool) -> None:
    checks = _checks(actor)
    for source in listed:
        _source(actor, source, checks.get(source.id or 0))
    if waiting and not _is_waiting(checks):
        st.rerun()


def _checks(actor: Actor) -> dict[int, SourceCheck]:
    try:
        return jobs.source_checks(actor)
    except Unavailable:  # whoever asks for a job is told so; the sources are there all the same
        return {}


def _is_waiting(checks: dict[int, SourceCheck]) -> bool:
    return any(one.under_way for one in checks.values())


def _source(actor: Actor, source: Source, check: SourceCheck | None) -> None:
    with st.container(border=True):
        st.markdown(f"**{plain(source.location)}**")
        st.caption(
            f"Imported {badges.ago(source.imported_at)}" + (f": {plain(source.outcome)}" if source.outcome else "")
        )
        with st.container(horizontal=True):
            if st.button("Dry run", key=f"check_{source.id}", icon=":material/rule:", help=jobs.JOBS["check-source"]):
                _ask(actor, "check-source", source, "The dry run is queued.")
            if st.button("Import now", key=f"import_{source.id}", icon=":material/sync:"):
                _ask(actor, "import-source", source, "The import is queued; reload in a moment to see how it went.")
            if writing.confirmed(
                "Remove", "Entries that came from it stay.", key=f"remove_{source.id}", icon=":material/delete:"
            ):
                writing.attempt(actions.remove_source, done="The source is removed.", actor=actor, source_id=source.id)
        if check and (source.imported_at is None or source.imported_at < check.started_at):
            _checked(check)


def _ask(actor: Actor, job: str, source: Source, done: str) -> None:
    try:
        jobs.enqueue(actor, job, source.id)
    except PortalError as error:
        notices.refuse(error)
        return
    notices.after_rerun(done)
    st.rerun()


def _checked(check: SourceCheck) -> None:
    """The dry run that nothing was imported after."""
    if check.under_way:
        st.info("The dry run waits for its turn or fetches the repository …", icon=":material/hourglass_top:")
        return
    badges.when("Dry run", check.started_at)
    if check.failure:
        st.error(plain(check.failure), icon=":material/error:")
    else:
        import_report.show(check.counts, check.changes, dry_run=True)


def _add(actor: Actor) -> None:
    with st.form("add_source"):
        location = st.text_input("Location", placeholder="https://github.com/organisation/repository")
        if st.form_submit_button("Add source", icon=":material/add:"):
            writing.attempt(
                actions.add_source, done="Added; try what an import would do.", actor=actor, location=location
            )


def _problems(problems: list[tuple[str, str, list[str]]]) -> None:
    if not problems:
        st.success("Every definition file was read without a problem.", icon=":material/check_circle:")
    for source, path, found in problems:
        st.error(
            f"**{plain(path)}** ({plain(source)})\n\n" + "\n".join(f"- {plain(one)}" for one in found),
            icon=":material/rule:",
        )
