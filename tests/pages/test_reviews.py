"""The reviews page: the queue and its filters in the address, the boards, one's own figures, and opening a case."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import update
from sqlmodel import select
from streamlit.testing.v1 import AppTest

from core import db
from core.access.policy import Actor
from core.projects.tables import Project
from core.reviews import waivers
from core.reviews.tables import Delegation, ReviewCase, ReviewerProfile
from tests.core.datasets.house import Make
from tests.core.reviews import house as houses
from tests.core.reviews.bank import Bank
from tests.pages.driving import ok, opened
from tests.pages.reviewing import Portal, bank_now, links, texts

pytestmark = pytest.mark.parametrize("store", ["sqlite"], indirect=True)


@pytest.fixture
def bank(store: str, person: Make, monkeypatch: pytest.MonkeyPatch) -> Bank:
    return bank_now(person, monkeypatch)


def cases(app: AppTest) -> list[str]:
    """The cases that the page lists, in order."""
    return [one.split("**")[1] for one in links(app) if one.startswith("**")]


# --- the queue -------------------------------------------------------------------------------------------------------


def test_the_queue_shows_what_is_due_first_and_what_of_each_case_counts(bank: Bank, portal_as: Portal) -> None:
    calm, late = bank.submitted("1"), bank.submitted("2", verdict="fail", tier="high")
    bank.change(calm, due_at=bank.clock() + timedelta(days=2, hours=1))
    bank.change(late, due_at=bank.clock() - timedelta(hours=3))
    app = opened(portal_as(bank.rita), "reviews.py")
    assert cases(app) == ["churn 2", "churn 1"]
    said = texts(app)
    for words in ("2 cases", "overdue by 3 hours", "due in 2 days", "Late", "Tier high", "1 failing", "owned by Olga", "2 of 3 items settled", "3 of 3 items settled"):  # fmt: skip
        assert words in said, words


def test_what_production_waits_for_is_marked(bank: Bank, portal_as: Portal) -> None:
    bank.draft()
    app = opened(portal_as(bank.rita), "reviews.py")
    assert "Production waits" not in texts(app)
    with db.writing() as session:
        session.execute(update(Project).values(stage="operate"))
    said = texts(ok(app.run()))
    assert "Production waits" in said
    assert "the project is in operation" in said


@pytest.mark.parametrize(
    ("query", "shown"),
    [
        ({}, ["churn 2", "churn 1"]), ({"cases": "to decide"}, ["churn 2"]), ({"cases": "ended"}, ["churn 3"]),
        ({"cases": "=draft"}, ["churn 1"]), ({"cases": "=rejected"}, ["churn 3"]), ({"cases": "all", "tier": "high"}, ["churn 3"]),
        ({"q": "churn"}, ["churn 2", "churn 1"]), ({"q": "nothing"}, []), ({"kind": "dataset"}, []),
        ({"cases": "<script>", "tier": "none", "kind": "'", "page": "-1"}, ["churn 2", "churn 1"]), ({"q": "\x00%"}, []),
        ({"page": "999999"}, []), ({"view": "<b>"}, ["churn 2", "churn 1"]),
    ],
)  # fmt: skip
def test_filters_live_in_the_address_and_any_address_is_safe(
    bank: Bank, portal_as: Portal, query: dict[str, str], shown: list[str]
) -> None:
    bank.draft("1")
    bank.submitted("2")
    bank.draft("3", state="rejected", tier="high")
    assert cases(opened(portal_as(bank.rita), "reviews.py", **query)) == shown


def test_a_filter_that_is_chosen_is_remembered_in_the_address(bank: Bank, portal_as: Portal) -> None:
    bank.draft("1")
    app = opened(portal_as(bank.rita), "reviews.py", page="2")
    app.selectbox(key="address cases").select("=draft")
    app = ok(app.run())
    assert app.query_params["cases"] == "=draft"
    assert "page" not in app.query_params, "what is narrowed begins at its first page"
    assert cases(app) == ["churn 1"]


def test_long_queues_are_paged(bank: Bank, portal_as: Portal) -> None:
    for number in range(23):
        bank.draft(str(number), seats=False)
    assert len(cases(opened(portal_as(bank.rita), "reviews.py"))) == 20
    app = opened(portal_as(bank.rita), "reviews.py", page="2")
    assert (cases(app), "23 cases" in texts(app)) == (["churn 20", "churn 21", "churn 22"], True)


def test_an_empty_queue_says_what_would_be_here_and_how_it_is_filled(bank: Bank, portal_as: Portal) -> None:
    app = opened(portal_as(bank.rita), "reviews.py")
    assert "A team opens one from its project" in texts(app)
    assert "Projects" in links(app)
    assert "once you have a seat" in texts(opened(portal_as(bank.rita), "reviews.py", cases="to decide"))


def test_who_does_not_see_the_project_sees_none_of_its_cases(bank: Bank, portal_as: Portal) -> None:
    bank.waived(bank.submitted(verdict="fail"))
    with db.writing() as session:
        session.execute(update(Project).values(classification="restricted"))
    for view in ("", "conditions", "waivers"):
        said = opened(portal_as(bank.ada), "reviews.py", view=view, cases="all")
        assert "churn" not in (texts(said) + "".join(links(said))).lower(), view
    assert "FAIR-1" in texts(opened(portal_as(bank.audrey), "reviews.py", view="waivers"))


def test_without_a_role_there_are_no_lists(bank: Bank, portal_as: Portal) -> None:
    bank.draft()
    app = opened(portal_as(), "reviews.py")
    assert "once you have a role" in texts(app)
    assert cases(app) == []


# --- the boards ------------------------------------------------------------------------------------------------------


def test_open_conditions_are_on_their_board_with_who_meets_them_and_when(bank: Bank, portal_as: Portal) -> None:
    assert "No approval is tied" in texts(opened(portal_as(bank.rita), "reviews.py", view="conditions"))
    wanted = {"text": "Measure again", "owner": bank.olga.ref, "environments": ["test"], "due_on": f"{bank.clock():%Y-%m-%d}"}  # fmt: skip
    case_id = bank.submitted()
    bank.signed(bank.vera, case_id, "approve with conditions", conditions=[wanted])
    bank.signed(bank.rita, case_id, "approve")
    app = opened(portal_as(bank.rita), "reviews.py", view="conditions")
    assert "Measure again" in texts(app)
    assert "Olga · a signer judges it" in texts(app)
    target = next(one.proto for one in app.get("page_link") if "case" in one.proto.label)
    assert target.query_string == f"id={case_id}&open=Signatures"
    assert "No approval is tied" in texts(opened(portal_as(bank.rita), "reviews.py", view="conditions", mine="yes"))


def test_waivers_are_on_their_board_with_their_control_and_their_people(bank: Bank, portal_as: Portal) -> None:
    assert "Nothing is waived" in texts(opened(portal_as(bank.rita), "reviews.py", view="waivers"))
    case_id = bank.submitted(verdict="fail")
    bank.waiver(case_id)
    said = texts(opened(portal_as(bank.rita), "reviews.py", view="waivers"))
    assert "Waits for a decision" in said
    assert "instead: People look at each decision." in said
    assert "approved by" not in said
    bank.do(waivers.approve, bank.max, waiver_id=1)
    said = texts(opened(portal_as(bank.rita), "reviews.py", view="waivers"))
    assert "In force" in said
    assert "asked by Olga · approved by Max" in said


def test_reviewers_see_their_own_figures_and_of_others_no_name(bank: Bank, portal_as: Portal) -> None:
    case_id = bank.submitted()
    bank.signed(bank.vera, case_id, "approve")
    bank.signed(bank.rita, case_id, "approve")
    app = opened(portal_as(bank.vera), "reviews.py", view="insights")
    figures = app.table[0].value
    assert list(figures["You"]) == ["0", "0.0 h", "0%", "100%", "100%"]
    assert list(figures["Middle"]) == ["–"] * 5
    assert "You signed 1 decision." in texts(app)
    assert "Rita" not in texts(app)


def test_who_reviews_nothing_is_told_what_would_be_here(bank: Bank, portal_as: Portal) -> None:
    app = opened(portal_as(bank.audrey), "reviews.py", view="insights")
    assert "for those who review" in texts(app)
    assert len(app.table) == 0


def test_a_reviewer_says_what_they_know_and_how_much_they_take(bank: Bank, portal_as: Portal) -> None:
    app = opened(portal_as(bank.vera), "reviews.py", view="insights")
    next(one for one in app.text_input if one.label == "What I know best").set_value(" Text, credit ,, text ")
    next(one for one in app.number_input if one.label.startswith("Open cases")).set_value(3)
    next(one for one in app.checkbox if one.label.startswith("Give me no")).check()
    next(one for one in app.button if one.label == "Save").click()
    ok(app.run())
    with db.reading() as session:
        held = session.get_one(ReviewerProfile, bank.vera.id)
    assert (held.skills, held.most_cases, held.paused) == (["text", "credit"], 3, True)


def test_a_reviewer_is_stood_in_for_and_comes_back(bank: Bank, portal_as: Portal) -> None:
    app = opened(portal_as(bank.vera), "reviews.py", view="insights")
    chosen = next(one for one in app.selectbox if one.label == "Who stands in")
    assert chosen.options == ["Mo", "Viktor"]
    chosen.select(bank.viktor.id)
    next(one for one in app.button if one.label == "Let them stand in").click()
    app = ok(app.run())
    assert "Viktor stands in for you as model validator" in texts(app)
    assert "You stand in for Vera" in texts(opened(portal_as(bank.viktor), "reviews.py", view="insights"))
    app = opened(portal_as(bank.vera), "reviews.py", view="insights")
    next(one for one in app.button if one.label == "I am back").click()
    assert "stands in" not in texts(ok(app.run()), "markdown")
    with db.reading() as session:
        assert session.exec(select(Delegation)).one().ended_at is not None


# --- from elsewhere --------------------------------------------------------------------------------------------------


@pytest.fixture
def house(store: str, person: Make) -> houses.House:
    return houses.build(person)


def opening(app: AppTest) -> AppTest:
    next(one for one in app.button if one.label == "Open the case").click()
    return ok(app.run())


def test_a_team_opens_a_case_from_its_project(house: houses.House, portal_as: Portal) -> None:
    app = opened(portal_as(house.ada), "project.py", id="churn", tab="Reviews")
    assert "Open a review case" in links(app)
    assert "Nothing of this project was reviewed yet" in texts(app)
    app = opened(portal_as(house.ada), "reviews.py", open_for="churn", model=f"{houses.MODEL}/1")
    assert app.selectbox(key="subject").value == (houses.MODEL, "1")
    app = opening(app)
    assert f"{houses.MODEL} 1" in texts(app, "title")
    with db.reading() as session:
        assert [(one.name, one.version) for one in session.exec(select(ReviewCase))] == [(houses.MODEL, "1")]
    app = opened(portal_as(house.ada), "project.py", id="churn", tab="Reviews")
    assert cases(app) == [f"{houses.MODEL} 1"]


def test_the_case_of_the_next_version_carries_on_from_the_one_before(house: houses.House, portal_as: Portal) -> None:
    former = house.reviewed()
    houses.mirror("2")
    app = opening(opened(portal_as(house.ada), "reviews.py", open_for="churn", model=f"{houses.MODEL}/2"))
    assert f"answers of case {former}" in app.toast[0].value.replace("\\", "")


def test_whoever_may_not_answer_here_opens_nothing(house: houses.House, portal_as: Portal) -> None:
    assert "Open a review case" not in links(opened(portal_as(house.vera), "project.py", id="churn", tab="Reviews"))
    app = opening(opened(portal_as(house.vera), "reviews.py", open_for="churn", model=f"{houses.MODEL}/1"))
    assert "may not" in texts(app, "error")
    with db.reading() as session:
        assert session.exec(select(ReviewCase)).all() == []


@pytest.mark.parametrize("name", ["none", "\x00", "x" * 400])
def test_no_case_is_opened_for_a_project_that_is_not_there(house: houses.House, portal_as: Portal, name: str) -> None:
    app = opened(portal_as(house.ada), "reviews.py", open_for=name)
    assert "No project" in texts(app, "error")
    assert "All reviews" in links(app)


def test_a_models_page_shows_its_cases_and_lets_its_team_open_one(house: houses.House, portal_as: Portal) -> None:
    house.open()
    app = opened(portal_as(house.ada), "models.py", model=houses.MODEL)
    assert cases(app) == [f"{houses.MODEL} 1"]
    assert "Open a review case on a version" in links(app)
    assert "Open a review case on a version" not in links(
        opened(portal_as(house.vera), "models.py", model=houses.MODEL)
    )


def test_home_names_what_of_reviews_waits(bank: Bank, portal_as: Portal) -> None:
    def waits(actor: Actor) -> list[str]:
        return [one.replace("*", "") for one in links(opened(portal_as(actor), "home.py"))]

    case_id = bank.submitted(verdict="fail")
    assert "Review churn 1" in waits(bank.vera)
    assert "Review churn 1" not in waits(bank.viktor)
    bank.waiver(case_id)
    assert "Decide on a waiver of FAIR-1 for churn" in waits(bank.max)
    broken = bank.do(waivers.break_glass, bank.max, case_id=case_id, wish=bank.wish())
    bank.do(waivers.second, bank.rob, waiver_id=broken.id)
    assert "Look at the broken glass of churn" in waits(bank.rita)
    assert not any("broken glass" in one for one in waits(bank.mia)), "managers cannot look at it"
