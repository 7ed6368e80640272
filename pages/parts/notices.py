"""Telling people what happened: refusals beside the action, successes after the rerun."""

from __future__ import annotations

import streamlit as st

from core.errors import PortalError

_WAITING = "notice_after_rerun"


def refuse(error: PortalError) -> None:
    """Show a refusal with its way out, where the person is looking."""
    st.error(
        f"{plain(error.message)}\n\n{plain(error.hint)}" if error.hint else plain(error.message),
        icon=":material/error:",
    )


def after_rerun(message: str) -> None:
    """Keep ``message`` for the next run of this session, to be shown as it is; call it before ``st.rerun``."""
    st.session_state[_WAITING] = message


def show_waiting() -> None:
    """Show what the last run wanted to say."""
    if message := st.session_state.pop(_WAITING, None):
        st.toast(plain(message), icon=":material/check_circle:")


def plain(text: str) -> str:
    """``text`` from people or programs, shown as it is: Markdown, directives and HTML in it mean nothing."""
    return "".join(f"\\{one}" if one in _MARKDOWN else one for one in text)


_MARKDOWN = frozenset("\\`*_{}[]()#+-.!|<>~:$=&")
