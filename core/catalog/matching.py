"""The one statement of a search: hits, total and facet counts, with what the actor may see in its WHERE.

The text is matched by FTS5 or by a tsvector (migration 0003); everything after the match is the same for both. Ranking
multiplies, it never adds: text × reuse × quality × lifecycle, below exact names and names that start so. Making the
statement costs more than running it, so it is made once for each shape; what people type are its parameters.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

from sqlalchemy import (
    CTE,
    Case,
    ColumnElement,
    Float,
    FromClause,
    Integer,
    Select,
    String,
    Text,
    all_,
    bindparam,
    case,
    column,
    func,
    literal,
    literal_column,
    or_,
    select,
    table,
    true,
    union_all,
)  # fmt: skip
from sqlalchemy.dialects.postgresql import ARRAY
from sqlmodel import col

from core.access.policy import Sight
from core.catalog import ranking
from core.catalog.ranking import Query
from core.catalog.tables import Entry, EntryAlias, EntryTag, EntryText
from core.catalog.visibility import within

FACETS = ("kind", "owner", "lifecycle", "classification", "tag")
HIT = (
    "id", "key", "kind", "namespace", "name", "title", "summary", "owner", "lifecycle", "classification", "version",
    "adoptions", "stale_since", "updated_at", "demo",
)  # fmt: skip
"""The columns of an entry that a list of results shows; its tags come with them."""
ORDERS: dict[str, tuple[tuple[str, bool], ...]] = {
    "relevance": (("tier", False), ("score", True)),
    "title": (("title", False),),
    "newest": (("created_at", True),),
    "adoptions": (("adoptions", True), ("title", False)),
}
"""How results can be sorted: columns, and whether downwards."""
BLANK = " "
"""Stands between the values of a facet; it occurs in none."""


_VECTOR: ColumnElement[Any] = literal_column("entry_text.search")

Rows = Select[*tuple[Any, ...]]
Filters = Sequence[tuple[str, Sequence[str]]]
"""Columns of an entry, or ``tag``, with the values that are admitted; a name can occur twice, then both hold."""


@dataclass(frozen=True)
class Shape:
    """What of a search decides the text of its statement."""

    sqlite: bool
    sight: Sight
    match: Literal["nothing", "words", "widely"]
    parts: bool = False
    key: bool = False
    excluded: bool = False
    retired: bool = False
    filters: tuple[str, ...] = ()
    sort: str = "relevance"


def shape(
    query: Query, filters: Filters, *, sqlite: bool, sight: Sight, widely: bool, retired: bool, sort: str
) -> Shape:
    """The shape of this search; without words nothing is matched, and the most used entries are the most relevant."""
    if not query.terms:
        sort = "adoptions" if sort == "relevance" else sort
    return Shape(
        sqlite=sqlite,
        sight=sight,
        match="nothing" if not query.terms else "widely" if widely else "words",
        parts=widely and bool(_parts(query)),
        key=bool(query.terms and query.key),
        excluded=bool(query.excluded),
        retired=retired or any(name == "lifecycle" and "retired" in values for name, values in filters),
        filters=tuple(name for name, _ in filters),
        sort=sort,
    )


def parameters(shape: Shape, query: Query, filters: Filters) -> dict[str, Any]:
    """What the statement of ``shape`` is executed with, besides the page."""
    write = ranking.fts5 if shape.sqlite else ranking.tsquery
    values: dict[str, Any] = {f"filter_{number}": list(values) for number, (_, values) in enumerate(filters)}
    if shape.excluded:
        values["excluded"] = write(query.excluded, any_of_them=True)
    if shape.match != "nothing":
        values |= {
            "words": write(query.terms, begins=shape.match == "widely"),
            "plain": query.plain,
            "slug": query.slug,
        }
    if shape.match != "nothing" and shape.sqlite:
        values["titled"] = f"{{name title}} : ({values['words']})"
    if shape.parts:
        parts = _parts(query)
        values["parts"] = ranking.fts5([(part,) for part in parts]) if shape.sqlite else [f"%{part}%" for part in parts]
    if shape.key:
        values["key"] = query.key
    return values


def _parts(query: Query) -> list[str]:
    """What is looked for within names and titles: terms of at least three letters, which trigrams need."""
    return [part for part in map(" ".join, query.terms) if len(part) > 2]


# --- what matches ----------------------------------------------------------------------------------------------------


def _ids(shape: Shape, parameter: str) -> Rows:
    """Ids of the entries whose text matches the parameter with this name."""
    asked = bindparam(parameter, type_=Text)
    if shape.sqlite:
        # with a bare rowid SQLite would rather ask FTS5 entry by entry
        id_ = literal_column("+rowid", Integer).label("id")
        return select(id_).select_from(table("entry_search")).where(column("entry_search").op("MATCH")(asked))
    return select(col(EntryText.entry_id).label("id")).where(_VECTOR.op("@@")(_wanted(asked)))


def _wanted(asked: ColumnElement[str]) -> ColumnElement[Any]:
    return func.to_tsquery(literal_column("'english'"), asked)


def _matching(shape: Shape) -> Rows:
    """Id and text rank (the more the better) of the entries that match the words."""
    if shape.sqlite:
        # bm25 levels off: many times in a text would weigh as much as once in a title
        titled = literal_column("rowid").in_(_ids(shape, "titled").correlate(None))
        rank = literal_column("-rank", Float) * case((titled, ranking.TITLE_WEIGHT), else_=1.0)
        return _ids(shape, "words").add_columns(rank.label("rank"))
    wanted = _wanted(bindparam("words", type_=Text))
    rank = func.ts_rank(literal_column("'{0.1, 0.3, 0.5, 1}'::real[]"), _VECTOR, wanted, 1)
    # the row is read for its vector anyway, so its tags come for nothing
    return _ids(shape, "words").add_columns(rank.label("rank"), col(EntryText.tags).label("tag"))


def _matching_widely(shape: Shape) -> Rows:
    """The same where little was found: beginnings of words, parts of names and titles, references old and new."""
    words = _matching(shape).subquery("by_words")
    arms: list[Rows] = [select(words.c.id, words.c.rank)]
    if shape.parts:
        arms.append(_containing(shape))
    if shape.key:
        arms += [
            select(id_, literal(1000.0)).where(key == bindparam("key", type_=String))
            for id_, key in ((col(Entry.id), col(Entry.key)), (col(EntryAlias.entry_id), col(EntryAlias.key)))
        ]
    arm = union_all(*arms).subquery("arm")
    return select(arm.c.id, func.max(arm.c.rank).label("rank")).group_by(arm.c.id)


def _containing(shape: Shape) -> Rows:
    least = literal(1e-9).label("rank")
    if shape.sqlite:
        asked = column("entry_trigram").op("MATCH")(bindparam("parts", type_=Text))
        return select(literal_column("rowid").label("id"), least).select_from(table("entry_trigram")).where(asked)
    text = col(EntryText.name) + " " + col(EntryText.title)
    return select(col(EntryText.entry_id), least).where(text.ilike(all_(bindparam("parts", type_=ARRAY(Text)))))


# --- what is admitted ------------------------------------------------------------------------------------------------


def _where(shape: Shape) -> list[ColumnElement[bool]]:
    where = [within(shape.sight)]
    where += [_filter(name, bindparam(f"filter_{number}", expanding=True)) for number, name in enumerate(shape.filters)]
    if not shape.retired:
        where.append(col(Entry.lifecycle) != "retired")
    if shape.excluded:
        where.append(col(Entry.id).not_in(_ids(shape, "excluded")))
    return where


def _filter(name: str, values: Any) -> ColumnElement[bool]:
    if name != "tag":
        return col(getattr(Entry, name)).in_(values)
    tagged = select(literal(1)).where(col(EntryTag.entry_id) == Entry.id, col(EntryTag.tag).in_(values))
    return tagged.correlate(Entry).exists()


def _found(shape: Shape) -> CTE:
    """Every entry of the result, with what facets and relevance need."""
    facets: list[Any] = [col(Entry.id), *(col(getattr(Entry, name)) for name in FACETS if name != "tag")]
    if shape.match == "nothing":
        return select(*facets).where(*_where(shape)).cte("found").prefix_with("NOT MATERIALIZED")
    matching = (_matching(shape) if shape.match == "words" else _matching_widely(shape)).subquery("matching")
    facets += [matching.c.tag] if "tag" in matching.c else []
    found = select(*facets, _tier(shape).label("tier"), _score(matching.c.rank).label("score"))
    return (
        found.join(matching, matching.c.id == Entry.id).where(*_where(shape)).cte("found").prefix_with("MATERIALIZED")
    )


def _tier(shape: Shape) -> Case[int]:
    """0: exactly this name, title or reference; 1: a name or title that starts so; 2: the rest."""
    plain, slug = bindparam("plain", type_=String), bindparam("slug", type_=String)
    name, title = func.lower(col(Entry.name)), func.lower(col(Entry.title))
    exact = [name == slug, name == plain, title == plain]
    if shape.key:
        exact.append(col(Entry.key) == bindparam("key", type_=String))
    starts = [func.substr(name, 1, func.length(slug)) == slug, func.substr(title, 1, func.length(plain)) == plain]
    return case((or_(*exact), 0), (or_(*starts), 1), else_=2)


def _score(rank: ColumnElement[float]) -> ColumnElement[float]:
    reuse = 1 + ranking.ADOPTION_WEIGHT * func.ln(1 + col(Entry.adoptions))
    lifecycle = case(ranking.LIFECYCLE_WEIGHTS, value=col(Entry.lifecycle), else_=1.0)
    return rank * reuse * (col(Entry.quality) / 100.0) * lifecycle


# --- the whole -------------------------------------------------------------------------------------------------------


@lru_cache(512)
def statement(shape: Shape) -> Rows:
    """One row for each hit of the page, in order, with the total; the row that is ``counted`` has the facets as well.

    An empty page is one row without an id.
    """
    found, order = _found(shape), ORDERS[shape.sort]
    top = _top(shape, found, order)
    result = _result(found).subquery("result")
    counted = func.coalesce(top.c.id, 0) == func.coalesce(select(func.min(top.c.id)).scalar_subquery(), 0)
    facets = [case((counted, result.c[name])).label(f"all_{name}") for name in FACETS]
    tags = _tags(col(EntryTag.entry_id) == Entry.id).correlate(Entry).scalar_subquery().label("tags")
    return (
        select(*(getattr(Entry, name) for name in HIT), tags, result.c.total, counted.label("counted"), *facets)
        .select_from(result.outerjoin(top, true()).outerjoin(Entry, col(Entry.id) == top.c.id))
        .order_by(*_ordered(top.c, order))
    )


@lru_cache(512)
def any_hit(shape: Shape) -> Rows:
    """A row if this search finds anything."""
    return select(_found(shape).c.id).limit(1)


def _top(shape: Shape, found: CTE, order: tuple[tuple[str, bool], ...]) -> CTE:
    """The ids of the page, with what they are sorted by."""
    if shape.sort == "relevance":
        top = select(found.c.id, *(found.c[name] for name, _ in order))
    else:
        top = select(col(Entry.id), *(getattr(Entry, name) for name, _ in order))
        browsing = shape.match == "nothing"  # then an index has the order, and the first entries of it are enough
        top = top.where(*_where(shape)) if browsing else top.join(found, found.c.id == Entry.id)
    ordered = top.order_by(*_ordered(top.selected_columns, order))
    return ordered.limit(bindparam("size")).offset(bindparam("skip")).cte("top")


def _ordered(columns: Any, order: tuple[tuple[str, bool], ...]) -> list[ColumnElement[Any]]:
    by = [columns[name].desc() if downwards else columns[name].asc() for name, downwards in order]
    return [*by, columns["id"]]


def _result(found: FromClause) -> Rows:
    """The size of the result, and each facet's values in one text.

    Counting words in Python's C is twice as fast as five times GROUP BY, for which SQLite sorts.
    """
    values = [func.aggregate_strings(found.c[name], BLANK).label(name) for name in FACETS if name in found.c]
    if "tag" not in found.c:
        # with a bare id SQLite would rather go through every tag there is
        tags = _tags(col(EntryTag.entry_id) == found.c.id + 0).select_from(found).correlate(None)
        values.append(tags.scalar_subquery().label("tag"))
    return select(func.count().label("total"), *values).select_from(found)


def _tags(which: ColumnElement[bool]) -> Rows:
    return select(func.aggregate_strings(col(EntryTag.tag), BLANK)).where(which)
