"""Driving pages without a browser: AppTest from the frame, signed in through the real door."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from core import db
from core.access.policy import Actor
from core.api import signin
from core.config import ROOT
from core.people import actions as people
from pages.parts import actor as actors


@pytest.fixture
def sign_in(monkeypatch: pytest.MonkeyPatch) -> Callable[[Actor], None]:
    """Sign a person in, as the sign-in route does; the pages read the cookie it would set."""

    def signed_in(actor: Actor) -> None:
        with db.writing() as session:
            key = people.sign_in_locally(session, person_id=actor.id)
        cookie = signin._signer("session").dumps(key)
        monkeypatch.setattr(actors, "session_cookie", lambda: cookie)
        monkeypatch.setattr(actors, "requested_host", lambda: "127.0.0.1:8501")

    return signed_in


@pytest.fixture
def portal_as(sign_in: Callable[[Actor], None], person: Callable[..., Actor]) -> Callable[..., AppTest]:
    """The portal as a person with these roles (or as a given actor) sees it: ``portal_as("reviewer", team="risk")``."""

    def opened(*roles: str | Actor, **more: str) -> AppTest:
        actor = roles[0] if roles and isinstance(roles[0], Actor) else person(*roles, **more)
        sign_in(actor)
        st.cache_data.clear()
        app = AppTest.from_file(ROOT / "pages" / "portal.py", default_timeout=30).run()
        assert not app.exception
        return app

    return opened
