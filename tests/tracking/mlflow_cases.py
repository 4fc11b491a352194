"""What the tests of several files share."""

from harness.tracking.run import Run
from harness.tracking.store import Store


def run(store: Store, **settings: object) -> Run:
    return Run(store, "e", name="n", tags={"a": "b"}, **settings)  # type: ignore[arg-type]
