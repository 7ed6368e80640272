"""The list of templates, each with what it gives and the way to ask for it."""

from __future__ import annotations

import streamlit as st

from core import db
from core.access import policy
from core.access.policy import Actor
from core.templates import queries
from core.templates.queries import TemplateRow
from pages.parts import addresses, badges
from pages.parts.notices import plain


def show(actor: Actor) -> None:
    """Every template the person sees."""
    words = addresses.words("Find", "q", placeholder="forecasting")
    with db.reading() as session:
        rows = queries.templates(session, actor, q=words)
    st.markdown(f"**{badges.count(len(rows), 'template')}**")
    may_ask = policy.may_anywhere(actor, "template.request")
    for row in rows:
        _line(row, may_ask=may_ask)
    if not rows:
        st.info("Templates that a second person published show here. Propose a version of one.", icon=":material/note_stack:")  # fmt: skip


def _line(row: TemplateRow, *, may_ask: bool) -> None:
    with st.container(border=True, gap="xsmall"):
        with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
            st.page_link("entry.py", label=f"**{plain(row.title)}**", query_params={"ref": row.key}, icon=badges.kind_icon("template"))  # fmt: skip
            if row.version_id and may_ask:
                st.page_link("request.py", label="Ask for it", query_params={"template": str(row.version_id)}, icon=":material/rocket_launch:")  # fmt: skip
        st.markdown(plain(row.summary))
        published = f"version {row.version}" if row.version_id else "no published version yet"
        waiting = f" · {badges.count(row.waiting, 'version')} to publish" if row.waiting else ""
        st.caption(plain(f"{row.owner} · {published} · used by {badges.count(row.adoptions, 'project')}{waiting}"))
        if row.version_id:
            st.page_link("templates.py", label="Questions, files and versions", query_params={"version": str(row.version_id)}, icon=":material/folder_open:")  # fmt: skip
