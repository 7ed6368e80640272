"""A signature as text and bytes: what exactly is signed, the Ed25519 over it, and the check of both without the store."""

from __future__ import annotations

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
    key, signature = chain.sign(chain.signing_key(db.kept_secret(KEY, chain.new_key)), _bytes(payload))
    return signature, key


def public_key() -> str:
    """The public half of the key that this installation signs with, in hexadecimal."""
    return chain.public_key(chain.signing_key(db.kept_secret(KEY, chain.new_key)))


def holds(payload: str, signature: str, key: str) -> bool:
    """Whether ``signature`` is that of the public ``key`` over ``payload``; pure, and false for anything malformed.

    Whose key it is, is another question: compare its fingerprint with one that was kept elsewhere.
    """
    return chain.signature_holds(key, signature, _bytes(payload))


def _bytes(payload: str) -> bytes:
    return payload.encode("utf-8", "surrogatepass")
