"""What starts the workers of a study; a worker takes everything else from the ledger."""

from typing import Protocol

from harness.sweep.plan import Plan


class Launcher(Protocol):
    """Starts ``plan.workers`` workers somewhere and waits for them."""

    def run(self, plan: Plan, *, progress: bool) -> list[str]:
        """Run the study to its end or its budget.

        :returns: one sentence for each trial or worker that failed.
        """
        ...
