"""Signing: what is decided, then what exactly is signed, then the PIN. Nothing is signed that was not shown."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

import streamlit as st

from core import db
from core.access.policy import Actor
from core.errors import PortalError
from core.reviews import deciding, receipts, signing
from core.reviews.pins import Refused
from core.reviews.queries import CaseDetail
from pages.parts import badges, case_conditions, case_words, notices, signing_pin
from pages.parts.notices import plain

_FORM = "signing form"


@st.dialog("Sign", width="medium", icon=":material/draw:")
def dialog(actor: Actor, detail: CaseDetail, decision: str) -> None:
    """First what belongs to the decision, then the record and the PIN."""
    form = st.session_state.get(_FORM)
    if form and form["case"] == detail.case.id and form["decision"] == decision:
        _sign(actor, detail, form)
    else:
        _details(actor, detail, decision)


def begin() -> None:
    """Forget a form that was left open, so that the dialog starts with the decision."""
    st.session_state.pop(_FORM, None)


def _details(actor: Actor, detail: CaseDetail, decision: str) -> None:
    st.markdown(f"**{case_words.DECISIONS[decision]}**: {plain(detail.case.name)} {plain(detail.case.version)}")
    if decision == "submit":
        st.caption("You sign that the answers are the team's own. From then on they can only be changed when a reviewer asks.")  # fmt: skip
    meanings = deciding.MEANINGS[decision]
    meaning = st.selectbox("Your signature means", meanings) if len(meanings) > 1 else meanings[0]
    reason = st.text_area("Reason" if decision == "reject" else "Note (signed too)", max_chars=deciding.NOTE_LENGTH)
    conditions = case_conditions.ask(detail) if decision == "approve with conditions" else []
    if st.button("Continue", type="primary", key="sign continue"):
        try:
            with db.writing() as session:
                made = signing.prepare(
                    session, actor=actor, case_id=detail.case.id or 0, meaning=meaning, decision=decision,
                    details={"reason": reason, "conditions": conditions},
                )  # fmt: skip
        except PortalError as error:
            notices.refuse(error)
            return
        st.session_state[_FORM] = {
            "nonce": made.nonce, "case": detail.case.id, "decision": decision, "meaning": meaning, "reason": reason,
            "hash": made.record_hash, "until": made.expires_at, "conditions": conditions,
        }  # fmt: skip
        st.rerun(scope="fragment")


def _sign(actor: Actor, detail: CaseDetail, form: dict[str, Any]) -> None:
    st.markdown(
        f"You sign as **{plain(actor.name)}**: {plain(case_words.DECISIONS[form['decision']]).lower()} "
        f"({plain(form['meaning'])}) for {plain(detail.case.name)} {plain(detail.case.version)}, "
        f"{badges.count(len(detail.items), 'item')}, {detail.settled} of them settled."
    )
    if form["reason"]:
        st.markdown(f"> {plain(form['reason'])}")
    for one in form["conditions"]:
        st.markdown(f"- {plain(one['text'])}, until {plain(one['due_on'])}")
    st.caption(f"SHA-256 of the record: {form['hash']}")
    _since_last_time(actor, detail)
    if not signing_pin.is_ready(actor, "sign", scope="fragment"):
        return
    with st.form("sign", border=False):
        pin = signing_pin.field()
        st.caption(f"This form holds until {badges.exact(form['until'])}. The evidence is compared with MLflow first.")
        if st.form_submit_button("Sign", type="primary", icon=":material/draw:"):
            _finish(actor, form, pin)


def _since_last_time(actor: Actor, detail: CaseDetail) -> None:
    """What changed since this person signed the case, or first opened its evidence."""
    moments = [one.signed_at for one in detail.signatures if one.person_id == actor.id]
    moments += [one.opened_at for one in detail.seats if one.person_id == actor.id and one.opened_at]
    if not moments:
        return
    last = max(moments)
    said = [one.item.id for one in detail.items if one.answer and one.answer.answered_at > last]
    news = [f"answered anew: {', '.join(said)}"] if said else []
    news += ["the evidence was copied again"] if detail.snapshot and detail.snapshot.taken_at > last else []
    news += [f"{count} new comments" for count in [_comments_since(detail, last)] if count]
    st.info(f"Since you were here {badges.ago(last)}: {plain('; '.join(news) or 'nothing changed')}.", icon=":material/difference:")  # fmt: skip


def _comments_since(detail: CaseDetail, moment: datetime) -> int:
    everywhere = [*detail.comments, *(one for item in detail.items for one in item.comments)]
    return sum(one.at > moment for one in everywhere)


def _finish(actor: Actor, form: dict[str, Any], pin: str) -> None:
    try:
        with st.spinner("Comparing the evidence with MLflow and signing …"):
            made = signing.verify_and_sign(actor, nonce=form["nonce"], pin=pin)
    except PortalError as error:
        notices.refuse(error)
        if error.code in ("form_used", "form_expired", "record_changed"):
            begin()
        return
    if isinstance(made, Refused):
        notices.refuse(made.as_error())
        return
    begin()
    notices.after_rerun(f"Signed. The case is {made.state} now; your receipt is on the Signatures tab.")
    st.rerun()


def receipt(actor: Actor, signature_id: int) -> bytes:
    """The receipt of a signature as JSON to keep."""
    with db.reading() as session:
        return json.dumps(receipts.receipt(session, actor, signature_id), indent=2, ensure_ascii=False).encode()
