"""Statements about a verdict that can be checked without the portal: in-toto Statement v1 in a DSSE envelope.

The subject is what the evidence is about, by digest: the version, and every artifact whose SHA-256 was copied with it.
The envelope is signed with an Ed25519 key of this installation, which lies outside the store. An envelope is written in
one way only (canonical JSON), so that whoever checks one finds any byte that was changed, also one that says nothing.

Formats: https://github.com/in-toto/attestation/blob/main/spec/v1/statement.md and
https://github.com/secure-systems-lab/dsse/blob/master/envelope.md.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlmodel import Session, col, select

from core import db
from core.access.policy import Actor
from core.activity import chain, events
from core.activity.recording import record
from core.config import settings
from core.errors import Conflict, Invalid
from core.evidence.tables import EvidenceSnapshot
from core.gates import answering
from core.gates.answering import Answer, Question
from core.gates.cases import CaseFact
from core.reviews import sealing
from core.reviews.record import stamp
from core.reviews.tables import Signature
from core.tracking import queries as tracking

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from securesystemslib.signer import SSlibKey  # type: ignore[attr-defined]

KEY = "attestation.ed25519"
"""Name of the signing key among the installation's secrets."""
STATEMENT = "https://in-toto.io/Statement/v1"
PREDICATE = "urn:ai-factory-portal:gate-verdict:v1"
PAYLOAD = "application/vnd.in-toto+json"
LONGEST = 4_000_000
"""Bytes of an envelope that are read at most."""
MOST_ARTIFACTS = 1_000
"""So many artifacts are named as subjects beside the version, whose own digest covers all of them."""


@dataclass(frozen=True)
class Attested:
    """A verdict with the envelope that says so."""

    answer: Answer
    envelope: bytes


@dataclass(frozen=True)
class PublicKey:
    """What envelopes of this installation are checked with."""

    keyid: str
    pem: str
    fingerprint: str
    """SHA-256 of the raw key, in hexadecimal: what people compare."""


def attest(session: Session, *, actor: Actor, model: str, version: str, environment: str) -> Attested:
    """Ask the gate and sign its answer; both are recorded. A denial is attested like an approval.

    Raises :class:`Conflict` where no evidence was copied that the statement could be about, and where a signature that
    the verdict rests on was not made by this installation.
    """
    told = answering.consult(session, Question(actor, model, version, environment))
    evidence = _evidence(session, told.cases)
    if evidence is None:
        raise Conflict(
            f"Nothing can be attested about version {version} of {model}: no case rests on copied evidence.",
            hint="Open a review case and attach the evidence of the version.",
        )
    _require_genuine(session, told.cases)
    payload = chain.canonical(_statement(told.answer, told.shown, evidence)).encode()
    issued = events.AttestationIssued(
        tracking.subject(model), version=version[:40], environment=environment, allowed=told.answer.allowed,
        digest=hashlib.sha256(payload).hexdigest(),
    )  # fmt: skip
    record(session, actor, issued)
    return Attested(told.answer, _sealed(payload))


def public_key() -> PublicKey:
    """The public half of the key that this installation signs with."""
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    public = _key().public_key()
    pem = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return PublicKey(_loaded(pem).keyid, pem.decode(), chain.fingerprint(chain.public_key(_key())))


def verify(content: bytes, pem: bytes) -> dict[str, Any]:
    """The statement in an envelope, if the key (PEM) signed exactly these bytes; needs no store.

    Raises :class:`Invalid` for an envelope that is none, was changed in any byte, or was signed by another key.
    """
    from securesystemslib.dsse import Envelope
    from securesystemslib.exceptions import VerificationError

    key = _loaded(pem)
    try:
        envelope = Envelope.from_dict(json.loads(content))
        if _written(envelope.to_dict()) != content.removesuffix(b"\n") or envelope.payload_type != PAYLOAD:
            raise ValueError("it is not written as it was signed")
        envelope.verify([key], 1)
        statement = json.loads(envelope.payload)
        if statement["_type"] != STATEMENT or statement["predicateType"] != PREDICATE:
            raise ValueError("it states something else")
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, VerificationError) as error:
        reason = "this key did not sign it" if isinstance(error, VerificationError) else str(error) or "it is malformed"
        raise Invalid(
            f"This is no attestation that holds: {reason[:200]}.", code="not_genuine",
            hint="Compare the key's fingerprint with the portal's, and take the file from where it was kept first.",
        ) from None  # fmt: skip
    return dict(statement)


def require_about(statement: Mapping[str, Any], *, model: str, version: str, environment: str) -> None:
    """Refuse a genuine statement that is about another version or environment; empty means any."""
    said = statement["predicate"]
    for name, wanted in (("model", model), ("version", version), ("environment", environment)):
        if wanted and said[name] != wanted:
            raise Invalid(f"The attestation is about the {name} {said[name]!r}, not {wanted!r}.", code="about_another")


# --- the statement ---------------------------------------------------------------------------------------------------


def _evidence(session: Session, cases: tuple[CaseFact, ...]) -> EvidenceSnapshot | None:
    """The newest copy that a case rests on."""
    copies = [one.snapshot for one in cases if one.snapshot is not None]
    return session.get(EvidenceSnapshot, max(copies)) if copies else None


def _require_genuine(session: Session, cases: tuple[CaseFact, ...]) -> None:
    wanted = select(Signature).where(
        col(Signature.case_id).in_([one.id for one in cases]), col(Signature.voided_at).is_(None)
    )
    for one in session.exec(wanted):
        if not sealing.holds(one.payload, one.signature, one.key):
            raise Conflict(
                f"The signature of {one.printed_name} in case {one.case_id} does not hold: the store was changed.",
                code="signature_broken", hint="Verify the log, and sign the case anew.",
            )  # fmt: skip


def _statement(answer: Answer, cases: tuple[CaseFact, ...], evidence: EvidenceSnapshot) -> dict[str, Any]:
    return {
        "_type": STATEMENT,
        "subject": _subjects(answer, evidence),
        "predicateType": PREDICATE,
        "predicate": {
            "issuer": settings().base_url,
            "model": answer.model,
            "version": answer.version,
            "environment": answer.environment,
            "allowed": answer.allowed,
            "verdict": answer.verdict,
            "reasons": [{"code": one.code, "text": one.text} for one in answer.reasons],
            "decidedAt": stamp(answer.decided_at),
            "evidence": {
                "digest": evidence.digest,
                "takenAt": stamp(evidence.taken_at),
                "asOf": stamp(answer.evidence_as_of) if answer.evidence_as_of else None,
            },
            "cases": [_case(one) for one in cases],
        },
    }


def _subjects(answer: Answer, evidence: EvidenceSnapshot) -> list[dict[str, Any]]:
    """The version under the digest of what it is, and its artifacts under those of their bytes."""
    name = f"models:/{answer.model}/{answer.version}"
    artifacts = sorted(evidence.content.get("artifacts", {}).items())[:MOST_ARTIFACTS]
    hashed = [(path, one["sha256"]) for path, one in artifacts if one.get("sha256")]
    files = [{"name": f"{name}#{path}", "digest": {"sha256": digest}} for path, digest in hashed]
    return [{"name": name, "digest": {"sha256": evidence.subject_digest}}, *files]


def _case(case: CaseFact) -> dict[str, Any]:
    return {
        "id": case.id,
        "checklist": case.checklist,
        "state": case.state,
        "tier": case.tier,
        "environments": list(case.environments),
        "subjectDigest": case.subject_digest,
        "decidedAt": stamp(case.decided_at) if case.decided_at else None,
        "expiresAt": stamp(case.expires_at) if case.expires_at else None,
        "certificate": case.certificate.id if case.certificate else None,
        "signatures": [
            {
                "name": one.name, "role": one.role, "meaning": one.meaning, "decision": one.decision,
                "signedAt": stamp(one.signed_at), "recordHash": one.record_hash,
            }
            for one in case.signatures
        ],
    }  # fmt: skip


# --- the envelope ----------------------------------------------------------------------------------------------------


def _sealed(payload: bytes) -> bytes:
    from securesystemslib.dsse import Envelope
    from securesystemslib.signer import CryptoSigner  # type: ignore[attr-defined]

    envelope = Envelope(payload, PAYLOAD, {})
    envelope.sign(CryptoSigner(_key()))
    return _written(envelope.to_dict())


def _written(envelope: Mapping[str, Any]) -> bytes:
    return chain.canonical(envelope).encode()


def _key() -> Ed25519PrivateKey:
    return chain.signing_key(db.kept_secret(KEY, chain.new_key))


def _loaded(pem: bytes) -> SSlibKey:
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.serialization import load_pem_public_key
    from securesystemslib.signer import SSlibKey  # type: ignore[attr-defined]

    try:
        loaded = load_pem_public_key(pem)
    except (ValueError, UnsupportedAlgorithm):
        loaded = None
    if not isinstance(loaded, Ed25519PublicKey):
        raise Invalid("This is no Ed25519 public key in PEM.", hint="`python -m core gate-key` prints the portal's.")
    return SSlibKey.from_crypto(loaded)
