"""Who sits in a case, what they signed, what an approval is tied to, and its documents."""

from __future__ import annotations

import streamlit as st

from core import db
from core.access.policy import Actor
from core.documents import dossier, export
from core.reviews import assigning, pool
from core.reviews.queries import CaseDetail
from pages.parts import badges, case_conditions, case_signing, case_waivers, case_words, writing
from pages.parts.notices import plain


def show(actor: Actor, detail: CaseDetail) -> None:
    """Seats, signatures, conditions, waivers and documents."""
    _seats(actor, detail)
    _signatures(actor, detail)
    case_conditions.show(actor, detail)
    case_waivers.show(actor, detail)
    _documents(actor, detail)


def _seats(actor: Actor, detail: CaseDetail) -> None:
    st.markdown("**Reviewers**")
    for one in detail.seats:
        signed = any(sign.person_id == one.person_id and sign.voided_at is None and sign.decision != "submit" for sign in detail.signatures)  # fmt: skip
        name = plain(detail.names.get(f"person:{one.person_id}", one.person_id))
        how = ", standing in" if one.stand_in_for else ""
        st.markdown(f"{name} · {plain(one.role)}{how} · {'has signed' if signed else 'has not signed yet'}")
    if not detail.seats:
        st.caption("Nobody sits in it yet: reviewers are found when it is submitted.")
    if "assign" in detail.may:
        _assign(actor, detail)


def _assign(actor: Actor, detail: CaseDetail) -> None:
    with st.expander("Seat somebody", icon=":material/person_add:", on_change="rerun", key="seating") as opened:
        if not opened.open:
            return
        if st.button("Find reviewers for the empty seats", icon=":material/group_add:", key="assign"):
            writing.attempt(assigning.assign, actor=actor, case_id=detail.case.id, done="The empty seats were filled as far as the pool goes.")  # fmt: skip
        role = st.selectbox("Role", list(detail.case.quorum))
        with db.reading() as session:
            found = list(pool.candidates(session, detail.case, role))
        names = {one.person_id: one.name for one in found}
        person = st.selectbox("Person", names, format_func=names.__getitem__, placeholder="Nobody is eligible")  # fmt: skip
        if person and st.button("Seat", key="seat"):
            writing.attempt(assigning.seat, actor=actor, case_id=detail.case.id, role=role, person_id=person, done=f"{names[person]} has the seat.")  # fmt: skip


def _signatures(actor: Actor, detail: CaseDetail) -> None:
    st.markdown("**Signatures**")
    if not detail.signatures:
        st.caption("Nobody has signed yet.")
    for one in detail.signatures:
        with st.container(border=True, gap="xsmall"):
            void = (
                f" {badges.text('Void', ':material/block:', 'gray')} {plain(one.void_reason)}" if one.voided_at else ""
            )
            st.markdown(f"**{plain(one.printed_name)}** {case_words.DECIDED[one.decision]} ({plain(one.meaning)}), as {plain(one.role)}{void}")  # fmt: skip
            st.caption(f"{badges.exact(one.signed_at)} · record {one.record_hash}")
            st.download_button("Receipt", lambda one=one: case_signing.receipt(actor, one.id or 0), file_name=f"receipt-{one.id}.json", mime="application/json", on_click="ignore", key=f"receipt {one.id}", icon=":material/receipt_long:")  # type: ignore[misc]  # fmt: skip


def _documents(actor: Actor, detail: CaseDetail) -> None:
    st.markdown("**Documents**")
    with st.container(horizontal=True):
        for name, title in dossier.DOCUMENTS.items():
            for form in ("zip",) if name == "export" else export.FORMATS:
                st.download_button(f"{title} ({form})", lambda name=name, form=form: _document(actor, detail.case.id or 0, name, form), file_name=f"case-{detail.case.id}-{name}.{form}", on_click="ignore", key=f"{name} {form}", icon=":material/description:")  # type: ignore[misc]  # fmt: skip
    st.caption(
        f"The export holds a script, verify.py, that checks it without the portal; its key is {export.public_key()}."
    )


def _document(actor: Actor, case_id: int, name: str, form: str) -> bytes:
    with db.writing() as session:
        made = dossier.issue(session, actor=actor, case_id=case_id, document=name)
    return export.document(made, name, form)
