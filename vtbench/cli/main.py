"""The ``vtbench`` command: verbs, exit codes, and how an expected error is shown."""

from __future__ import annotations

import os
import sys
import warnings
from typing import Annotated, TextIO

import typer

from vtbench.cli.panels import InPanels
from vtbench.cli.streams import data_on_stdout
from vtbench.cli.verbs import (
    calibrate,
    check,
    compare,
    doctor,
    export,
    fetch,
    listing,
    new,
    report,
    rescore,
    run,
    score,
    show,
    status,
    verify,
)
from vtbench.cli.verbs.groups import leaderboard, stats
from vtbench.cli.verbs.intake import judged
from vtbench.core.errors import VtbenchError
from vtbench.core.foreign import interrupts
from vtbench.core.outgoing import terminal_text
from vtbench.core.secrets import masked
from vtbench.version import __version__

DEBUG_VARIABLE = "VTBENCH_DEBUG"

app = typer.Typer(
    name="vtbench",
    help="Measure visual tokenizers and autoregressive image generators under a named protocol.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("run", cls=InPanels)(run.run)
app.command("score", cls=InPanels)(score.score)
app.command("import")(judged.import_)
app.command("rescore")(rescore.rescore)
app.command("list")(listing.list_)
app.command("show")(show.show)
app.command("report")(report.report)
app.command("compare")(compare.compare)
app.command("export")(export.export)
app.command("check")(check.check)
app.command("status")(status.status)
app.command("verify")(verify.verify)
app.command("doctor")(doctor.doctor)
app.command("calibrate")(calibrate.calibrate)
app.command("fetch")(fetch.fetch)
app.command("new")(new.new)
app.add_typer(stats.stats, name="stats")
app.add_typer(leaderboard.leaderboard, name="leaderboard")


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(__version__)
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit.")
    ] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show tracebacks; may be given anywhere.")] = False,
) -> None:
    pass


def _tell(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: TextIO | None = None,
    line: str | None = None,
) -> None:
    """A warning in one line, without the code that gave it; ``--debug`` has that too."""
    del category, filename, lineno, file, line
    typer.echo(_shown(f"warning: {(str(message).strip().splitlines() or [''])[0]}"), err=True)


def _shown(told: str) -> str:
    """What is said of somebody's files, programs and addresses, with neither control characters nor credentials."""
    return terminal_text(masked(told))


def main() -> None:
    """Run the command line. Exit codes: 0 fine, 1 failed, 2 usage, 3 not comparable, 4 an asset is missing; 130 after
    Ctrl-C, 143 after SIGTERM."""
    # Waiting threads sleep: on a shared machine, spinning costs many times the work. Read when torch loads OpenMP.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    if "--debug" in sys.argv:
        sys.argv.remove("--debug")
        os.environ[DEBUG_VARIABLE] = "1"
    elif not os.environ.get(DEBUG_VARIABLE):
        warnings.showwarning = _tell
    interrupts.answer()
    try:
        with data_on_stdout():
            app(prog_name="vtbench")
    except VtbenchError as error:
        if os.environ.get(DEBUG_VARIABLE):
            raise
        typer.echo(_shown(f"error: {error}"), err=True)
        sys.exit(error.exit_code)
    except (interrupts.Interrupted, KeyboardInterrupt) as signal:
        asked = signal if isinstance(signal, interrupts.Interrupted) else interrupts.Interrupted(2)
        typer.echo(f"interrupted by {asked}: give the same command again to go on where it stopped", err=True)
        sys.exit(asked.exit_code)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except OSError as error:
        if os.environ.get(DEBUG_VARIABLE) or not error.strerror:
            raise
        # what the system refuses is no bug, wherever it is met; without a name it is stdout that is full
        typer.echo(_shown(f"error: {error.filename or 'stdout'}: {error.strerror}\n  --debug shows where"), err=True)
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
