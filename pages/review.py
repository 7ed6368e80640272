"""One review case on one screen: its items at the left, the chosen one with its evidence beside them, decisions below."""

from __future__ import annotations

import streamlit as st

from core import db
from core.access.policy import Actor
from core.activity import queries as activity
from core.errors import PortalError
from core.reviews import queries, readable
from core.reviews.moving import subject_of
from core.reviews.queries import CaseDetail
from core.reviews.tables import ReviewCase
from pages.parts import actor as actors
from pages.parts import (
    addresses,
    badges,
    case_bar,
    case_evidence,
    case_item,
    case_items,
    case_people,
    case_words,
    notices,
    timeline,
)
from pages.parts.notices import plain


def header(detail: CaseDetail) -> None:
    """What is reviewed, how it stands, who has the ball, and until when."""
    case, project = detail.case, detail.project
    with st.container(horizontal=True):
        st.page_link("reviews.py", label="All reviews", icon=":material/arrow_back:")
        st.page_link("project.py", label=plain(project.title), query_params={"id": project.id}, icon=badges.kind_icon("project"))  # fmt: skip
        st.page_link("entry.py", label=f"{plain(detail.checklist.title)} {plain(detail.version.version)}", query_params={"ref": detail.checklist.key}, icon=badges.kind_icon("checklist"))  # fmt: skip
        if case.kind == "model":
            st.page_link("models.py", label="The model", query_params={"model": case.name}, icon=badges.kind_icon("model"))  # fmt: skip
    st.title(plain(f"{project.title if case.kind == 'project' else case.name} {case.version}".rstrip()), anchor=False)
    tier = badges.text(f"Tier {case.tier}", ":material/balance:", "red" if case.tier == "high" else "gray")
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"{case_words.state(case.state)} {tier} {_late(case)}", width="content")
        st.caption(plain(f"Case {case.id} · owned by {detail.names.get(case.owner, case.owner)}{_until(case)}"), width="content")  # fmt: skip
    if case.reason and case.state in ("rejected", "withdrawn", "suspended", "revoked"):
        st.error(plain(case.reason), icon=":material/info:")


def _late(case: ReviewCase) -> str:
    if case.state != "in review" or case.paused_at or case.due_at is None or case.due_at >= db.now():
        return ""
    return badges.text("Late", ":material/alarm:", "red")


def _until(case: ReviewCase) -> str:
    if case.due_at and case.state == "in review":
        stands = ", but the clock stands" if case.paused_at else ""
        return f" · decision {badges.due(case.due_at)} ({badges.exact(case.due_at)}){stands}"
    return f" · holds until {badges.exact(case.expires_at)}" if case.expires_at else ""


def items(actor: Actor, detail: CaseDetail) -> None:
    """The list beside the chosen item."""
    current = case_items.chosen(detail)
    left, right = st.columns([2, 3], gap="large")
    with left, st.container(height=640, border=False):
        case_items.show(detail, current)
    with right:
        if current is None:
            st.info("No item of the checklist applies.", icon=":material/checklist:")
        else:
            case_item.show(actor, detail, current)


def history(actor: Actor, detail: CaseDetail) -> None:
    """What happened to the case, and comments about it as a whole."""
    case_item.comments(detail, detail.comments)
    if "comment" in detail.may:
        case_item.comment_form(actor, detail, "", "Comment on the case as a whole")
    with db.reading() as session:
        seen = readable.seen_by(session, actor)
        timeline.show(session, activity.object_history(session, actor, subject_of(detail.case), seen=seen))


TABS = {"Items": items, "Evidence": case_evidence.show, "Signatures": case_people.show, "History": history}

actor = actors.current()
given = st.query_params.get("id", "")
try:
    with db.reading() as session:
        detail = queries.case(session, actor, int(given) if given.isascii() and given.isdigit() and len(given) < 10 else 0)  # fmt: skip
except PortalError as error:
    st.title("Review", anchor=False)
    notices.refuse(error)
    st.page_link("reviews.py", label="All reviews", icon=":material/arrow_back:")
    st.stop()

header(detail)
addresses.open_tab(TABS)
tabs = st.tabs(list(TABS), on_change="rerun", key="tab", bind="query-params")
for tab, draw in zip(tabs, TABS.values(), strict=True):
    if tab.open:
        with tab:
            draw(actor, detail)
with st.bottom:
    case_bar.show(actor, detail)
