"""The chosen item: what is asked and why, what was answered, what the evidence says, and what was said about it."""

from __future__ import annotations

import streamlit as st

from core.access.policy import Actor
from core.reviews import answering
from core.reviews.queries import CaseDetail, ItemView
from core.reviews.tables import CaseComment
from pages.parts import badges, case_answer, case_finding, case_waivers, case_words, writing
from pages.parts.notices import plain


def show(actor: Actor, detail: CaseDetail, view: ItemView) -> None:
    """Everything about one item."""
    item = view.item
    st.subheader(f"{plain(item.id)} {plain(item.summary)}", anchor=False)
    st.markdown(case_words.status(view) + (" " + badges.text("Blocking", ":material/lock:", "orange") if item.blocking else ""))  # fmt: skip
    st.markdown(plain(item.question))
    for one in view.comments:
        if one.asks_change and one.resolved_by_revision is None:
            st.warning(f"{plain(detail.names.get(one.author, one.author))} asks for a change: {plain(one.text)}", icon=":material/edit_note:")  # fmt: skip
    if view.finding:
        case_finding.show(view.finding, status=view.status)
    elif item.check:
        st.info("Its check judges the evidence once that is attached.", icon=":material/hourglass_empty:")
    if "answer" in detail.may:
        case_answer.form(actor, detail, view)
    elif item.asks:
        st.markdown(f"**Answer.** {plain(case_answer.shown(view, detail))}")
    _agree(actor, detail, view)
    _why(view)
    _revisions(detail, view)
    case_waivers.of_item(actor, detail, view)
    _discussion(actor, detail, view)


def _why(view: ItemView) -> None:
    item = view.item
    with st.expander("Why this is asked", icon=":material/lightbulb:"):
        if item.why:
            st.markdown(plain(item.why))
        st.caption(plain(item.because))
        if item.mappings:
            st.caption("It answers to " + ", ".join(plain(one) for one in item.mappings))


def _revisions(detail: CaseDetail, view: ItemView) -> None:
    if len(view.answers) < 2:
        return
    with st.expander(badges.count(len(view.answers), "revision"), icon=":material/history:"):
        for one in view.answers:
            who = detail.names.get(one.answered_by, one.answered_by)
            st.caption(
                plain(f"{one.revision}. {case_answer.words(one, detail)} · {who}, {badges.exact(one.answered_at)}")
            )


def _agree(actor: Actor, detail: CaseDetail, view: ItemView) -> None:
    last = view.answer
    wanted = last and last.not_applicable and not last.agreed_by and view.item.blocking and "decide" in detail.may
    if last and wanted and st.button("I agree that it does not apply", icon=":material/handshake:", key="agree"):
        writing.attempt(answering.agree, actor=actor, case_id=detail.case.id, item_id=view.item.id, revision=last.revision, done="Agreed.")  # fmt: skip


def _discussion(actor: Actor, detail: CaseDetail, view: ItemView) -> None:
    comments(detail, [one for one in view.comments if not (one.asks_change and one.resolved_by_revision is None)])
    if "comment" in detail.may:
        comment_form(actor, detail, view.item.id, "Comment on this item")


def comments(detail: CaseDetail, said: list[CaseComment]) -> None:
    """What people said, oldest first."""
    for one in said:
        settled = " (a change, made since)" if one.asks_change else ""
        st.markdown("\n".join(f"> {plain(line)}" for line in one.text.splitlines()) + settled)
        badges.when(plain(detail.names.get(one.author, one.author)), one.at)


def comment_form(actor: Actor, detail: CaseDetail, item_id: str, label: str) -> None:
    """A field to say something about an item, or with an empty id about the case."""
    with st.form(f"comment {item_id}", border=False, clear_on_submit=True):
        words = st.text_area(label, max_chars=answering.COMMENT_LENGTH, height=80, key=f"saying {item_id}")
        if st.form_submit_button("Comment", icon=":material/comment:"):
            writing.attempt(answering.comment, actor=actor, case_id=detail.case.id, item_id=item_id, text=words, done="Said.")  # fmt: skip
