"""Asking the gate whether a version may go to an environment."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, BackgroundTasks, Path, Query, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field

from core import db
from core.access import policy
from core.access.policy import Actor
from core.api import auth
from core.api.auth import Caller, Credentials
from core.api.errors import documented
from core.api.together import Together
from core.errors import PortalError
from core.gates import answering, attestation
from core.gates.answering import Answer, Question

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
    response_model=GateAnswer,
    responses=documented(401, 403, 422),
    summary="May this version go there?",
)
async def gate(
    credentials: Credentials,
    background: BackgroundTasks,
    model: Named,
    version: Numbered,
    environment: Environment = "production",
) -> Response:
    """Ask with the scope `gate:ask`. Whatever the portal does not know is denied, and every answer is recorded."""
    caller, body = await _line.ask(_Asked(credentials, model, version, environment))
    auth.note_use(caller, credentials, background)
    return Response(body, media_type="application/json")  # as a model it would be validated a second time


@dataclass(frozen=True)
class _Asked:
    """A question as it came."""

    credentials: Credentials
    model: str
    version: str
    environment: str


def _answers(asked: Sequence[_Asked]) -> list[tuple[Actor, str] | Exception]:
    """Who asked, and what the gate says to them; all answers are recorded in one transaction."""
    with db.reading() as session:
        callers = [_allowed(one) for one in auth.all_known(session, [one.credentials for one in asked])]
    questions = [
        Question(caller, one.model, one.version, one.environment)
        for caller, one in zip(callers, asked, strict=True)
        if isinstance(caller, Actor)
    ]
    said = iter(_said(questions) if questions else ())
    return [_told(one, next(said)) if isinstance(one, Actor) else one for one in callers]


def _allowed(caller: Actor | PortalError) -> Actor | PortalError:
    try:
        if isinstance(caller, Actor):
            policy.require(caller, "gate.ask")
    except PortalError as refusal:
        return refusal
    return caller


def _said(questions: Sequence[Question]) -> list[Answer]:
    with db.writing() as session:
        return answering.ask_all(session, questions)


def _told(caller: Actor, answer: Answer) -> tuple[Actor, str]:
    return caller, GateAnswer.model_validate(answer).model_dump_json()


_line: Together[_Asked, tuple[Actor, str]] = Together(_answers)
"""Each answer waits for its turn to write to the log; those that wait write at once."""


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
