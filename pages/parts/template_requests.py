"""Lists of template requests: one's own, and those that wait for one's decision with the preview in view."""

from __future__ import annotations

import streamlit as st

from core import db
from core.access import queries as people
from core.access.policy import Actor
from core.templates import queries
from core.templates.queries import RequestRow
from pages.parts import addresses, badges
from pages.parts.notices import plain

SIZE = 20
STATES = {
    "draft": ("Draft", ":material/draft:", "gray"),
    "submitted": ("Waits for an approver", ":material/hourglass_top:", "blue"),
    "changes requested": ("Changes requested", ":material/edit_note:", "orange"),
    "approved": ("Approved, being made", ":material/progress_activity:", "blue"),
    "rendered": ("Made, being delivered", ":material/local_shipping:", "blue"),
    "delivered": ("Delivered", ":material/inventory_2:", "green"),
    "closed": ("It runs", ":material/task_alt:", "green"),
    "failed": ("Failed", ":material/error:", "red"),
    "rejected": ("Rejected", ":material/thumb_down:", "red"),
    "withdrawn": ("Withdrawn", ":material/undo:", "gray"),
}


def mine(actor: Actor) -> None:
    """One's own requests, the latest first."""
    page = addresses.page_number()
    with db.reading() as session:
        found = queries.requests(session, actor, mine=True, page=page, size=SIZE)
    for row in found.items:
        line(row, {})
    if not found.items:
        st.info("Repositories you ask for show here. Choose a template.", icon=":material/note_stack:")
        st.page_link("templates.py", label="All templates", icon=":material/arrow_back:")
    addresses.pages(found.total, SIZE, page)


def queue(actor: Actor) -> None:
    """What waits for this person's decision, what is due first at the top."""
    page = addresses.page_number()
    with db.reading() as session:
        found = queries.requests(session, actor, to_decide=True, page=page, size=SIZE)
        names = people.names(session, {one.requested_by for one in found.items})
    st.markdown(f"**{badges.count(found.total, 'request')}**")
    for row in found.items:
        line(row, names)
    if not found.items:
        st.info("Requests of other people for templates show here, with the files they would get.", icon=":material/inbox:")  # fmt: skip
    addresses.pages(found.total, SIZE, page)


def line(row: RequestRow, names: dict[str, str]) -> None:
    """One request in a list."""
    with st.container(border=True, gap="xsmall"):
        with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
            st.page_link("request.py", label=f"**{plain(row.template)}** for {plain(row.project)}", query_params={"id": str(row.id)}, icon=":material/note_stack:")  # fmt: skip
            st.markdown(badges.text(*STATES[row.state]) + (" " + late() if row.is_late else ""))
        who = f"{names[row.requested_by]} · " if row.requested_by in names else ""
        asked = f"asked {badges.ago(row.submitted_at)}" if row.submitted_at else f"written {badges.ago(row.created_at)}"
        due = f" · decision due {badges.exact(row.due_at)}" if row.state == "submitted" else ""
        st.caption(plain(f"Request {row.id} · {who}version {row.version} · {asked}{due}"))
        if row.failure:
            st.caption(f":material/error: {plain(row.failure)}")


def late() -> str:
    """The mark of a decision that should have been taken."""
    return badges.text("Late", ":material/alarm:", "red")
