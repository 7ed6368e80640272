"""One dataset: owner, contract, versions, where it goes, who may read it, and the way to ask for access."""

from __future__ import annotations

import streamlit as st

from core import db
from core.access import policy
from core.access import queries as people
from core.access.policy import Actor
from core.catalog import queries as catalog
from core.catalog.queries import EntryPage
from core.datasets import lineage, owners, queries
from core.errors import NotFound, PortalError
from pages.parts import badges, dataset_contract, dataset_form, dataset_lineage, dataset_requests, notices
from pages.parts.notices import plain


def show(actor: Actor, ref: str) -> None:
    """The dataset's page."""
    st.page_link("datasets.py", label="All datasets", icon=":material/arrow_back:")
    try:
        with db.reading() as session:
            page = _dataset(session, actor, ref)
            alone = queries.without_decider(session, page.entry.id or 0)
    except PortalError as error:
        st.title("Dataset", anchor=False)
        notices.refuse(error)
        return
    entry = page.entry
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        st.title(plain(entry.title), anchor=False)
        st.page_link("entry.py", label="Entry: how to use it, README, history", query_params={"ref": entry.key}, icon=":material/article:")  # fmt: skip
    st.markdown(badges.status_line("dataset", entry.lifecycle, entry.classification, stale=entry.stale_since is not None))  # fmt: skip
    st.markdown(plain(entry.summary))
    st.caption(plain(f"Owned by {entry.owner} · {entry.classification} · version {entry.version}"))
    if alone:
        st.warning("Its owners have nobody left who can decide, and there is no manager: an administrator grants that role.", icon=":material/person_off:")  # fmt: skip
    _tabs(actor, page)


def _dataset(session: db.Session, actor: Actor, ref: str) -> EntryPage:
    page = catalog.entry(session, actor, ref)
    if page.entry.kind != "dataset":
        raise NotFound(f"{page.entry.title} is no dataset.", hint="Open it in the catalog.")
    return page


def _tabs(actor: Actor, page: EntryPage) -> None:
    tabs = {"Contract": _contract, "Versions": _versions, "Lineage": _lineage, "Access": _access}
    for tab, draw in zip(st.tabs(list(tabs), on_change="rerun", key="tab", bind="query-params"), tabs.values(), strict=True):  # fmt: skip
        if tab.open:
            with tab:
                draw(actor, page)


def _contract(_actor: Actor, page: EntryPage) -> None:
    dataset_contract.show(page.spec)


def _versions(actor: Actor, page: EntryPage) -> None:
    with db.reading() as session:
        found = lineage.lineage(session, actor, page)
    dataset_lineage.versions(page, found)


def _lineage(actor: Actor, page: EntryPage) -> None:
    with db.reading() as session:
        found = lineage.lineage(session, actor, page)
    dataset_lineage.show(page, found)


def _access(actor: Actor, page: EntryPage) -> None:
    key = page.entry.key
    with db.reading() as session:
        mine = queries.requests(session, actor, dataset=key, mine=True, size=20).items
        names = people.names(session, {ref for one in mine for ref in one.refs})
        readers = queries.readers_of(session, actor, page.entry.id or 0)
    if policy.may(actor, "data.request"):
        with st.expander("Ask for access", icon=":material/key:", expanded=not mine):
            dataset_form.show(actor, page)
    if mine:
        st.subheader("Your requests", anchor=False)
    for one in mine:
        dataset_requests.card(actor, one, names)
    if owners.may_decide(actor, page.scope) or policy.may(actor, "data.audit", page.scope):
        st.subheader("Who may read it now", anchor=False)
        dataset_requests.readers(readers)
    elif not mine and not policy.may(actor, "data.request"):
        st.info("Who builds may ask for access: domain experts, data engineers, data scientists, AI engineers and ML engineers.", icon=":material/key_off:")  # fmt: skip
