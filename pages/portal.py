"""The frame of every page: who is looking, navigation by role, search, and the page itself."""

from __future__ import annotations

import streamlit as st

from core.access import policy
from core.access.policy import Actor
from core.config import settings
from core.demo.cases import PIN
from pages.parts import actor as actors
from pages.parts import notices

st.set_page_config(page_title="AI factory", page_icon=":material/factory:", layout="wide")


def navigation(actor: Actor) -> dict[str, list[st.Page]]:
    """The pages this person can use, in sections; what is absent is refused by the core as well."""
    sections = {
        "": [st.Page("home.py", title="Home", icon=":material/home:", default=True, help="What waits for you and the factory at a glance.")],
        "Discover": [
            st.Page("catalog.py", title="Catalog", icon=":material/search:", help="Search everything the factory shares."),
            st.Page("patterns.py", title="Patterns", icon=":material/schema:", help="Architectural patterns, and advice on which fits."),
            st.Page("datasets.py", title="Datasets", icon=":material/database:", help="Data, their owners, and access to them."),
        ],
        "Build": [
            st.Page("projects.py", title="Projects", icon=":material/account_tree:", help="Every use case: its stage, its people, its next step."),
            st.Page("templates.py", title="Templates", icon=":material/note_stack:", help="A repository that runs, from a template; requests, updates."),
        ],
        "Assure": [st.Page("reviews.py", title="Reviews", icon=":material/rate_review:", help="What is reviewed, signed, waived, and due.")],
        "Operate": [st.Page("models.py", title="Models", icon=":material/monitoring:", help="Every project's models, from the mirror of MLflow.")],
        "Manage": [],
    }  # fmt: skip
    hidden = [
        st.Page(
            "entry.py", title="Entry", icon=":material/article:", visibility="hidden", help="One entry of the catalog."
        ),
        st.Page("project.py", title="Project", icon=":material/rocket:", visibility="hidden", help="One use case."),
        st.Page(
            "review.py", title="Review", icon=":material/rate_review:", visibility="hidden", help="One review case."
        ),
        st.Page(
            "request.py", title="Request", icon=":material/note_stack:", visibility="hidden", help="A template request."
        ),
    ]
    proposals = st.Page("propose.py", title="Proposals", icon=":material/edit_note:", help="Propose an entry or a change; approve those of others.")  # fmt: skip
    if policy.may_anywhere(actor, "entry.propose") or policy.may_anywhere(actor, "entry.publish"):
        sections["Build"].append(proposals)
    if policy.may(actor, "catalog.browse"):
        sections["Build"] += [
            st.Page("demand.py", title="Demand", icon=":material/contact_support:", help="What people looked for and did not find."),
            st.Page("harvest.py", title="Harvest", icon=":material/agriculture:", help="What projects gave back, and what became of it."),
        ]  # fmt: skip
    if policy.may_anywhere(actor, "activity.read"):
        sections["Manage"].append(st.Page("activity.py", title="Activity", icon=":material/history:", help="The log: what happened, by whom; verify it."))  # fmt: skip
    if policy.may(actor, "admin.people") or policy.may(actor, "admin.jobs"):
        sections["Manage"].append(st.Page("admin.py", title="Admin", icon=":material/settings:", help="People, roles, tokens, sources and jobs."))  # fmt: skip
    sections["Discover"] += hidden
    return {title: pages for title, pages in sections.items() if pages}


def search_everywhere() -> None:
    """The one search box, on every page; it opens the catalog with the words."""
    words = st.session_state.header_search.strip()
    if words:
        st.session_state.header_search = ""
        st.session_state.searched_for = words


actor = actors.current()
page = st.navigation(navigation(actor))

with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
    st.text_input(
        "Search the factory",
        key="header_search",
        placeholder="Search the factory: drift, owner:ml-engineering, kind:pattern …",
        icon=":material/search:",
        label_visibility="collapsed",
        on_change=search_everywhere,
        width=520,
    )
    with st.popover(notices.plain(actor.name), icon=":material/account_circle:"):
        st.markdown(f"**{notices.plain(actor.name)}**")
        st.caption(", ".join(sorted(actor.roles)) or "No role yet: you can browse nothing but this page.")
        if settings().has_provider:
            st.button("Sign out", icon=":material/logout:", on_click=actors.sign_out)
        else:
            st.markdown("[Switch person or sign out](/auth/sign-in)")

if words := st.session_state.pop("searched_for", None):
    st.switch_page("catalog.py", query_params={"q": words})

notices.show_waiting()
page.run()

if settings().demo:
    st.caption(
        "Demo organisation: people and projects are invented, every figure comes from real training runs. "
        f"Its people sign reviews with the PIN {PIN}. The command make demo-remove removes it."
    )
