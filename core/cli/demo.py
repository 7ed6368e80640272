"""Commands about the demo organisation."""

from __future__ import annotations

import typer

from core.cli.output import AsJson, show

app = typer.Typer(
    invoke_without_command=True, rich_markup_mode=None, help="The demo organisation: build (the default), remove."
)


@app.callback()
def default(context: typer.Context) -> None:
    """Build the demo organisation unless told otherwise."""
    if context.invoked_subcommand is None:
        build()


@app.command()
def build(json: AsJson = False) -> None:
    """Build the demo organisation, its projects and its models; a second time changes nothing."""
    from core import db
    from core.access import policy
    from core.cli import bundled
    from core.demo import build as demo

    db.migrate()
    with bundled.running():
        demo.build(policy.system("command-line"), _tell)
    if json:
        show({"demo": "built"})


@app.command()
def remove(json: AsJson = False) -> None:
    """Remove the demo organisation; the activity log keeps what it did."""
    from core import db
    from core.access import policy
    from core.cli import bundled
    from core.demo import build as demo

    db.migrate()
    with bundled.running():
        demo.remove(policy.system("command-line"), _tell)
    if json:
        show({"demo": "removed"})


def _tell(line: str) -> None:
    typer.echo(line, err=True)
