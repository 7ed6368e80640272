#!/usr/bin/env python3
"""Verify an exported review case, or an exported activity log, without the portal: `python verify.py FILE [--key HEX]`.

This file needs Python 3.9 or newer and nothing else. It tells `intact` (exit 0) or what is broken (exit 1). Whoever
writes an export anew can sign it too, though with another key: compare the printed key with the portal's, or pass it.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import io
import json
import sys
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

# --- Ed25519, verification only: the curve of RFC 8032, section 5.1; nothing here is secret ---------------------------

_P = 2**255 - 19
_Q = 2**252 + 27742317777372353535851937790883648493
_D = -121665 * pow(121666, _P - 2, _P) % _P
_Point = tuple[int, int, int, int]
_ROOT = pow(2, (_P - 1) // 4, _P)


def _add(a: _Point, b: _Point) -> _Point:
    (x1, y1, z1, t1), (x2, y2, z2, t2) = a, b
    m, n = (y1 - x1) * (y2 - x2) % _P, (y1 + x1) * (y2 + x2) % _P
    c, d = 2 * t1 * t2 * _D % _P, 2 * z1 * z2 % _P
    e, f, g, h = n - m, d - c, d + c, n + m
    return e * f % _P, g * h % _P, f * g % _P, e * h % _P


def _times(factor: int, point: _Point) -> _Point:
    result = (0, 1, 1, 0)
    while factor > 0:
        if factor & 1:
            result = _add(result, point)
        point, factor = _add(point, point), factor >> 1
    return result


def _point(data: bytes) -> _Point:
    """The point that 32 bytes name; ValueError where they name none."""
    y = int.from_bytes(data, "little")
    sign, y = y >> 255, y & ((1 << 255) - 1)
    if len(data) != 32 or y >= _P:
        raise ValueError("no point of the curve")
    square = (y * y - 1) * pow(_D * y * y + 1, _P - 2, _P) % _P
    x = pow(square, (_P + 3) // 8, _P)
    if (x * x - square) % _P:
        x = x * _ROOT % _P
    if (x * x - square) % _P or (x == 0 and sign):
        raise ValueError("no point of the curve")
    x = _P - x if x & 1 != sign else x
    return x, y, 1, x * y % _P


_BASE = _point(bytes.fromhex("58" + "66" * 31))


def signature_holds(key: bytes, signature: bytes, message: bytes) -> bool:
    """Whether `signature` (64 bytes) on `message` is that of the public key `key` (32 bytes)."""
    try:
        whose, commitment = _point(key), _point(signature[:32])
    except ValueError:
        return False
    answer = int.from_bytes(signature[32:], "little")
    if len(signature) != 64 or answer >= _Q:
        return False
    challenge = int.from_bytes(hashlib.sha512(signature[:32] + key + message).digest(), "little") % _Q
    (x1, y1, z1, _), (x2, y2, z2, _) = _times(answer, _BASE), _add(commitment, _times(challenge, whose))
    return (x1 * z2 - x2 * z1) % _P == 0 and (y1 * z2 - y2 * z1) % _P == 0


# --- what the portal writes ------------------------------------------------------------------------------------------


class Broken(Exception):
    """The file is not what the portal wrote; the text says where."""


def canonical(value: Any) -> str:
    """JSON with sorted keys, no blanks and UTF-8: the form that is hashed and signed."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def parsed(data: bytes, where: str) -> Any:
    """The JSON in `data`, which must be canonical to the byte: nothing in it can be changed unnoticed."""
    try:
        value = json.loads(data)
        if canonical(value).encode() == data:
            return value
    except (ValueError, RecursionError):
        pass
    raise Broken(f"{where} is not as the portal writes it")


def check_signature(payload: bytes, signature: str, key: str, where: str) -> None:
    """Refuse a signature that does not hold, or is spelled in another way than the portal does."""
    try:
        raw_key, raw = bytes.fromhex(key), base64.b64decode(signature, validate=True)
    except ValueError:
        raise Broken(f"{where}: key or signature cannot be read") from None
    if (raw_key.hex(), base64.b64encode(raw).decode()) != (key, signature) or not signature_holds(
        raw_key, raw, payload
    ):
        raise Broken(f"{where}: the signature does not hold")


def record_hash(one: dict[str, Any]) -> str:
    """The hash of a record of the activity log, over its canonical form without the hash itself."""
    fields = {name: value for name, value in one.items() if name not in ("hash", "data")}
    head = canonical(fields | {"data": None}).encode("utf-8", "surrogatepass")
    filled = head.replace(b'"data":null', b'"data":' + one["data"].encode("utf-8", "surrogatepass"), 1)
    return hashlib.sha256(b"\x01" + filled).hexdigest()


def check_checkpoint(seal: dict[str, Any]) -> None:
    """Refuse a checkpoint that its key did not sign."""
    statement = f"ai-factory-portal/activity\n{seal['seq']}\n{seal['hash']}\n{seal['at']}\n".encode()
    check_signature(statement, seal["signature"], seal["key"], f"the checkpoint of record {seal['seq']}")


# --- an exported case ------------------------------------------------------------------------------------------------

STAMP = (1980, 1, 1, 0, 0, 0)


def packed(files: Mapping[str, bytes]) -> bytes:
    """A zip of name → bytes that has one form only, so that every byte of it is checked by making it anew."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name in sorted(files):
            entry = zipfile.ZipInfo(name, STAMP)
            entry.create_system, entry.external_attr = 3, 0o644 << 16
            archive.writestr(entry, files[name])
    return buffer.getvalue()


def verify_case(data: bytes) -> tuple[list[str], str]:
    """What an exported case is and who signed it, in lines; raises `Broken`."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            files = {name: archive.read(name) for name in archive.namelist()}
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError, RuntimeError, EOFError) as error:
        raise Broken(f"the archive cannot be read: {error}") from None
    if packed(files) != data:
        raise Broken("the archive is not as the portal writes it")
    manifest, seal = _manifest(files)
    record = parsed(_file(files, "record.json"), "record.json")
    digest = hashlib.sha256(files["record.json"]).hexdigest()
    if manifest["record_hash"] != digest:
        raise Broken("record.json is not the record that the manifest names")
    lines = [f"record {digest} about {record['subject']['name']} {record['subject']['version']}".rstrip()]
    lines += [_signed(one, digest) for one in parsed(_file(files, "signatures.json"), "signatures.json")]
    for one in parsed(_file(files, "activity.json"), "activity.json"):
        if record_hash(one) != one["hash"]:
            raise Broken(f"record {one['seq']} of the activity log does not match its hash")
    for one in parsed(_file(files, "checkpoints.json"), "checkpoints.json"):
        check_checkpoint(one)
    return lines, seal["key"]


def _file(files: Mapping[str, bytes], name: str) -> bytes:
    if name not in files:
        raise Broken(f"{name} is missing")
    return files[name]


def _manifest(files: Mapping[str, bytes]) -> tuple[dict[str, Any], dict[str, str]]:
    payload = _file(files, "manifest.json")
    seal = parsed(_file(files, "manifest.sig.json"), "manifest.sig.json")
    check_signature(payload, seal["signature"], seal["key"], "manifest.json")
    manifest = parsed(payload, "manifest.json")
    listed = manifest["files"]
    if set(listed) != set(files) - {"manifest.json", "manifest.sig.json"}:
        raise Broken("the files are not those of the manifest")
    for name, digest in listed.items():
        if hashlib.sha256(files[name]).hexdigest() != digest:
            raise Broken(f"{name} was changed")
    return manifest, seal


def _signed(one: dict[str, str], record: str) -> str:
    payload = parsed(one["payload"].encode(), "a signed payload")
    check_signature(one["payload"].encode(), one["signature"], one["key"], f"the signature of {one['printed_name']}")
    shown = {name: one[name] for name in ("meaning", "decision", "role", "record_hash", "signed_at")}
    shown["name"] = one["printed_name"]
    if any(payload.get(name) != value for name, value in shown.items()):
        raise Broken(f"the signature of {one['printed_name']} was made on something else")
    state = f"voided: {one['void_reason']}" if one["voided_at"] else "counts"
    about = "this record" if one["record_hash"] == record else f"the earlier record {one['record_hash'][:12]}"
    return f"{one['printed_name']} ({one['meaning']}): {one['decision']} at {one['signed_at']} on {about}; {state}"


# --- an exported log -------------------------------------------------------------------------------------------------


def verify_log(lines: Iterable[bytes]) -> tuple[int, int, list[str]]:
    """How many records the log has and the keys that sealed it, reading it line by line; raises `Broken`."""
    previous, count, sealed = "0" * 64, 0, 0
    hashes: dict[int, str] = {}
    keys: list[str] = []
    for number, line in enumerate(lines, 1):
        if not line.endswith(b"\n"):
            raise Broken(f"line {number} is cut off")
        one = parsed(line[:-1], f"line {number}")
        if "checkpoint" in one:
            seal = one["checkpoint"]
            check_checkpoint(seal)
            if hashes.get(seal["seq"]) != seal["hash"]:
                raise Broken(f"the log is truncated or was written anew: {seal['seq']} records were sealed")
            sealed, keys = max(sealed, seal["seq"]), sorted({*keys, seal["key"]})
            continue
        count += 1
        if one["seq"] != count or one["previous"] != previous or record_hash(one) != one["hash"]:
            raise Broken(f"record {count} does not follow from the one before it, or does not match its hash")
        previous = hashes[count] = one["hash"]
    if not count:
        raise Broken("there is no record in it")
    return count, sealed, keys


def main(arguments: Sequence[str] | None = None) -> int:
    """Verify the file that is named and say what was found."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("file")
    parser.add_argument("--key", help="the portal's public key, in hexadecimal: insist on it")
    given = parser.parse_args(arguments)
    try:
        with open(given.file, "rb") as file:
            if file.read(4) == b"PK\x03\x04":
                file.seek(0)
                lines, key = verify_case(file.read())
                keys = [key]
            else:
                file.seek(0)
                count, sealed, keys = verify_log(file)
                lines = [f"{count} records, the first {sealed} of them sealed"]
        if given.key and keys != [given.key.lower()]:
            raise Broken(f"it was signed with another key: {', '.join(keys) or 'none'}")
    except (Broken, KeyError, TypeError, AttributeError, OSError) as error:
        print(f"BROKEN: {error}")
        return 1
    print("\n".join([*lines, f"intact; signed with the key {', '.join(keys) or 'none'}"]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
