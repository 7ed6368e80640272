"""Zip files from strangers, unpacked into a temporary folder: what is wanted of them, and only so much of it.

Nothing that the archive says of itself is believed: names are checked before anything is written, links and devices are
never made, and what comes out of the decompressor is counted while it comes.
"""

from __future__ import annotations

import io
import stat
import struct
import tempfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZIP_STORED, BadZipFile, ZipFile, ZipInfo

from core.catalog.documents import README_BYTES
from core.errors import Invalid

MAX_BYTES = 5 * 1024 * 1024
MAX_ENTRIES = 5_000
MAX_UNPACKED_BYTES = 50 * 1024 * 1024
MAX_NAME = 500
MAX_DEPTH = 20

_ENTRY_SIGNATURE = b"PK\x01\x02"
_CHUNK = 64 * 1024
_PLAIN = (0, stat.S_IFREG)  # an archive that was made on Windows says nothing
_BROKEN = (BadZipFile, EOFError, LookupError, NotImplementedError, RuntimeError, ValueError, struct.error, zlib.error)


@contextmanager
def unpacked(content: bytes, wanted: Callable[[str], bool]) -> Iterator[Path]:
    """A temporary folder with the files of a zip whose path is ``wanted``, each cut where nobody would read on.

    Raises :class:`~core.errors.Invalid` for an archive that is too large in any way, broken, encrypted, or that names
    a file outside the folder. Links are passed over, as in folders.
    """
    if len(content) > MAX_BYTES:
        raise _too_large(f"The zip is larger than {MAX_BYTES // 1024**2} MiB.")
    if content.count(_ENTRY_SIGNATURE) > MAX_ENTRIES:  # before Python makes an object of every entry
        raise _too_large(f"The zip holds more than {MAX_ENTRIES:,} files.")
    with tempfile.TemporaryDirectory(prefix="catalog-") as folder:
        try:
            with ZipFile(io.BytesIO(content)) as archive:
                _unpack(archive, wanted, Path(folder))
        except _BROKEN:
            raise Invalid("The file is not a zip that can be read.", hint="Pack the folder again.") from None
        yield Path(folder)


def _unpack(archive: ZipFile, wanted: Callable[[str], bool], folder: Path) -> None:
    entries = archive.infolist()
    for one in entries:
        _check_name(one.orig_filename)
    room = MAX_UNPACKED_BYTES
    for one in entries:
        if stat.S_IFMT(one.external_attr >> 16) in _PLAIN and not one.is_dir() and wanted(one.filename):
            room -= _write(archive, one, folder, room)


def _check_name(name: str) -> None:
    parts = name.removesuffix("/").split("/")
    if not name.isprintable() or "\\" in name or ":" in parts[0] or {"", ".", ".."} & set(parts):
        raise Invalid(
            f"The zip names a file {name[:100]!r}.", hint="Pack a folder whose files have plain relative names."
        )
    if len(name) > MAX_NAME or len(parts) > MAX_DEPTH:
        raise Invalid(f"A name in the zip is too long: {name[:100]!r}….", hint="Pack a folder further below.")


def _write(archive: ZipFile, one: ZipInfo, folder: Path, room: int) -> int:
    """Unpack one file; how many bytes it took."""
    if one.flag_bits & 1 or one.compress_type not in (ZIP_STORED, ZIP_DEFLATED):
        hint = "Pack the folder without a password, in the usual way."
        raise Invalid(f"{one.filename!r} in the zip is encrypted, or packed in an unusual way.", hint=hint)
    content = _read(archive, one, room)
    target = folder / one.filename
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with target.open("xb") as file:
            file.write(content)
    except OSError:
        raise Invalid(f"{one.filename!r} is in the zip twice.", hint="Pack the folder again.") from None
    return len(content)


def _read(archive: ZipFile, one: ZipInfo, room: int) -> bytes:
    """The content of one file up to the size at which every reader refuses it; what it takes is counted as it comes."""
    content = bytearray()
    with archive.open(one) as source:
        while len(content) <= README_BYTES and (chunk := source.read(_CHUNK)):
            content += chunk
            if len(content) > room:
                raise _too_large(f"Unpacked, the zip is larger than {MAX_UNPACKED_BYTES // 1024**2} MiB.")
    return bytes(content)


def _too_large(message: str) -> Invalid:
    return Invalid(message, hint="Pack the definitions alone, or add their repository as a git source.")
