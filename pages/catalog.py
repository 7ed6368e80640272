"""The catalog: search, facets with counts, and a way to ask for what is not there."""

from __future__ import annotations

import math

import streamlit as st

from core import db
from core.catalog import actions, search
from core.errors import PortalError
from core.reuse import demand
from pages.parts import actor as actors
from pages.parts import badges, demand_detail, notices
from pages.parts.notices import plain

SIZE = 20
SHOWN = 8  # values of a facet that are offered, the most frequent first; chosen ones always
FACETS = {"kind": "Kind", "owner": "Owner", "lifecycle": "Lifecycle", "classification": "Classification", "tag": "Tag"}
SORTS = {"relevance": "Best match", "adoptions": "Most used", "newest": "Newest", "title": "Title"}


def order_by() -> None:
    """Put the chosen order into the address, where it survives a reload and can be mailed; start again at page 1."""
    st.query_params["sort"] = st.session_state.catalog_sort
    st.query_params.pop("page", None)


def toggle(name: str, value: str) -> None:
    """Put a facet's value into the address, or take it out; start again at page 1."""
    others = [one for one in st.query_params.get_all(name) if one != value]
    st.query_params[name] = [*others, value] if st.session_state[f"{name}:{value}"] else others
    st.query_params.pop("page", None)


def unfold(name: str) -> None:
    """Offer every value of a facet, or the most frequent ones again; the address remembers it."""
    unfolded = st.query_params.get_all("all")
    others = [one for one in unfolded if one != name]
    st.query_params["all"] = others if name in unfolded else [*others, name]


def turn(key: str) -> None:
    """Put the chosen page into the address."""
    st.query_params["page"] = str(st.session_state[key])


def page_number() -> int:
    """The page in the address; anything else is page 1."""
    given = st.query_params.get("page", "1")
    return min(max(int(given), 1), 5000) if given.isascii() and given.isdigit() and len(given) < 6 else 1


def result(hit: search.Hit) -> None:
    """One line of the result: what it is, how much it is used, and why it ranks here."""
    with st.container(border=True, gap="xsmall"):
        with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
            st.page_link("entry.py", label=f"**{plain(hit.title)}**", query_params={"ref": hit.key}, icon=badges.kind_icon(hit.kind))  # fmt: skip
            line = badges.status_line(hit.kind, hit.lifecycle, hit.classification, stale=hit.stale_since is not None)
            st.markdown(line)
        st.markdown(plain(hit.summary))
        used = f"used by {badges.count(hit.adoptions, 'project')}"
        reasons = [one for one in hit.reasons if not one.startswith("used by")]
        why = f" · {plain(', '.join(reasons))}" if reasons else ""
        st.caption(f"{plain(hit.owner)} · {plain(hit.version or 'no version')} · {used}{why}")


def facet(name: str, label: str) -> None:
    """A facet's values with their counts in the present result, the chosen ones ticked."""
    counts = {one.value: one.count for one in found.facets.get(name, [])}
    unfolded = name in st.query_params.get_all("all")
    values = list(dict.fromkeys([*chosen[name], *list(counts)[: None if unfolded else SHOWN]]))
    if not values:
        return
    with st.container(gap="xsmall"):
        st.markdown(f"**{label}**")
        for value in values:
            st.session_state[f"{name}:{value}"] = value in chosen[name]
            shown = badges.kind_title(value) if name == "kind" else value
            st.checkbox(f"{plain(shown)} · {counts.get(value, 0)}", key=f"{name}:{value}", on_change=toggle, args=(name, value))  # fmt: skip
        if len(counts) > SHOWN:
            more = "Show fewer" if unfolded else f"Show all {len(counts)}"
            st.button(more, key=f"all {name}", type="tertiary", on_click=unfold, args=(name,))


def ask_for(text: str) -> None:
    """What became of it, if it was asked for before, and the form that turns an empty search into demand."""
    with db.reading() as session:
        asked = demand.standing(session, actor, text)
    if asked and asked.state != "open":
        st.page_link("demand.py", label=f"Asked for before: {demand_detail.STATES[asked.state][0].lower()}", query_params={"text": asked.text}, icon=":material/contact_support:")  # fmt: skip
        demand_detail.outcome(asked, {})
    with st.form("wish", border=True):
        st.markdown(f"**Nothing matches “{plain(text)}”.** Ask for it: the teams that build shared assets see what is asked for most.")  # fmt: skip
        note = st.text_area("What would you use it for?", max_chars=2000)
        if not st.form_submit_button("Ask for this", type="primary", icon=":material/campaign:"):
            return
    try:
        with db.writing() as session:
            actions.wish(session, actor=actor, text=text, note=note)
    except PortalError as error:
        notices.refuse(error)
    else:
        st.success("Noted. It counts towards what is built next, and you are told when it is there.", icon=":material/check_circle:")  # fmt: skip


actor = actors.current()
text = st.query_params.get("q", "")
chosen = {name: st.query_params.get_all(name) for name in FACETS}
order = st.query_params.get("sort", "relevance")
order = order if order in SORTS else "relevance"

st.title("Catalog")

try:
    with db.reading() as session:
        found = search.search(
            session, actor, text, kinds=chosen["kind"], owners=chosen["owner"], lifecycles=chosen["lifecycle"],
            classifications=chosen["classification"], tags=chosen["tag"], sort=order, page=page_number(), size=SIZE,
        )  # fmt: skip
except PortalError as error:
    notices.refuse(error)
    st.page_link("catalog.py", label="Show the whole catalog", icon=":material/arrow_back:")
    st.stop()

facets, results = st.columns([1, 3], gap="large")

with facets:
    st.session_state["catalog_sort"] = order
    st.selectbox("Sort by", SORTS, format_func=SORTS.__getitem__, key="catalog_sort", on_change=order_by)
    for name, label in FACETS.items():
        facet(name, label)

with results:
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        described = f" for “{plain(text)}”" if text else ""
        st.markdown(f"**{badges.count(found.total, 'entry', 'entries')}**{described}")
        if text or any(chosen.values()):
            st.page_link("catalog.py", label="Clear all filters", icon=":material/filter_alt_off:")
    if found.suggestion:
        st.page_link("catalog.py", label=f"Did you mean **{plain(found.suggestion)}**?", query_params={"q": found.suggestion}, icon=":material/spellcheck:")  # fmt: skip
    for hit in found.items:
        result(hit)
    if found.total > SIZE:
        pages = math.ceil(found.total / SIZE)
        here = min(page_number(), pages)
        st.pagination(pages, default=here, key=f"page_{here}", on_change=turn, args=(f"page_{here}",))
    if found.total == 0 and text and not any(chosen.values()):
        if st.session_state.get("missed") != text:
            st.session_state["missed"] = text
            with db.writing() as session:
                search.record_demand(session, actor, text)
        ask_for(text)
    elif found.total == 0:
        st.info("Nothing here with these filters. Clear one of them.", icon=":material/filter_alt_off:")
