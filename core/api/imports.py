"""Bringing definitions into the catalog by pushing them."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query, Request
from pydantic import BaseModel, ConfigDict, Field

from core.api.auth import Caller
from core.api.errors import TooLarge, UnknownType, documented
from core.catalog import documents, loader, sources
from core.catalog.loader import Report
from core.errors import Invalid

router = APIRouter(tags=["catalog"])

MAX_BYTES = documents.MAX_BYTES
TYPES = ("application/yaml", "application/x-yaml", "text/yaml", "text/x-yaml")
_UPLOAD = "upload"

_EXAMPLE = """\
apiVersion: factory/v1
kind: asset
metadata:
  name: leakage-check
  title: Leakage check
  description: Finds columns that know the target.
spec:
  owner: platform
  lifecycle: approved
  version: "1.0.0"
"""
_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "description": f"One or many YAML documents (at most {MAX_BYTES // 1024} KiB): entries of ours, Backstage "
        "descriptors, Azure ML v2 assets, MLproject files.",
        "content": {one: {"schema": {"type": "string", "minLength": 1}, "example": _EXAMPLE} for one in TYPES},
    }
}


class Options(BaseModel):
    """How an import is done."""

    model_config = ConfigDict(extra="forbid")

    dry_run: bool = Field(False, description="Report what would happen and change nothing.")
    owner: str | None = Field(
        None, max_length=63, pattern=r"^[A-Za-z0-9][A-Za-z0-9-]*$", description="Team for documents that name no owner."
    )
    source: str = Field(
        "api",
        max_length=100,
        pattern=r"^[A-Za-z0-9][A-Za-z0-9._/@+-]*$",
        description="Where the definitions come from.",
    )


class ImportChange(BaseModel):
    """What the import does to one entry, or why it refuses a document."""

    action: Literal["create", "update", "unchanged", "stale", "refused"]
    key: str = Field(
        description="The entry; empty where a document could not be read.", examples=["asset:default/leakage-check"]
    )
    origin: str = Field(examples=[_UPLOAD])
    fields: list[str] = Field(description="Fields that change.", examples=[["spec.version"]])
    kept: list[str] = Field(description="Fields that people edited in the portal and that stay as they are.")
    problems: list[str] = Field(description="Why it is refused: file, document, field, and how to mend it.")


class ImportCounts(BaseModel):
    """How many entries each action touches."""

    create: int
    update: int
    unchanged: int
    stale: int
    refused: int


class ImportReport(BaseModel):
    """The outcome of an import; unchanged entries are counted, not listed."""

    source: str = Field(examples=["import:api"])
    dry_run: bool
    counts: ImportCounts
    changes: list[ImportChange]


async def upload(request: Request) -> str:
    """The YAML text of the body."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind not in TYPES:
        raise UnknownType(f"The content type is {kind or 'missing'}.", hint=f"Send one of: {', '.join(TYPES)}.")
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BYTES:
            raise TooLarge(f"The body is larger than {MAX_BYTES // 1024} KiB.", hint="Split it into several imports.")
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Invalid(
            f"The body is not UTF-8 text: byte {error.start} does not fit.", hint="Save it as UTF-8."
        ) from error


@router.post(
    "/imports",
    operation_id="importEntries",
    openapi_extra=_BODY,
    responses=documented(401, 403, 409, 413, 415, 422),
)
def import_entries(
    caller: Caller, options: Annotated[Options, Query()], text: Annotated[str, Depends(upload)]
) -> ImportReport:
    """Create and update entries from YAML; takes a token with the scope `catalog:import`.

    Documents that cannot be used are refused with a reason each, and the rest goes on; only where none can be used is
    the answer 422. What an upload does not mention stays as it is.
    """
    report = loader.run(
        caller,
        source=f"import:{options.source}",
        files=[sources.single(text, _UPLOAD, default_owner=options.owner)],
        whole=False,
        dry_run=options.dry_run,
    )
    refused = report.count("refused")
    if refused and refused == sum(report.counts.values()):
        problems = [problem for change in report.changes for problem in change.problems]
        raise Invalid("Nothing of this can be imported.", hint="\n".join(problems[:50]))
    return _answer(report)


def _answer(report: Report) -> ImportReport:
    return ImportReport(
        source=report.source,
        dry_run=report.dry_run,
        counts=ImportCounts(**report.counts),
        changes=[
            ImportChange(
                action=one.action,
                key=one.key,
                origin=one.origin,
                fields=one.fields,
                kept=one.kept,
                problems=one.problems,
            )
            for one in report.changes
        ],
    )
