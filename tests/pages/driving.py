"""Steps that the tests of several pages take: open a page at an address, and insist that it ran without a fault."""

from __future__ import annotations

from streamlit.testing.v1 import AppTest


def opened(app: AppTest, page: str, /, **query: str) -> AppTest:
    """The page as somebody sees it who opens it with this query, and no other, in its address."""
    app.switch_page(page)
    for name in list(app.query_params):
        del app.query_params[name]
    for name, value in query.items():
        if value:
            app.query_params[name] = value
    return ok(app.run())


def ok(app: AppTest) -> AppTest:
    """``app``, whose last run raised nothing."""
    assert not app.exception, app.exception
    return app
