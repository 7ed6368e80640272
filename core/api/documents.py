"""Documents about review cases, for programs that file them."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Path
from starlette.responses import Response

from core import db
from core.api.auth import Caller
from core.api.errors import documented
from core.documents import dossier, export

router = APIRouter(prefix="/cases", tags=["reviews"])

_MEDIA = {"pdf": "application/pdf", "md": "text/markdown; charset=utf-8", "zip": "application/zip"}


@router.get(
    "/{case}/documents/{name}.{form}",
    operation_id="getDocument",
    response_class=Response,
    responses=documented(401, 403, 404, 422) | {200: {"content": {media: {} for media in _MEDIA.values()}}},
    summary="A document about a review case",
)
def document(
    caller: Caller,
    case: Annotated[int, Path(ge=1, le=2**31 - 1)],
    name: Annotated[Literal["sign-off", "model-card", "annex-iv", "export"], Path()],
    form: Annotated[Literal["pdf", "md", "zip"], Path()],
) -> Response:
    """Read with the scope `catalog:read`. The export is a zip with the record, its signatures and a script that verifies
    it offline; all others are `pdf` or `md`. That a document left the portal is recorded."""
    with db.writing() as session:
        made = dossier.issue(session, actor=caller, case_id=case, document=name)
    data = export.document(made, name, form)
    return Response(data, media_type=_MEDIA[form], headers={"Content-Disposition": f'attachment; filename="case-{case}-{name}.{form}"'})  # fmt: skip
