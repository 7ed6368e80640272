"""Markup in every text field of an entry, on every page that shows it: it is shown as text, and nothing fails."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import update
from streamlit.testing.v1 import AppTest

from core import db
from core.access.policy import Actor
from core.catalog import actions as catalog
from core.catalog import loader, queries, sources
from core.catalog.kinds import Lifecycle
from core.catalog.sources import SourceFile
from core.projects import actions as projects
from core.projects import adoption
from core.reviews import answering, waivers
from core.reviews.tables import Condition, ReviewCase, Waiver
from core.reviews.waivers import Wish
from tests.conftest import SYSTEM
from tests.core.reviews import house as houses
from tests.core.reviews.house import House
from tests.markup import ASSET, FOREIGN, README, TEXT, TITLE, as_yaml
from tests.pages.driving import ok, opened

Portal = Callable[..., AppTest]
TABS = ("How to use", "README", "Versions", "Relations", "Adopters", "History")
REFS = ("asset:default/hostile", "widget:default/hostile")
LIVE = re.compile(
    r"(?<!\\)(<img|<script|<svg|<iframe|\*\*bold|\[go\]|:red\[(?!:material/)|\$x\^2|~~gone|:material/home|`code)"
)
"""The beginning of something that Markdown would make more of than text."""

pytestmark = pytest.mark.parametrize("store", ["sqlite"], indirect=True)


@pytest.fixture
def ada(store: str, person: Callable[..., Actor]) -> Actor:
    """Somebody of the owning team, who is shown most; both hostile entries are in the catalog and in use."""
    made, reviewer = person("data scientist", "ML engineer", team="risk", name=f"Ada {TITLE}"), person("reviewer")
    file = SourceFile("hostile.yaml", "1", lambda: sources.read(as_yaml(ASSET, FOREIGN), "hostile.yaml", readme=README))
    report = loader.run(SYSTEM, source="import:hostile", files=[file], whole=False)
    assert report.counts["create"] == 2, report.changes
    with db.writing() as session:
        entry = queries.entry(session, SYSTEM, REFS[0]).entry
        projects.create(session, actor=made, project_id="use", title=TITLE, team_id="risk")
        adoption.adopt(session, actor=made, project_id="use", entry_id=entry.id or 0, note=TEXT)
        adoption.change_lifecycle(
            session, actor=reviewer, entry_id=entry.id or 0, to=Lifecycle.approved, revision=entry.revision, reason=TEXT
        )
    return made


def strings(message: Any) -> Iterator[tuple[str, str]]:
    """Every text of an element as the browser is told it, with the name of its field."""
    for field, value in message.ListFields():
        for one in value if hasattr(value, "append") else [value]:
            if isinstance(one, str):
                yield field.name, one
            elif hasattr(one, "ListFields"):
                yield from strings(one)


def is_text(kind: str, field: str) -> bool:
    """Whether no browser reads this field of an element as Markdown."""
    return kind in ("code", "json") or (kind in ("selectbox", "multiselect") and field == "options") or field in _TEXT


_ALTERNATIVE_TEXT = re.compile(r"(?m)^%% stAlt: .*$")
_TEXT = {"id", "key", "query_string", "url", "alt", "placeholder", "default", "value"}


def shown(app: AppTest) -> Iterator[tuple[str, str]]:
    """Everything on the page that is read as Markdown, with what it stands in."""
    yield from (("toast", one.value) for one in app.toast)
    for element in [*app.main, *app.sidebar]:
        if element.type == "table":
            frame = element.value
            yield from (("table", str(one)) for one in [*frame.columns, *frame.to_numpy().ravel()])
        elif getattr(element, "proto", None) is not None:
            found = (
                (f"{element.type}.{field}", one)
                for field, one in strings(element.proto)
                if not is_text(element.type, field)
            )
            yield from found


def live(app: AppTest) -> list[tuple[str, str]]:
    """Where markup that a person wrote would be more than text."""
    return [(where, text) for where, text in shown(app) if LIVE.search(_ALTERNATIVE_TEXT.sub("", text))]


def html(app: AppTest) -> list[str]:
    """What of the page is HTML of its own."""
    found = [one.type for one in app.main if one.type in ("html", "iframe", "component_instance", "bidi_component")]
    return found + [one.value for one in app.get("markdown") if one.proto.allow_html]


def told(app: AppTest) -> str:
    return "\n".join(text for _, text in shown(app)).replace("\\", "")


@pytest.mark.parametrize("ref", REFS)
@pytest.mark.parametrize("tab", TABS)
def test_an_entry_shows_what_a_stranger_wrote_as_text(ada: Actor, portal_as: Portal, ref: str, tab: str) -> None:
    app = opened(portal_as(ada), "entry.py", ref=ref, tab=tab)
    assert html(app) == []
    assert [one for one in live(app) if tab != "README" or one[1] not in README] == []
    assert "<img src=x onerror=window.__pwned=1> **bold** [go](javascript:window.__pwned=1)" in told(app)


def test_a_readme_is_markdown_and_its_html_stays_text(ada: Actor, portal_as: Portal) -> None:
    app = opened(portal_as(ada), "entry.py", ref=REFS[0], tab="README")
    assert html(app) == []
    assert "# Hostile heading" in told(app)
    assert "The last line of the README." in told(app)


def test_what_is_said_after_an_adoption_is_text(ada: Actor, portal_as: Portal) -> None:
    with db.writing() as session:
        projects.create(session, actor=ada, project_id="more", title=TITLE, team_id="risk")
    app = opened(portal_as(ada), "entry.py", ref=REFS[0])
    app.session_state["adopting"] = True  # the form is open
    ok(app.run()).button(key="adopt").click()
    app = ok(app.run())
    assert app.toast
    assert live(app) == []


@pytest.mark.parametrize("ref", REFS)
def test_the_document_can_be_read_as_yaml(ada: Actor, portal_as: Portal, ref: str) -> None:
    app = portal_as(ada)
    app.session_state["as_yaml"] = True
    app = opened(app, "entry.py", ref=ref)
    assert "<script>window.__pwned=1</script>" in "\n".join(one.value for one in app.code)


@pytest.mark.parametrize("page", ["catalog.py", "home.py", "activity.py"])
def test_lists_show_what_a_stranger_wrote_as_text(ada: Actor, portal_as: Portal, page: str) -> None:
    app = opened(portal_as(ada), page)
    assert (html(app), live(app)) == ([], [])
    assert "<img src=x" in told(app)


def test_a_proposal_shows_what_a_stranger_wrote_as_text(
    ada: Actor, portal_as: Portal, person: Callable[..., Actor]
) -> None:
    with db.writing() as session:
        page = queries.entry(session, SYSTEM, REFS[0])
        changed = page.document | {"metadata": page.document["metadata"] | {"title": f"{TITLE} again"[:140]}}
        made = catalog.propose(
            session, actor=ada, document=changed, readme=README + TEXT, base_revision=page.entry.revision, note=TEXT
        )
        number = made.id
    app = opened(portal_as(person("reviewer")), "propose.py", proposal=str(number))
    assert html(app) == []
    assert live(app) == []
    assert "<script>window.__pwned=1</script>" in told(app)


def hostile_case(house: House) -> int:
    """A case in review whose every text is markup: of its checklist, its answers, its discussion, its files, its people."""
    item = {
        "id": "TXT-1", "summary": TITLE, "question": TEXT, "why": TEXT, "type": "choice", "options": [TITLE, "no"],
        "blockingFor": ["high"],
    }  # fmt: skip
    measured = houses.ITEMS[4] | {"summary": TITLE, "question": TEXT}
    entry = houses.checklist([item, measured], name="hostile")
    case_id = house.open(checklist=entry)
    house.attach(case_id, accuracy=0.1, **{TITLE: 1.0})
    house.answer(case_id, "TXT-1", "no", note=TEXT)
    house.answer(case_id, "TXT-1", TITLE, note=TEXT)
    houses.upload(case_id, house.ada, name=f"{TITLE}.pdf"[:200])
    for item_id in ("", "TXT-1"):
        house.do(answering.comment, house.ben, case_id=case_id, item_id=item_id, text=TEXT)
    wish = Wish(reason=TEXT, control=TEXT, expires_at=db.now() + timedelta(days=2))
    house.do(waivers.request, house.ada, case_id=case_id, item_id="MET-1", wish=wish)
    return case_id


@pytest.mark.parametrize("tab", ["Items", "Evidence", "Signatures", "History"])
def test_a_review_case_shows_what_a_stranger_wrote_as_text(
    store: str, person: Callable[..., Actor], portal_as: Portal, tab: str
) -> None:
    house = houses.build(person)
    case_id = hostile_case(house)
    for actor in (house.ada, person("manager", name=f"Max {TITLE}")):
        for item in ("TXT-1", "MET-1"):
            app = opened(portal_as(actor), "review.py", id=str(case_id), item=item, tab=tab)
            assert html(app) == []
            assert live(app) == []
            assert tab == "Evidence" or "<img src=x onerror=window.__pwned=1>" in told(app)


@pytest.mark.parametrize("view", ["", "conditions", "waivers", "insights", "checklists"])
def test_lists_of_reviews_show_what_a_stranger_wrote_as_text(
    store: str, person: Callable[..., Actor], portal_as: Portal, view: str
) -> None:
    house = houses.build(person)
    case_id = hostile_case(house)
    with db.writing() as session:
        session.add(
            Condition(
                case_id=case_id, text=TEXT, owner_id=house.ada.id, due_on=db.now().date(), environments=[], set_by="x"
            )
        )  # fmt: skip
        session.execute(update(ReviewCase).values(state="approved", name=TITLE, reason=TEXT))
        session.execute(update(Waiver).values(approved_by=house.ada.ref, approved_at=db.now()))
    for query in ({"cases": "all", "view": view}, {"cases": "all", "view": view, "q": TITLE[:30]}):
        app = opened(portal_as(person("reviewer", name=f"Rob {TITLE}")), "reviews.py", **query)
        assert (html(app), live(app)) == ([], [])
    app = opened(portal_as(house.ada), "home.py")
    assert (html(app), live(app)) == ([], [])
