"""Finding entries and reading one."""

from __future__ import annotations

import logging
from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, BackgroundTasks, Path, Query
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from core import db
from core.access.policy import Actor
from core.api.auth import Caller
from core.api.errors import documented
from core.catalog import queries, search
from core.catalog.kinds import Classification, Lifecycle

log = logging.getLogger("portal.api")
router = APIRouter(prefix="/entries", tags=["catalog"])

Word = Annotated[str, StringConstraints(max_length=190, pattern=r"^[^\x00-\x1f\x7f]+$")]
Name = Annotated[str, Path(max_length=63, pattern=r"^[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?$")]


class Filters(BaseModel):
    """What to look for. Values of one filter are alternatives; different filters all hold."""

    model_config = ConfigDict(extra="forbid")

    q: str = Field(
        "",
        max_length=400,
        pattern=r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f]*$",
        description='Words, `"a phrase"`, `-word`, and `kind:`, `owner:`, `tag:` in the text.',
        examples=["drift statistics -demo"],
    )
    kind: list[Word] = Field([], max_length=20, description="Only these kinds, such as `asset`.")
    tag: list[Word] = Field([], max_length=20, description="Only with these tags.")
    owner: list[Word] = Field([], max_length=20, description="Only of these teams.")
    lifecycle: list[Lifecycle] = Field([], max_length=4, description="Only in these lifecycles.")
    classification: list[Classification] = Field([], max_length=4, description="Only with these classifications.")
    sort: Literal["relevance", "title", "newest", "adoptions"] = "relevance"
    page: int = Field(1, ge=1, le=10_000)
    size: int = Field(20, ge=1, le=100, description="Entries per page.")


class FromRow(BaseModel):
    """Filled from the attributes of what a query returned."""

    model_config = ConfigDict(from_attributes=True)


class EntryLine(FromRow):
    """An entry as lists show it."""

    key: str = Field(description="Its reference in lower case.", examples=["asset:default/drift-statistics"])
    kind: str = Field(examples=["asset"])
    namespace: str = Field(examples=["default"])
    name: str = Field(examples=["drift-statistics"])
    title: str = Field(examples=["Drift statistics"])
    summary: str = Field(examples=["Compares two samples with a test that knows their size."])
    owner: str = Field(description="The owning team.", examples=["platform"])
    lifecycle: str = Field(examples=["approved"])
    classification: str = Field(examples=["internal"])
    version: str = Field(examples=["1.2.0"])
    adoptions: int = Field(description="How many projects use it now.", examples=[3])
    tags: list[str] = Field(examples=[["drift", "monitoring"]])
    stale_since: datetime | None = Field(description="Since when its source no longer defines it.")
    updated_at: datetime


class Hit(EntryLine):
    """An entry that was found, and why it stands where it stands."""

    reason: str = Field(description="Why it ranks where it does.", examples=["title matches"])


class FacetCount(FromRow):
    """How many entries of the whole result have this value."""

    value: str
    count: int


class EntryList(BaseModel):
    """A page of the result, and what the whole result is made of."""

    items: list[Hit]
    total: int
    page: int
    size: int
    facets: dict[str, list[FacetCount]]
    suggestion: str | None = Field(description="What may have been meant, where little or nothing was found.")


class Release(FromRow):
    """A version an entry has or had."""

    version: str
    released: str = Field(description="The date, where it is known.", examples=["2026-11-02"])
    notes: str


class Relation(FromRow):
    """A relation to another entry; without title where that is not in the catalog or not visible."""

    relation: str = Field(examples=["depends on"])
    key: str = Field(examples=["dataset:default/breast-cancer"])
    title: str
    kind: str
    lifecycle: str


class EntryAnswer(EntryLine):
    """Everything about one entry."""

    licence: str
    successor: str | None = Field(description="What replaces it, once it is deprecated.")
    source: str = Field(description="Where its definition came from last.", examples=["file"])
    revision: int = Field(description="Counts changes.")
    created_at: datetime
    document: dict[str, Any] = Field(description="The YAML document: apiVersion, kind, metadata, spec.")
    readme: str = Field(description="Markdown.")
    versions: list[Release]
    relations: list[Relation]
    named_by: list[Relation] = Field(description="Entries that name this one.")
    renamed_from: str = Field(description="The former reference it was asked for by, if it was.")


@router.get("", operation_id="searchEntries", responses=documented(401, 403, 422))
def search_entries(caller: Caller, filters: Annotated[Filters, Query()], background: BackgroundTasks) -> EntryList:
    """Search the catalog; takes a token with any scope. Without `q`, everything there is, by title."""
    with db.reading() as session:
        found = search.search(
            session, caller, filters.q, kinds=tuple(filters.kind), tags=tuple(filters.tag), owners=tuple(filters.owner),
            lifecycles=tuple(filters.lifecycle), classifications=tuple(filters.classification), sort=filters.sort,
            page=filters.page, size=filters.size,
        )  # fmt: skip
    if filters.q and not found.total:
        background.add_task(_note_demand, caller, filters.q)
    return EntryList(
        items=[Hit.model_validate(one) for one in found.items],
        total=found.total,
        page=filters.page,
        size=filters.size,
        facets={name: [FacetCount.model_validate(one) for one in counts] for name, counts in found.facets.items()},
        suggestion=found.suggestion or None,
    )


@router.get("/{kind}/{namespace}/{name}", operation_id="readEntry", responses=documented(401, 403, 404, 422))
def read_entry(caller: Caller, kind: Name, namespace: Name, name: Name) -> EntryAnswer:
    """Everything about one entry; takes a token with any scope. A former name leads to the entry too."""
    with db.reading() as session:
        page = queries.entry(session, caller, f"{kind}:{namespace}/{name}")
    line = {one: getattr(page.entry, one, None) for one in EntryAnswer.model_fields}
    return EntryAnswer.model_validate(
        line
        | {
            "document": page.document,
            "readme": page.readme,
            "tags": page.tags,
            "versions": [Release.model_validate(one) for one in page.versions],
            "relations": [Relation.model_validate(one) for one in page.relations],
            "named_by": [Relation.model_validate(one) for one in page.named_by],
            "renamed_from": page.renamed_from,
        }
    )


def _note_demand(actor: Actor, text: str) -> None:
    """Runs after the answer: what people look for in vain is worth knowing, but not worth failing for."""
    try:
        with db.writing() as session:
            search.record_demand(session, actor, text)
    except Exception:
        log.warning("A search without a result could not be recorded.", exc_info=True)
