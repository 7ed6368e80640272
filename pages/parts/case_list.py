"""Cases in lists: what is reviewed, how it stands, when it is due, and what its checks say."""

from __future__ import annotations

import streamlit as st

from core import db
from core.access import queries as people
from core.access.policy import Actor
from core.reviews import boards
from core.reviews.boards import CaseRow
from pages.parts import addresses, badges, case_words
from pages.parts.notices import plain

SIZE = 20
VIEWS = {
    "open": "Open", "to decide": "Waits for my signature", "mine": "My cases", "approved": "Approved", "ended": "Ended",
    "all": "All",
}  # fmt: skip
TIERS = {"": "Every tier", "high": "High", "limited": "Limited", "minimal": "Minimal"}


def show(actor: Actor) -> None:
    """The queue with its filters, which live in the address."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        view = addresses.choice("Cases", "cases", VIEWS, default="open")
        tier = addresses.choice("Risk tier", "tier", TIERS)
        words = addresses.words("Find", "q", placeholder="Model, project or checklist")
    page = addresses.page_number()
    with db.reading() as session:
        found = boards.queue(session, actor, view=view, tier=tier, q=words, page=page, size=SIZE)
        names = people.names(session, {one.owner for one in found.items})
    st.markdown(f"**{badges.count(found.total, 'case')}**")
    for row in found.items:
        line(row, names)
    if not found.items:
        _nothing(view)
    addresses.pages(found.total, SIZE, page)


def _nothing(view: str) -> None:
    if view == "to decide":
        st.info("No case waits for your signature. Cases show here once you have a seat in one.", icon=":material/inbox:")  # fmt: skip
        return
    st.info("No case is here. A team opens one from its project, on the Reviews tab.", icon=":material/rate_review:")
    st.page_link("projects.py", label="Projects", icon=":material/account_tree:")


def line(row: CaseRow, names: dict[str, str]) -> None:
    """One case."""
    with st.container(border=True, gap="xsmall"):
        with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
            st.page_link("review.py", label=f"**{plain(row.name)} {plain(row.version)}** · {plain(row.checklist)}", query_params={"id": str(row.id)}, icon=":material/rate_review:")  # fmt: skip
            late = badges.text("Late", ":material/alarm:", "red") if row.is_late else ""
            st.markdown(f"{case_words.state(row.state)} {late}")
        found = [
            f"{count} {word}"
            for count, word in ((row.failing, "fail"), (row.inconclusive, "inconclusive"), (row.missing, "missing"))
            if count
        ]
        said = [f"Case {row.id}", row.project, f"tier {row.tier}", f"owned by {names.get(row.owner, row.owner)}"]
        said += [f"due {badges.exact(row.due_at)}"] if row.due_at and row.state == "in review" else []
        said += ["the owner has the ball"] if row.state in ("draft", "changes requested") else []
        said += [f"checks: {', '.join(found)}"] if found else []
        said += ["something in production waits for it"] if row.waits else []
        st.caption(plain(" · ".join(said)))
