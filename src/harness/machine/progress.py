"""Progress of long work: a bar on a terminal, plain lines now and then elsewhere."""

import logging
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

logger = logging.getLogger("harness.transfer")

SILENT_SECONDS = 20.0
"""Longest silence of work that can tell how far it is."""


@contextmanager
def progress_bar(what: str, steps: int) -> Iterator[Callable[[], None]]:
    """Give a function to call after each step.

    :param what: a word for the work, such as ``translating``.
    """
    if steps and sys.stderr.isatty():
        from rich.console import Console
        from rich.progress import Progress

        with Progress(console=Console(stderr=True), transient=True) as progress:
            task = progress.add_task(what, total=steps)
            yield lambda: progress.advance(task)
        return
    yield heartbeat(what, steps)


def heartbeat(what: str, steps: int) -> Callable[[], None]:
    """Return a function to call after each step: it says now and then, in a plain line, how far the work is.

    For work inside other work, which may have the terminal's bar.

    :param what: a word for the work, such as ``tagging``.
    """
    done = 0
    began = said = time.monotonic()

    def advance() -> None:
        nonlocal done, said
        done += 1
        now = time.monotonic()
        if now - said > SILENT_SECONDS and done < steps:
            said = now
            logger.info(
                "%s: %d of %d steps, %s left", what, done, steps, duration((now - began) / done * (steps - done))
            )

    return advance


def duration(seconds: float) -> str:
    """Return a length of time as a person says it: about so many seconds, minutes or hours."""
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    if seconds < 90 * 60:
        return f"{round(seconds / 60)} min"
    return f"{seconds / 3600:.1f} h"
