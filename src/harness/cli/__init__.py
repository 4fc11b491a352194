"""The command line: one thin function a command; heavy libraries are imported inside.

Exit codes: 0 done, 1 failed, 2 wrong use or configuration, 130 interrupted. Errors are a sentence on stderr;
``--debug`` shows the traceback.
"""

import logging
import os
import sys
from pathlib import Path

import typer

from harness.machine.process import Lines, terminal
from harness.values.errors import HarnessError, printable, shortened

app = typer.Typer(
    name="harness",
    help="Which way to a named-entity recogniser for a language without annotations? Compared by entity-span accuracy.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(wanted: bool) -> None:
    if wanted:
        from harness import __version__

        typer.echo(__version__)
        raise typer.Exit


@app.callback()
def _options(
    debug: bool = typer.Option(False, "--debug", help="Show tracebacks and debug messages."),
    quiet: bool = typer.Option(False, "--quiet", "-q", help="Show warnings and errors only."),
    version: bool = typer.Option(False, "--version", callback=_version, is_eager=True, help="Show the version."),
) -> None:
    terminal["debug"] = debug
    level = logging.DEBUG if debug else logging.WARNING if quiet else logging.INFO
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr, force=True)
    for handler in logging.getLogger().handlers:
        handler.setFormatter(Lines("%(message)s"))
    logging.getLogger("harness").setLevel(level)


def _register() -> None:
    from harness.cli import compare, data, errors, evaluate, export, run, sweep, synthesize, system, transfer

    for module in (run, sweep, compare, errors, export, evaluate, transfer, system):
        module.register(app)
    app.add_typer(data.app, name="data")
    app.add_typer(synthesize.app, name="synthesize")


def main() -> None:
    """Run the command line and turn errors into sentences and exit codes."""
    _register()
    if len(sys.argv) > 1 and not {"-h", "--help", "--version"} & set(sys.argv):
        _tidy_up()
    try:
        app()
    except HarnessError as error:
        _fail(error, f"error: {error}", error.exit_code)
    except KeyboardInterrupt as error:
        _fail(error, "interrupted", 130)
    except SystemExit as error:
        if error.code == 130:  # typer has caught the Ctrl-C already
            sys.stderr.write("interrupted; a run is marked KILLED, nothing half-written is kept\n")
        raise
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise SystemExit(1) from None
    except Exception as error:  # noqa: BLE001 - the last line of defence: a sentence instead of a traceback
        _fail(error, f"error: {_unexpected(error)}", 1)


def _tidy_up() -> None:
    """Remove what killed commands left in temporary folders and in the cache."""
    import tempfile
    from contextlib import suppress

    from harness.machine.locks import remove_leftovers
    from harness.machine.store import remove_cache_leftovers

    with suppress(OSError):
        remove_leftovers(Path(tempfile.gettempdir()))
        remove_cache_leftovers()


def _unexpected(error: Exception) -> str:
    import errno

    text = shortened(" ".join(str(error).split()), 300)
    if (
        (isinstance(error, OSError) and error.errno == errno.ENOSPC)
        or "No space left" in text
        or "disk is full" in text
    ):
        return f"the disk is full ({text}); free some space and repeat the command"
    if type(error).__name__ == "StorageInternalError":  # Optuna's, of a database that went away
        cause = error.__cause__ or error
        text = shortened(" ".join(str(getattr(cause, "orig", None) or cause).split()), 300)
        return f"the study's storage failed ({text}); see to it and repeat the command, finished trials are kept"
    if "out of memory" in text.lower():
        return "out of memory; use a smaller trainer.batch_size or trainer.token_budget, or a smaller encoder"
    return (
        f"{type(error).__name__}: {text} (repeat with 'harness --debug …' for the traceback; this is likely a defect)"
    )


def _fail(error: BaseException, message: str, code: int) -> None:
    if terminal["debug"] and not isinstance(error, KeyboardInterrupt):
        raise error
    from harness.machine.provenance import mask_url

    sys.stdout.flush()
    sys.stderr.write(printable(mask_url(message)) + "\n")
    raise SystemExit(code) from None
