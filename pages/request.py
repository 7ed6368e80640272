"""One request for a template: the form with its preview, or how it stands and what can be done now."""

from __future__ import annotations

import streamlit as st

from core import db
from core.errors import PortalError
from core.templates import queries
from pages.parts import actor as actors
from pages.parts import notices, template_ask, template_request


def number(name: str) -> int:
    """The number ``name`` in the address, or 0."""
    given = st.query_params.get(name, "")
    return int(given) if given.isascii() and given.isdigit() and len(given) < 10 else 0


actor = actors.current()
try:
    if version_id := number("template"):
        template_ask.new(actor, version_id)
    else:
        with db.reading() as session:
            page = queries.request(session, actor, number("id"))
        if "edit" in st.query_params and page.is_own and page.request.state in ("draft", "changes requested"):
            template_ask.again(actor, page)
        else:
            template_request.show(actor, page)
except PortalError as error:
    st.title("Request", anchor=False)
    notices.refuse(error)
    st.page_link("templates.py", label="All templates", icon=":material/arrow_back:")
