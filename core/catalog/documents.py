"""Catalog definitions as YAML: read safely, validate strictly, and say how to mend what is wrong.

The files come from strangers: their size is capped here, and :mod:`core.catalog.strict_yaml` reads nothing that could
harm.
"""

from __future__ import annotations

import difflib
import errno
import hashlib
import json
import os
import re
import stat
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from pydantic import BaseModel, ValidationError

from core.catalog import strict_yaml
from core.catalog.kinds import API_VERSION, CONTROL, FOLDERS, SPECS, Document, Metadata, Spec
from core.errors import Invalid

MAX_BYTES = 256 * 1024
MAX_DOCUMENTS = 1000
README_BYTES = 512 * 1024
DEFAULT_NAMESPACE = "default"
OTHERS = "others"


@dataclass(frozen=True)
class Problem:
    """Something wrong with a definition: where it is (file, document, field), what it is, and how to mend it."""

    origin: str
    document: int
    field: str
    message: str
    hint: str = ""

    def __str__(self) -> str:
        place = f"{self.origin}, document {self.document}" + (f", {self.field}" if self.field else "")
        return f"{place}: {self.message}" + (f" {self.hint}" if self.hint else "")


@dataclass(frozen=True)
class Definition:
    """One valid entry as it was read: its envelope, its typed specification and its README."""

    kind: str
    metadata: Metadata
    spec: Spec | None
    raw: dict[str, Any]
    readme: str = ""
    origin: str = ""
    digest: str = field(default="", compare=False)
    document: int = field(default=1, compare=False)

    @property
    def ref(self) -> str:
        """The entry's reference, ``kind:namespace/name``, as it was written."""
        return f"{self.kind}:{self.metadata.namespace}/{self.metadata.name}"


def parse(text: str, origin: str) -> tuple[list[Any], list[Problem]]:
    """Every YAML document of ``text``; broken, huge, aliased or over-nested text gives problems instead."""

    def refused(message: str, hint: str) -> tuple[list[Any], list[Problem]]:
        return [], [Problem(origin, len(found) + 1, "", message, hint)]

    found: list[Any] = []
    if len(text.encode("utf-8", "surrogatepass")) > MAX_BYTES:
        return refused(f"is larger than {MAX_BYTES // 1024} KiB.", "Split it into one file per entry.")
    try:
        for document in strict_yaml.documents(text):
            if len(found) == MAX_DOCUMENTS:
                return refused(f"holds more than {MAX_DOCUMENTS} documents.", "Split the file.")
            if document is not None:
                found.append(document)
    except Invalid as refusal:
        return refused(refusal.message, refusal.hint)
    if not found:
        return refused("holds no YAML document.", "Add an entry or remove the file.")
    return found, []


def define(raw: Any, origin: str, document: int = 1, *, readme: str = "") -> Definition | list[Problem]:
    """The typed entry in one YAML document, or everything that is wrong with it."""

    def problem(where: str, message: str, hint: str = "") -> list[Problem]:
        return [Problem(origin, document, where, message, hint)]

    if not isinstance(raw, dict):
        return problem("", "is not a mapping.", "An entry starts with apiVersion, kind, metadata and spec.")
    if raw.get("apiVersion") != API_VERSION:
        return problem(
            "apiVersion", f"is {raw.get('apiVersion')!r}.", f"Write 'apiVersion: {API_VERSION}' for an entry of ours."
        )
    kind = str(raw.get("kind", "")).lower()
    if kind not in SPECS:
        return problem("kind", f"{raw.get('kind')!r} is not a kind.", _nearest(kind, list(SPECS)))
    try:
        envelope = Document.model_validate(raw)
    except ValidationError as error:
        return problems_of(error, Document, origin, document)
    try:
        spec = SPECS[kind].model_validate(raw["spec"])
    except ValidationError as error:
        return problems_of(error, SPECS[kind], origin, document, prefix=("spec",))
    if not envelope.metadata.description:
        return problem("metadata.description", "is missing.", "Say in one line what it is for; lists show it.")
    return Definition(
        kind, envelope.metadata, spec, raw, readme=readme, origin=origin, digest=digest(raw, readme), document=document
    )


def digest(raw: Any, readme: str) -> str:
    """A fingerprint of an entry's content: equal digests mean nothing changed."""
    body = json.dumps(raw, sort_keys=True, ensure_ascii=False, default=str)
    return hashlib.sha256(f"{body}\x00{readme}".encode("utf-8", "surrogatepass")).hexdigest()


def problems_of(
    error: ValidationError, model: type[BaseModel], origin: str, document: int, prefix: tuple[str, ...] = ()
) -> list[Problem]:
    """Everything that keeps ``model`` from being made, each with its place below ``prefix`` and how to mend it."""
    found = []
    for one in error.errors(include_url=False):
        location = [*prefix, *(str(part) for part in one["loc"])]
        found.append(Problem(origin, document, ".".join(location), *_explain(cast(dict[str, Any], one), model)))
    return found


def _explain(one: dict[str, Any], model: type[BaseModel]) -> tuple[str, str]:
    if one["type"] == "extra_forbidden":
        return "is not a field here.", _nearest(str(one["loc"][-1]), _field_names(model, one["loc"][:-1]))
    if one["type"] == "missing":
        return "is missing.", "Add it."
    if one["type"] == "string_type":
        return f"is {one['input']!r}, not text.", "Put it in quotes."
    if one["type"] in ("enum", "literal_error"):
        options = re.findall(r"'([^']+)'", str(one["ctx"]["expected"]))
        return f"is {one['input']!r}.", _nearest(str(one["input"]), options)
    return f"{one['msg'].removeprefix('Value error, ')}.".replace("..", "."), ""


def _field_names(model: type[BaseModel], location: tuple[Any, ...]) -> list[str]:
    """The YAML names of the fields at ``location`` below ``model``; of the model itself where they cannot be told."""
    for part in location:
        if isinstance(part, str):
            for name, info in model.model_fields.items():
                if part in (name, info.alias):
                    nested = list(nested_models(info.annotation))
                    model = nested[0] if nested else model
    return [info.alias or name for name, info in model.model_fields.items()]


def nested_models(annotation: Any) -> Iterator[type[BaseModel]]:
    """The classes inside a field's annotation."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for argument in getattr(annotation, "__args__", ()):
        yield from nested_models(argument)


def _nearest(wrong: str, options: list[str]) -> str:
    close = difflib.get_close_matches(wrong.lower(), options, n=1, cutoff=0.5)
    best = [f"Did you mean {close[0]!r}?"] if close else []
    return " ".join([*best, f"Possible: {', '.join(options)}."])


def read_entry(path: Path, folder: Path) -> Definition | list[Problem]:
    """The entry that stands in ``path`` with the README.md beside it."""
    origin = str(path.relative_to(folder))
    try:
        text = read_text(path, MAX_BYTES)
        readme = read_text(path.parent / "README.md", README_BYTES)
    except (OSError, UnicodeDecodeError) as error:
        return [unreadable(origin, error)]
    documents, problems = parse(text, origin)
    problems += check_readme(readme, origin)
    if problems:
        return problems
    if len(documents) > 1:
        return [Problem(origin, 2, "", "holds a second document.", "One entry.yaml holds one entry.")]
    found = define(documents[0], origin, readme=readme)
    if isinstance(found, Definition):
        return _misplaced(found, path) or found
    return found


def read_bytes(path: Path | str, most: int) -> bytes:
    """The first ``most`` bytes of a file and one more, to tell one that is longer; empty for a link, pipe or device."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError as error:
        if error.errno in (errno.ENOENT, errno.ELOOP):
            return b""
        raise
    with open(descriptor, "rb") as file:
        return file.read(most + 1) if stat.S_ISREG(os.fstat(descriptor).st_mode) else b""


def read_text(path: Path, most: int) -> str:
    """The text of a file, cut after ``most`` bytes and one; the cut may split a character, which is no error."""
    content = read_bytes(path, most)
    return content.decode("utf-8", "replace" if len(content) > most else "strict")


def unreadable(origin: str, error: OSError | UnicodeDecodeError) -> Problem:
    """Why a file cannot be read, without the place where it lies on this machine."""
    reason = error.strerror if isinstance(error, OSError) else f"it is not UTF-8 ({error.reason})"
    return Problem(origin, 1, "", f"cannot be read: {reason}.", "Save it as UTF-8 text that the portal may read.")


def check_readme(readme: str, origin: str) -> list[Problem]:
    """What keeps a README from being taken."""
    if len(readme.encode("utf-8", "surrogatepass")) > README_BYTES:
        return [Problem(origin, 1, "README.md", f"is larger than {README_BYTES // 1024} KiB.", "Shorten it.")]
    if control := CONTROL.search(readme):
        return [Problem(origin, 1, "README.md", f"contains the control character {control.group()!r}.", "Remove it.")]
    return []


def place(kind: str, namespace: str, name: str) -> str:
    """The folder of an entry of ours in a catalog folder; outside the default namespace, its namespace goes before."""
    alone = namespace == DEFAULT_NAMESPACE and "." not in name
    return f"{FOLDERS[kind]}/{name if alone else f'{namespace}.{name}'}"


def _misplaced(found: Definition, path: Path) -> list[Problem]:
    metadata = found.metadata
    expected = place(found.kind, metadata.namespace, metadata.name)
    alone = f"{FOLDERS[found.kind]}/{metadata.name}" if metadata.namespace == DEFAULT_NAMESPACE else expected
    if f"{path.parent.parent.name}/{path.parent.name}" in (expected, alone):
        return []
    return [
        Problem(found.origin, 1, "metadata.name", "does not match its folder.", f"Move it to {expected}/entry.yaml.")
    ]
