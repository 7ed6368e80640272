"""A foreign document on its way into our envelope: checked piece by piece, so that one bad piece does not lose the rest."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import ValidationError

from core.catalog import documents
from core.catalog.documents import DEFAULT_NAMESPACE, Definition, Problem
from core.catalog.kinds import API_VERSION, NAME, NAMESPACE, REF, TAG, Link

IMPORTED_FROM = "factory/imported-from"
NOTES = "factory/import-notes"

_PLACEHOLDER = re.compile(r"\{\{.*\}\}|\{%.*%\}|<[^<>]+>|\$\{[^}]*\}|\$\([^)]*\)|\[\[.*\]\]")
_OTHER_SCHEME = re.compile(r"(?!https?:)[A-Za-z][A-Za-z0-9+.-]{1,30}:")
_TITLE, _SUMMARY, _NOTES, _MOST = 140, 1000, 2000, 30


@dataclass
class Draft:
    """Where a document stands, what its reader may assume, and what was found wrong or left out on the way."""

    origin: str
    document: int = 1
    readme: str = ""
    default_owner: str | None = None
    kinds: Mapping[str, str] = field(default_factory=dict)
    """Foreign reference → the kind its target becomes here, where that is not the usual one."""
    problems: list[Problem] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def problem(self, where: str, message: str, hint: str = "") -> None:
        """Note something to mend; the reader goes on."""
        self.problems.append(Problem(self.origin, self.document, where, message, hint))

    def text(self, source: Mapping[str, Any], name: str, where: str = "") -> str:
        """A text field, empty where it is missing; numbers count as text, anything else is a problem."""
        value = source.get(name)
        if isinstance(value, bool | dict | list):
            self.problem(_path(where, name), f"is {_shown(value)}, not text.", "Put it in quotes.")
            return ""
        return "" if value is None else str(value).strip()

    def mapping(self, source: Mapping[str, Any], name: str, where: str = "") -> dict[str, Any]:
        """A mapping, empty where it is missing."""
        value = source.get(name)
        if value is not None and not isinstance(value, dict):
            self.problem(
                _path(where, name), f"is {_shown(value)}, not a mapping.", "Write 'key: value' lines below it."
            )
        return value if isinstance(value, dict) else {}

    def listing(self, source: Mapping[str, Any], name: str) -> list[Any]:
        """A list, empty where it is missing; one value counts as a list of it."""
        value = source.get(name)
        return value if isinstance(value, list) else [] if value is None else [value]

    def name(self, value: str, where: str) -> str:
        """A valid name, or empty and a problem."""
        if not value:
            self.problem(where, "is missing.", "Add it.")
        elif is_placeholder(value):
            self.problem(
                where, f"{_shown(value)} is a placeholder.", "Fill it in, or leave this file out: it is a template."
            )
        elif len(value) > 63 or not NAME.fullmatch(value):
            rule = "a name is 1 to 63 letters, digits, '-', '_' and '.', and starts and ends with a letter or digit"
            self.problem(where, f"{_shown(value)} is no name; {rule}.", mend(slug(value)))
        else:
            return value
        return ""

    def version(self, source: Mapping[str, Any]) -> str:
        """The version as text, empty where there is none or only a placeholder."""
        value = self.text(source, "version")
        if is_placeholder(value):
            self.problem("version", f"{_shown(value)} is a placeholder.", "Fill it in, or leave it out.")
            return ""
        return value

    def owner(self, value: str, where: str, namespace: str = DEFAULT_NAMESPACE) -> str:
        """The owning team: the document's, or the one the import names for documents without."""
        if not value and not self.default_owner:
            self.problem(where, "names no owner.", "Add one, or import with `--owner TEAM`.")
        if not value:
            return self.default_owner or ""
        reference = self.reference(value, where, "group", namespace)
        return reference.removeprefix(f"group:{DEFAULT_NAMESPACE}/")

    def reference(self, value: Any, where: str, default_kind: str, namespace: str = DEFAULT_NAMESPACE) -> str:
        """A complete reference, ``kind:namespace/name``, or empty and a problem."""
        if not isinstance(value, str) or len(value) > 190 or not REF.fullmatch(value):
            what = "a placeholder" if isinstance(value, str) and is_placeholder(value) else "no reference"
            self.problem(where, f"{_shown(value)} is {what} and is left out.", "Write [kind:][namespace/]name.")
            return ""
        kind, _, rest = value.rpartition(":")
        space, _, name = rest.rpartition("/")
        if not kind and not default_kind:
            self.problem(where, f"{_shown(value)} names no kind and is left out.", f"Write {f'component:{value}'!r}.")
            return ""
        return f"{(kind or default_kind).lower()}:{(space or namespace).lower()}/{name}"

    def metadata(self, source: Mapping[str, Any]) -> dict[str, Any]:
        """The fields of a Backstage-like ``metadata`` that hold, without the empty ones; empty without a valid name."""
        name = self.name(self.text(source, "name", "metadata"), "metadata.name")
        namespace = (self.text(source, "namespace", "metadata") or DEFAULT_NAMESPACE).lower()
        if len(namespace) > 63 or not NAMESPACE.fullmatch(namespace):
            rule = "a namespace is letters and digits, joined by single '-'"
            self.problem("metadata.namespace", f"{_shown(namespace)} is none; {rule}.", mend(slug(namespace).lower()))
            return {}
        found = {
            "name": name,
            "namespace": "" if namespace == DEFAULT_NAMESPACE else namespace,
            "title": fit(self.text(source, "title", "metadata"), _TITLE),
            "description": self.summary(self.text(source, "description", "metadata")),
            "tags": self._tags(self.listing(source, "tags")),
            "labels": self._texts(source, "labels"),
            "annotations": self._texts(source, "annotations"),
            "links": self._links(self.listing(source, "links")),
        }
        return {key: value for key, value in found.items() if value} if name else {}

    def summary(self, description: str) -> str:
        """A description short enough for lists; a longer one stands whole in the README."""
        if len(description) > _SUMMARY and not self.readme:
            self.readme = description + "\n"
        return fit(description, _SUMMARY)

    def define(
        self, kind: str, metadata: dict[str, Any], spec: dict[str, Any], imported_from: str
    ) -> Definition | None:
        """The finished entry in our envelope, checked as if a person had written it; none without an owner."""
        if not spec.get("owner"):
            return None
        described = {"description": metadata.get("description") or metadata.get("title") or "(no description)"}
        annotations = {"annotations": self.annotated(metadata) | {IMPORTED_FROM: imported_from}}
        raw = {
            "apiVersion": API_VERSION,
            "kind": kind,
            "metadata": metadata | described | annotations,
            "spec": {name: value for name, value in spec.items() if value not in ("", [], {}, None)},
        }
        found = documents.define(raw, self.origin, self.document, readme=self.readme)
        if isinstance(found, Definition):
            return found
        self.problems += found
        return None

    def annotated(self, metadata: Mapping[str, Any]) -> dict[str, str]:
        """The annotations of ``metadata`` and, where something was left out, what."""
        noted = {NOTES: fit("; ".join(dict.fromkeys(self.notes)), _NOTES)} if self.notes else {}
        return dict(metadata.get("annotations", {})) | noted

    def _tags(self, values: list[Any]) -> list[str]:
        good = []
        for value in dict.fromkeys(str(one) for one in values):
            if len(value) <= 63 and TAG.fullmatch(value):
                good.append(value)
            else:
                self.problem("metadata.tags", f"{_shown(value)} is no tag and is left out.", mend(slug(value).lower()))
        return self._first(good, "metadata.tags")

    def _texts(self, source: Mapping[str, Any], name: str) -> dict[str, str]:
        found = self.mapping(source, name, "metadata")
        for key in [key for key, value in found.items() if not isinstance(value, str)]:
            self.problem(
                f"metadata.{name}.{key}", f"is {_shown(found[key])}, not text, and is left out.", "Put it in quotes."
            )
        return {key: value for key, value in found.items() if isinstance(value, str)}

    def _links(self, values: list[Any]) -> list[dict[str, str]]:
        good = []
        for number, value in enumerate(values):
            known = value if isinstance(value, dict) else {"url": value}
            link = {key: known[key] for key in ("url", "title", "icon", "type") if known.get(key)}
            try:
                Link.model_validate(link)
            except ValidationError:
                self._leave_out_link(f"metadata.links.{number}", known.get("url"))
            else:
                good.append(link)
        return self._first(good, "metadata.links")

    def _leave_out_link(self, where: str, url: Any) -> None:
        if isinstance(url, str) and _OTHER_SCHEME.match(url):  # good elsewhere, only not offered here
            self.notes.append(f"the link {fit(url, 80)} is left out")
        else:
            hint = "A link has an http or https url and a title of one line."
            self.problem(where, f"{_shown(url)} is no link and is left out.", hint)

    def _first(self, values: list[Any], where: str) -> list[Any]:
        if len(values) > _MOST:
            self.problem(where, f"are {len(values)}; those after the first {_MOST} are left out.", f"Keep {_MOST}.")
        return values[:_MOST]


def is_placeholder(text: str) -> bool:
    """Whether ``text`` waits to be filled in by a template, such as ``{{ENDPOINT_NAME}}`` or ``<NAME>``."""
    return _PLACEHOLDER.search(text[:200]) is not None


def slug(text: str) -> str:
    """``text`` as a valid name, or empty where no letter or digit is in it."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    return re.sub(r"[^A-Za-z0-9]+", "-", plain)[:63].strip("-")


def mend(name: str) -> str:
    """The hint that offers ``name`` instead of a refused one."""
    return f"Write {name!r}." if name else "Use letters and digits."


def fit(text: str, most: int) -> str:
    """``text``, cut where it is longer than ``most`` characters."""
    return text if len(text) <= most else text[: most - 1].rstrip() + "…"


def plain(value: Any) -> str:
    """A value as the text that YAML would show."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _path(where: str, name: str) -> str:
    return f"{where}.{name}" if where else name


def _shown(value: Any) -> str:
    return fit(repr(value), 80)
