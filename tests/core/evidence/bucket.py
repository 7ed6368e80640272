"""A bucket: as much of S3 as keeping and reading a file takes, in memory."""

from __future__ import annotations

import io
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import BinaryIO
from urllib.parse import parse_qs, unquote, urlsplit


@dataclass
class Bucket:
    """What lies in it, by key, and where it is reached."""

    url: str = ""
    objects: dict[str, bytes] = field(default_factory=dict)
    parts: dict[str, bytes] = field(default_factory=dict)


@contextmanager
def bucket(name: str = "bucket") -> Iterator[Bucket]:
    """Run a service of S3 with this one bucket."""
    state = Bucket()
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Service", (_Service,), {"state": state, "bucket": name}))
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    state.url = f"s3://{name}/evidence?endpoint_override=127.0.0.1:{server.server_port}&scheme=http&region=us-east-1"
    try:
        yield state
    finally:
        server.shutdown()
        server.server_close()


class _Service(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    state: Bucket
    bucket: str

    @property
    def key(self) -> str:
        return unquote(urlsplit(self.path).path).removeprefix(f"/{self.bucket}").lstrip("/")

    @property
    def asked(self) -> dict[str, list[str]]:
        return parse_qs(urlsplit(self.path).query, keep_blank_values=True)

    def do_HEAD(self) -> None:
        self._send_object(with_body=False)

    def do_GET(self) -> None:
        if "list-type" not in self.asked:
            self._send_object(with_body=True)
            return
        found = [key for key in self.state.objects if key.startswith(self.asked["prefix"][0])]
        listed = "".join(f"<Contents><Key>{key}</Key><Size>1</Size></Contents>" for key in found)
        counted = f"<IsTruncated>false</IsTruncated><KeyCount>{len(found)}</KeyCount>"
        self._answer(200, f"<ListBucketResult>{counted}{listed}</ListBucketResult>".encode())

    def do_PUT(self) -> None:
        body = self._body()
        if source := self.headers.get("x-amz-copy-source"):
            self.state.objects[self.key] = self.state.objects[
                unquote(source).lstrip("/").removeprefix(f"{self.bucket}/")
            ]
            self._answer(200, b"<CopyObjectResult><ETag>x</ETag></CopyObjectResult>")
            return
        (self.state.parts if "uploadId" in self.asked else self.state.objects)[self.key] = body
        self._answer(200)

    def do_POST(self) -> None:
        self._body()
        if "uploads" in self.asked:
            done = "<UploadId>1</UploadId>"
        else:
            self.state.objects[self.key] = self.state.parts.pop(self.key)
            done = "<ETag>x</ETag>"
        of_it = f"<Bucket>{self.bucket}</Bucket><Key>{self.key}</Key>"
        name = "InitiateMultipartUploadResult" if "uploads" in self.asked else "CompleteMultipartUploadResult"
        self._answer(200, f"<{name}>{of_it}{done}</{name}>".encode())

    def do_DELETE(self) -> None:
        self.state.objects.pop(self.key, None)
        self._answer(204)

    def _send_object(self, *, with_body: bool) -> None:
        data = self.state.objects.get(self.key) if self.key else b""  # without a key, the bucket itself
        if data is None:
            self._answer(404, b"<Error><Code>NoSuchKey</Code></Error>" if with_body else b"")
            return
        start, _, end = self.headers.get("Range", "bytes=0-").removeprefix("bytes=").partition("-")
        part = data[int(start) : int(end) + 1 if end else None]
        self._answer(206 if "Range" in self.headers else 200, part, with_body=with_body)

    def _body(self) -> bytes:
        """The body; clients of today send it in pieces, each with its size in front, and in pieces of their own in those."""
        if self.headers.get("Transfer-Encoding", "") == "chunked":
            body = _joined(self.rfile)
        else:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        return _joined(io.BytesIO(body)) if "aws-chunked" in self.headers.get("Content-Encoding", "") else body

    def _answer(self, status: int, body: bytes = b"", *, with_body: bool = True) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Last-Modified", formatdate(usegmt=True))
        self.send_header("ETag", '"x"')
        self.end_headers()
        if with_body:
            self.wfile.write(body)

    def log_message(self, *_words: object) -> None:
        """Say nothing."""


def _joined(stream: BinaryIO) -> bytes:
    """Pieces as one, up to the empty one at their end and what is told after it."""
    whole = b""
    while size := int(stream.readline().partition(b";")[0], 16):
        whole += stream.read(size)
        stream.readline()
    while stream.readline().strip():
        pass
    return whole
