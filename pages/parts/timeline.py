"""A short list of records of the activity log, each in a sentence."""

from __future__ import annotations

import streamlit as st

from core.access import queries as people
from core.activity.queries import Line
from core.db import Session
from pages.parts import badges, sentences
from pages.parts.notices import plain


def show(session: Session, lines: list[Line], *, with_subject: bool = False) -> None:
    """Who did what and when; ``with_subject`` also says to what, where that is not plain from the page."""
    names = people.names(session, sentences.references(lines))
    for line in lines:
        about = (
            f" · {plain(names.get(line.subject, line.subject))}" if with_subject and line.subject != line.actor else ""
        )
        st.markdown(f"**{plain(names[line.actor])}** {plain(sentences.sentence(line, names))}{about}")
        st.caption(f"{badges.ago(line.at)}, {badges.exact(line.at)} · record {line.seq}")
