"""A folder of files at one moment: what a template was when it was reviewed, and what came out of rendering it.

Both come from strangers, as a folder or as an archive. Links, devices, names that say one thing and mean another, and
more than the limits allow are refused while reading, before they cost memory.
"""

from __future__ import annotations

import hashlib
import io
import os
import stat
import unicodedata
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from core.errors import Conflict, Invalid
from core.templates.paths import MAX_PATH, path_problem

MAX_FILES = 2_000
MAX_BYTES = 20 * 1024 * 1024
MAX_FILE_BYTES = 5 * 1024 * 1024
MAX_ARCHIVE_BYTES = MAX_BYTES
MAX_ENTRIES = 5 * MAX_FILES

LEFT_OUT = frozenset({".git", "__pycache__", ".mypy_cache", ".pytest_cache", ".ruff_cache", ".DS_Store", "__MACOSX"})
"""What tools leave behind: a snapshot must not depend on who ran which tool in the folder before."""

_EPOCH = (1980, 1, 1, 0, 0, 0)
_UNIX = 3
_ENCRYPTED, _UTF8 = 0x1, 0x800
_CHUNK = 64 * 1024


@dataclass(frozen=True)
class File:
    """The bytes of a file, and whether it is to be executed."""

    content: bytes
    executable: bool = False


@dataclass(frozen=True)
class Snapshot:
    """Files by path: relative, with ``/``, in Unicode's composed form (NFC), sorted."""

    files: Mapping[str, File] = field(default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "files", dict(sorted(self.files.items())))

    @property
    def digest(self) -> str:
        """SHA-256 over path, mode and content of every file: the same for the same files, wherever they came from."""
        total = hashlib.sha256()
        for path, file in self.files.items():
            content = hashlib.sha256(file.content).hexdigest()
            total.update(f"{'755' if file.executable else '644'} {content} {path}\0".encode())
        return total.hexdigest()

    def to_zip(self) -> bytes:
        """An archive that is the same, byte by byte, for the same files."""
        target = io.BytesIO()
        with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive:
            for path, file in self.files.items():
                entry = zipfile.ZipInfo(path, _EPOCH)
                entry.create_system = _UNIX
                entry.compress_type = zipfile.ZIP_DEFLATED
                entry.external_attr = (stat.S_IFREG | (0o755 if file.executable else 0o644)) << 16
                archive.writestr(entry, file.content)
        return target.getvalue()

    def write(self, folder: Path) -> None:
        """Create the files below ``folder``, which is made where it is missing."""
        for path, file in self.files.items():
            target = folder / path
            target.parent.mkdir(parents=True, exist_ok=True)
            with target.open("xb") as stream:
                stream.write(file.content)
            target.chmod(0o755 if file.executable else 0o644)


def from_folder(folder: Path) -> Snapshot:
    """The files below ``folder``; no link is followed, and none is accepted."""
    taken = _Taken()
    for path, entry in _walk(folder, ""):
        mode = entry.stat(follow_symlinks=False).st_mode
        if not stat.S_ISREG(mode):
            raise _refused(path, f"is {_kind(mode)}", "A template is made of plain files: put the file itself there.")
        with open(entry.path, "rb", opener=_without_following) as stream:
            taken.add(path, iter(lambda: stream.read(_CHUNK), b""), executable=bool(mode & 0o100))
    return Snapshot(taken.files)


def from_zip(content: bytes, *, digest: str = "") -> Snapshot:
    """The files of an archive, below its one top folder if it has one, as archives of repositories have.

    With ``digest`` the archive is one of :meth:`Snapshot.to_zip`: it is taken as it is, and refused with
    :class:`~core.errors.Conflict` unless it holds the very files that had this digest.
    """
    if len(content) > MAX_ARCHIVE_BYTES:
        message = f"The archive is larger than {_megabytes(MAX_ARCHIVE_BYTES)}."
        raise Invalid(message, code="size", hint="Leave data out of it.")
    if content.count(b"PK\x01\x02") > MAX_ENTRIES:  # counted before the directory becomes objects in memory
        raise Invalid("The archive has too many entries.", code="files", hint="Leave data and builds out.")
    taken = _Taken()
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            for entry in _entries(archive):
                with archive.open(entry) as stream:
                    chunks = iter(lambda stream=stream: stream.read(_CHUNK), b"")  # type: ignore[misc]
                    taken.add(_name(entry), chunks, executable=bool(entry.external_attr >> 16 & 0o100))
    except (
        zipfile.BadZipFile,
        zipfile.LargeZipFile,
        NotImplementedError,
        EOFError,
        OSError,
        ValueError,
        zlib.error,
    ) as error:
        raise Invalid(f"The archive cannot be read: {error}.", hint="Upload a plain zip file.") from None
    if digest:
        return require_digest(Snapshot(taken.files), digest)
    return Snapshot(_without_top(taken.files))


def require_digest(snapshot: Snapshot, digest: str) -> Snapshot:
    """The snapshot, if it is the one that was reviewed; raises :class:`~core.errors.Conflict` otherwise."""
    if snapshot.digest != digest:
        message = f"The template is not what was reviewed: its files have the digest {snapshot.digest}, not {digest}."
        raise Conflict(
            message, code="changed", hint="Publish it as a new version, so that somebody reviews the change."
        )
    return snapshot


class _Taken:
    """Files as they are read, counted against the limits."""

    def __init__(self) -> None:
        self.files: dict[str, File] = {}
        self.folders: set[str] = set()
        self.bytes = 0

    def add(self, name: str, chunks: Iterable[bytes], *, executable: bool) -> None:
        path = unicodedata.normalize("NFC", name)
        if problem := path_problem(path):
            raise _refused(path, problem, "Rename it.")
        if path in self.files:
            raise _refused(path, "occurs twice", "Names that differ only in how an accent is written are the same.")
        above = {path[:index] for index, char in enumerate(path) if char == "/"}
        if path in self.folders or not above.isdisjoint(self.files):
            raise _refused(path, "lies in a file, or is a file and a folder", "Rename one of them.")
        self.folders |= above
        if len(self.files) >= MAX_FILES:
            raise Invalid(f"There are more than {MAX_FILES:,} files.", code="files", hint="Leave data and builds out.")
        content = bytearray()
        for chunk in chunks:
            content += chunk
            if len(content) > MAX_FILE_BYTES:
                raise _refused(path, f"is larger than {_megabytes(MAX_FILE_BYTES)}", "Keep data elsewhere.", "size")
            if self.bytes + len(content) > MAX_BYTES:
                message = f"The files are larger than {_megabytes(MAX_BYTES)} together."
                raise Invalid(message, code="size", hint="Keep data elsewhere.")
        self.bytes += len(content)
        self.files[path] = File(bytes(content), executable)


def _walk(folder: Path, prefix: str) -> Iterator[tuple[str, os.DirEntry[str]]]:
    with os.scandir(folder) as entries:
        for entry in sorted(entries, key=lambda one: one.name):
            if entry.name in LEFT_OUT:
                continue
            path = f"{prefix}{_readable(entry.name, prefix)}"
            if entry.is_dir(follow_symlinks=False):
                if path.count("/") > MAX_PATH // 2:
                    raise _refused(path, "lies too deep", "Flatten the folders.")
                yield from _walk(Path(entry.path), f"{path}/")
            else:
                yield path, entry


def _without_following(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK)


def _readable(name: str, prefix: str) -> str:
    try:
        name.encode()
    except UnicodeEncodeError:
        shown = name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
        raise _refused(f"{prefix}{shown}", "has a name that is not UTF-8", "Rename it.") from None
    return name


def _entries(archive: zipfile.ZipFile) -> Iterator[zipfile.ZipInfo]:
    for entry in archive.infolist():
        if LEFT_OUT & set(entry.filename.split("/")):
            continue
        if entry.flag_bits & _ENCRYPTED:
            raise _refused(entry.filename, "is encrypted", "Make the archive without a password.")
        if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):  # others grow in one step
            raise _refused(entry.filename, "is packed in an unusual way", "Make a plain zip file.")
        mode = entry.external_attr >> 16
        if stat.S_IFMT(mode) not in (0, stat.S_IFREG, stat.S_IFDIR):
            raise _refused(entry.filename, f"is {_kind(mode)}", "Put the file itself there.")
        if not entry.is_dir():
            yield entry


def _name(entry: zipfile.ZipInfo) -> str:
    """The name as it was written: what is not marked as UTF-8 is either that all the same or refused."""
    name = entry.orig_filename
    if entry.flag_bits & _UTF8 or name.isascii():
        return name
    try:
        return name.encode("cp437").decode()
    except UnicodeError:
        raise _refused(name, "has a name that is not UTF-8", "Rename it.") from None


def _without_top(files: dict[str, File]) -> dict[str, File]:
    tops = {path.partition("/")[0] for path in files}
    nested = all("/" in path for path in files)
    return {path.partition("/")[2]: file for path, file in files.items()} if nested and len(tops) == 1 else files


def _kind(mode: int) -> str:
    kinds = {stat.S_IFLNK: "a symbolic link", stat.S_IFIFO: "a pipe", stat.S_IFSOCK: "a socket"}
    return kinds.get(stat.S_IFMT(mode), "a device")


def _megabytes(size: int) -> str:
    return f"{size // (1024 * 1024)} MB"


def _refused(path: str, problem: str, hint: str, code: str = "path") -> Invalid:
    shown = "".join(char if char.isprintable() else f"\\u{ord(char):04x}" for char in path[:MAX_PATH])
    return Invalid(f"{shown} {problem}.", code=code, hint=hint)
