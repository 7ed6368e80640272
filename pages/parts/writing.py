"""Submitting: one action in one transaction, the refusal beside it, the success after the rerun."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import streamlit as st

from core import db
from core.errors import PortalError
from core.reviews.pins import Refused
from pages.parts import notices


def attempt(
    action: Callable[..., Any], *, done: str, scope: Literal["app", "fragment"] = "app", **arguments: Any
) -> None:
    """Do ``action(session, **arguments)`` and run the page again saying ``done``, or show here why it was refused.

    A wrong PIN is a refusal whose transaction is kept, because it counts.
    """
    try:
        with db.writing() as session:
            made = action(session, **arguments)
        if isinstance(made, Refused):
            raise made.as_error()
    except PortalError as error:
        notices.refuse(error)
        return
    notices.after_rerun(done)
    st.rerun(scope=scope)


def confirmed(label: str, question: str, *, key: str, icon: str) -> bool:
    """A button that asks once more; true in the run in which the person says yes."""
    with st.popover(label, icon=icon, key=f"{key}_ask"):
        st.markdown(question)
        return st.button(f"Yes, {label.lower()}", type="primary", key=key)
