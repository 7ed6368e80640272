"""The verifiable export of a case: its record, signatures and log records, documents, and a script that verifies it all."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from core import db
from core.activity import chain
from core.documents import verifier
from core.documents.annex_iv import annex_iv
from core.documents.blocks import Block, markdown
from core.documents.dossier import DOCUMENTS, Dossier, signature_data
from core.documents.model_card import model_card
from core.documents.pdf import pdf
from core.documents.signoff import signoff
from core.errors import Invalid

KEY = "export.ed25519"
"""Name of the key that seals exports among the installation's secrets."""
FORMATS = ("pdf", "md")
_WRITERS: Mapping[str, Callable[[Dossier], list[Block]]] = {
    "sign-off": signoff, "model-card": model_card, "annex-iv": annex_iv,
}  # fmt: skip


def document(case: Dossier, name: str, form: str) -> bytes:
    """A document as ``pdf`` or ``md``, or the ``export`` as a zip."""
    if (name, form) == ("export", "zip"):
        return export(case)
    if name not in _WRITERS or form not in FORMATS:
        possible = f"Possible: {', '.join(_WRITERS)} as pdf or md, and export as zip."
        raise Invalid(f"There is no {name[:40]!r} as {form[:10]!r}.", hint=possible)
    blocks = _WRITERS[name](case)
    if form == "md":
        return markdown(blocks).encode()
    footer = f"Review case {case.case_id} · record {case.record_hash[:16]}"
    return pdf(blocks, title=f"{DOCUMENTS[name]} of case {case.case_id}", footer=footer, at=case.made_at)


def export(case: Dossier) -> bytes:
    """The zip: every file in it is named with its hash in a manifest, which the portal's export key signs."""
    files: dict[str, bytes] = {
        "record.json": chain.canonical(case.record).encode(),
        "signatures.json": chain.canonical([signature_data(one) for one in case.signatures]).encode(),
        "activity.json": chain.canonical(list(case.activity)).encode(),
        "checkpoints.json": chain.canonical(list(case.checkpoints)).encode(),
        "evidence.json": chain.canonical(case.evidence).encode(),
        "files.json": chain.canonical(list(case.files)).encode(),
        "names.json": chain.canonical(dict(case.names)).encode(),
        "verify.py": Path(verifier.__file__).read_bytes(),
    }
    for name in _WRITERS:
        files |= {f"{name}.{form}": document(case, name, form) for form in FORMATS}
    manifest = {
        "case": case.case_id,
        "files": {name: hashlib.sha256(data).hexdigest() for name, data in files.items()},
        "made_at": case.made_at.isoformat(),
        "record_hash": case.record_hash,
    }
    files["manifest.json"] = chain.canonical(manifest).encode()
    files["manifest.sig.json"] = chain.canonical(_sealed(files["manifest.json"])).encode()
    return verifier.packed(files)


def _sealed(payload: bytes) -> dict[str, Any]:
    key, signature = chain.sign(chain.signing_key(db.kept_secret(KEY, chain.new_key)), payload)
    return {"key": key, "signature": signature}


def public_key() -> str:
    """The public half of the key that seals exports, in hexadecimal: what ``verify.py --key`` insists on."""
    return chain.public_key(chain.signing_key(db.kept_secret(KEY, chain.new_key)))
