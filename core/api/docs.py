"""The interactive documentation: Swagger UI from the installed package, nothing from the internet, no inline script."""

from __future__ import annotations

from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

from fastapi import APIRouter
from starlette.responses import FileResponse, HTMLResponse, Response

from core.errors import Unavailable

router = APIRouter(prefix="/docs", include_in_schema=False)

_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>AI factory portal: API</title>
<link rel="stylesheet" href="docs/swagger-ui.css">
<link rel="icon" href="docs/favicon.png">
</head>
<body>
<main id="docs"></main>
<script src="docs/swagger-ui-bundle.js"></script>
<script src="docs/start.js"></script>
</body>
</html>
"""
_START = """SwaggerUIBundle({
  url: "openapi.json",
  dom_id: "#docs",
  deepLinking: true,
  validatorUrl: null,
  presets: [SwaggerUIBundle.presets.apis],
});
"""
_CACHED = {"Cache-Control": "public, max-age=3600"}


@router.get("")
def page() -> HTMLResponse:
    """The page; its addresses are relative, so that it works wherever the API is mounted."""
    return HTMLResponse(_PAGE, headers={"Content-Security-Policy": _POLICY})


@router.get("/start.js")
def start() -> Response:
    """The script that starts Swagger UI: a file of its own, so that the page needs no inline script."""
    return Response(_START, media_type="text/javascript", headers=_CACHED)


@router.get("/{name}")
def asset(name: Literal["swagger-ui.css", "swagger-ui-bundle.js", "favicon.png"]) -> FileResponse:
    """A file of Swagger UI, as the package ``fastapi-offline`` brings it."""
    return FileResponse(_folder() / name, headers=_CACHED)


@cache
def _folder() -> Path:
    package = find_spec("fastapi_offline")
    if package is None or package.origin is None:
        raise Unavailable("The package fastapi-offline is not installed.", hint="Install requirements.txt.")
    return Path(package.origin).parent / "static"
