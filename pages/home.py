"""What waits for me, what changed in what I own, and the factory at a glance."""

from __future__ import annotations

from datetime import timedelta

import streamlit as st

from core import db
from core.access import policy
from core.access import queries as people
from core.activity import queries as activity
from core.catalog import queries as catalog
from core.catalog import search
from core.people import notices
from core.projects import queries as projects
from core.tracking import queries as tracking
from pages.parts import actor as actors
from pages.parts import badges, sentences, timeline, writing
from pages.parts.notices import plain

NEW_DAYS = 30


def at_a_glance() -> None:
    """Five numbers, each with what stands behind it."""
    numbers = [
        ("Shared entries", glance.entries, f"{glance.added_this_month} new in {NEW_DAYS} days", "catalog.py", {}),
        ("Adoptions", glance.adoptions, "Most used first", "catalog.py", {"sort": "adoptions"}),
        ("Projects", running.total, "Who works on what", "projects.py", {}),
        ("Registered models", registered, f"As of {badges.ago(fresh.as_of)}", "models.py", {"sort": "value"}),
        ("Unmet wishes", wanted, "Search, or ask for it", "catalog.py", {}),
    ]
    for place, (label, value, meaning, target, query) in zip(st.columns(len(numbers)), numbers, strict=True):
        with place, st.container(border=True, gap="xsmall"):
            st.metric(label, f"{value:,}")
            st.caption(meaning)
            st.page_link(
                target, label="Open", query_params=query, icon=":material/arrow_forward:", help=f"{label}: {meaning}"
            )


def waiting() -> None:
    """What this person was told, and the proposals and role grants that need them."""
    if unread:
        news()
    if not unread and not to_decide and not own_proposals and not grants:
        st.info(
            "Nothing waits for you. Search for something to reuse, or see what changed below.", icon=":material/inbox:"
        )
    for one in to_decide:
        st.page_link("propose.py", label=f"Decide on the proposal for **{plain(one.title)}**, made {badges.ago(one.proposed_at)}", query_params={"proposal": str(one.id)}, icon=":material/rate_review:")  # fmt: skip
    for one in own_proposals:
        st.page_link("propose.py", label=f"Your proposal for **{plain(one.title)}** waits for another person", query_params={"proposal": str(one.id)}, icon=":material/hourglass_top:")  # fmt: skip
    for grant, name in grants:
        st.page_link("admin.py", label=f"Confirm or decline the role {grant.role} for **{plain(name)}**", icon=":material/how_to_reg:")  # fmt: skip


def news() -> None:
    """What this person was told and has not put away yet."""
    for one in unread:
        with st.container(border=True, gap="xsmall"):
            st.markdown(plain(one.text))
            badges.when("Told", one.told_at)
            if target := sentences.page_of(one.subject):
                st.page_link(target[0], label="Open", query_params=target[1], icon=":material/arrow_forward:", help=f"Open {plain(one.subject)}")  # fmt: skip
            if st.button("Mark as read", key=f"read {one.id}", icon=":material/done:", type="tertiary"):
                put_away([one.id or 0])
    if len(unread) > 1 and st.button(f"Mark all {len(unread)} as read", key="read all", icon=":material/done_all:"):
        put_away([one.id or 0 for one in unread])


def put_away(ids: list[int]) -> None:
    """Mark notices as read."""
    writing.attempt(notices.mark_read, actor=actor, notice_ids=ids, done="Marked as read.")


actor = actors.current()
with db.reading() as session:
    if not policy.may(actor, "catalog.browse"):
        st.title(f"Welcome, {plain(actor.name)}")
        st.info("You have no role yet. Ask an administrator to grant you one; then the factory opens here.", icon=":material/key:")  # fmt: skip
        st.stop()
    glance = catalog.glance(session, actor, since=db.now() - timedelta(days=NEW_DAYS))
    running = projects.projects(session, actor, size=1)
    fresh, registered = tracking.freshness(session), tracking.registered(session)
    wanted = len(search.demand(session, actor))
    proposals = catalog.proposals(session, actor)
    own_proposals = [one for one in proposals if one.proposed_by == actor.ref]
    to_decide = [one for one in proposals if one.proposed_by != actor.ref]
    grants = people.open_grants(session) if policy.may(actor, "admin.people") else []
    owned = catalog.owned(session, actor)
    unread = notices.unread(session, actor)
    recent = activity.history(session, actor, size=8).items if policy.may(actor, "activity.read") else []

st.title(f"Welcome, {plain(actor.name.split()[0])}", anchor=False)
at_a_glance()

mine, changes = st.columns(2, gap="large")
with mine:
    st.subheader("Waiting for you", anchor=False)
    waiting()
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
