"""Searching: what is found, in which order, for whom, and what happens with anything a person can type."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, insert, select, update
from sqlmodel import col

from core import db
from core.access import policy
from core.access.policy import Actor, Grant
from core.catalog import ranking, search
from core.catalog.search import SearchPage
from core.catalog.tables import Demand, Entry, EntryAlias, EntryTag, EntryText
from core.errors import Invalid, NotAllowed

EVERYTHING = policy.system("test")
READER = Actor(
    "person", "p-reader", "Reader", frozenset({Grant("data scientist")}), frozenset({"risk"}), frozenset({"retail"})
)


def entry(name: str, title: str = "", *, tags: tuple[str, ...] = (), readme: str = "", **columns: Any) -> int:
    """Put one entry into the store; returns its id."""
    title = title or name.replace("-", " ").capitalize()
    row = {
        "kind": "asset", "namespace": "default", "name": name, "title": title, "summary": f"Summary of {title}.", "version": "1",
        "owner": "platform", "unit": None, "lifecycle": "approved", "classification": "internal", "source": "file",
    } | columns  # fmt: skip
    row["key"] = f"{row['kind']}:default/{name}".lower()
    texts = {
        "name": name,
        "title": title,
        "tags": " ".join(tags),
        "summary": row["summary"],
        "words": "",
        "readme": readme,
    }
    with db.writing() as session:
        made = Entry(**row)
        session.add(made)
        session.flush()
        assert made.id is not None
        session.execute(insert(EntryText), [texts | {"entry_id": made.id}])
        if tags:
            session.execute(insert(EntryTag), [{"entry_id": made.id, "tag": tag} for tag in tags])
        search.index_words(session, [texts])
        return made.id


def find(text: str = "", actor: Actor = READER, **more: Any) -> SearchPage:
    with db.reading() as session:
        return search.search(session, actor, text, **more)


def names(page: SearchPage) -> list[str]:
    return [hit.name for hit in page.items]


# --- order and reasons -----------------------------------------------------------------------------------------------


def test_the_exact_name_comes_first_then_names_that_start_so_then_the_rest(store: str) -> None:
    entry("drift-dashboard", adoptions=50)
    entry("notes", "Notes on drift", adoptions=90, quality=125)
    entry("drift", adoptions=0, quality=80)
    found = find("Drift")
    assert names(found) == ["drift", "drift-dashboard", "notes"]
    assert [hit.reasons[0] for hit in found.items] == ["exact name", "title starts with drift", "drift in title"]


def test_a_name_is_found_however_it_is_written(store: str) -> None:
    entry("champion-challenger-comparison")
    for text in ("champion-challenger-comparison", "Champion Challenger Comparison", "champion_challenger_comparison"):
        assert find(text).items[0].reasons == ["exact name"], text


def test_a_reference_finds_its_entry_first_also_by_a_former_name(store: str) -> None:
    made = entry("iris", kind="dataset")
    for number in range(4):
        entry(f"lesson-{number}", readme="Load dataset:default/iris first.")
    with db.writing() as session:
        session.add(EntryAlias(key="dataset:default/flowers", entry_id=made))
    assert find("dataset:default/iris").items[0].reasons == ["exact reference"]
    assert find("Dataset:Iris").items[0].name == "iris"
    assert names(find("dataset:default/flowers")) == ["iris"]


def test_what_is_used_and_complete_ranks_higher_and_deprecated_sinks(store: str) -> None:
    for name, columns in {
        "a-old": {"lifecycle": "deprecated", "adoptions": 9},
        "b-plain": {},
        "c-used": {"adoptions": 4},
        "d-new": {"lifecycle": "proposed"},
        "e-rich": {"quality": 120},
    }.items():
        entry(name, f"Nightly batch {name[0]}", summary="About nightly batches.", **columns)
    found = find("batch nightly")
    assert names(found) == ["c-used", "e-rich", "b-plain", "d-new", "a-old"]
    assert found.items[0].reasons[1:] == ["used by 4 projects"]
    assert found.items[-1].reasons[1:] == ["used by 9 projects", "deprecated"]


def test_a_word_in_the_title_weighs_more_than_one_in_the_text(store: str) -> None:
    entry("a", "Something else", readme="calibration " * 3)
    entry("b", "A report on calibration")
    entry("c", "Curves", tags=("calibration",))
    found = find("calibration")
    assert names(found) == ["b", "c", "a"]
    assert [hit.reason for hit in found.items] == ["calibration in title", "calibration in tags", "calibration in text"]


def test_words_are_found_in_every_form_with_and_without_the_words_that_every_text_has(store: str) -> None:
    entry("monitor", "Monitoring of models in production")
    assert names(find("how do I monitor a model in production")) == ["monitor"]
    assert find("monitored models").items[0].reasons == ["monitored, models in title"]


def test_browsing_shows_the_most_used_first_and_can_be_sorted(store: str) -> None:
    for name, adoptions in {"beta": 2, "alpha": 2, "gamma": 7}.items():
        entry(name, adoptions=adoptions)
    assert names(find()) == ["gamma", "alpha", "beta"]
    assert names(find(sort="title")) == ["alpha", "beta", "gamma"]
    assert names(find(sort="newest")) == ["gamma", "alpha", "beta"]
    assert names(find("summary", sort="adoptions")) == ["gamma", "alpha", "beta"]


# --- the language of queries -----------------------------------------------------------------------------------------


def test_phrases_exclusions_and_filters_can_be_typed(store: str) -> None:
    entry("one", "Data drift", tags=("monitoring",))
    entry("two", "Drift seen in data", kind="guide", owner="risk")
    assert names(find('"data drift"')) == ["one"]
    assert names(find("drift -seen")) == ["one"]
    assert names(find('drift -"seen in"')) == ["one"]
    assert find("drift -the").total == 2
    assert names(find("drift kind:guide")) == ["two"]
    assert names(find("kind:guide,asset owner:group:default/risk")) == ["two"]
    assert names(find('tag:"monitoring"')) == ["one"]
    assert names(find("-seen")) == ["one"]


def test_values_of_one_filter_are_alternatives_and_filters_all_hold(store: str) -> None:
    entry("one", tags=("red", "green"))
    entry("two", tags=("red",), kind="guide")
    entry("three", tags=("blue",), kind="guide")
    assert set(names(find(tags=["green", "blue"]))) == {"one", "three"}
    assert names(find("tag:red", tags=["green"])) == ["one"]
    assert names(find("tag:red", kinds=["guide"])) == ["two"]
    assert names(find("kind:asset", kinds=["guide"])) == []


def test_retired_entries_are_left_out_unless_asked_for(store: str) -> None:
    entry("old", lifecycle="retired")
    assert find("old").total == 0
    assert find("old", include_retired=True).total == 1
    assert find("old lifecycle:retired").total == 1
    assert find(lifecycles=["retired"]).total == 1


@pytest.mark.parametrize(
    ("text", "terms"),
    [
        ("c++", (("c",),)),
        ('"fraud', (("fraud",),)),
        ("team-a: x", (("team", "a"), ("x",))),
        ("foo:bar", (("foo", "bar"),)),
        ("the", (("the",),)),
        ("the drift", (("drift",),)),
        ("kind:", (("kind",),)),
        ("a\x00b\tc", (("b",), ("c",))),
    ],
)
def test_what_is_no_filter_is_words(text: str, terms: tuple[tuple[str, ...], ...]) -> None:
    query = ranking.parse(text)
    assert query.terms == terms
    assert not query.kinds


TRICKY = [
    '"',
    "c++",
    "fraud AND",
    "NEAR(a b)",
    "-",
    '-"',
    "kind:",
    'tag:"',
    "a:b:c",
    "%",
    "_",
    "\\",
    "'",
    "\x00",
    "\ud800",
    "*",
    "ﬁ²",
]


@given(
    text=st.text(max_size=60) | st.lists(st.sampled_from([*TRICKY, "drift", "-x", "kind:asset"])).map(" ".join),
    filters=st.lists(st.text(max_size=8), max_size=2),
)
@example(text="x" * 10_000, filters=["\x00"])
@example(text='"' * 501, filters=["\ud800"])
@example(text="a " * 5000, filters=[])
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_anything_can_be_typed(store: str, text: str, filters: list[str]) -> None:
    if not find().total:
        entry("drift", tags=("x",))
    found = find(text, kinds=filters, tags=filters)
    assert found.total >= len(found.items)


@pytest.mark.parametrize("wrong", [{"page": 0}, {"size": 0}, {"size": 101}, {"page": 10**9}, {"sort": "random"}])
def test_a_page_that_cannot_be_is_refused(store: str, wrong: dict[str, Any]) -> None:
    with pytest.raises(Invalid):
        find(**wrong)


# --- pages, totals and facets ----------------------------------------------------------------------------------------


def test_facets_count_the_whole_result_and_agree_with_counting_by_hand(store: str) -> None:
    for number in range(30):
        entry(
            f"thing-{number}", kind=("asset", "guide", "dataset")[number % 3], owner=f"team-{number % 4}",
            lifecycle=("approved", "proposed")[number % 2], tags=tuple({f"tag-{number % 5}", "common"}),
        )  # fmt: skip
    for text, filters in {"thing": {}, "": {}, "thing -4": {"kinds": ["asset", "guide"]}, "tag:tag-1": {}}.items():
        first, everything = find(text, size=5, **filters), find(text, size=100, **filters)
        assert first.total == everything.total == len(everything.items) > 5
        for name in ("kind", "owner", "lifecycle", "classification"):
            by_hand = Counter(getattr(hit, name) for hit in everything.items)
            assert {one.value: one.count for one in first.facets[name]} == by_hand
        assert {one.value: one.count for one in first.facets["tag"]} == Counter(
            t for hit in everything.items for t in hit.tags
        )


def test_pages_hold_every_hit_once_and_beyond_the_last_there_are_only_the_counts(store: str) -> None:
    for number in range(25):
        entry(f"thing-{number}")
    for text in ("thing", ""):
        pages = [find(text, page=number, size=10) for number in (1, 2, 3, 4)]
        assert [len(page.items) for page in pages] == [10, 10, 5, 0]
        assert len({hit.id for page in pages for hit in page.items}) == 25
        assert pages[3].total == 25
        assert pages[3].facets == pages[0].facets


def test_an_empty_catalog_is_an_empty_page(store: str) -> None:
    found = find()
    assert (found.items, found.total, found.suggestion) == ([], 0, None)
    assert set(found.facets) == {"kind", "owner", "lifecycle", "classification", "tag"}


# --- what changes is found at once -----------------------------------------------------------------------------------


def test_a_change_is_searchable_in_its_own_transaction_and_leaves_nothing_behind(store: str) -> None:
    made = entry("first", "The old words")
    with db.writing() as session:
        session.execute(update(EntryText).where(col(EntryText.entry_id) == made).values(title="Fresh vocabulary"))
        session.flush()
        assert search.search(session, READER, "vocabulary").total == 1
        assert search.search(session, READER, "words -fresh").total == 0
    with db.writing() as session:
        session.execute(delete(Entry).where(col(Entry.id) == made))
    assert find("vocabulary").total == find().total == 0


# --- who sees what ---------------------------------------------------------------------------------------------------


def test_what_a_person_may_not_see_is_in_no_hit_no_total_no_facet_and_no_suggestion(store: str) -> None:
    entry("open-merger", tags=("public-tag",))
    entry(
        "zephyrus-merger",
        classification="confidential",
        owner="deals",
        unit="banking",
        tags=("secret-tag",),
        kind="guide",
    )
    entry(
        "hermes-merger", classification="restricted", owner="deals", unit="retail", tags=("secret-tag",), kind="model"
    )
    for text in (
        "merger",
        "",
        "zephyrus-merger",
        "tag:secret-tag",
        "zephyrsu",
        "guide:default/zephyrus-merger",
        "ephyru",
    ):
        found = find(text)
        assert "secret-tag" not in repr(found.items) + repr(found.facets), text
        assert found.suggestion is None, text
        assert found.total == (1 if text in ("merger", "") else 0), text
    assert find("zephyrsu", EVERYTHING).suggestion == "zephyrus"


def test_confidential_and_restricted_entries_are_seen_by_those_the_policy_names(store: str) -> None:
    entry("confidential", classification="confidential", owner="deals", unit="retail")
    entry("restricted", classification="restricted", owner="risk", unit="banking")
    entry("hidden", classification="restricted", owner="deals", unit="retail")
    token = Actor("token", "1", "a token", scopes=frozenset({"catalog:read"}))
    auditor = Actor("person", "p-2", "Auditor", frozenset({Grant("auditor")}))
    assert set(names(find())) == {"confidential", "restricted"}
    assert find(actor=token).total == 0
    assert find(actor=auditor).total == find(actor=EVERYTHING).total == 3


def test_somebody_without_a_role_may_not_search(store: str) -> None:
    with pytest.raises(NotAllowed):
        find(actor=Actor("person", "p-3", "Nobody"))


# --- little or nothing found -----------------------------------------------------------------------------------------


def test_beginnings_and_parts_of_words_are_found_where_little_else_is(store: str) -> None:
    entry("statistics", "Statistics of drift")
    entry("other", "Other things", readme="statistical")
    assert names(find("stat"))[0] == "statistics"
    assert names(find("tistic")) == ["statistics"]
    assert names(find("tistic -drift")) == []
    assert find("stat kind:guide").total == 0


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("statstics", "statistics"),
        ("drfit statistics", "drift statistics"),
        ("kind:asset -other drfit", "kind:asset -other drift"),
        ("calibraton Report", "calibration Report"),
        ("champoin", None),
        ("drift", None),
        ("statstics kind:guide", None),
        ("xyzzy", None),
    ],
)
def test_typing_errors_are_asked_about_and_never_mended_silently(store: str, text: str, meant: str | None) -> None:
    entry("drift-statistics")
    entry("calibration-report")
    found = find(text)
    assert found.suggestion == meant
    if meant:
        assert found.total == 0
        assert find(meant).total == 1


def test_the_vocabulary_has_each_word_once_and_can_be_added_to_again(store: str) -> None:
    text = {
        "name": "a-b",
        "title": "Drift, DRIFT!",
        "tags": "x" * 80,
        "summary": "",
        "words": "naïve",
        "readme": "fraud",
    }
    with db.writing() as session:
        search.index_words(session, [text, text])
        search.index_words(session, [text])
        search.index_words(session, [])
        words = set(session.execute(select(search.SearchWord.word)).scalars())
    assert words == {"drift", "naïve", "fraud"}


# --- demand ----------------------------------------------------------------------------------------------------------


def test_searches_in_vain_are_counted_and_ranked(store: str, person: Callable[..., Actor]) -> None:
    actor = person("data scientist")
    with db.writing() as session:
        for text in ("Quantum  Kernel", "quantum kernel ", "other", "x" * 900, "\x00", "  "):
            search.record_demand(session, actor, text)
        session.add(Demand(text="wished for", wishes=1))
        session.add(Demand(text="declined", wishes=1, state="declined"))
    with db.reading() as session:
        rows = search.demand(session, actor)
        assert search.unmet(session, actor) == len(rows)
    assert [(row.text[:20], row.searches, row.wishes) for row in rows] == [
        ("wished for", 0, 1), ("quantum kernel", 2, 0), ("x" * 20, 1, 0), ("other", 1, 0),
    ]  # fmt: skip
    assert len(rows[2].text) == 200
