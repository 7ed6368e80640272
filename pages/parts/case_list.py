"""Cases in lists: what is reviewed, how it stands, when it is due, how far it is, and what its checks say."""

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
    "open": "Not decided yet", "to decide": "Waiting for my signature", "mine": "My cases", "approved": "Approved or suspended",
    "ended": "Over", "all": "All",
}  # fmt: skip
STATES = {name: f"State: {words[0].split(',')[0].lower()}" for name, words in case_words.STATES.items()}
"""The states as further choices; those that are called like a view are told apart by their key."""
TIERS = {"": "Every tier", "high": "High", "limited": "Limited", "minimal": "Minimal"}
KINDS = {"": "Everything", "model": "Models", "project": "Projects", "dataset": "Datasets", "pipeline": "Pipelines"}


def show(actor: Actor) -> None:
    """The queue with its filters, which live in the address."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        shown = addresses.choice("Cases", "cases", VIEWS | {f"={name}": words for name, words in STATES.items()}, default="open", width=230)  # fmt: skip
        kind = addresses.choice("What is reviewed", "kind", KINDS, width=160)
        tier = addresses.choice("Risk tier", "tier", TIERS, width=140)
        words = addresses.words("Find", "q", placeholder="Model, project or checklist", width=220)
    view, state = ("all", shown[1:]) if shown.startswith("=") else (shown, "")
    page = addresses.page_number()
    with db.reading() as session:
        found = boards.queue(
            session, actor, view=view, state=state, kind=kind, tier=tier, q=words, page=page, size=SIZE
        )
        names = people.names(session, {one.owner for one in found.items})
    st.markdown(f"**{badges.count(found.total, 'case')}**, what is due first at the top")
    lines(found.items, names)
    if not found.items:
        _nothing(view)
    addresses.pages(found.total, SIZE, page)


def _nothing(view: str) -> None:
    if view == "to decide":
        st.info("No case waits for your signature. Cases show here once you have a seat in one.", icon=":material/inbox:")  # fmt: skip
        return
    st.info("No case is here. A team opens one from its project, on the Reviews tab.", icon=":material/rate_review:")
    st.page_link("projects.py", label="Projects", icon=":material/account_tree:")


def lines(rows: list[CaseRow], names: dict[str, str]) -> None:
    """Cases below each other; ``names`` are those of their owners by reference."""
    for row in rows:
        with st.container(border=True, gap="xsmall"):
            with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
                st.page_link("review.py", label=f"**{plain(title(row))}** · {plain(row.checklist)}", query_params={"id": str(row.id)}, icon=":material/rate_review:")  # fmt: skip
                st.markdown(_badges(row), width="content")
            st.caption(plain(_facts(row, names)), help=f"Due {badges.exact(row.due_at)}" if row.due_at else None)


def title(row: CaseRow) -> str:
    """What is reviewed, with its version where it has one; a project by its title."""
    return row.project if row.kind == "project" else f"{row.name} {row.version}".rstrip()


def _badges(row: CaseRow) -> str:
    found = [case_words.state(row.state)]
    if row.is_late:
        found.append(badges.text("Late", ":material/alarm:", "red"))
    found.append(badges.text(f"Tier {row.tier}", ":material/balance:", "red" if row.tier == "high" else "gray"))
    found += [case_words.verdict(name, count) for name, count in row.verdicts.items()]
    if row.waiting:
        found.append(badges.text("Production waits", ":material/bolt:", "orange"))
    return " ".join(found)


def _facts(row: CaseRow, names: dict[str, str]) -> str:
    said = [f"Case {row.id}", row.project, f"owned by {names.get(row.owner, row.owner)}"]
    if row.state == "in review" and row.due_at:
        said.append(badges.due(row.due_at))
    if row.state in ("draft", "changes requested"):
        said.append("the owner has the ball")
    said.append(f"{row.settled} of {badges.count(len(row.standings), 'item')} settled")
    return " · ".join(said + row.waiting)
