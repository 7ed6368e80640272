"""The log's hash chain and its seals: pure functions, so that an export can be verified without the portal.

``hash(n) = SHA-256(0x01 ‖ canonical JSON of record n, which holds hash(n-1))``. The canonical form is JSON with sorted
keys, no blanks and UTF-8 (a subset of RFC 8785: records hold no floats). A chain alone cannot show that its tail was cut
off or that all of it was written anew; a checkpoint, signed with a key outside the store, can.
"""

from __future__ import annotations

import hashlib
import json
import re
from base64 import b64decode, b64encode
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

GENESIS = "0" * 64


class Record(NamedTuple):
    """One record as it is hashed and stored; ``data`` is canonical JSON text."""

    seq: int
    at: str
    actor: str
    event: str
    subject: str
    data: str
    previous: str


def canonical(value: Any) -> str:
    """``value`` as canonical JSON text; refuses floats that are no number."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def record_hash(record: Record) -> str:
    """The hash of ``record``, in hexadecimal."""
    quoted = [json.dumps(text, ensure_ascii=False) for text in (record.actor, record.at, record.event)]
    preimage = (
        f'{{"actor":{quoted[0]},"at":{quoted[1]},"data":{record.data},"event":{quoted[2]},'
        f'"previous":"{record.previous}","seq":{record.seq},"subject":{json.dumps(record.subject, ensure_ascii=False)}}}'
    )
    return hashlib.sha256(b"\x01" + preimage.encode("utf-8", "surrogatepass")).hexdigest()


def statement(seq: int, hash_: str, at: str) -> bytes:
    """What a checkpoint signs: three lines, after the form of C2SP tlog-checkpoint."""
    return f"ai-factory-portal/activity\n{seq}\n{hash_}\n{at}\n".encode()


def new_key() -> bytes:
    """A fresh seal key, in PEM."""
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    return Ed25519PrivateKey.generate().private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def signing_key(pem: bytes) -> Ed25519PrivateKey:
    """The seal key in ``pem``."""
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    loaded = serialization.load_pem_private_key(pem, password=None)
    if not isinstance(loaded, Ed25519PrivateKey):
        raise TypeError("the seal key is of another kind than Ed25519")
    return loaded


def public_key(key: Ed25519PrivateKey) -> str:
    """The public half of a seal key, in hexadecimal."""
    return key.public_key().public_bytes_raw().hex()


def fingerprint(public: str) -> str:
    """What people compare a public key (hexadecimal) by: its SHA-256, in hexadecimal."""
    return hashlib.sha256(bytes.fromhex(public)).hexdigest()


def fingerprint_in(content: bytes) -> str:
    """The fingerprint that ``content`` is, or that of the seal key (either half, in PEM) that it holds.

    Raises ``ValueError`` where it is neither.
    """
    from cryptography.exceptions import UnsupportedAlgorithm

    if b"-----BEGIN" in content:
        try:
            return fingerprint(_public_in(content))
        except (TypeError, UnsupportedAlgorithm) as error:  # of another kind, or locked by a password
            raise ValueError(str(error)) from None
    text = content.decode("ascii").strip().lower()
    if not re.fullmatch(r"[0-9a-f]{64}", text):
        raise ValueError("not 64 hexadecimal digits")
    return text


def _public_in(pem: bytes) -> str:
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    if b"PRIVATE KEY-----" in pem:
        return public_key(signing_key(pem))
    loaded = serialization.load_pem_public_key(pem)
    if not isinstance(loaded, Ed25519PublicKey):
        raise TypeError("the key is of another kind than Ed25519")
    return loaded.public_bytes_raw().hex()


def sign(key: Ed25519PrivateKey, message: bytes) -> tuple[str, str]:
    """The public key (hexadecimal) and the signature of ``message`` (base64)."""
    return public_key(key), b64encode(key.sign(message)).decode()


def signature_holds(public: str, signature: str, message: bytes) -> bool:
    """Whether ``signature`` is that of the key ``public`` on ``message``; pure, and false for anything malformed."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    try:
        raw_key, raw_signature = bytes.fromhex(public), b64decode(signature, validate=True)
        Ed25519PublicKey.from_public_bytes(raw_key).verify(raw_signature, message)
    except (InvalidSignature, ValueError, TypeError):
        return False
    return (raw_key.hex(), b64encode(raw_signature).decode()) == (public, signature)  # one spelling, to the last bit


def seal(key: Ed25519PrivateKey, seq: int, hash_: str, at: str) -> tuple[str, str]:
    """The public key (hexadecimal) and the signature (base64) of a checkpoint."""
    return sign(key, statement(seq, hash_, at))


def seal_holds(public: str, signature: str, seq: int, hash_: str, at: str) -> bool:
    """Whether ``signature`` is that of the key ``public`` on this checkpoint."""
    return signature_holds(public, signature, statement(seq, hash_, at))
