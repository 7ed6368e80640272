"""The approver's side of a request: approve, ask for changes, reject; the files stand below."""

from __future__ import annotations

import streamlit as st

from core import db
from core.access.policy import Actor
from core.errors import PortalError
from core.templates import requests
from core.templates.queries import RequestPage
from pages.parts import notices, template_work, writing


def show(actor: Actor, page: RequestPage) -> None:
    """What this person can decide now; nothing where they cannot."""
    request = page.request
    if request.state == "submitted" and page.is_own:
        st.info("You asked for this, so another person decides: an ML engineer or a manager.", icon=":material/group:")
    if not page.may_decide:
        return
    with st.container(horizontal=True):
        if st.button("Approve", type="primary", icon=":material/check:", key="approve"):
            _approve(actor, request.id or 0)
        with st.popover("Ask for changes", icon=":material/edit_note:"), st.form("changes", border=False):
            reason = st.text_area("What is to be changed?", max_chars=requests.NOTE_LENGTH)
            if st.form_submit_button("Send back"):
                writing.attempt(requests.ask_for_changes, actor=actor, request_id=request.id, reason=reason, done="Sent back.")  # fmt: skip
        with st.popover("Reject", icon=":material/close:"), st.form("reject", border=False):
            reason = st.text_area("Why?", max_chars=requests.NOTE_LENGTH)
            if st.form_submit_button("Reject"):
                writing.attempt(requests.reject, actor=actor, request_id=request.id, reason=reason, done="Rejected.")


def _approve(actor: Actor, request_id: int) -> None:
    try:
        with db.writing() as session:
            requests.approve(session, actor=actor, request_id=request_id)
    except PortalError as error:
        notices.refuse(error)
        return
    template_work.begin()
    notices.after_rerun("Approved: the repository is being made.")
    st.rerun()
