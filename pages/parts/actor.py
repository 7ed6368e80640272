"""Who is looking: the one place that turns a sign-in into an actor. Roles come from the store on every run."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import streamlit as st

from core import db
from core.access import queries
from core.access.policy import Actor
from core.api import signin
from core.config import settings
from core.errors import NotAllowed
from core.people import actions as people
from core.people.actions import Vouched
from pages.parts import badges


def current() -> Actor:
    """The actor of this run; when nobody is signed in, shows the way in and stops the run."""
    actor = _from_provider() if settings().has_provider else signin.signed_in_actor(session_cookie(), requested_host())
    if actor is None:
        _offer_sign_in()
        st.stop()
    return actor


def session_cookie() -> str | None:
    """The local sign-in's cookie as the browser sent it when the session began."""
    return st.context.cookies.get(signin.COOKIE)


def requested_host() -> str | None:
    """The host by which the browser reached the portal when the session began."""
    return st.context.headers.get("Host")


def provider_claims() -> dict[str, Any] | None:
    """What the identity provider said of the person, as the browser kept it; ``None`` when nobody signed in."""
    return dict(st.user.to_dict()) if st.user.is_logged_in else None


def sign_out() -> None:
    """End the present sign-in, wherever it came from."""
    if settings().has_provider:
        st.session_state.pop("vouched_for", None)
        st.logout()
        return
    key = signin.session_key(session_cookie())
    if key is not None:
        with db.writing() as session:
            people.sign_out(session, key=key)


def _from_provider() -> Actor | None:
    vouched = _vouched()
    if vouched is None or vouched.has_ended:
        return None
    if st.session_state.get("vouched_for") == vouched:
        with db.reading() as session:
            return queries.actor_for_subject(session, vouched.issuer, vouched.subject)
    try:
        with db.writing() as session:
            actor = people.sign_in_from_provider(session, vouched)
    except NotAllowed:
        return None
    st.session_state["vouched_for"] = vouched
    return actor


def _vouched() -> Vouched | None:
    claims = provider_claims()
    if claims is None:
        return None
    groups = claims.get(settings().oidc_groups_claim) or []
    return Vouched(
        issuer=str(claims.get("iss", "")),
        subject=str(claims.get("sub", "")),
        issued_at=datetime.fromtimestamp(claims.get("iat") or 0, UTC),
        name=str(claims.get("name") or ""),
        email=str(claims.get("email") or "") or None,
        email_verified=claims.get("email_verified") in (True, "true"),
        groups=tuple(str(one) for one in groups) if isinstance(groups, list) else (str(groups),),
    )


def _offer_sign_in() -> None:
    st.title("AI factory")
    if not settings().has_provider:
        st.info("Your sign-in has ended.", icon=":material/lock:")
        st.markdown(f"[Choose who you are]({signin.SIGN_IN_PATH})")
        return
    vouched = _vouched()
    if vouched is not None and not vouched.has_ended:
        st.error("Your account is deactivated. Ask an administrator of the portal.", icon=":material/block:")
        if st.button("Sign out", icon=":material/logout:"):
            st.logout()
        return
    if vouched is not None:
        st.info(f"Your sign-in has ended: it holds for {badges.count(settings().session_hours, 'hour')}.", icon=":material/lock:")  # fmt: skip
    st.write("What the organisation's machine learning teams share: assets, patterns, checklists and models.")
    if st.button("Sign in", type="primary", icon=":material/login:"):
        st.login()
