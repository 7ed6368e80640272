"""How similarity is computed: pure properties that hold for any texts."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.reuse import candidates, similarity
from core.reuse.candidates import Candidate
from core.reuse.similarity import Subject

WORDS = ["churn", "customer", "contract", "call", "wafer", "scratch", "image", "label", "late", "price"]
TEXTS = st.lists(st.sampled_from(WORDS), max_size=12).map(" ".join)


def candidate(number: int, text: str, kind: str = "project", **facts: object) -> Candidate:
    given_: dict[str, Any] = {
        "id": number, "key": f"{kind}:default/e{number}", "kind": kind, "title": f"E {number}", "summary": "",
        "classification": "internal", "version": "1", "lifecycle": "approved", "adoptions": 0, "text": text,
    }  # fmt: skip
    return Candidate(**given_ | facts)


@settings(max_examples=60)
@given(st.lists(TEXTS, max_size=8), TEXTS)
def test_the_same_text_comes_first_whatever_facts_the_others_have(texts: list[str], wanted: str) -> None:
    subject = Subject([wanted], modality="tabular", target="churn", classification="internal")
    others = [
        candidate(number, text, modalities=frozenset({"tabular"}), target="churn") for number, text in enumerate(texts)
    ]
    twin = candidate(99, wanted, classification="public")
    found = similarity.rank(subject, [*others, twin])
    if wanted:
        best = found[0].score
        assert best == pytest.approx(1)
        assert any(one.candidate is twin and one.score == best for one in found)
    assert all(0 < one.score <= 1 and one.text_score > 0 for one in found)
    assert found == similarity.rank(subject, [*others, twin])


@settings(max_examples=60)
@given(st.lists(TEXTS, max_size=8), TEXTS)
def test_no_order_of_the_candidates_changes_the_ranking(texts: list[str], wanted: str) -> None:
    made = [candidate(number, text) for number, text in enumerate(texts)]
    found = similarity.rank(Subject([wanted]), made)
    assert [one.candidate.key for one in similarity.rank(Subject([wanted]), made[::-1])] == [
        one.candidate.key for one in found
    ]


@pytest.mark.parametrize("text", ["", " ", "the of and", "<b></b>", "\x00", "漢", "1 2 3"])
def test_texts_without_a_word_are_like_nothing(text: str) -> None:
    assert similarity.rank(Subject([text]), [candidate(1, "churn"), candidate(2, text)]) == []
    assert similarity.rank(Subject(["churn"]), [candidate(1, text)]) == []
    assert similarity.rank(Subject(["churn"]), []) == []


def test_ten_megabytes_are_cut() -> None:
    subject = Subject(["churn " * 2_000_000])
    assert len(subject.text) == similarity.LONGEST_TEXT
    (found,) = similarity.rank(subject, [candidate(1, "churn " * 2_000_000)])
    assert [(one.word, one.share) for one in found.terms] == [("churn", 100)]


def test_plural_and_singular_are_the_same_word_told_as_the_asker_wrote_it() -> None:
    (found,) = similarity.rank(Subject(["Companies and customers"]), [candidate(1, "customer company")])
    assert {one.word for one in found.terms} == {"customers", "companies"}
    for word, root in {
        "policies": "policy",
        "horses": "horse",
        "bus": "bus",
        "class": "class",
        "gas": "gas",
        "as": "as",
    }.items():
        assert similarity.singular(word) == root


def test_each_fact_raises_the_score_and_is_named() -> None:
    subject = Subject(
        ["churn of customers"], classification="internal", modality="time series", target="churn", stage="experiment",
        tags=frozenset({"telco"}), patterns=frozenset({"pattern:default/nightly"}),
    )  # fmt: skip
    plain = similarity.rank(subject, [candidate(1, "churn of goods", "asset")])[0]
    assert plain.facts == []
    raising = {
        "same target: churn within days": {"target": "churn within days"},
        "same pattern: nightly": {"patterns": frozenset({"pattern:default/nightly"})},
        "same modality: time series": {"tags": frozenset({"time-series"})},
        "tag: telco": {"tags": frozenset({"telco"})},
        "made for the stage experiment": {"stages": frozenset({"experiment"})},
    }
    for fact, given_ in raising.items():
        raised = similarity.rank(subject, [candidate(1, "churn of goods", "asset", **given_)])[0]
        assert raised.facts == [fact]
        assert raised.score > plain.score


def test_targets_that_share_only_everyday_words_differ() -> None:
    subject = Subject(["x"], target="default within 12 months")
    assert list(similarity.facts(subject, candidate(1, "x", target="churn within 12 months"))) == []


def test_telling_words_are_rare_in_the_catalog_and_frequent_here() -> None:
    counts = {"churn": 3, "data": candidates.COMMON, "call": 500, "unknown": 0}
    texts = ["Churn data", "call unknown data data"]
    assert candidates.telling(texts, counts) == ["churn", "call"]
    assert candidates.telling(texts, counts, limit=1) == ["churn"]
    assert candidates.telling([], {}) == []


def test_importing_reuse_does_not_import_scikit_learn() -> None:
    code = "import sys, core.reuse.actions, core.reuse.demand; sys.exit('sklearn' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
