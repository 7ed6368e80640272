"""Signing in without an identity provider: a page of people, one form each, and a signed cookie.

It exists so that a first walk and a laptop need no provider. It is admitted on loopback addresses only, for requests to
a loopback host only, unless ``PORTAL_LOCAL_SIGNIN=any`` is set. The cookie (HttpOnly, SameSite=Lax) holds a random key under a signature; the store
holds the key's digest and can end it. Forms carry a token bound to a second cookie (SameSite=Strict) against forgery.
"""

from __future__ import annotations

import secrets
from functools import cache
from pathlib import Path
from typing import Literal
from urllib.parse import quote, urlsplit

from anyio.to_thread import run_sync
from itsdangerous import BadSignature, URLSafeTimedSerializer
from jinja2 import Environment, FileSystemLoader
from sqlmodel import Session
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from core import db
from core.access import policy, queries
from core.access.policy import Actor
from core.config import is_loopback, names_loopback, settings
from core.errors import Conflict, Invalid, NotAllowed, PortalError
from core.people import actions as people

COOKIE = "portal_session"
CSRF_COOKIE = "portal_csrf"
SIGN_IN_PATH = "/auth/sign-in"
_FORM_MAX_AGE = 3600
_PASSES = ("/api", "/auth/", "/_stcore/", "/static/", "/media/", "/component/", "/oauth2callback")


def secret(name: str) -> str:
    """A secret text of this installation, made on first use."""
    return db.kept_secret(name, lambda: secrets.token_urlsafe(48).encode()).decode()


def session_key(cookie: str | None) -> str | None:
    """The key in a session cookie whose signature holds and that is not too old."""
    if not cookie:
        return None
    try:
        value = _signer("session").loads(cookie, max_age=settings().session_hours * 3600)
    except BadSignature:
        return None
    return value if isinstance(value, str) else None


def admitted_at(host: str | None) -> bool:
    """Whether a request with this Host header may sign in locally, and be who its cookie says.

    A site from elsewhere can let its own name point to this machine: the browser then asks from here, and only the name
    it asked for tells (DNS rebinding).
    """
    chosen = settings()
    return chosen.admits_local_signin and (chosen.local_signin == "any" or names_loopback(host))


def require_closed_doors(listens: str | None) -> None:
    """Refuse a server that ``listens`` to others while the settings say that it does not: local sign-in goes by them."""
    chosen = settings()
    if chosen.admits_local_signin and chosen.local_signin == "loopback" and not (listens and is_loopback(listens)):
        raise Invalid(
            f"The server listens on {listens or 'every address'}, while PORTAL_ADDRESS says {chosen.address}.",
            hint="Start it with `python -m core serve --address …`, or set PORTAL_ADDRESS to where it listens.",
        )


def signed_in_actor(cookie: str | None, host: str | None) -> Actor | None:
    """Who a session cookie in a request to ``host`` stands for, as the store has it now."""
    key = session_key(cookie) if admitted_at(host) else None
    if key is None:
        return None
    with db.reading() as session:
        return queries.actor_for_sign_in(session, key)


@cache
def _signer(purpose: str) -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(secret("cookies"), salt=f"portal-{purpose}")


@cache
def _templates() -> Environment:
    return Environment(loader=FileSystemLoader(Path(__file__).parent / "html"), autoescape=True)


def local_path(target: str | None) -> str:
    """``target`` when it is a path of this portal, else the home page: no redirect to elsewhere."""
    if not target or not target.startswith("/") or target.startswith(("//", "/\\")) or "\n" in target or "\r" in target:
        return "/"
    parts = urlsplit(target)
    return "/" if parts.scheme or parts.netloc else target


# --- pages -----------------------------------------------------------------------------------------------------------


async def show(request: Request) -> Response:
    """The sign-in page: who one may continue as; with nobody there yet, a form for the first administrator."""
    return await _page(request)


async def sign_in(request: Request) -> Response:
    """Continue as the chosen person."""
    if not admitted_at(request.headers.get("host")):
        return await _page(request)
    form = await request.form()
    refusal = _forged(request, str(form.get("csrf", "")))
    if refusal:
        return await _page(request, error=refusal, status=403)
    try:
        former = session_key(request.cookies.get(COOKIE))
        key = await run_sync(_open_sign_in, str(form.get("person", "")), str(form.get("name", "")), former)
    except PortalError as error:
        return await _page(request, error=str(error), status=403)
    response = RedirectResponse(local_path(str(form.get("next", "/"))), status_code=303)
    _set_cookie(response, COOKIE, _signer("session").dumps(key), settings().session_hours * 3600, "lax")
    return response


async def sign_out(request: Request) -> Response:
    """End the sign-in in the store and forget the cookie."""
    form = await request.form()
    refusal = _forged(request, str(form.get("csrf", "")))
    if refusal:
        return await _page(request, error=refusal, status=403)
    key = session_key(request.cookies.get(COOKIE))
    if key is not None:
        await run_sync(_close_sign_in, key)
    response = RedirectResponse(SIGN_IN_PATH, status_code=303)
    response.delete_cookie(COOKIE, path="/")
    return response


ROUTES = [
    Route(SIGN_IN_PATH, show, methods=["GET"]),
    Route(SIGN_IN_PATH, sign_in, methods=["POST"]),
    Route("/auth/sign-out", sign_out, methods=["POST"]),
]


async def _page(request: Request, *, error: str = "", status: int = 200) -> Response:
    csrf, host = request.cookies.get(CSRF_COOKIE) or secrets.token_urlsafe(24), request.headers.get("host")
    admitted = admitted_at(host)
    people_ = await run_sync(_people) if admitted else []
    actor = await run_sync(signed_in_actor, request.cookies.get(COOKIE), host) if admitted else None
    body = _templates().get_template("sign_in.html").render(
        closed="" if admitted else _why_closed(host), people=people_, actor=actor, error=error,
        next=local_path(request.query_params.get("next")), csrf=_signer("form").dumps(csrf),
        provider=settings().has_provider, demo=any(one.demo for one in people_),
    )  # fmt: skip
    response = HTMLResponse(body, status_code=status if admitted or error else 403, headers=_HEADERS)
    _set_cookie(response, CSRF_COOKIE, csrf, _FORM_MAX_AGE, "strict")
    return response


def _why_closed(host: str | None) -> str:
    chosen = settings()
    if chosen.admits_local_signin:
        asked = f"you asked for {host}" if host else "you named no host"
        return f"without an identity provider people sign in at localhost or 127.0.0.1 alone, and {asked}."
    if chosen.local_signin == "off":
        return "signing in without an identity provider is switched off, and there is none."
    reached = f"is reached at {chosen.public_url}" if chosen.has_public_name else f"listens on {chosen.address}"
    return f"the portal {reached}, where others come too, and has no identity provider."


_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
}


def _set_cookie(response: Response, name: str, value: str, age: int, same_site: Literal["lax", "strict"]) -> None:
    secure = settings().base_url.startswith("https://")
    response.set_cookie(name, value, max_age=age, path="/", httponly=True, secure=secure, samesite=same_site)


def _forged(request: Request, token: str) -> str:
    cookie = request.cookies.get(CSRF_COOKIE)
    origin = request.headers.get("origin")
    if origin not in (None, "null") and urlsplit(origin).netloc != request.headers.get("host"):
        return "This form was sent from another site. Open the sign-in page of the portal and try again."
    try:
        bound = _signer("form").loads(token, max_age=_FORM_MAX_AGE)
    except BadSignature:
        bound = None
    if not cookie or not isinstance(bound, str) or not secrets.compare_digest(bound, cookie):
        return "This form is not from your browser, or it is older than an hour. Choose again."
    return ""


def _people() -> list[queries.PersonRow]:
    with db.reading() as session:
        return queries.people(session, active_only=True)


def _open_sign_in(person_id: str, name: str, former: str | None) -> str:
    with db.writing() as session:
        if not person_id and name:
            person_id = _first_person(session, name)
        key = people.sign_in_locally(session, person_id=person_id)
        if former is not None:  # one browser, one person: other windows notice at their next click
            people.sign_out(session, key=former)
        return key


def _first_person(session: Session, name: str) -> str:
    if not settings().admits_local_signin:
        raise NotAllowed("Signing in without an identity provider is switched off here.")
    if queries.people(session, active_only=True):
        raise Conflict("Somebody is here already.", hint="Continue as one of the people listed.")
    installer = policy.system("first-start")
    person = people.add_person(session, actor=installer, name=name)
    people.grant_role(session, actor=installer, person_id=person.id, role="administrator")
    return person.id


def _close_sign_in(key: str) -> None:
    with db.writing() as session:
        people.sign_out(session, key=key)


# --- the way in ------------------------------------------------------------------------------------------------------


class LocalSignIn:
    """Sends a visitor who opens a page without a valid sign-in to the sign-in page, and back to the page afterwards."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if _opens_page(scope):
            request = Request(scope)
            actor = await run_sync(signed_in_actor, request.cookies.get(COOKIE), request.headers.get("host"))
            if actor is None:
                target = request.url.path + (f"?{request.url.query}" if request.url.query else "")
                redirect = RedirectResponse(f"{SIGN_IN_PATH}?next={quote(target, safe='')}", status_code=303)
                await redirect(scope, receive, send)
                return
        await self.app(scope, receive, send)


def _opens_page(scope: Scope) -> bool:
    if scope["type"] != "http" or scope["method"] != "GET" or settings().has_provider:
        return False
    path: str = scope["path"]
    accepts = next((value for name, value in scope["headers"] if name == b"accept"), b"")
    return b"text/html" in accepts and not path.startswith(_PASSES) and "." not in path.rpartition("/")[2]
