"""What CI pipelines tell about the versions of models that they make."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from core import db
from core.api.auth import Caller
from core.api.errors import TooLarge, documented
from core.api.gates import Named, Numbered
from core.errors import Invalid
from core.evidence import ci

router = APIRouter(prefix="/evidence", tags=["evidence"])

MAX_BYTES = 64 * 1024
Person = Annotated[str, StringConstraints(min_length=1, max_length=200)]


class CiReport(BaseModel):
    """From where a version came, and who committed to it."""

    model_config = ConfigDict(extra="forbid")

    repository: str = Field(min_length=1, max_length=300, examples=["https://github.com/example/churn"])
    commit: str = Field(
        min_length=7, max_length=64, pattern="^[0-9A-Fa-f]+$", examples=["4f2d9c1b7a3e5f60718293a4b5c6d7e8f9012345"]
    )
    workflow: str = Field(min_length=1, max_length=200, examples=[".github/workflows/train.yml"])
    committers: list[Person] = Field(
        [], max_length=ci.COMMITTERS, description="Names or mail addresses: they are barred from reviewing the version.",
        examples=[["Ada Example <ada@example.org>"]],
    )  # fmt: skip


class CiFactAnswer(BaseModel):
    """What is kept of it."""

    model_config = ConfigDict(from_attributes=True)

    id: int
    model: str
    version: str
    repository: str
    commit: str
    workflow: str
    committers: list[str]
    told_at: datetime = Field(description="When it was told first.")


_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "description": f"At most {MAX_BYTES // 1024} KiB.",
        "content": {"application/json": {"schema": CiReport.model_json_schema()}},
    }
}


async def report(request: Request) -> CiReport:
    """The body, read no further than it may be long."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BYTES:
            raise TooLarge(f"The body is larger than {MAX_BYTES // 1024} KiB.", hint="Name fewer committers at once.")
    try:
        return CiReport.model_validate_json(bytes(body))
    except ValidationError as error:
        rules = [f"{'.'.join(('body', *map(str, one['loc'])))}: {one['msg']}." for one in error.errors()]
        raise Invalid(rules[0], hint=" ".join(rules[1:20])) from error


@router.post(
    "/{model}/{version}/ci",
    operation_id="tellCiFact",
    openapi_extra=_BODY,
    responses=documented(401, 403, 413, 422),
    summary="Tell where this version came from",
)
def tell(
    caller: Caller, model: Named, version: Numbered, told: Annotated[CiReport, Depends(report)]
) -> CiFactAnswer:  # fmt: skip
    """Tell repository, commit, workflow and committers of a version, with the scope `metrics:write`.

    The version need not be in MLflow yet. Telling the same again changes nothing, and nothing told is taken back.
    """
    with db.writing() as session:
        fact = ci.tell(
            session, actor=caller, model=model, version=version, repository=told.repository, commit=told.commit,
            workflow=told.workflow, committers=told.committers,
        )  # fmt: skip
    return CiFactAnswer.model_validate(fact)
