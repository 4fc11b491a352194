"""The command line: one thin function a command; heavy libraries are imported inside.

Exit codes: 0 done, 1 failed, 2 wrong use or configuration, 130 interrupted. Errors are a sentence on stderr;
``--debug`` shows the traceback.
"""

import logging
import os
import sys
from pathlib import Path

import typer

from harness.values.errors import HarnessError, printable, shortened

app = typer.Typer(
    name="harness",
    help="Which way to a named-entity recogniser for a language without annotations? Compared by entity-span accuracy.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

_settings = {"debug": False}


def echo(text: str, *, err: bool = False, data: bool = False) -> None:
    """Print text that may hold names from anywhere: no escape sequence of theirs, and no password, gets out.

    :param data: the user's own texts, in which what looks like a password is none of ours and must stay.
    """
    from harness.machine.provenance import mask_url

    typer.echo(printable(text if data else mask_url(text)), err=err)


class Lines(logging.Formatter):
    """Log lines without passwords and without anybody's escape sequences."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        from harness.machine.provenance import mask_url

        return printable(mask_url(super().format(record)))


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
    _settings["debug"] = debug
    level = logging.DEBUG if debug else logging.WARNING if quiet else logging.INFO
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr, force=True)
    for handler in logging.getLogger().handlers:
        handler.setFormatter(Lines("%(message)s"))
    logging.getLogger("harness").setLevel(level)


def _register() -> None:
    from harness.cli import data, evaluate, export, run, sweep, synthesize, system, transfer

    for module in (run, sweep, export, evaluate, transfer, system):
        module.register(app)
    app.add_typer(data.app, name="data")
    app.add_typer(synthesize.app, name="synthesize")


def quiet_libraries() -> None:
    """Keep libraries from talking over our own lines; called before they are imported."""
    import warnings

    os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
    os.environ.setdefault("TRANSFORMERS_NO_ADVISORY_WARNINGS", "1")
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
    if not _settings["debug"]:
        warnings.filterwarnings("ignore", module=r"(pytorch_lightning|torch|mlflow|transformers|optuna)(\.|$)")
        warnings.filterwarnings("ignore", message=".*LeafSpec.*")
        for name in ("pytorch_lightning.utilities.rank_zero", "torch", "huggingface_hub"):
            logging.getLogger(name).setLevel(logging.ERROR)
    if "transformers" in sys.modules:
        sys.modules["transformers"].logging.set_verbosity_error()


def use_cores(processes: int = 1) -> None:
    """Give this process its share of the cores before numerical libraries start their threads."""
    from harness.machine.provenance import available_cores

    share = max(1, available_cores() // processes)
    for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "RAYON_NUM_THREADS"):
        os.environ.setdefault(name, str(share))


def stop_on_sigterm() -> None:
    """Let SIGTERM end a command like Ctrl-C: a scheduler's kill leaves a true status and keeps answers under way."""
    import signal

    def stop(number: int, frame: object) -> None:
        raise KeyboardInterrupt

    if sys.platform != "win32":
        signal.signal(signal.SIGTERM, stop)
        signal.signal(signal.SIGHUP, stop)  # the terminal was closed


def existing_folder(path: Path | None) -> Path | None:
    """Return a folder given on the command line as an absolute path."""
    return path.expanduser().absolute() if path else None


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
    if _settings["debug"] and not isinstance(error, KeyboardInterrupt):
        raise error
    from harness.machine.provenance import mask_url

    sys.stdout.flush()
    sys.stderr.write(printable(mask_url(message)) + "\n")
    raise SystemExit(code) from None
