"""The list of datasets with its filters in the address."""

from __future__ import annotations

import streamlit as st

from core import db
from core.access import policy
from core.access.policy import Actor
from core.datasets import queries
from core.datasets.queries import DatasetRow
from core.errors import PortalError
from pages.parts import addresses, badges, notices
from pages.parts.notices import plain

SIZE = 50
CLASSIFICATIONS = {"": "Any classification"} | {one: name for one, (name, *_) in badges.CLASSIFICATIONS.items()}
PERSONAL = {"": "Any data", "none": "No personal data", "pseudonymised": "Pseudonymised", "direct": "Personal data"}


def show(actor: Actor) -> None:
    """Every dataset the person sees; one line each, with a link to its page."""
    with db.reading() as session:
        teams = {"": "Any owner"} | queries.owning_teams(session, actor)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        words = addresses.words("Find", "q", placeholder="payments")
        owner = addresses.choice("Owner", "owner", teams)
        classification = addresses.choice("Classification", "classification", CLASSIFICATIONS)
        personal = addresses.choice("Personal data", "personal", PERSONAL)
        readable = addresses.tick("Only what I may read now", "readable")
    page = addresses.page_number()
    try:
        with db.reading() as session:
            found = queries.datasets(session, actor, q=words, owner=owner, classification=classification, personal_data=personal, readable=readable, page=page, size=SIZE)  # fmt: skip
    except PortalError as error:
        notices.refuse(error)
        return
    st.markdown(f"**{badges.count(found.total, 'dataset')}**")
    for row in found.items:
        _line(row)
    if not found.items:
        _nothing(actor, filtered=bool(words or owner or classification or personal or readable))
    addresses.pages(found.total, SIZE, page)


def _line(row: DatasetRow) -> None:
    with st.container(border=True):
        st.page_link("datasets.py", label=f"**{plain(row.title)}**", query_params={"ref": row.key}, icon=badges.kind_icon("dataset"))  # fmt: skip
        st.markdown(plain(row.summary))
        facts = [
            f"owned by {row.owner}", badges.CLASSIFICATIONS.get(row.classification, (row.classification,))[0].lower(),
            PERSONAL.get(row.personal_data, row.personal_data).lower(), f"version {row.version}",
            f"used by {badges.count(row.adoptions, 'project')}",
        ]  # fmt: skip
        if row.until:
            facts.append(f"you may read it until {badges.exact(row.until)}")
        st.caption(plain(" · ".join(facts)))


def _nothing(actor: Actor, *, filtered: bool) -> None:
    if filtered:
        st.info("No dataset matches these filters.", icon=":material/filter_alt_off:")
        st.page_link("datasets.py", label="Clear all filters", icon=":material/filter_alt_off:")
    elif policy.may_anywhere(actor, "entry.propose"):
        st.info("Datasets with their owners and contracts show here. Propose the first one.", icon=":material/database:")  # fmt: skip
        st.page_link("propose.py", label="Propose a dataset", icon=":material/edit_note:")
    else:
        st.info("Datasets with their owners and contracts show here once a team has proposed one.", icon=":material/database:")  # fmt: skip
