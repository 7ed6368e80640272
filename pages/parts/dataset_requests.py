"""Requests for data: one's own, each with how it went, and lists of who may read."""

from __future__ import annotations

import streamlit as st

from core import db
from core.access import queries as people
from core.access.policy import Actor
from core.datasets import actions, queries, states
from core.datasets.queries import ReaderRow, RequestRow
from pages.parts import addresses, badges, dataset_form, writing
from pages.parts.notices import plain

SIZE = 20
STATES = {
    "draft": ("Draft", ":material/draft:", "gray"), "submitted": ("Waits for the owners", ":material/hourglass:", "blue"),
    "approved": ("Approved, access not yet given", ":material/thumb_up:", "blue"),
    "granted": ("Access given", ":material/key:", "green"), "expired": ("Ended", ":material/timer_off:", "gray"),
    "revoked": ("Revoked", ":material/block:", "red"), "rejected": ("Rejected", ":material/thumb_down:", "orange"),
    "withdrawn": ("Withdrawn", ":material/undo:", "gray"),
}  # fmt: skip


def mine(actor: Actor) -> None:
    """What the person may read now, and every request they made or are named in."""
    page = addresses.page_number()
    with db.reading() as session:
        reading = queries.grants_of(session, actor)
        found = queries.requests(session, actor, mine=True, page=page, size=SIZE)
        names = people.names(session, {ref for one in found.items for ref in one.refs})
    st.subheader("What you may read now", anchor=False)
    readers(reading)
    st.subheader("Your requests", anchor=False)
    for one in found.items:
        card(actor, one, names)
    if not found.items:
        st.info("Requests for data show here. Open a dataset and ask for access.", icon=":material/key:")
        st.page_link("datasets.py", label="All datasets", icon=":material/database:")
    addresses.pages(found.total, SIZE, page)


def card(actor: Actor, row: RequestRow, names: dict[str, str]) -> None:
    """A request: what was asked, how it went, and what its requester can do now."""
    with st.container(border=True):
        st.markdown(f"**{plain(row.title)}** {badges.text(*STATES[row.state])}")
        for line in summary(row, names):
            st.markdown(plain(line))
        for moment, line in steps(row, names):
            st.caption(plain(f"{badges.exact(moment)}: {line}"))
        if row.call_failure:
            again = f" Called {row.calls} times; it is tried again." if row.state == "approved" else ""
            st.warning(plain(row.call_failure + again), icon=":material/sync_problem:")  # fmt: skip
        with st.container(horizontal=True):
            st.page_link("datasets.py", label="Dataset", query_params={"ref": row.dataset}, icon=":material/database:")
            st.page_link("datasets.py", label=f"Request {row.id}", query_params={"request": str(row.id)}, icon=":material/link:")  # fmt: skip
            if row.requested_by == actor.ref:
                _own_actions(actor, row)
            if row.state in ("granted", "expired") and (row.requested_by == actor.ref or actor.id in row.people):
                _renew(actor, row)


def summary(row: RequestRow, names: dict[str, str]) -> list[str]:
    """What was asked, in lines of plain text."""
    number, unit = states.duration_of(row.environment, row.hours)
    readers_ = ", ".join(names.get(f"person:{one}", one) for one in row.people)
    project = f" for the project {row.project}" if row.project_id else ""
    return [
        f"{names.get(row.requested_by, row.requested_by)} asks{project}: {row.purpose or 'no purpose said yet'}",
        f"{listed(row.columns)} in {row.environment} for {number} {unit}; {states.LEGAL_BASES.get(row.legal_basis, '')}",
        f"Readers: {readers_}",
    ]


def steps(row: RequestRow, names: dict[str, str]) -> list[tuple[object, str]]:
    """What happened to a request, the oldest first: (moment, words)."""
    found: list[tuple[object, str]] = [(row.created_at, f"renews request {row.renews_id}" if row.renews_id else "written")]  # fmt: skip
    if row.submitted_at:
        found.append((row.submitted_at, "sent to the owners"))
    if row.decided_at:
        found.append((row.decided_at, _decision(row, names)))
    if row.since:
        given = f"access given by {names.get(row.granted_by, row.granted_by)}, evidence {row.evidence}"
        found.append((row.since, given))
    if row.ended_at:
        found.append((row.ended_at, f"ended: {row.end_reason}"))
    elif row.until:
        found.append((row.until, "ends by itself"))
    return found


def _decision(row: RequestRow, names: dict[str, str]) -> str:
    who = names.get(row.decided_by or "", row.decided_by or "")
    note = f": {row.reason}" if row.reason else ""
    if not row.approved_environment:
        return f"rejected by {who}{note}"
    number, unit = states.duration_of(row.approved_environment, row.approved_hours)
    whole = (row.columns, row.environment, row.hours) == (row.approved_columns, row.approved_environment, row.approved_hours)  # fmt: skip
    part = (
        "" if whole else f" in part, {listed(row.approved_columns)} in {row.approved_environment} for {number} {unit}"
    )
    return f"approved{part} by {who}{note}"


def listed(columns: list[str]) -> str:
    """Columns in words, the first eight by name."""
    if not columns:
        return "the whole dataset"
    more = f" and {len(columns) - 8} more columns" if len(columns) > 8 else ""
    return ", ".join(columns[:8]) + more


def readers(rows: list[ReaderRow]) -> None:
    """Who may read what until when, as a table."""
    if not rows:
        st.caption("Nothing by a request that was made here.")
        return
    st.dataframe(
        {
            "Person": [one.person for one in rows],
            "Dataset": [one.title for one in rows],
            "Columns": [listed(one.columns) for one in rows],
            "Environment": [one.environment for one in rows],
            "Project": [one.project for one in rows],
            "Since": [badges.exact(one.since) for one in rows],
            "Until": [badges.exact(one.until) for one in rows],
            "Evidence": [one.evidence for one in rows],
        },
        hide_index=True, alt=f"{len(rows)} people and what they may read",
    )  # fmt: skip


def _own_actions(actor: Actor, row: RequestRow) -> None:
    if row.state == "draft" and st.button("Send", type="primary", key=f"send_{row.id}", icon=":material/send:"):
        writing.attempt(actions.submit, actor=actor, request_id=row.id, done="The owners were asked.")
    if "withdraw" in states.NEXT[row.state] and writing.confirmed("Withdraw", "Take this request back?", key=f"withdraw_{row.id}", icon=":material/undo:"):  # fmt: skip
        writing.attempt(actions.withdraw, actor=actor, request_id=row.id, done="The request was withdrawn.")
    if row.state == "granted" and writing.confirmed("Give back", "End your access now?", key=f"give_back_{row.id}", icon=":material/key_off:"):  # fmt: skip
        writing.attempt(actions.revoke, actor=actor, request_id=row.id, reason="Given back: no longer needed.", done="Your access has ended.")  # fmt: skip


def _renew(actor: Actor, row: RequestRow) -> None:
    with st.popover("Renew", icon=":material/update:"):
        duration = dataset_form.duration_field(row.approved_environment, key=f"renew_{row.id}")
        st.caption("The owners decide anew; once it is granted, it takes the place of this access.")
        if st.button("Ask for a renewal", type="primary", key=f"renew_{row.id}"):
            writing.attempt(actions.renew, actor=actor, request_id=row.id, duration=duration, done="The owners were asked.")  # fmt: skip
