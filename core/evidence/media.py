"""What an uploaded file is, by its bytes alone: text, a picture, a PDF, an office document or a harmless archive.

What a browser or a machine would run is refused: programs, scripts, markup, macros. Nothing here opens what it is given
further than the list of an archive's members.
"""

from __future__ import annotations

import csv
import io
import json
import re
import unicodedata
import zipfile

import puremagic

from core.errors import Invalid

NAME_LENGTH = 120
MEMBERS = 2000
"""Files in an archive."""
UNPACKED = 500_000_000
"""Bytes of an archive's members together."""
RATIO = 200
"""How many times larger an archive may become; text hardly shrinks to a hundredth, a bomb to a thousandth."""

EXTENSIONS: dict[str, tuple[str, ...]] = {
    "text/plain": (
        ".txt",
        ".md",
        ".rst",
        ".log",
        ".yaml",
        ".yml",
        ".toml",
        ".ini",
        ".py",
        ".r",
        ".sql",
        ".diff",
        ".patch",
    ),
    "text/csv": (".csv", ".tsv"),
    "application/json": (".json", ".ipynb", ".sarif"),
    "application/pdf": (".pdf",),
    "image/png": (".png",),
    "image/jpeg": (".jpg", ".jpeg"),
    "image/gif": (".gif",),
    "image/webp": (".webp",),
    "application/zip": (".zip",),
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": (".docx",),
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": (".xlsx",),
    "application/vnd.openxmlformats-officedocument.presentationml.presentation": (".pptx",),
    "application/vnd.oasis.opendocument.text": (".odt",),
    "application/vnd.oasis.opendocument.spreadsheet": (".ods",),
    "application/vnd.oasis.opendocument.presentation": (".odp",),
}
"""Media types that are taken → the endings of their files' names, the usual one first."""

_OFFICE = {"word/": ".docx", "xl/": ".xlsx", "ppt/": ".pptx"}
_PICTURES = ("image/png", "image/jpeg", "image/gif", "image/webp")
_HEAD = 4096
_NO_TEXT = re.compile(r"[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f]")
_RUNS = re.compile(
    r"\.(exe|dll|com|scr|bat|cmd|ps1|vbs|jse?|wsf|msi|lnk|jar|sh|app|hta|html?|xhtml|svg)$", re.IGNORECASE
)
_UNWANTED = re.compile(r"[^\w .()+=,@-]|[\u202a-\u202e\u2066-\u2069]")
_TAKEN = "Text, CSV, JSON, PDF, PNG, JPEG, GIF, WebP, ZIP and office documents without macros are."


def type_of(data: bytes) -> str:
    """The media type of ``data``; raises :class:`Invalid` where it is none that is taken, or no harmless one."""
    if not data:
        raise Invalid("The file is empty.")
    if data.startswith(b"%PDF-"):
        return "application/pdf"
    if data.startswith(b"PK\x03\x04"):
        return _archive(data)
    text = _text(data)
    return _kind_of_text(text) if text is not None else _picture(data)


def file_name(name: str, media_type: str) -> str:
    """``name`` as it is kept and shown: its last part, printable, with an ending that says what the file really is."""
    last = unicodedata.normalize("NFC", name).replace("\\", "/").rpartition("/")[2]
    clean = re.sub(r"\s+", " ", _UNWANTED.sub("_", last)).strip(" .") or "file"
    stem, dot, ending = clean.rpartition(".")
    endings = EXTENSIONS[media_type]
    if dot and f".{ending.lower()}" in endings:
        return f"{stem[: NAME_LENGTH - len(ending) - 1]}.{ending}"
    return clean[: NAME_LENGTH - len(endings[0])] + endings[0]


# --- text ------------------------------------------------------------------------------------------------------------


def _text(data: bytes) -> str | None:
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return None
    return None if _NO_TEXT.search(text) else text


def _kind_of_text(text: str) -> str:
    start = text.lstrip()
    if start.startswith("<"):
        raise Invalid("HTML, SVG and other markup is not taken as evidence.", hint="Print it to a PDF.")
    if text.startswith("#!"):
        raise Invalid("Scripts are not taken as evidence.", hint="Link to the repository that holds it.")
    if start[:1] in ("{", "[") and _is_json(text):
        return "application/json"
    return "text/csv" if _is_table(text) else "text/plain"


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def _is_table(text: str) -> bool:
    """Whether the first lines have one number of columns, and that more than one, by commas, semicolons or tabs."""
    lines = [one for one in text[: 16 * _HEAD].splitlines()[:20] if one.strip()]
    if len(lines) < 2:
        return False
    for delimiter in ",;\t":
        widths = {len(row) for row in csv.reader(lines, delimiter=delimiter)}
        if len(widths) == 1 and widths.pop() > 1:
            return True
    return False


# --- pictures and archives -------------------------------------------------------------------------------------------


def _picture(data: bytes) -> str:
    try:
        found = {one.mime_type for one in puremagic.magic_string(data[:_HEAD]) if one.offset == 0}
    except (puremagic.PureError, ValueError):
        found = set()
    kind = next((one for one in _PICTURES if one in found), "")
    if not kind:
        raise Invalid(
            f"A file of this kind is not taken as evidence. {_TAKEN}", hint="Print or convert it; text as UTF-8."
        )
    return kind


def _archive(data: bytes) -> str:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = archive.infolist()
            marked = archive.read(members[0])[:100].decode("ascii", "replace") if _has_mark(members) else ""
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, OSError, ValueError, EOFError) as error:
        raise Invalid("The archive cannot be read.", hint="Make it anew, without a password.") from error
    _require_harmless(members, len(data))
    names = {one.filename for one in members}
    if "[Content_Types].xml" in names:
        ending = next((ending for folder, ending in _OFFICE.items() if any(n.startswith(folder) for n in names)), "")
        return next((kind for kind, endings in EXTENSIONS.items() if ending in endings), "application/zip")
    return marked if marked in EXTENSIONS and "opendocument" in marked else "application/zip"


def _has_mark(members: list[zipfile.ZipInfo]) -> bool:
    """Whether the archive starts as an OpenDocument file does: with a short, unpacked member that names its type."""
    first = members[0] if members else zipfile.ZipInfo()
    return (first.filename, first.compress_type) == ("mimetype", zipfile.ZIP_STORED) and first.file_size <= 100


def _require_harmless(members: list[zipfile.ZipInfo], size: int) -> None:
    unpacked = sum(one.file_size for one in members)
    if len(members) > MEMBERS or unpacked > UNPACKED or unpacked > RATIO * size:
        raise Invalid(
            f"The archive would unpack to {unpacked:,} bytes in {len(members)} files: that is too much.",
            hint=f"At most {UNPACKED:,} bytes in {MEMBERS} files, and {RATIO} times its size.",
        )
    for one in members:
        if one.flag_bits & 0x1:
            raise Invalid("The archive is locked by a password.", hint="Make it anew, without one.")
        if one.filename.startswith("/") or ".." in one.filename.replace("\\", "/").split("/"):
            raise Invalid("The archive holds a file that would be unpacked outside its folder.")
        if _RUNS.search(one.filename) or one.filename.endswith("vbaProject.bin"):
            raise Invalid(f"The archive holds a program, script or macro: {one.filename[-80:]}.", hint="Take it out.")
