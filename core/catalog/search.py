"""Searching the catalog: what a text finds for whom, what may have been meant, and what was looked for in vain."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import datetime
from functools import partial
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Session, col

from core import db
from core.access import policy
from core.access.policy import Actor
from core.catalog import demand as asking
from core.catalog import matching, ranking
from core.catalog.matching import Filters, Shape
from core.catalog.ranking import Query
from core.catalog.tables import Demand, SearchWord
from core.errors import Invalid

FEW = 3
"""With fewer hits than this, parts of words are matched too and typing errors are looked for."""
SIZES = range(1, 101)
PAGES = range(1, 10_001)
_WORD_LENGTH = 63


@dataclass(frozen=True)
class Hit:
    """An entry as a list of results shows it, and why it stands where it stands."""

    id: int
    key: str
    kind: str
    namespace: str
    name: str
    title: str
    summary: str
    owner: str
    lifecycle: str
    classification: str
    version: str
    adoptions: int
    stale_since: datetime | None
    updated_at: datetime
    demo: bool
    tags: list[str]
    reasons: list[str]

    @property
    def reason(self) -> str:
        """The reasons in one line."""
        return ", ".join(self.reasons)


@dataclass(frozen=True)
class FacetCount:
    """How many entries of the whole result have a value."""

    value: str
    count: int


@dataclass(frozen=True)
class SearchPage:
    """A page of the result, what the whole result is made of, and what may have been meant."""

    items: list[Hit]
    total: int
    facets: dict[str, list[FacetCount]]
    suggestion: str | None
    query: Query


def search(
    session: Session,
    actor: Actor,
    text: str = "",
    *,
    kinds: Sequence[str] = (),
    tags: Sequence[str] = (),
    owners: Sequence[str] = (),
    lifecycles: Sequence[str] = (),
    classifications: Sequence[str] = (),
    sort: str = "relevance",
    page: int = 1,
    size: int = 20,
    include_retired: bool = False,
) -> SearchPage:
    """The entries that ``actor`` may see and ``text`` asks for; without words in it, everything that the filters admit.

    Several values of one filter are alternatives; filters in the text and in the arguments all hold. Retired entries are
    left out unless asked for.
    """
    policy.require(actor, "catalog.browse")
    if sort not in matching.ORDERS:
        raise Invalid(f"Results cannot be sorted by {sort!r}.", hint=f"Possible: {', '.join(matching.ORDERS)}.")
    if page not in PAGES or size not in SIZES:
        raise Invalid(f"There is no page {page} of {size} hits.", hint="Pages count from 1 and have 1 to 100 hits.")
    query = ranking.parse(text)
    filters = _filters(query, kind=kinds, owner=owners, lifecycle=lifecycles, classification=classifications, tag=tags)
    shaped = partial(
        matching.shape, query, filters, sqlite=db.is_sqlite(session), sight=policy.sight(actor), retired=include_retired,
        sort=sort,
    )  # fmt: skip
    place = {"size": size, "skip": (page - 1) * size}
    found = _page(session, shaped(widely=bool(query.key)), query, filters, place)
    if not query.terms or found.total >= FEW:
        return found
    widely = shaped(widely=True)
    found = _page(session, widely, query, filters, place)
    return (
        found if found.total >= FEW else replace(found, suggestion=_suggestion(session, widely, text, query, filters))
    )


def _page(session: Session, shape: Shape, query: Query, filters: Filters, place: dict[str, int]) -> SearchPage:
    values = matching.parameters(shape, query, filters) | place
    rows = session.connection().execute(matching.statement(shape), values).all()
    counted = next(row for row in rows if row.counted)
    facets = {name: _counts(getattr(counted, f"all_{name}")) for name in matching.FACETS}
    return SearchPage([_hit(row, query) for row in rows if row.id], counted.total, facets, None, query)


def _filters(query: Query, **given: Sequence[str]) -> Filters:
    typed = {"kind": query.kinds, "owner": query.owners, "lifecycle": query.lifecycles, "tag": query.tags}
    cleaned = [(name, [ranking.clean(value) for value in values]) for name, values in [*typed.items(), *given.items()]]
    return [(name, values) for name, values in cleaned if values]


def _counts(values: str | None) -> list[FacetCount]:
    counts = Counter((values or "").split())
    return [FacetCount(*one) for one in sorted(counts.items(), key=lambda one: (-one[1], one[0]))]


def _hit(row: Any, query: Query) -> Hit:
    tags = sorted((row.tags or "").split())
    why = ranking.reasons(query, row.key, row.name, row.title, tags, row.summary)
    if row.adoptions:
        why.append(f"used by {row.adoptions} project{'s' if row.adoptions > 1 else ''}")
    if row.lifecycle != "approved":
        why.append(row.lifecycle)
    return Hit(*row[: len(matching.HIT)], tags, why)  # type: ignore[call-arg]


# --- typing errors ---------------------------------------------------------------------------------------------------


def index_words(session: Session, texts: Iterable[Mapping[str, Any]]) -> None:
    """Add the words of these texts (rows of ``entry_text``) to the vocabulary that typing errors are compared with."""
    seen: set[str] = set()
    for row in texts:
        for name in ("name", "title", "tags", "summary", "words", "readme"):
            seen.update(row[name].split())
    found = sorted({word for piece in seen for word in ranking.words(piece) if 3 <= len(word) <= _WORD_LENGTH})
    insert = sqlite.insert if db.is_sqlite(session) else postgresql.insert
    if found:
        statement = insert(SearchWord).on_conflict_do_nothing()
        session.execute(statement, [{"word": word} for word in found])


def _suggestion(session: Session, shape: Shape, text: str, query: Query, filters: Filters) -> str | None:
    """The text with its typing errors mended, if that finds something the actor may see."""
    typed = {word for term in query.terms for word in term if len(word) > 2}
    known = set(session.execute(select(col(SearchWord.word)).where(col(SearchWord.word).in_(typed))).scalars())
    vocabulary = {word: _near_in_length(session, word) for word in sorted(typed - known)}
    for mended in ranking.corrections(ranking.clean(text), vocabulary):
        better = ranking.parse(mended)
        shape = replace(shape, match="words", parts=False, key=False)
        values = matching.parameters(shape, better, filters)
        if session.connection().execute(matching.any_hit(shape), values).first():
            return mended
    return None


def _near_in_length(session: Session, word: str) -> list[str]:
    reach = ranking.slips(word)
    length = func.length(col(SearchWord.word))
    near = select(col(SearchWord.word)).where(length.between(len(word) - reach, len(word) + reach))
    return list(session.execute(near.order_by(col(SearchWord.word))).scalars())


# --- demand ----------------------------------------------------------------------------------------------------------

_UNMET = col(Demand.state).in_(("open", "taken"))


@dataclass(frozen=True)
class DemandRow:
    """Something people looked for and did not find, or asked for."""

    text: str
    searches: int
    wishes: int
    first_at: datetime
    last_at: datetime
    note: str


def record_demand(session: Session, actor: Actor, text: str) -> None:
    """Count a search that found nothing; it stands in no log, because nobody did anything."""
    asking.ask(session, actor, text, how="search")


def demand(session: Session, actor: Actor, *, limit: int = 200) -> list[DemandRow]:
    """What is missing and nobody answered yet: wishes before searches, for a wish was somebody's decision."""
    policy.require(actor, "catalog.browse")
    order = col(Demand.wishes).desc(), col(Demand.searches).desc(), col(Demand.last_at).desc(), col(Demand.text)
    columns = [getattr(Demand, one.name) for one in fields(DemandRow)]
    waiting = select(*columns).where(_UNMET)
    return [DemandRow(*row) for row in session.execute(waiting.order_by(*order).limit(limit))]


def unmet(session: Session, actor: Actor) -> int:
    """How much is missing and nobody answered yet."""
    policy.require(actor, "catalog.browse")
    return int(session.execute(select(func.count()).select_from(Demand).where(_UNMET)).scalar_one())
