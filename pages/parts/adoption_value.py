"""The value of reuse: hours saved as ranges, claimed by those who use an entry and confirmed by a manager."""

from __future__ import annotations

import streamlit as st

from core import db
from core.access import policy
from core.access import queries as people
from core.access.policy import Actor
from core.projects import value, value_queries
from core.projects.adoption_queries import HitProject
from core.projects.value import hours
from core.projects.value_queries import Claim, Value
from pages.parts import badges, writing
from pages.parts.notices import plain


def overview(actor: Actor) -> None:
    """What reuse was worth in total, and the entries that saved most."""
    with db.reading() as session:
        total = value_queries.total_value(session, actor)
        entries = value_queries.values_by_entry(session, actor)
    if not entries:
        st.info("Nobody has said yet what reuse saved. Open an entry that your project uses, and claim the hours in its Adopters tab.", icon=":material/savings:")  # fmt: skip
        st.page_link("catalog.py", label="Most used entries", query_params={"sort": "adoptions"}, icon=":material/trending_up:")  # fmt: skip
        return
    _sums(total)
    st.caption("Working hours against building it alone, at least and at most. Only the newest claim of each adoption counts.")  # fmt: skip
    st.dataframe(
        {
            "Entry": [one.title for one in entries],
            "Kind": [badges.kind_title(one.kind) for one in entries],
            "Adoptions": [one.adoptions for one in entries],
            "Confirmed": [_range(one.value.confirmed, one.value.confirmed_low, one.value.confirmed_high) for one in entries],
            "Claimed": [_range(one.value.claims, one.value.claimed_low, one.value.claimed_high) for one in entries],
        },
        hide_index=True, height="content", key="value_table", alt=f"{len(entries)} entries with the hours their reuse saved",
    )  # fmt: skip
    titles = {one.key: one.title for one in entries}
    opened = st.selectbox("Open an entry", titles, index=None, format_func=titles.__getitem__, placeholder="Choose one of these", key="open_valued")  # fmt: skip
    if opened:
        st.switch_page("entry.py", query_params={"ref": opened, "tab": "Adopters"})


def show(actor: Actor, entry_id: int, projects: list[HitProject]) -> None:
    """What the reuse of one entry was worth, who said so, and the forms to claim and to confirm."""
    with db.reading() as session:
        total = value_queries.total_value(session, actor, entry_id=entry_id)
        claims = value_queries.claims(session, actor, entry_id)
        names = people.names(
            session, {ref for one in claims for ref in (one.claimed_by, one.confirmed_by or "") if ref}
        )
    st.subheader("Value of reuse", anchor=False)
    if total.claims:
        _sums(total)
    else:
        st.caption("Nobody has said yet how many working hours this saved.")
    if claims:
        _claims(claims, names)
    if more := total.claims - len(claims):
        st.caption(f"And {badges.count(more, 'claim')} that you do not see.")
    with st.container(horizontal=True):
        if mine := [one for one in projects if policy.may(actor, "entry.adopt", one.scope)]:
            _claim(actor, mine)
        if waiting := [one for one in claims if _may_confirm(actor, one)]:
            _confirm(actor, waiting, names)


def _sums(total: Value) -> None:
    confirmed, claimed = st.columns(2)
    confirmed.metric("Confirmed", _range(total.confirmed, total.confirmed_low, total.confirmed_high), border=True, help="Claims that a manager confirmed")  # fmt: skip
    claimed.metric("Claimed", _range(total.claims, total.claimed_low, total.claimed_high), border=True, help="All newest claims, confirmed or not")  # fmt: skip


def _claims(claims: list[Claim], names: dict[str, str]) -> None:
    st.table(
        {
            "Project": [plain(one.project) for one in claims],
            "Saved": [hours(one.low_hours, one.high_hours) for one in claims],
            "Because": [plain(one.basis) for one in claims],
            "Claimed by": [f"{plain(names[one.claimed_by])}, {badges.ago(one.claimed_at)}" for one in claims],
            "Confirmed by": [plain(names[one.confirmed_by]) if one.confirmed_by else "waits for a manager" for one in claims],
        },
        border="horizontal", hide_index=True, alt=f"{len(claims)} claims of hours saved",
    )  # fmt: skip


def _claim(actor: Actor, projects: list[HitProject]) -> None:
    with st.popover("Claim hours saved", icon=":material/savings:"), st.form("claim_value", border=False):
        titles = {one.adoption_id: one.title for one in projects}
        adoption_id = st.selectbox("Project", titles, format_func=titles.__getitem__)
        low = st.number_input("At least (working hours)", 0, value.MOST_HOURS, 8, step=1)
        high = st.number_input("At most (working hours)", 0, value.MOST_HOURS, 40, step=1)
        basis = st.text_area("How do you know?", max_chars=value.BASIS_LENGTH, placeholder="What it would have taken without it, and who says so")  # fmt: skip
        st.caption("A manager confirms it. A new claim takes the place of your project's last one.")
        if not st.form_submit_button("Claim", type="primary"):
            return
        writing.attempt(
            value.claim_value, actor=actor, adoption_id=adoption_id, low_hours=int(low), high_hours=int(high), basis=basis,
            done=f"Claimed: {hours(int(low), int(high))} for {titles[adoption_id]}.",
        )  # fmt: skip


def _may_confirm(actor: Actor, one: Claim) -> bool:
    return (
        one.confirmed_by is None
        and one.claimed_by != actor.ref
        and policy.may(actor, "value.confirm", one.scope)
    )  # fmt: skip


def _confirm(actor: Actor, claims: list[Claim], names: dict[str, str]) -> None:
    with st.popover("Confirm a claim", icon=":material/verified:"):
        said = {one.id: f"{one.project}: {hours(one.low_hours, one.high_hours)}, by {names[one.claimed_by]}" for one in claims}  # fmt: skip
        value_id = st.selectbox("Claim", said, format_func=said.__getitem__, key="confirm_claim")
        if not st.button("Confirm", type="primary", key="confirm_value"):
            return
        writing.attempt(value.confirm_value, actor=actor, value_id=value_id, done="Confirmed.")


def _range(count: int, low: int, high: int) -> str:
    return hours(low, high) if count else "none yet"
