"""The API as one FastAPI application; the launcher mounts it at ``/api``."""

from __future__ import annotations

import re

from fastapi import APIRouter, FastAPI
from starlette.routing import BaseRoute, Mount, Route

from core import __version__
from core.api import about, docs, documents, entries, evidence, gates, imports
from core.api.errors import add_handlers, documented

_DESCRIPTION = """\
The catalog of the AI factory, for programs. Everything but health and documentation takes a bearer token; what a token
may do follows from its scopes (`catalog:read`, `catalog:import` …), and it sees what everybody may see: public and
internal entries. Every refusal has the shape `{"error": {"code", "message", "hint"}}`. Fields may be added within `v1`;
none is removed or changes its meaning.
"""
_TAGS = [
    {"name": "catalog", "description": "Find entries, read one, import definitions."},
    {"name": "gate", "description": "Ask whether a version of a model may go to an environment."},
    {"name": "reviews", "description": "What review cases decided, as documents."},
    {"name": "evidence", "description": "Tell from where a version of a model came."},
    {"name": "portal", "description": "How the portal is, and who you are to it."},
]


def application() -> FastAPI:
    """The API; its paths start with ``/v1``."""
    app = FastAPI(
        title="AI factory portal",
        version=__version__,
        description=_DESCRIPTION,
        openapi_url="/v1/openapi.json",
        openapi_tags=_TAGS,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        responses=documented(500, 503),
    )
    version_1 = APIRouter(prefix="/v1")
    for part in (about, entries, documents, gates, evidence, imports, docs):
        version_1.include_router(part.router)
    app.include_router(version_1)
    add_handlers(app)
    return app


def routes() -> list[BaseRoute]:
    """The API under ``/api`` and nothing else under it, for the launcher."""
    app = application()
    mount = Mount("/api", app=app)
    mount.path_regex = re.compile(
        mount.path_regex.pattern, re.DOTALL
    )  # else a path with a line break gets by to the pages
    return [Route("/api", app), mount]
