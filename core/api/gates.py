"""Asking the gate whether a version may go to an environment."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, BackgroundTasks, Path, Query, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field

from core import db
from core.api import auth
from core.api.auth import Caller, Credentials
from core.api.errors import documented
from core.gates import answering, attestation

router = APIRouter(prefix="/gates", tags=["gate"])

Named = Annotated[str, Path(min_length=1, max_length=256, pattern=r"^[^\x00-\x1f\x7f/:]+$")]
Numbered = Annotated[str, Path(min_length=1, max_length=20, pattern=r"^[0-9A-Za-z._-]+$")]


class GateReason(BaseModel):
    """One reason of the gate's answer."""

    model_config = ConfigDict(from_attributes=True)

    code: str = Field(examples=["no-case"])
    text: str
    link: str = Field(description="A path of the portal that leads to what the reason is about.")


class GateSignature(BaseModel):
    """A signature that the answer rests on."""

    model_config = ConfigDict(from_attributes=True)

    name: str = Field(description="The printed name.")
    role: str = Field(examples=["model validator"])
    meaning: str = Field(examples=["approval"])
    signed_at: datetime
    record: str = Field(description="The first digits of the SHA-256 of the record that was signed.")
    case: str


class GateAnswer(BaseModel):
    """May this version go to that environment? Anything but `allowed: true` means no."""

    model_config = ConfigDict(from_attributes=True)

    model: str
    version: str
    environment: str
    allowed: bool
    verdict: Literal["allowed", "denied", "unknown"]
    reasons: list[GateReason]
    case: str = Field(description="The review cases it rests on, joined by commas; empty where there is none.")
    signatures: list[GateSignature]
    evidence_as_of: datetime | None = Field(
        description="When the evidence was last found the same as in MLflow; without a case, when MLflow was mirrored."
    )
    decided_at: datetime


class GateKey(BaseModel):
    """What attestations of this portal are checked with."""

    model_config = ConfigDict(from_attributes=True)

    keyid: str = Field(description="How envelopes name the key.")
    pem: str
    fingerprint: str = Field(description="SHA-256 of the raw key: compare it with one that you got another way.")


Environment = Annotated[Literal["development", "test", "production"], Query()]


@router.get("/key", operation_id="readGateKey", responses=documented(401), summary="The key of attestations")
def key(_caller: Caller) -> GateKey:
    """The public key that attestations are checked with, for any token."""
    return GateKey.model_validate(attestation.public_key())


@router.get(
    "/{model}/{version}",
    operation_id="askGate",
    responses=documented(401, 403, 422),
    summary="May this version go there?",
)
def gate(
    credentials: Credentials,
    background: BackgroundTasks,
    model: Named,
    version: Numbered,
    environment: Environment = "production",
) -> GateAnswer:
    """Ask with the scope `gate:ask`. Whatever the portal does not know is denied, and every answer is recorded."""
    caller = auth.actor(credentials, background)
    with db.writing() as session:
        answer = answering.ask(session, actor=caller, model=model, version=version, environment=environment)
    return GateAnswer.model_validate(answer)


@router.get(
    "/{model}/{version}/attestation",
    operation_id="attestGate",
    response_class=JSONResponse,
    responses=documented(401, 403, 409, 422),
    summary="The verdict as a signed statement",
)
def attest(caller: Caller, model: Named, version: Numbered, environment: Environment = "production") -> Response:
    """Ask, and get the answer as an in-toto statement in a DSSE envelope, which can be checked without the portal. It
    may say no: read `allowed` in it. Keep its bytes as they are."""
    with db.writing() as session:
        made = attestation.attest(session, actor=caller, model=model, version=version, environment=environment)
    return Response(made.envelope, media_type="application/json")
