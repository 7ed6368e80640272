"""Advice on patterns and their comparison: pure rules, and the shipped patterns on both databases."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core import db
from core.access.policy import ROLES, Actor
from core.catalog import queries as catalog
from core.catalog.kinds import Fit
from core.errors import Invalid, NotAllowed, NotFound
from core.patterns import advisor, approvals, comparison, queries
from core.patterns.advisor import QUESTIONS, Advice, Candidate
from tests.conftest import SYSTEM

BATCH, ONLINE = "pattern:default/batch-scoring", "pattern:default/online-scoring"


def keys(advice: Sequence[Advice]) -> list[str]:
    return [one.pattern.key for one in advice]


def advised(**answers: str) -> list[Advice]:
    with db.reading() as session:
        return advisor.rank(queries.candidates(session, SYSTEM), answers)


def of(advice: Sequence[Advice], name: str) -> Advice:
    return next(one for one in advice if one.pattern.key == f"pattern:default/{name}")


def candidate(name: str, **fits: Sequence[str]) -> Candidate:
    return Candidate(f"pattern:default/{name}", name, "1.0.0", fits)


# --- the questions -----------------------------------------------------------------------------------------------------


def test_there_are_at_most_eight_questions_and_each_is_answered_by_a_field_of_a_pattern() -> None:
    assert len(QUESTIONS) <= 8
    fields = {info.alias: info for info in Fit.model_fields.values()}
    assert {one.field for one in QUESTIONS} == set(fields)


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda one: one.id)
def test_a_pattern_may_be_made_for_every_answer_that_a_question_offers(question: advisor.Question) -> None:
    made_for_all = Fit.model_validate({question.field: list(question.options)})
    assert made_for_all


def test_what_is_no_answer_in_an_address_is_left_out() -> None:
    given = {"classification": "secret", "latency": "hours", "page": "3", "team": ""}
    assert advisor.answers_in(given) == {"latency": "hours"}


def test_the_restricted_data_of_a_project_are_regulated_ones() -> None:
    assert advisor.answers_in({"classification": "restricted", "modality": "text"}) == {
        "classification": "regulated", "modality": "text",
    }  # fmt: skip


# --- ranking -----------------------------------------------------------------------------------------------------------


def test_regulated_data_within_50_ms_gets_the_real_time_api_in_its_regulated_variant(shipped: str) -> None:
    first = advised(classification="regulated", latency="milliseconds")[0]
    assert first.pattern.key == ONLINE
    assert first.score == 1
    assert first.variant == "regulated"
    assert [one.question for one in first.reasons_for] == ["classification", "latency"]
    assert "regulated data" in first.reasons_for[0].text
    assert first.reasons_against == ()


def test_a_batch_pattern_is_excluded_where_an_answer_is_needed_within_50_ms_and_says_why(shipped: str) -> None:
    ranked = advised(classification="regulated", latency="milliseconds")
    batch = of(ranked, "batch-scoring")
    assert batch.excluded == "Latency: reaches hours, not milliseconds."
    assert "regulated data" in batch.reasons_for[0].text, "its merits are told all the same"
    able = [one for one in ranked if not one.excluded]
    assert batch not in able
    assert ranked[: len(able)] == able, "what can serve stands first"


@pytest.mark.parametrize(
    ("answers", "first"),
    [
        ({"latency": "hours", "classification": "internal", "modality": "tabular", "special": "none"}, "batch-scoring"),
        ({"latency": "seconds", "scale": "large", "modality": "time series", "special": "none", "team": "one team"}, "streaming-scoring"),
        ({"special": "no reliable network", "latency": "milliseconds"}, "edge-deployment"),
        ({"special": "data may not move", "classification": "regulated", "team": "many teams"}, "federated-restricted-data"),
        ({"special": "generated answers", "modality": "text"}, "retrieval-application"),
        ({"truth": "after months", "modality": "time series"}, "forecasting-delayed-truth"),
        ({"modality": "image", "latency": "milliseconds", "special": "none"}, "online-scoring"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("shipped", ["sqlite"], indirect=True)
def test_each_case_gets_the_pattern_that_was_made_for_it(shipped: str, answers: dict[str, str], first: str) -> None:
    assert keys(advised(**answers))[0] == f"pattern:default/{first}"


def test_more_sensitive_data_than_a_pattern_is_made_for_exclude_it_and_less_sensitive_ones_do_not() -> None:
    made_for = candidate("a", dataClassification=["internal", "confidential"])
    [over] = advisor.rank([made_for], {"classification": "regulated"})
    [under] = advisor.rank([made_for], {"classification": "public"})
    assert over.excluded
    assert not under.excluded
    assert under.reasons_against[0].text == "Data: made for internal data, confidential data, not for public data."


def test_a_need_that_a_pattern_does_not_offer_excludes_it_and_a_pattern_for_a_need_that_nobody_has_is_no_exclusion() -> (
    None
):
    usual, special = candidate("a", special=["none"]), candidate("b", special=["generated answers"])
    assert keys(advisor.rank([usual, special], {"special": "none"})) == [usual.key, special.key]
    assert not any(one.excluded for one in advisor.rank([usual, special], {"special": "none"}))
    ranked = advisor.rank([usual, special], {"special": "generated answers"})
    assert [bool(one.excluded) for one in ranked] == [False, True]


def test_a_pattern_made_for_the_answer_stands_before_one_that_leaves_it_open_and_that_before_a_misfit() -> None:
    made, is_open, misfit = candidate("c", scale=["large"]), candidate("b"), candidate("a", scale=["small"])
    assert keys(advisor.rank([misfit, is_open, made], {"scale": "large"})) == [made.key, is_open.key, misfit.key]


def test_without_an_answer_nothing_is_excluded_and_nothing_is_said() -> None:
    [one] = advisor.rank([candidate("a", latency=["hours"])], {})
    assert (one.score, one.reasons_for, one.reasons_against, one.excluded) == (0, (), (), "")


FITS = st.fixed_dictionaries(
    {one.field: st.lists(st.sampled_from(list(one.options)), unique=True) for one in QUESTIONS}
)
ANSWERS = st.fixed_dictionaries({}, optional={one.id: st.sampled_from(list(one.options)) for one in QUESTIONS})


@given(st.lists(FITS, min_size=2, max_size=6), ANSWERS, st.sampled_from(QUESTIONS), st.data())
def test_an_answer_never_moves_a_pattern_that_fits_it_below_one_that_does_not(
    fits: list[dict[str, list[str]]], answers: dict[str, str], question: advisor.Question, data: st.DataObject
) -> None:
    patterns = [candidate(f"p{index}", **one) for index, one in enumerate(fits)]
    before_answers = {name: value for name, value in answers.items() if name != question.id}
    answer = data.draw(st.sampled_from(list(question.options)))
    before = keys(advisor.rank(patterns, before_answers))
    after = keys(advisor.rank(patterns, before_answers | {question.id: answer}))
    fitting = [one.key for one in patterns if not one.fits[question.field] or answer in one.fits[question.field]]
    for fit in fitting:
        for other in set(before) - set(fitting):
            if before.index(fit) < before.index(other):
                assert after.index(fit) < after.index(other)


@given(st.lists(FITS, min_size=1, max_size=4), ANSWERS)
def test_every_answered_question_is_explained_once_and_scores_stay_between_0_and_1(
    fits: list[dict[str, list[str]]], answers: dict[str, str]
) -> None:
    for one in advisor.rank([candidate(f"p{index}", **fit) for index, fit in enumerate(fits)], answers):
        told = [reason.question for reason in (*one.reasons_for, *one.reasons_against)]
        assert sorted(told) == sorted(answers)
        assert 0 <= one.score <= 1
        assert bool(one.excluded) == any(reason.excludes for reason in one.reasons_against)


@given(st.dictionaries(st.text(), st.text()))
def test_whatever_stands_in_an_address_the_advisor_answers(given: dict[str, str]) -> None:
    assert advisor.rank([candidate("a")], given)


# --- comparison --------------------------------------------------------------------------------------------------------


def test_a_comparison_marks_where_two_patterns_differ(shipped: str) -> None:
    with db.reading() as session:
        found = queries.definitions(session, SYSTEM, [BATCH, "online-scoring"])
    assert [one.key for one in found] == [BATCH, ONLINE]
    rows = {one.label: one for one in comparison.rows([one.spec for one in found])}
    assert rows["Latency"].differs
    assert [cell[0] for cell in rows["Latency"].cells] == ["hours", "milliseconds"]
    assert not rows["Data"].differs
    assert {stage.capitalize() for stage in comparison.STAGES} <= set(rows)
    assert rows["Proposed approvals"].cells[0][0].startswith("IT-1: ")


def test_a_pattern_beside_itself_differs_nowhere(shipped: str) -> None:
    with db.reading() as session:
        [one] = queries.definitions(session, SYSTEM, [BATCH, BATCH])
    assert not any(row.differs for row in comparison.rows([one.spec, one.spec]))


@pytest.mark.parametrize(
    "spec", [{}, {"services": {"explore": ["old"]}}, {"services": None, "variants": "?", "fits": []}]
)
def test_a_definition_of_another_shape_is_compared_all_the_same(spec: dict[str, object]) -> None:
    assert all(len(row.cells) == 2 for row in comparison.rows([spec, {"problem": "One."}]))


# --- reading -----------------------------------------------------------------------------------------------------------


def test_the_list_tells_latency_cost_classifications_and_what_is_approved(shipped: str) -> None:
    with db.reading() as session:
        listed = queries.patterns(session, SYSTEM)
    batch = next(one for one in listed.items if one.key == BATCH)
    assert listed.total == len(listed.items) >= 12
    assert (batch.latency, batch.cost, batch.adoptions, batch.approvals) == ("hours", "low", 0, 0)
    assert batch.classifications == ("public", "internal", "confidential", "regulated")


def test_the_list_counts_an_approval_once_though_it_was_renewed_and_no_more_when_it_has_expired(
    shipped: str, person: Callable[..., Actor], monkeypatch: pytest.MonkeyPatch
) -> None:
    reviewer = person("reviewer", team="boards")
    with db.reading() as session:
        page = catalog.entry(session, SYSTEM, BATCH)
    today = db.now().date()
    for days in (100, 200):
        with db.writing() as session:
            approvals.approve_item(
                session, actor=reviewer, entry_id=page.entry.id or 0, version=page.entry.version, item_id="IT-1",
                evidence="https://boards.example.org/42", expires_on=today + timedelta(days=days),
                revision=page.entry.revision,
            )  # fmt: skip
    assert in_force() == 1
    later = db.now() + timedelta(days=201)
    monkeypatch.setattr(queries, "now", lambda: later)
    assert in_force() == 0


def in_force() -> int:
    with db.reading() as session:
        return next(one.approvals for one in queries.patterns(session, SYSTEM).items if one.key == BATCH)


def test_the_list_is_turned_page_by_page(shipped: str) -> None:
    with db.reading() as session:
        whole = queries.patterns(session, SYSTEM).items
        pages = [queries.patterns(session, SYSTEM, page=number, size=5).items for number in (1, 2, 3)]
    assert [one for page in pages for one in page] == whole


def test_four_patterns_are_too_many_and_an_unknown_one_is_named(shipped: str) -> None:
    with db.reading() as session:
        with pytest.raises(Invalid, match="4 patterns"):
            queries.definitions(session, SYSTEM, ["a", "b", "c", "d"])
        with pytest.raises(NotFound, match="pattern:default/nothing"):
            queries.definitions(session, SYSTEM, [BATCH, "nothing"])
        with pytest.raises(NotFound, match="asset:default/drift-statistics"):
            queries.definitions(session, SYSTEM, ["asset:default/drift-statistics"])


@pytest.mark.parametrize("role", ROLES)
def test_everyone_with_a_role_reads_patterns_and_advice(store: str, person: Callable[..., Actor], role: str) -> None:
    actor = person(role)
    with db.reading() as session:
        assert queries.patterns(session, actor).total == 0
        assert queries.candidates(session, actor) == []
        assert queries.definitions(session, actor, []) == []


def test_who_has_no_role_reads_none(store: str, person: Callable[..., Actor]) -> None:
    actor = person()
    with db.reading() as session:
        for read in (queries.patterns, queries.candidates):
            with pytest.raises(NotAllowed):
                read(session, actor)
        with pytest.raises(NotAllowed):
            queries.definitions(session, actor, [BATCH])
