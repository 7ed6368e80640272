"""How the portal is, and who the caller is to it."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from fastapi import APIRouter, Response
from pydantic import BaseModel, Field

from core import __version__, db
from core.access import policy
from core.api.auth import Caller
from core.api.errors import documented
from core.errors import Unavailable
from core.tracking import queries as tracking

router = APIRouter(tags=["portal"])


class Mirror(BaseModel):
    """How old the copy of MLflow is."""

    as_of: datetime | None = Field(description="When the last complete sync began; null before the first one.")


class Health(BaseModel):
    """How the portal is."""

    status: Literal["ok", "unavailable"] = Field(examples=["ok"])
    database: Literal["ok", "unavailable"] = Field(examples=["ok"])
    version: str = Field(examples=["0.1.0"])
    mirror: Mirror


class Me(BaseModel):
    """The caller as the portal sees it."""

    kind: str = Field(examples=["token"])
    id: str = Field(examples=["7"])
    name: str = Field(examples=["build pipeline"])
    scopes: list[str] = Field(examples=[["catalog:import"]])
    may: list[str] = Field(description="The actions the scopes allow.", examples=[["admin.sources", "catalog.browse"]])


@router.get(
    "/health",
    operation_id="health",
    responses={503: {"model": Health, "description": "The store does not answer."}},
)
def health(response: Response) -> Health:
    """Whether the portal can do its work; takes no token."""
    try:
        with db.reading() as session:
            as_of = tracking.freshness(session).as_of
    except Unavailable:
        response.status_code = 503
        return Health(status="unavailable", database="unavailable", version=__version__, mirror=Mirror(as_of=None))
    return Health(status="ok", database="ok", version=__version__, mirror=Mirror(as_of=as_of))


@router.get("/me", operation_id="me", responses=documented(401))
def me(caller: Caller) -> Me:
    """Who the token stands for and what it may do; takes any token."""
    may = sorted({action for scope in caller.scopes for action in policy.TOKEN_SCOPES.get(scope, ())})
    return Me(kind=caller.kind, id=caller.id, name=caller.name, scopes=sorted(caller.scopes), may=may)
