"""Tokens of programs: made with scopes and an end, shown once, revoked at once."""

from __future__ import annotations

import streamlit as st

from core import db
from core.access import policy, queries
from core.access.policy import Actor
from core.errors import PortalError
from core.people import actions
from pages.parts import badges, notices, texts, writing
from pages.parts.notices import plain


def show(actor: Actor) -> None:
    """The form first, so that the list below holds what was just made."""
    st.markdown("A token lets a program use the API. It never signs, decides or grants anything.")
    with st.expander("Create a token", icon=":material/key:", expanded=True):
        _create(actor)
    with db.reading() as session:
        rows = queries.tokens(session)
        names = queries.names(session, {one.created_by for one in rows})
    if not rows:
        st.info("No token yet. Create one for your pipeline.", icon=":material/key_off:")
        return
    st.table(
        {
            "Name": [plain(one.name) for one in rows],
            "State": [one.state for one in rows],
            "Scopes": [plain(", ".join(one.scopes)) for one in rows],
            "Ends": [badges.exact(one.expires_at) for one in rows],
            "Created": [f"{badges.ago(one.created_at)} by {plain(names[one.created_by])}" for one in rows],
        },
        border="horizontal", hide_index=True, alt=f"{len(rows)} tokens with state and scopes",
    )  # fmt: skip
    if active := {one.id: one.name for one in rows if one.state == "active"}:
        _revoke(actor, active)


def _create(actor: Actor) -> None:
    with st.form("create_token", border=False):
        name = st.text_input("Name", max_chars=100, placeholder="release pipeline of cheque-reader")
        scopes = st.multiselect("Scopes", list(policy.TOKEN_SCOPES))
        days = st.number_input("Days until it ends", value=90, step=1)
        if not st.form_submit_button("Create", type="primary"):
            return
    try:
        with db.writing() as session:
            _, secret = actions.create_token(session, actor=actor, name=name, scopes=scopes, days=int(days))
    except PortalError as error:
        notices.refuse(error)
        return
    st.warning("Copy the token now: it is shown this once and kept nowhere.", icon=":material/content_copy:")
    texts.code(secret)


def _revoke(actor: Actor, active: dict[int, str]) -> None:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        token = st.selectbox(
            "Token", active, key="token", width=360, format_func=lambda one: f"{active[one]} (token {one})"
        )
        if writing.confirmed("Revoke", f"Whatever uses {plain(active[token])} is refused from then on.", key="revoke_token", icon=":material/key_off:"):  # fmt: skip
            writing.attempt(actions.revoke_token, done=f"{active[token]} is revoked.", actor=actor, token_id=token)
