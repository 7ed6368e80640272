"""A signature as text and bytes: what exactly is signed, the Ed25519 over it, and the check of both without the store."""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Mapping
from typing import Any

from core import db
from core.activity import chain

KEY = "signing.ed25519"
"""Name of the key among the installation's secrets, which never lie in the store."""
KIND = "ai-factory-portal/signature/v1"
"""First thing a payload says, so that nothing else the key signs passes for a signature."""


def payload(content: Mapping[str, Any]) -> str:
    """The canonical text that is signed."""
    return chain.canonical({"kind": KIND, **content})


def seal(payload: str) -> tuple[str, str]:
    """The signature of this installation over ``payload`` (base64), and the public half of its key (hexadecimal)."""
    key = chain.signing_key(db.kept_secret(KEY, chain.new_key))
    return b64encode(key.sign(_bytes(payload))).decode(), chain.public_key(key)


def public_key() -> str:
    """The public half of the key that this installation signs with, in hexadecimal."""
    return chain.public_key(chain.signing_key(db.kept_secret(KEY, chain.new_key)))


def holds(payload: str, signature: str, key: str) -> bool:
    """Whether ``signature`` is that of the public ``key`` over ``payload``; pure, and false for anything malformed.

    Whose key it is, is another question: compare its fingerprint with one that was kept elsewhere.
    """
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    try:
        raw_key, raw_signature = bytes.fromhex(key), b64decode(signature, validate=True)
        Ed25519PublicKey.from_public_bytes(raw_key).verify(raw_signature, _bytes(payload))
    except (InvalidSignature, ValueError, TypeError):
        return False
    return (raw_key.hex(), b64encode(raw_signature).decode()) == (key, signature)  # one spelling, to the last bit


def _bytes(payload: str) -> bytes:
    return payload.encode("utf-8", "surrogatepass")
