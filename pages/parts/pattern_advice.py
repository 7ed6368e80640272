"""The advisor: its questions as a form whose answers live in the address, and every pattern ranked with its reasons."""

from __future__ import annotations

import streamlit as st

from core import db
from core.access.policy import Actor
from core.patterns import advisor, queries
from core.patterns.advisor import Advice, Question
from pages.parts import badges, pattern_list
from pages.parts.notices import plain

SHOWN = 4
"""How many patterns are explained at once; the others are one click away."""


def show(actor: Actor) -> None:
    """The questions, and what the answers so far say."""
    answers = advisor.answers_in(st.query_params.to_dict())
    with st.container(border=True):
        st.caption(
            "Answer what you know. What stays open neither helps nor hurts a pattern; the address keeps the answers."
        )
        for pair in db.batches(
            advisor.QUESTIONS, 2
        ):  # a row of its own for each pair keeps their order on a narrow screen
            for column, question in zip(st.columns(2), pair, strict=False):
                with column:
                    _ask(question, answers.get(question.id))
    if not answers:
        st.info("One answer is enough to start: the patterns are then ranked, with reasons for and against each.", icon=":material/quiz:")  # fmt: skip
        return
    with db.reading() as session:
        ranked = advisor.rank(queries.candidates(session, actor), answers)
    _result(ranked)


def _ask(question: Question, answer: str | None) -> None:
    key = f"advice_{question.id}"
    st.session_state[key] = answer
    st.selectbox(
        question.asks, question.options, index=None, format_func=question.options.__getitem__, key=key,
        placeholder="Not answered", on_change=_remember, args=(question.id,),
    )  # fmt: skip


def _remember(name: str) -> None:
    value = st.session_state[f"advice_{name}"]
    if value is None:
        st.query_params.pop(name, None)
    else:
        st.query_params[name] = value


def _result(ranked: list[Advice]) -> None:
    able = [one for one in ranked if not one.excluded]
    unable = [one for one in ranked if one.excluded]
    if not able:
        st.warning("No approved pattern can serve this. Take back the answer that matters least, or talk to an ML engineer about a new pattern.", icon=":material/search_off:")  # fmt: skip
    if len(able) > 1:
        keys = [one.pattern.key for one in able[:2]]
        label = f"Compare {plain(able[0].pattern.title)} with {plain(able[1].pattern.title)}"
        st.page_link("patterns.py", label=label, icon=":material/compare_arrows:", query_params={"view": "compare", "compare": ",".join(keys)})  # fmt: skip
    for place, one in enumerate(able[:SHOWN], start=1):
        _advice(one, place)
    if able[SHOWN:]:
        with st.expander(f"{badges.count(len(able[SHOWN:]), 'further pattern')}", icon=":material/more_horiz:"):
            for place, one in enumerate(able[SHOWN:], start=SHOWN + 1):
                _advice(one, place)
    if unable:
        st.subheader("Cannot serve", anchor=False)
        st.table(
            {"Pattern": [plain(one.pattern.title) for one in unable],
             "Why": [plain(one.excluded) for one in unable]},
            border="horizontal", hide_index=True, alt=f"{len(unable)} patterns that cannot serve, with the reason",
        )  # fmt: skip


def _advice(advice: Advice, place: int) -> None:
    with st.container(border=True, gap="xsmall"):
        with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
            pattern_list.link(advice.pattern.key, f"{place}. {advice.pattern.title}", advice.pattern.version)
            st.markdown(f"fits {advice.score:.0%}")
        st.markdown(plain(advice.pattern.summary))
        for one in advice.reasons_for:
            st.markdown(f":material/add: {plain(one.text)}")
        for one in advice.reasons_against:
            st.markdown(f":material/remove: {plain(one.text)}")
        if advice.variant:
            st.caption(f"Use its variant for {plain(advice.variant)} data.")
