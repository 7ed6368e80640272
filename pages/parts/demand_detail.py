"""One demand: who asked for it, what became of it, and what an ML engineer can do about it."""

from __future__ import annotations

import streamlit as st

from core import db
from core.access import policy
from core.access import queries as people
from core.access.policy import Actor
from core.errors import PortalError
from core.reuse import demand
from core.reuse.demand import Ask, DemandLine
from pages.parts import badges, notices, writing
from pages.parts.notices import plain

STATES = {
    "open": ("Open", ":material/radio_button_unchecked:", "blue"),
    "taken": ("Taken up", ":material/engineering:", "orange"),
    "answered": ("Answered", ":material/check_circle:", "green"),
    "declined": ("Declined", ":material/block:", "gray"),
}
WAYS = {"search": "searched for it", "wish": "asked for it", "review": "missed it in a reuse review"}


def state_badge(one: DemandLine) -> str:
    """The state as icon, word and colour."""
    return badges.text(*STATES[one.state])


def counted(one: DemandLine) -> str:
    """``Asked 3 times by 2 units``, with what the rank is made of."""
    times = "once" if one.asks == 1 else badges.count(one.asks, "time")
    units = f" by {badges.count(one.units, 'unit')}" if one.units else ""
    return f"Asked **{times}**{units} · rank {one.rank} = {one.asks} × {max(one.units, 1)}"


def outcome(one: DemandLine, names: dict[str, str]) -> None:
    """What became of it, in a line."""
    if one.state == "taken":
        st.markdown(f"{plain(names.get(one.taken_by or '', 'Somebody'))} works on it since {badges.ago(one.taken_at)}.")
    if one.state == "answered" and one.answer:
        st.page_link("entry.py", label=f"Answered by {plain(one.answer_title)}", query_params={"ref": one.answer}, icon=":material/check_circle:")  # fmt: skip
    elif one.state == "answered":
        st.caption("Answered by an entry that is not visible to you any more.")
    if one.state == "declined":
        st.markdown(f"Declined {badges.ago(one.decided_at)}: {plain(one.reason)}")
    if one.state in ("open", "taken") and one.decided_at:
        was = f"declined: {one.reason}" if one.reason else "answered by an entry that is not offered any more"
        st.caption(plain(f"Asked for again. {badges.exact(one.decided_at)} it was {was}"))


def show(actor: Actor, text: str) -> None:
    """The whole page of one demand."""
    try:
        with db.reading() as session:
            found = demand.one(session, actor, text)
            refs = {ask.asked_by for ask in found.latest} | {ref for ref in (found.taken_by, found.decided_by) if ref}
            names = people.names(session, refs)
    except PortalError as error:
        st.title("Demand", anchor=False)
        notices.refuse(error)
        st.page_link("demand.py", label="What people ask for", icon=":material/arrow_back:")
        return
    st.title(plain(found.text), anchor=False)
    st.markdown(f"{state_badge(found)} {counted(found)}")
    outcome(found, names)
    if policy.may(actor, "demand.take"):
        with st.container(horizontal=True):
            _verbs(actor, found)
    st.subheader("Who asked", anchor=False)
    _asks(found.latest, names)
    st.page_link("catalog.py", label="Search the catalog for it now", query_params={"q": found.text}, icon=":material/search:")  # fmt: skip
    st.page_link("demand.py", label="What people ask for", icon=":material/arrow_back:")


def _verbs(actor: Actor, one: DemandLine) -> None:
    if one.state == "open" and st.button("Take it up", type="primary", icon=":material/engineering:", key="take_up"):
        writing.attempt(demand.take_up, actor=actor, text=one.text, done="Taken up: others see that it is in work.")
    if one.state == "taken":
        _with_reason("Release", ":material/undo:", demand.release, actor, one, "Released: another one can take it up.")
    link = st.popover("Link the entry that answers it", icon=":material/link:", on_change="rerun", key="link")
    if link.open:
        with link:
            _link(actor, one)
    if one.state in ("open", "taken"):
        _with_reason(
            "Decline", ":material/block:", demand.decline, actor, one, "Declined; everybody who asked is told."
        )


def _with_reason(label: str, icon: str, verb: object, actor: Actor, one: DemandLine, done: str) -> None:
    with st.popover(label, icon=icon), st.form(label, border=False):
        reason = st.text_area("Why", max_chars=2000)
        if st.form_submit_button(label):
            writing.attempt(verb, actor=actor, text=one.text, reason=reason, done=done)  # type: ignore[arg-type]


def _link(actor: Actor, one: DemandLine) -> None:
    with db.reading() as session:
        fitting = demand.suggestions(session, actor, one.text)
    chosen = st.selectbox(
        "Reference", list(fitting), index=None, accept_new_options=True, key="link_reference",
        format_func=lambda key: f"{fitting[key]} ({key})" if key in fitting else key,
        placeholder="Choose one that fits, or type asset:default/…",
    )  # fmt: skip
    st.caption("An approved entry that is public or internal. Everybody who asked is told.")
    if st.button("Link", type="primary", key="link_entry"):
        writing.attempt(
            demand.answer, actor=actor, text=one.text, entry_ref=chosen or "", done="Answered; everybody who asked is told."
        )  # fmt: skip


def _asks(asks: list[Ask] | tuple[Ask, ...], names: dict[str, str]) -> None:
    if not asks:
        st.caption("It was asked for before the portal kept who asked.")
        return
    st.table(
        {
            "Who": [plain(names[one.asked_by]) for one in asks],
            "Unit": [plain(one.unit) or "none" for one in asks],
            "How": [WAYS.get(one.how, one.how) for one in asks],
            "When": [badges.exact(one.asked_at) for one in asks],
            "What for": [plain(one.note) for one in asks],
        },
        border="horizontal", hide_index=True, alt=f"{len(asks)} asks, the latest first",
    )  # fmt: skip
    for key in dict.fromkeys(one.entry_key for one in asks if one.entry_key):
        st.page_link("entry.py", label=f"Turned down by projects: {plain(key)}", query_params={"ref": key}, icon=":material/do_not_disturb_on:")  # fmt: skip
