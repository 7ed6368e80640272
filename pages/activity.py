"""The log: who did what to which thing and when; filters, history of any object, verification and export."""

from __future__ import annotations

import math

import streamlit as st

from core import db
from core.access import policy
from core.access import queries as people
from core.activity import queries
from core.activity.events import all_events
from core.activity.queries import Line
from core.errors import PortalError
from core.reviews import readable
from pages.parts import actor as actors
from pages.parts import badges, log_checks, notices, sentences, texts
from pages.parts.notices import plain

SIZE = 25
FILTERS = ("subject", "event", "by")


def remember(name: str) -> None:
    """Put a filter into the address; start again at page 1."""
    st.query_params[name] = st.session_state[f"activity_{name}"] or []
    if name != "page":
        st.query_params.pop("page", None)


def page_number() -> int:
    """The page in the address; anything else is page 1."""
    given = st.query_params.get("page", "1")
    return max(int(given), 1) if given.isascii() and given.isdigit() and len(given) < 7 else 1


def filters(everybody: dict[str, str]) -> None:
    """Subject, event and, for those who read everything, who did it."""
    events = ["", *(one.name for one in all_events())]
    for name in FILTERS:
        st.session_state[f"activity_{name}"] = chosen[name]
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.text_input("About", key="activity_subject", on_change=remember, args=("subject",), placeholder="asset:default/… or part of it", icon=":material/search:", width=300)  # fmt: skip
        st.selectbox("Event", _with(events, chosen["event"]), key="activity_event", on_change=remember, args=("event",), format_func=lambda one: one.replace("-", " ").capitalize() or "Any", width=220)  # fmt: skip
        if reads_all:
            st.selectbox("By", _with(["", *everybody], chosen["by"]), key="activity_by", on_change=remember, args=("by",), format_func=lambda one: everybody.get(one, one) or "Anybody", width=220)  # fmt: skip


def _with(options: list[str], current: str) -> list[str]:
    return options if current in options else [*options, current]


def row(line: Line, names: dict[str, str]) -> None:
    """One record: who did what and when, with a link to the entry it is about; the rest on demand."""
    what, about = st.columns([3, 1], vertical_alignment="center", gap="small")
    is_entry = sentences.is_entry(line.subject)
    named = "" if is_entry or line.subject == line.actor else f" · {plain(names.get(line.subject, line.subject))}"
    told = f"**{plain(names[line.actor])}** {plain(sentences.sentence(line, names))}{named} · {badges.ago(line.at)}"
    details = what.expander(told, type="compact", key=f"record_{line.seq}", on_change="rerun")
    if details.open:
        with details:
            record(line)
    if is_entry:
        about.page_link("entry.py", label=plain(line.subject.rpartition("/")[2]), query_params={"ref": line.subject}, icon=badges.kind_icon(line.subject.partition(":")[0]))  # fmt: skip


def record(line: Line) -> None:
    """Everything the log holds of one record."""
    st.markdown(f"**Record {line.seq}** · {plain(line.event)} · {badges.exact(line.at)}")
    st.json(line.data)
    st.caption("About")
    texts.code(line.subject)
    st.caption("By")
    texts.code(line.actor)
    st.caption("Hash of this record and the one before it")
    texts.code(line.hash)
    st.page_link(
        "activity.py", label="Everything about this", query_params={"subject": line.subject}, icon=":material/history:"
    )


actor = actors.current()
reads_all = policy.may(actor, "activity.verify")
chosen = {name: st.query_params.get(name, "") for name in FILTERS}

st.title("Activity", anchor=False)

try:
    with db.reading() as session:
        seen = readable.seen_by(session, actor)
        found = queries.history(session, actor, **chosen, page=page_number(), size=SIZE, seen=seen)
        names = people.names(session, sentences.references(found.items))
        everybody = people.everybody(session) if reads_all else {}
except PortalError as error:
    notices.refuse(error)
    st.page_link("activity.py", label="Clear all filters", icon=":material/filter_alt_off:")
    st.stop()

if reads_all:
    log_checks.show(actor)
else:
    st.info("Your role reads what you did yourself. What happened to a thing stands on its page, under History.", icon=":material/person:")  # fmt: skip

filters(everybody)
with st.container(horizontal=True, vertical_alignment="center"):
    counted = f"The {found.total:,} newest records" if found.is_cut else badges.count(found.total, "record")
    st.markdown(f"**{counted}**, newest first", width="content")
    if any(chosen.values()):
        st.page_link("activity.py", label="Clear all filters", icon=":material/filter_alt_off:")
for line in found.items:
    row(line, names)
if found.total == 0:
    st.info("Nothing here with these filters. Clear one of them.", icon=":material/filter_alt_off:")
if found.total > SIZE:
    pages = math.ceil(found.total / SIZE)
    st.session_state["activity_page"] = min(page_number(), pages)
    st.pagination(pages, key="activity_page", on_change=remember, args=("page",))
