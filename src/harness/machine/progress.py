"""Progress of long work: a bar on a terminal, plain lines now and then elsewhere."""

import logging
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

logger = logging.getLogger("harness.transfer")


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
    done = 0
    said = time.monotonic()

    def advance() -> None:
        nonlocal done, said
        done += 1
        if time.monotonic() - said > 20:
            said = time.monotonic()
            logger.info("%s: %d of %d batches", what, done, steps)

    yield advance
