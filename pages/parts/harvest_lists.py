"""The queues of the harvest: drafts that wait for a curator, and things that wait to be generalised."""

from __future__ import annotations

import math

import streamlit as st

from core.access import policy
from core.access.policy import Actor
from core.projects import harvest, harvest_draft
from core.projects.harvest_queries import CurationRow, DecisionRow, Decisions
from pages.parts import badges, writing
from pages.parts.notices import plain


def curation(rows: list[CurationRow], names: dict[str, str]) -> None:
    """The drafts that this person may publish, each with what a curator would still ask for."""
    st.subheader(f"Waiting for a curator · {len(rows)}" if rows else "Waiting for a curator", anchor=False)
    if not rows:
        st.info("No draft of another person waits for you. Drafts come from projects that decide to share what they made.", icon=":material/inbox:")  # fmt: skip
    for row in rows:
        with st.container(border=True, gap="xsmall"):
            st.page_link("propose.py", label=f"**{plain(row.title)}**", query_params={"proposal": str(row.proposal_id)}, icon=badges.kind_icon(row.key.partition(":")[0]))  # fmt: skip
            _origin(row.project_id, row.project, f"{plain(names[row.proposed_by])} · {badges.ago(row.proposed_at)}", badges.exact(row.proposed_at))  # fmt: skip
            if row.missing:
                st.markdown(f":material/rule: Still to look at: {plain('; '.join(row.missing))}.")
            else:
                st.markdown(":material/task_alt: Nothing obvious is missing.")


def waiting(actor: Actor, found: Decisions, names: dict[str, str], *, size: int) -> None:
    """What projects left to be generalised later; whoever may propose where it belongs opens a draft of it."""
    st.subheader(f"Waiting to be generalised · {found.total:,}" if found.total else "Waiting to be generalised", anchor=False)  # fmt: skip
    if not found.total:
        st.info("Nothing waits. A project that decides “later” about something it made puts it here.", icon=":material/hourglass_empty:")  # fmt: skip
    for row in found.items:
        with st.container(border=True, gap="xsmall"):
            with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
                st.markdown(f"{badges.kind_icon(row.kind)} **{plain(row.what)}**")
                if policy.may(actor, "entry.propose", row.scope):
                    reopen(actor, row)
            st.markdown(plain(row.reason))
            _origin(row.project_id, row.project, f"{plain(names[row.decided_by])} · {badges.ago(row.decided_at)}", badges.exact(row.decided_at))  # fmt: skip
    if found.total > size:
        st.pagination(math.ceil(found.total / size), key="harvest_page", bind="query-params")


def reopen(actor: Actor, row: DecisionRow) -> None:
    """Share now what waited, or what a curator turned down: asks for the kind of entry, and opens the draft."""
    again = row.decision == "share"
    with st.popover("Open the draft again" if again else "Share it now", icon=":material/edit_note:", key=f"share_{row.id}"):  # fmt: skip
        kinds = harvest_draft.KINDS
        kind = row.kind
        if not again:
            kind = st.selectbox("Kind of entry", kinds, kinds.index(row.kind), format_func=badges.kind_title, key=f"share_kind_{row.id}")  # fmt: skip
        st.caption("You complete the draft; a curator, who is another person, publishes it.")
        if st.button("Open the draft", type="primary", key=f"open_draft_{row.id}"):
            writing.attempt(
                harvest.open_draft, done="The draft is open. Complete it under Proposals.", actor=actor, decision_id=row.id,
                kind="" if again else kind,
            )  # fmt: skip


def _origin(project_id: str, project: str, told: str, moment: str) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        st.page_link("project.py", label=plain(project), query_params={"id": project_id}, icon=badges.kind_icon("project"))  # fmt: skip
        st.caption(told, help=moment)
