"""Pure rules of search: what a typed text asks for, how it reads in an index, and why a hit stands where it does."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import islice, product

from rapidfuzz import process
from rapidfuzz.distance import OSA

from core.catalog.references import normalise, team_of

LENGTH = 500
TERMS = 12
STOP_WORDS = frozenset(
    {"a", "about", "an", "and", "are", "as", "at", "be", "by", "can", "do", "does", "for", "from", "has", "have",
    "how", "i", "if", "in", "into", "is", "it", "its", "me", "my", "of", "on", "or", "our", "so", "that", "the",
    "their", "this", "to", "was", "we", "were", "what", "when", "where", "which", "who", "why", "will", "with",
    "you", "your"}
)  # fmt: skip
TITLE_WEIGHT = 2.0
ADOPTION_WEIGHT = 0.15
LIFECYCLE_WEIGHTS = {"deprecated": 0.25, "proposed": 0.8}

Term = tuple[str, ...]
"""A word as a tuple of one; a phrase, or a word with punctuation such as ``champion-challenger``, has more."""

_UNTYPABLE = re.compile(r"[\x00-\x20\x7f-\xa0\u2028\u2029\ud800-\udfff]+")
_WORD = re.compile(r"[^\W_]+")
_VALUE = r'(?:"[^"]*"|[^\s",]+)'
_PART = re.compile(
    rf"(?P<filter>kind|owner|tag|lifecycle):(?P<values>{_VALUE}(?:,{_VALUE})*)(?=\s|$)"
    r'|(?P<minus>-?)(?:"(?P<phrase>[^"]*)"|(?P<word>\S+))',
    re.IGNORECASE,
)
_REFERENCE = re.compile(r"[A-Za-z0-9]+:[-A-Za-z0-9_./]+")
_ENDINGS = frozenset(
    {"", "s", "es", "e", "ed", "ing", "er", "ers", "or", "ors", "ion", "ions", "ation", "ations", "ive", "al", "ly",
    "y", "ies", "ity", "ment", "ments", "ness"}
)  # fmt: skip


@dataclass(frozen=True)
class Query:
    """What somebody looks for: words and phrases, what must not occur, and filters (alternatives within one filter)."""

    plain: str = ""
    """The words as typed, in lower case, without filters and exclusions: what exact names and titles are compared to."""
    terms: tuple[Term, ...] = ()
    excluded: tuple[Term, ...] = ()
    kinds: tuple[str, ...] = ()
    owners: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    lifecycles: tuple[str, ...] = ()

    @cached_property
    def slug(self) -> str:
        """The words as a name is written: ``champion challenger`` is ``champion-challenger``."""
        return "-".join(words(self.plain))

    @cached_property
    def key(self) -> str:
        """The key of the entry that the text refers to, if it is a reference; otherwise empty."""
        return normalise(self.plain, "asset") if _REFERENCE.fullmatch(self.plain) else ""


def clean(text: str) -> str:
    """``text`` on one line, without anything that cannot be typed or stored."""
    return _UNTYPABLE.sub(" ", text[:LENGTH]).strip()


def words(text: str) -> list[str]:
    """The words of ``text`` as the indexes see them: letters and digits, in lower case."""
    return _WORD.findall(text.lower())


def parse(text: str) -> Query:
    """Read ``words "a phrase" -without kind:asset,dataset owner:… tag:… lifecycle:…``; any text means something."""
    plain: list[str] = []
    excluded: list[Term] = []
    terms: list[Term] = []
    filters: dict[str, list[str]] = {"kind": [], "owner": [], "tag": [], "lifecycle": []}
    for part in _PART.finditer(clean(text)):
        if part["filter"]:
            filters[part["filter"].lower()] += _values(part["values"])
            continue
        piece = part["word"] if part["phrase"] is None else part["phrase"]
        if term := tuple(words(piece)):
            (excluded if part["minus"] else terms).append(term)
        if not part["minus"]:
            plain.append(piece.lower())
    return Query(
        plain=" ".join(plain),
        terms=_telling(terms) or tuple(terms[:1]),
        excluded=_telling(excluded),
        kinds=tuple(filters["kind"]),
        owners=tuple(team_of(owner) for owner in filters["owner"]),
        tags=tuple(filters["tag"]),
        lifecycles=tuple(filters["lifecycle"]),
    )


def _values(text: str) -> Iterator[str]:
    for value in re.findall(_VALUE, text):
        yield value.strip('"').strip().lower()


def _telling(terms: list[Term]) -> tuple[Term, ...]:
    """Without the words that every text has; each once."""
    return tuple(dict.fromkeys(term for term in terms if len(term) > 1 or term[0] not in STOP_WORDS))[:TERMS]


# --- in the language of an index -------------------------------------------------------------------------------------


def fts5(terms: Iterable[Term], *, any_of_them: bool = False, begins: bool = False) -> str:
    """``terms`` for FTS5's MATCH, every word quoted; with ``begins`` the last one may be the beginning of a word."""
    joint = " OR " if any_of_them else " AND "
    return joint.join(f'"{" ".join(term)}"' for term in terms) + (" *" if begins else "")


def tsquery(terms: Iterable[Term], *, any_of_them: bool = False, begins: bool = False) -> str:
    """The same for PostgreSQL's ``to_tsquery``."""
    joint = " | " if any_of_them else " & "
    return joint.join(" <-> ".join(f"'{word}'" for word in term) for term in terms) + (":*" if begins else "")


# --- why a hit stands where it does ----------------------------------------------------------------------------------


def reasons(query: Query, key: str, name: str, title: str, tags: Iterable[str], summary: str) -> list[str]:
    """What of an entry the query hit, the strongest first."""
    if not query.terms:
        return []
    if key == query.key:
        return ["exact reference"]
    name, title = name.lower(), title.lower()
    for place, text in (("name", name), ("title", title)):
        if text in (query.plain, query.slug):
            return [f"exact {place}"]
    if title.startswith(query.plain):
        return [f"title starts with {query.plain}"]
    if name.startswith(query.slug):
        return [f"name starts with {query.slug}"]
    places = {"title": title, "name": name, "tags": " ".join(tags), "summary": summary.lower()}
    hits: dict[str, list[str]] = {}
    for term in query.terms:
        hits.setdefault(_place(term, places), []).append(" ".join(term))
    return [f"{', '.join(hits[place])} in {place}" for place in (*places, "text") if place in hits]


def _place(term: Term, places: dict[str, str]) -> str:
    for place, text in places.items():
        if all(_has(text, word) for word in term):
            return place
    return next((place for place, text in places.items() if " ".join(term) in text), "text")


def _has(text: str, word: str) -> bool:
    """Whether a word of ``text`` is ``word`` but for its ending, which is what the indexes' stemming forgives."""
    stem, pattern = _inflected(word)
    return stem in text and pattern.search(text) is not None


@lru_cache(1024)
def _inflected(word: str) -> tuple[str, re.Pattern[str]]:
    """The shortest stem of ``word``, and a pattern for any of its stems with any ending."""
    stems = {word} | {word.removesuffix(ending) for ending in _ENDINGS if len(word) - len(ending) > 2}
    return min(stems, key=len), re.compile(rf"(?<![^\W_])(?:{'|'.join(stems)})(?:{'|'.join(_ENDINGS)})?(?![^\W_])")


# --- typing errors ---------------------------------------------------------------------------------------------------


def slips(word: str) -> int:
    """How many letters of ``word`` may be wrong, doubled, left out or swapped."""
    return 1 if len(word) <= 5 else 2


def corrections(text: str, vocabulary: dict[str, list[str]], *, limit: int = 6) -> Iterator[str]:
    """``text`` with its unknown words replaced by near ones, the nearest first.

    ``vocabulary`` has, for each word that is not known, the known words of about its length.
    """
    near = {
        word: [
            found
            for found, _, _ in process.extract(word, known, scorer=OSA.distance, score_cutoff=slips(word), limit=3)
        ]
        for word, known in vocabulary.items()
    }
    near = {word: found for word, found in near.items() if found}
    for chosen in islice(product(*near.values()), limit) if near else ():
        swap = dict(zip(near, chosen, strict=True))
        yield _WORD.sub(lambda part, swap=swap: swap.get(part[0].lower(), part[0]), text)  # type: ignore[misc]
