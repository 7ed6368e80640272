"""One entry: what it is, who owns it, how to use it, who does, what it relates to, and what happened to it."""

from __future__ import annotations

import streamlit as st

from core import db
from core.access import policy
from core.catalog import actions, queries
from core.catalog.kinds import SPECS, Lifecycle
from core.errors import PortalError
from core.projects import adoption
from core.projects import queries as projects
from pages.parts import actor as actors
from pages.parts import badges, entry_tabs, notices, pattern_use, texts, writing
from pages.parts.notices import plain


def adopt_form() -> None:
    """Adopt the entry for one of the projects this person may act for, which are read when the form is opened."""
    of_pattern = entry.kind == adoption.PATTERN
    panel = st.popover("Use for a project" if of_pattern else "Adopt for a project", type="primary", icon=":material/add_task:", on_change="rerun", key="adopting")  # fmt: skip
    if not panel.open:
        return
    with panel:
        q = st.text_input("Find a project", key="adopt_search", max_chars=200, placeholder="Part of its title or id", icon=":material/search:")  # fmt: skip
        with db.reading() as session:
            found = projects.adoptable(session, actor, entry.id or 0, q=q)
        if not found.items:
            st.caption("No running project that you may act for matches and does not use it yet.")
            return
        titles = {one.id: f"{one.title} ({one.team})" for one in found.items}
        project_id = st.selectbox("Project", titles, format_func=titles.__getitem__, key="adopt_project")
        if found.total > len(found.items):
            st.caption(f"The first {len(found.items)} of {found.total:,}: type a word to find another one.")
        if of_pattern:
            pattern_use.choose_for(project_id)
            return
        how = st.radio("How", adoption.WAYS, format_func=lambda one: adoption.WAYS[one].capitalize(), key="adopt_how", horizontal=True)  # fmt: skip
        note = st.text_area("Note", max_chars=adoption.NOTE_LENGTH, placeholder="For what, or what was changed", key="adopt_note")  # fmt: skip
        st.caption(f"The project will be listed as a user of version {plain(entry.version)}.")
        if not st.button("Adopt", type="primary", key="adopt"):
            return
        writing.attempt(
            adoption.adopt, actor=actor, project_id=project_id, entry_id=entry.id or 0, how=how, note=note,
            done=f"{titles[project_id]} uses this entry from now on.",
        )  # fmt: skip


def lifecycle_form(steps: list[Lifecycle]) -> None:
    """Publish, deprecate or retire, for those who may."""
    with st.popover("Change lifecycle", icon=":material/published_with_changes:"), st.form("lifecycle", border=False):
        to = st.selectbox("New state", steps, format_func=lambda one: badges.LIFECYCLES[one][0])
        successor = st.text_input("Replaced by (when deprecating)", placeholder="asset:default/drift-statistics")
        reason = st.text_area("Why", max_chars=actions.NOTE_LENGTH)
        if not st.form_submit_button("Change", type="primary"):
            return
        writing.attempt(
            adoption.change_lifecycle, actor=actor, entry_id=entry.id or 0, to=to, revision=entry.revision, reason=reason,
            successor=successor, done=f"{entry.title} is {badges.LIFECYCLES[to][0].lower()} now.",
        )  # fmt: skip


def warnings() -> None:
    """What somebody must know before using it."""
    if page.renamed_from:
        st.info(f"{plain(page.renamed_from)} is called {plain(entry.key)} now.", icon=":material/shortcut:")
    if entry.lifecycle == Lifecycle.deprecated and entry.successor:
        st.warning("Deprecated: new projects use its successor.", icon=":material/warning:")
        st.page_link("entry.py", label=f"Go to {plain(entry.successor)}", query_params={"ref": entry.successor})
    if entry.stale_since:
        st.warning(f"Its definition vanished from its source {badges.ago(entry.stale_since)}; ask {plain(entry.owner)} whether it still holds.", icon=":material/history_toggle_off:")  # fmt: skip


actor = actors.current()
try:
    with db.reading() as session:
        page = queries.entry(session, actor, st.query_params.get("ref", ""))
except PortalError as error:
    st.title("Entry")
    notices.refuse(error)
    st.page_link("catalog.py", label="Search the catalog", icon=":material/search:")
    st.stop()

entry = page.entry
with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
    st.title(plain(entry.title), anchor=False)
    with st.container(horizontal=True, width="content"):
        if policy.may_anywhere(actor, "entry.adopt") and entry.lifecycle not in (
            Lifecycle.deprecated,
            Lifecycle.retired,
        ):
            adopt_form()
        is_open = entry.kind in SPECS and not actions.is_kept(entry)
        may_propose = is_open and policy.may(actor, "entry.propose", page.scope)
        if may_propose and st.button("Propose a change", icon=":material/edit:"):
            st.switch_page("propose.py", query_params={"ref": entry.key})
        steps = sorted(actions.NEXT[Lifecycle(entry.lifecycle)])
        if steps and is_open and policy.may(actor, "entry.publish", page.scope):
            lifecycle_form(steps)

used = badges.count(entry.adoptions, "project")
tags = " ".join(f":gray-badge[{plain(tag)}]" for tag in page.tags)
line = badges.status_line(entry.kind, entry.lifecycle, entry.classification, stale=entry.stale_since is not None)
st.markdown(f"{line} {tags}")
st.markdown(plain(entry.summary))
facts = [
    f"owned by {entry.owner}",
    f"version {entry.version}" if entry.version else "",
    entry.licence,
    f"used by {used}",
]
st.caption(" · ".join(plain(one) for one in facts if one))
texts.code(entry.key)
badges.when("Changed", entry.updated_at)
if actions.is_kept(entry):
    st.page_link("project.py", label="Open the project, which keeps this entry", query_params={"id": entry.name}, icon=badges.kind_icon("project"))  # fmt: skip
warnings()

drawn = entry_tabs.tabs_of(entry.kind)
tabs = st.tabs(list(drawn), on_change="rerun", key="tab", bind="query-params")
for tab, draw in zip(tabs, drawn.values(), strict=True):
    if tab.open:
        with tab:
            draw(actor, page)
