"""The launcher: one process serves the pages, the API and the sign-in; ``streamlit run app.py`` runs it.

``python -m core serve`` does so with everything around it (MLflow, demo). The store is brought up to date and the
catalog is loaded before the first answer; whatever is slow to import comes after it, in the background.
"""

from __future__ import annotations

import gc
import logging
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from threading import Thread

import streamlit as st
from anyio.to_thread import run_sync
from starlette.middleware import Middleware

from core import api, db, jobs
from core.access import policy
from core.api import signin
from core.config import ROOT, settings
from core.errors import PortalError, Unavailable
from core.reviews import shipping
from pages.parts import failures

log = logging.getLogger("portal")
logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
log.setLevel(settings().log_level)


def prepare() -> None:
    """Bring the store to the newest revision, load the catalog, and build the demo's people where it is wanted."""
    signin.require_closed_doors(st.get_option("server.address"))
    db.migrate()
    report = shipping.load(policy.system("loader"))
    for change in report.changes:
        for problem in change.problems:
            log.warning("Catalog: %s", problem)
    if settings().demo:
        from core.demo import organisation

        organisation.build(policy.system("demo"), lambda line: log.info("Demo: %s", line))


def warm_up() -> None:
    """Import what the heavier pages need, then start jobs: the first visitor pays for neither."""
    import altair  # noqa: F401
    import pandas  # noqa: F401

    settle()
    if settings().jobs == "inside":
        jobs.start()
        settle()


def settle() -> None:
    """Set aside what is here to stay: Streamlit collects garbage after every rerun and need not look at it each time."""
    gc.collect()
    gc.freeze()


@asynccontextmanager
async def lifespan(_app: st.App) -> AsyncIterator[None]:
    """Prepare before the first answer, warm up after it, and stop jobs at the end."""
    try:
        await run_sync(prepare)
    except PortalError as error:
        log.error("%s", error)
        os._exit(3 if isinstance(error, Unavailable) else 1)  # the server would add its own trace and exit code
    Thread(target=warm_up, name="warm-up", daemon=True).start()
    yield
    await run_sync(jobs.stop)


def secrets() -> dict[str, dict[str, str]]:
    """What ``st.login`` needs to know of the identity provider; nothing in local mode."""
    chosen = settings()
    if not chosen.has_provider:
        return {}
    return {
        "auth": {
            "redirect_uri": f"{chosen.base_url}/oauth2callback",
            "cookie_secret": signin.secret("cookies"),
            "client_id": chosen.oidc_client_id,
            "client_secret": chosen.oidc_client_secret.get_secret_value(),
            "server_metadata_url": chosen.oidc_metadata_url,
        }
    }


app = st.App(
    ROOT / "pages" / "portal.py",
    routes=[*signin.ROUTES, *api.routes()],
    middleware=[Middleware(signin.LocalSignIn)],
    lifespan=lifespan,
    secrets=secrets(),
    on_script_error=failures.show,
)
