"""One version of a template: its questions, files, what the lint found, and publishing it by a second person."""

from __future__ import annotations

from typing import Any

import streamlit as st

from core import db
from core.access import policy
from core.access import queries as people
from core.access.policy import Actor
from core.catalog.actions import scope_of
from core.catalog.tables import Entry
from core.errors import PortalError
from core.templates import publishing, queries, requests
from core.templates.tables import TemplateVersion
from pages.parts import badges, notices, template_files, writing
from pages.parts.notices import plain

STATES = {
    "reading": ("Being read", ":material/progress_activity:", "blue"),
    "unreadable": ("Could not be read", ":material/error:", "red"),
    "proposed": ("Waits for a second person", ":material/hourglass_top:", "orange"),
    "published": ("Published", ":material/verified:", "green"),
    "rejected": ("Turned down", ":material/thumb_down:", "red"),
    "withdrawn": ("Taken back", ":material/undo:", "gray"),
}


def show(actor: Actor, version_id: int) -> None:
    """The page of a version."""
    st.page_link("templates.py", label="All templates", icon=":material/arrow_back:")
    try:
        with db.reading() as session:
            version, entry = queries.version(session, actor, version_id)
            others = queries.versions(session, actor, version.entry_id)
            names = people.names(session, {version.proposed_by, version.decided_by or ""})
    except PortalError as error:
        st.title("Template version", anchor=False)
        notices.refuse(error)
        return
    _header(actor, version, entry, names)
    _decide(actor, version, entry)
    tabs = st.tabs(
        ["Lint", "Questions", "Files", "Versions"], on_change="rerun", key="version_tab", bind="query-params"
    )
    draws = (
        lambda: _lint(version),
        lambda: _questions(version),
        lambda: _files(actor, version),
        lambda: _versions(others),
    )
    for tab, draw in zip(tabs, draws, strict=True):
        if tab.open:
            with tab:
                draw()


def _header(actor: Actor, version: TemplateVersion, entry: Entry, names: dict[str, str]) -> None:
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        st.title(f"{plain(entry.title)} {plain(version.version)}", anchor=False)
        if version.state == "published" and policy.may_anywhere(actor, "template.request"):
            st.page_link("request.py", label="Ask for it", query_params={"template": str(version.id)}, icon=":material/rocket_launch:")  # fmt: skip
    security = " " + badges.text("Security", ":material/security:", "red") if version.security else ""
    st.markdown(badges.text(*STATES[version.state]) + security)
    st.page_link("entry.py", label=f"The entry {plain(entry.key)}", query_params={"ref": entry.key}, icon=badges.kind_icon("template"))  # fmt: skip
    where = f"{version.source}{f' at {version.commit[:12]}' if version.commit else ''}"
    st.caption(plain(f"From {where} · {version.form or 'not read yet'} · content {version.content_hash[:12]}"))
    badges.when(f"Proposed by {plain(names[version.proposed_by])}", version.proposed_at)
    if version.decided_by:
        badges.when(f"{STATES[version.state][0]} by {plain(names[version.decided_by])}", version.decided_at)
    if version.notes:
        st.markdown(plain(version.notes))
    if version.failure or version.reason:
        st.info(plain(version.failure or version.reason), icon=":material/info:")


def _decide(actor: Actor, version: TemplateVersion, entry: Entry) -> None:
    if version.state not in ("proposed", "unreadable"):
        return
    own = version.proposed_by == actor.ref
    if own:
        st.info(
            "You proposed this, so another person publishes it: an ML engineer or a reviewer.", icon=":material/group:"
        )
        if writing.confirmed("Take back", "Take this version back?", key="take_back", icon=":material/undo:"):
            writing.attempt(publishing.reject, actor=actor, version_id=version.id, reason="", done="Taken back.")
        return
    if not policy.may(actor, "entry.publish", scope_of(entry)):
        return
    errors = sum(one["severity"] == "error" for one in version.findings)
    with st.container(horizontal=True):
        if st.button("Publish", type="primary", icon=":material/verified:", key="publish", disabled=bool(errors) or version.state != "proposed"):  # fmt: skip
            writing.attempt(publishing.publish, actor=actor, version_id=version.id, done=f"Version {version.version} is published.")  # fmt: skip
        with st.popover("Turn down", icon=":material/thumb_down:"), st.form("turn_down", border=False):
            reason = st.text_area("What would have to change?", max_chars=publishing.NOTES_LENGTH)
            if st.form_submit_button("Turn down"):
                writing.attempt(
                    publishing.reject, actor=actor, version_id=version.id, reason=reason, done="Turned down."
                )


def _lint(version: TemplateVersion) -> None:
    if not version.findings:
        st.success("The lint found nothing: every name and file was parsed, and uses what is allowed.", icon=":material/verified:")  # fmt: skip
    else:
        findings(version.findings)
    if version.definition and (steps := requests.questions_of(version).manual_steps):
        st.markdown("**Never run, shown as steps by hand**")
        for step in steps:
            st.markdown(f"- {plain(step)}")


def findings(found: list[dict[str, Any]]) -> None:
    """What the lint found, errors first."""
    ordered = sorted(found, key=lambda one: (one["severity"] != "error", one["path"], one["line"]))
    st.dataframe(
        {
            "Severity": [one["severity"] for one in ordered],
            "File": [one["path"] for one in ordered],
            "Line": [one["line"] for one in ordered],
            "Finding": [one["message"] for one in ordered],
            "To mend it": [one["hint"] for one in ordered],
        },
        hide_index=True, alt=f"{len(ordered)} findings of the lint",
    )  # fmt: skip


def _questions(version: TemplateVersion) -> None:
    questions = requests.questions_of(version).questions if version.definition else ()
    asked = [one for one in questions if not one.computed]
    if not asked:
        st.info("This template asks nothing.", icon=":material/quiz:")
        return
    st.dataframe(
        {
            "Question": [one.name for one in asked],
            "Type": [one.type + (" (several)" if one.multiselect else "") for one in asked],
            "Asks": [one.help for one in asked],
            "Default": ["" if one.secret else str(one.default if one.default is not None else "") for one in asked],
            "Choices": [", ".join(str(label) for label, _ in one.choices) for one in asked],
        },
        hide_index=True, alt=f"{len(asked)} questions of the template",
    )  # fmt: skip


def _files(actor: Actor, version: TemplateVersion) -> None:
    if not version.content_hash:
        st.caption("Nothing was read yet.")
        return
    try:
        with db.reading() as session:
            files = queries.files(session, actor, version.id or 0)
    except PortalError as error:
        notices.refuse(error)
        return
    template_files.show(files, key=f"version {version.id}")


def _versions(others: list[TemplateVersion]) -> None:
    for one in others:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.page_link("templates.py", label=f"Version {plain(one.version)}", query_params={"version": str(one.id)}, icon=":material/history:")  # fmt: skip
            st.markdown(badges.text(*STATES[one.state]))
            st.caption(plain(one.notes[:200]))
