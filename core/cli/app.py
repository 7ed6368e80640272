"""The commands by name. What a command needs is imported when it runs, so that ``--help`` answers at once."""

from __future__ import annotations

from typing import Annotated

import typer

from core.cli import catalog, checklists, demo, documents, gate, log, people, store
from core.cli.output import Commands

_HELP = """The AI factory portal's command line.

Exit codes: 0 fine; 1 refused or failed, with the reason and what to do on stderr; 2 wrong usage; 3 a system the portal
depends on (database, MLflow, git) does not answer; 4 the activity log does not verify.
"""

app = typer.Typer(
    cls=Commands,
    help=_HELP,
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)


@app.callback()
def options(
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of a fault.")] = False,
) -> None:
    """The AI factory portal's command line."""


@app.command()
def serve(
    port: Annotated[
        int | None, typer.Option(min=0, max=65535, help="Port to listen on; PORTAL_PORT otherwise.")
    ] = None,
    address: Annotated[str | None, typer.Option(help="Address to listen on; PORTAL_ADDRESS otherwise.")] = None,
) -> None:
    """Run the portal: pages, API, jobs and a bundled MLflow.

    No MLflow is started when MLFLOW_TRACKING_URI names one.
    """
    from core.cli import serve as process

    raise typer.Exit(process.serve(port=port, address=address))


@app.command()
def worker() -> None:
    """Run the jobs apart from the portal.

    The portal itself then runs with PORTAL_JOBS=worker.
    """
    from core.cli import serve as process

    process.worker()


app.command()(store.migrate)
app.command()(catalog.load)
app.command("import")(catalog.import_)
app.command()(catalog.export)
app.command()(catalog.search)
app.command()(store.sync)
app.command()(gate.gate)
app.command("gate-key")(gate.gate_key)
app.command("verify-attestation")(gate.verify_attestation)
app.command()(documents.document)
app.command()(log.verify)
app.command()(log.seal)
app.add_typer(checklists.app, name="checklist")
app.add_typer(people.tokens, name="token")
app.add_typer(people.persons, name="person")
app.add_typer(demo.app, name="demo")
app.command()(store.settings)
