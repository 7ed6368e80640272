"""An unexpected error shows a reference number that stands in the log, never a stack trace."""

from __future__ import annotations

import logging
import secrets

import streamlit as st

from core.errors import PortalError
from pages.parts import notices

log = logging.getLogger("portal")


def show(error: Exception) -> bool:
    """Tell the person what to do about ``error``; Streamlit's handler for uncaught exceptions of a page."""
    if isinstance(error, PortalError):
        notices.refuse(error)
        return True
    reference = secrets.token_hex(4)
    log.error("Reference %s", reference, exc_info=error)
    st.error(
        f"Something went wrong here. Nothing of what you did before is lost. Reload the page; if it happens again, tell "
        f"an administrator the reference **{reference}**.",
        icon=":material/error:",
    )
    return True
