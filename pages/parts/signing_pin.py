"""The signing PIN: the field that asks for it, and how a person sets and changes their own."""

from __future__ import annotations

from typing import Literal

import streamlit as st

from core import db
from core.access.policy import Actor
from core.reviews import pins
from pages.parts import writing


def field() -> str:
    """Ask for the PIN."""
    return _secret("Your signing PIN")


def is_ready(actor: Actor, key: str, *, scope: Literal["app", "fragment"] = "app") -> bool:
    """Whether there is a PIN to ask for; where there is none, the form that sets one stands here, and ``scope`` runs again."""
    with db.reading() as session:
        if pins.has_pin(session, actor):
            return True
    st.info("You have no signing PIN yet. It is asked each time you sign, and nobody can read it.", icon=":material/pin:")  # fmt: skip
    with st.form(f"set pin {key}", border=False):
        pin, again = _twice()
        if st.form_submit_button("Set my PIN", type="primary") and _are_same(pin, again):
            writing.attempt(pins.set_pin, actor=actor, pin=pin, done="Your PIN is set.", scope=scope)
    return False


def change(actor: Actor) -> None:
    """Set one's own PIN, or a new one over the present one."""
    st.subheader("My signing PIN", anchor=False)
    if not is_ready(actor, "own"):
        return
    st.caption("It is asked when you sign, let a risk pass or revoke. If you forgot it, an administrator takes it away and you set a new one.")  # fmt: skip
    with st.form("change pin"):
        current = _secret("Your present PIN")
        pin, again = _twice()
        if st.form_submit_button("Change it", icon=":material/pin:") and _are_same(pin, again):
            writing.attempt(pins.set_pin, actor=actor, pin=pin, current=current, done="Your PIN is changed.")


def _twice() -> tuple[str, str]:
    return _secret(f"A PIN of {pins.SHORTEST} to {pins.LONGEST} characters"), _secret("The same again")


def _are_same(pin: str, again: str) -> bool:
    if pin != again:
        st.error("The two are not the same.", icon=":material/error:")
    return pin == again


def _secret(label: str) -> str:
    return str(st.text_input(label, type="password", max_chars=pins.LONGEST, autocomplete="off"))
