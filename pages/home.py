"""What waits for me, what changed in what I own, and the factory at a glance."""

from __future__ import annotations

from datetime import timedelta

import streamlit as st

from core import db
from core.access import policy
from core.activity import queries as activity
from core.catalog import queries as catalog
from core.catalog import search
from core.projects import queries as projects
from core.reviews import readable
from core.tracking import queries as tracking
from pages.parts import actor as actors
from pages.parts import badges, timeline, waiting
from pages.parts.notices import plain

NEW_DAYS = 30


def at_a_glance() -> None:
    """Five numbers, each with what stands behind it."""
    numbers = [
        ("Shared entries", glance.entries, f"{glance.added_this_month} new in {NEW_DAYS} days", "catalog.py", {}),
        ("Adoptions", glance.adoptions, "Most used first", "catalog.py", {"sort": "adoptions"}),
        ("Projects", running.total, "Who works on what", "projects.py", {}),
        ("Registered models", registered, f"As of {badges.ago(fresh.as_of)}", "models.py", {"sort": "value"}),
        ("Unmet wishes", wanted, "Most asked for first", "demand.py", {}),
    ]
    for place, (label, value, meaning, target, query) in zip(st.columns(len(numbers)), numbers, strict=True):
        with place, st.container(border=True, gap="xsmall"):
            st.metric(label, f"{value:,}")
            st.caption(meaning)
            st.page_link(
                target, label="Open", query_params=query, icon=":material/arrow_forward:", help=f"{label}: {meaning}"
            )


actor = actors.current()
with db.reading() as session:
    if not policy.may(actor, "catalog.browse"):
        st.title(f"Welcome, {plain(actor.name)}")
        st.info("You have no role yet. Ask an administrator to grant you one; then the factory opens here.", icon=":material/key:")  # fmt: skip
        st.stop()
    glance = catalog.glance(session, actor, since=db.now() - timedelta(days=NEW_DAYS))
    running = projects.projects(session, actor, size=1)
    fresh, registered = tracking.freshness(session), tracking.registered(session)
    wanted = search.unmet(session, actor)
    owned = catalog.owned(session, actor)
    tasks = waiting.read(session, actor)
    seen = readable.seen_by(session, actor)
    may_read = policy.may_anywhere(actor, "activity.read")
    recent = activity.history(session, actor, size=8, seen=seen).items if may_read else []

st.title(f"Welcome, {plain(actor.name.split()[0])}", anchor=False)
at_a_glance()

mine, changes = st.columns([3, 2], gap="large")
with mine:
    st.subheader("Waiting for you", anchor=False)
    waiting.show(actor, tasks)
    st.subheader("What your teams own", anchor=False)
    if not owned:
        st.caption("Your teams own no entry yet. Share something: propose an entry.")
    for one in owned:
        st.page_link("entry.py", label=f"{plain(one.title)} · changed {badges.ago(one.updated_at)}", query_params={"ref": one.key}, icon=badges.kind_icon(one.kind))  # fmt: skip
with changes:
    st.subheader("What happened lately", anchor=False)
    if recent:
        with db.reading() as session:
            timeline.show(session, recent, with_subject=True)
    else:
        st.caption("Nothing that your role may read happened lately.")
