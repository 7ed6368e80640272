"""Refusals and faults as answers: one JSON shape for every error, and nothing of the inside in it."""

from __future__ import annotations

import logging
import secrets
from typing import Any

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from core.errors import Conflict, Invalid, NotAllowed, NotFound, PortalError, Unavailable

log = logging.getLogger("portal.api")


class Unauthenticated(PortalError):
    """Nobody the portal knows: no token, or one that counts no longer."""

    code = "unauthenticated"


class TooLarge(PortalError):
    """The body is larger than what is read."""

    code = "too_large"


class UnknownType(PortalError):
    """The body is of a type that is not read here."""

    code = "unknown_type"


STATUS: dict[type[PortalError], int] = {
    Invalid: 422,
    NotFound: 404,
    NotAllowed: 403,
    Conflict: 409,
    Unavailable: 503,
    Unauthenticated: 401,
    TooLarge: 413,
    UnknownType: 415,
}
_MEANING = {
    401: ("unauthenticated", "No token, or one that is unknown, expired or revoked."),
    403: ("not_allowed", "The token lacks the scope."),
    404: ("not_found", "No such thing, or not visible to the token."),
    409: ("conflict", "Somebody else was first, or the state forbids it."),
    413: ("too_large", "The body is too large."),
    415: ("unknown_type", "The body is of a type that is not read here."),
    422: ("invalid", "The input breaks a rule; the message names the field and the rule."),
    500: ("fault", "A fault of the portal; the message holds a reference that its log knows."),
    503: ("unavailable", "The database, or another system the portal depends on, does not answer."),
}
"""Status → the code that programs find in it, and what it means."""
_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}


class Refusal(BaseModel):
    """What happened and what to do now."""

    code: str = Field(description="Stable, for programs.")
    message: str = Field(description="What happened, to which thing.")
    hint: str = Field("", description="What to do now.")


class ErrorAnswer(BaseModel):
    """The body of every answer that is not a success."""

    error: Refusal


def documented(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """These error answers as OpenAPI documents them."""
    return {status: _documented(*_MEANING[status]) for status in statuses}


def _documented(code: str, meaning: str) -> dict[str, Any]:
    example = {"error": {"code": code, "message": meaning, "hint": "What to do now."}}
    return {"model": ErrorAnswer, "description": meaning, "content": {"application/json": {"example": example}}}


def add_handlers(app: FastAPI) -> None:
    """Make every error of ``app`` an answer in the one shape."""
    app.add_exception_handler(PortalError, _refused)
    app.add_exception_handler(RequestValidationError, _not_valid)
    app.add_exception_handler(HTTPException, _no_route)
    app.add_middleware(Guard)


def answer(status: int, code: str, message: str, hint: str = "", headers: Any = None) -> JSONResponse:
    """An error answer."""
    body = ErrorAnswer(error=Refusal(code=code, message=message, hint=hint))
    return JSONResponse(body.model_dump(), status, headers)


def _refused(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, PortalError)
    status = next((STATUS[one] for one in type(error).__mro__ if one in STATUS), 400)
    headers = {"WWW-Authenticate": 'Bearer realm="portal"'} if status == 401 else None
    return answer(status, error.code, error.message, error.hint, headers)


def _not_valid(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    lines = [f"{'.'.join(str(part) for part in one['loc'])}: {one['msg']}." for one in error.errors()]
    return answer(422, Invalid.code, lines[0], " ".join(lines[1:]))


def _no_route(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    if error.status_code == 404:
        return answer(404, NotFound.code, f"No such path: {request.url.path}", "GET /api/v1/docs lists every path.")
    if error.status_code == 405:
        message = f"{request.method} is not possible on {request.url.path}"
        return answer(405, "method_not_allowed", message, "The Allow header lists what is.", error.headers)
    return answer(error.status_code, Invalid.code, str(error.detail), headers=error.headers)


class Guard:
    """Stands around the whole API: no answer is cached, and a fault becomes an answer with a reference for the log.

    Starlette would answer a fault too, but raise it again, through the application that this one is mounted in.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on and see to its answer."""
        started = False

        async def sending(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        try:
            await self.app(scope, receive, sending)
        except ClientDisconnect:
            log.info("The client left before its request was read.")
        except Exception:
            reference = secrets.token_hex(4)
            log.exception("Fault %s in %s %r", reference, scope.get("method"), scope["path"])
            if started or scope["type"] != "http":
                raise
            await _fault(reference)(scope, receive, sending)


def _fault(reference: str) -> JSONResponse:
    message = f"Something went wrong in the portal (reference {reference})."
    return answer(500, "fault", message, "Nothing was changed. Give the reference to whoever runs the portal.")
