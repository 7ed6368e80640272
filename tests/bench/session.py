"""A browser's side of a Streamlit session without a browser: the WebSocket protocol, as far as reruns need it."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass
from urllib.parse import urlsplit

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.sync.client import connect


@dataclass
class Run:
    """One run of a page: how long it took from request to its end, and which elements it drew."""

    seconds: float
    elements: Counter[str]


class Session:
    """An open session with a running server."""

    def __init__(self, url: str, *, cookie: str = "") -> None:
        parts = urlsplit(url)
        headers = {"Cookie": cookie} if cookie else {}
        self._socket = connect(
            f"ws://{parts.netloc}/_stcore/stream", origin=f"http://{parts.netloc}", additional_headers=headers,
            subprotocols=["streamlit"], max_size=2**26, compression=None,
        )  # fmt: skip
        self._pages: dict[str, str] = {}

    def run(self, *, page: str = "", query: str = "") -> Run:
        """Ask for a run of the page (the main script by default) and wait until it has finished."""
        request = BackMsg()
        request.rerun_script.query_string = query
        request.rerun_script.page_name = page
        start = time.perf_counter()
        self._socket.send(request.SerializeToString())
        elements: Counter[str] = Counter()
        while True:
            message = ForwardMsg()
            message.ParseFromString(self._socket.recv(timeout=60))
            kind = message.WhichOneof("type")
            if kind == "delta":
                elements[_element(message)] += 1
            if kind == "script_finished":
                return Run(time.perf_counter() - start, elements)

    def close(self) -> None:
        """End the session."""
        self._socket.close()


def _element(message: ForwardMsg) -> str:
    delta = message.delta
    if delta.WhichOneof("type") == "new_element":
        return str(delta.new_element.WhichOneof("type"))
    return "block"
