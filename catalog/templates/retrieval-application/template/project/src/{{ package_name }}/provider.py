"""A language model behind an OpenAI-compatible HTTP endpoint.

Address and model come from the environment, and so does the key, which is read from nowhere else
and never logged. The model gets passages and the question as data; it has no tools.
"""

from __future__ import annotations

import json
import re
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from http.client import HTTPException
from typing import Any
from urllib.parse import urlsplit

from .answering import Statement
from .corpus import Passage
from .language import content_words, sentences

LOOPBACK = ("127.0.0.1", "localhost", "::1")
TIMEOUT_SECONDS = 30.0
LONGEST_REPLY = 1_000_000
NO_ANSWER = "NO ANSWER"
PIECE = re.compile(r"(?P<text>[^\[\]]*)(?P<ids>(?:\[[^\[\]]*\]\s*)*)")
"""Some text, and the citations in square brackets that follow it."""


class ModelUnavailableError(RuntimeError):
    """The endpoint is not configured, does not answer, or answers something else."""


@dataclass(frozen=True)
class Endpoint:
    """Where the model is reached; the key stays out of every representation."""

    base_url: str
    model: str
    api_key: str = field(repr=False)

    def __post_init__(self) -> None:
        address = urlsplit(self.base_url)
        local = address.scheme == "http" and address.hostname in LOOPBACK
        if not (address.scheme == "https" or local) or address.username or address.query:
            raise ModelUnavailableError(
                "LLM_BASE_URL is an https address without credentials, such as "
                "https://llm.example.org/v1; plain http is for this machine only"
            )

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Endpoint:
        """The endpoint that LLM_BASE_URL, LLM_MODEL and LLM_API_KEY describe."""
        names = ("LLM_BASE_URL", "LLM_MODEL", "LLM_API_KEY")
        if missing := [name for name in names if not environment.get(name)]:
            raise ModelUnavailableError(f"set {', '.join(missing)}, or answers: extractive")
        return cls(*(environment[name] for name in names))


class EndpointModel:
    """Asks the endpoint with a fixed prompt; what comes back is a draft that the guard judges."""

    def __init__(self, endpoint: Endpoint, prompt: str) -> None:
        self._endpoint = endpoint
        self._prompt = prompt
        self._http = urllib.request.build_opener(_NoRedirects)

    def draft(self, question: str, passages: Sequence[Passage]) -> list[Statement]:
        """The sentences of the reply with what they cite; none where the model declines."""
        if not passages:
            return []
        return read_reply(self._complete(question, passages))

    def _complete(self, question: str, passages: Sequence[Passage]) -> str:
        body = {
            "model": self._endpoint.model,
            "temperature": 0,
            "seed": 7,
            "max_tokens": 400,
            "messages": [
                {"role": "system", "content": self._prompt},
                {"role": "user", "content": as_data(question, passages)},
            ],
        }
        request = urllib.request.Request(  # noqa: S310 - Endpoint admits https and loopback only
            f"{self._endpoint.base_url.rstrip('/')}/chat/completions",
            data=json.dumps(body).encode(),
            headers={
                "Authorization": f"Bearer {self._endpoint.api_key}",
                "Content-Type": "application/json",
            },
        )
        try:
            with self._http.open(request, timeout=TIMEOUT_SECONDS) as response:
                return _content(json.loads(response.read(LONGEST_REPLY)))
        except urllib.error.HTTPError as error:
            raise ModelUnavailableError(
                f"the endpoint answered with status {error.code}"
            ) from error
        except (OSError, HTTPException, ValueError, LookupError, TypeError) as error:
            reason = type(error).__name__
            raise ModelUnavailableError(f"the endpoint gave no usable answer ({reason})") from error


def as_data(question: str, passages: Sequence[Passage]) -> str:
    """Question and passages as one JSON object: nothing in them can end the quotation."""
    shown = ("id", "title", "heading", "updated", "text")
    rows = [{name: asdict(passage)[name] for name in shown} for passage in passages]
    return json.dumps({"question": question, "passages": rows}, ensure_ascii=False)


def read_reply(reply: str) -> list[Statement]:
    """Statements of a reply; citations belong to the sentence before them, and to that one only."""
    if reply.strip().upper().startswith(NO_ANSWER):
        return []
    statements = []
    for piece in PIECE.finditer(reply):
        texts = [text for text in sentences(piece["text"].lstrip(" .!?\n")) if content_words(text)]
        cited = tuple(re.findall(r"\[([^\[\]]*)\]", piece["ids"]))
        last = len(texts) - 1
        statements += [
            Statement(text, cited if place == last else ()) for place, text in enumerate(texts)
        ]
    return statements


def _content(reply: Any) -> str:
    content = reply["choices"][0]["message"]["content"]
    if not isinstance(content, str):
        raise TypeError("the content of the reply is no text")
    return content


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """A redirect would carry the key to another address, so it counts as a failure."""

    def redirect_request(self, *_: Any) -> None:
        """Never follow."""
