"""Runs as they were tracked."""

from collections.abc import Mapping
from dataclasses import dataclass

from harness.machine.provenance import mask_url
from harness.tracking.store import Store
from harness.values import names
from harness.values.errors import UsageError


@dataclass(frozen=True)
class Record:
    """One run, as tracked."""

    run_id: str
    status: str
    params: Mapping[str, str]
    metrics: Mapping[str, float]
    tags: Mapping[str, str]

    def key(self, name: str) -> str:
        """Return a parameter, or a tag where there is no such parameter; empty where there is neither."""
        full = names.ALIASES.get(name, name)
        return str(self.params.get(full, self.tags.get(full, "")))


def collect(store: Store, experiment: str | None) -> list[Record]:
    """Return the runs of an experiment, or of all; parents of sweeps are left out.

    :raises UsageError: there are none.
    """
    if experiment is not None:
        ids = [store.experiment_id(experiment, create=False)]
    else:
        ids = store.experiment_ids()
    records = [
        Record(run.info.run_id, run.info.status, run.data.params, run.data.metrics, run.data.tags)
        for run in store.runs(ids)
        if run.data.tags.get(names.KIND) not in (names.KIND_SWEEP, names.KIND_SUMMARY)
        and names.COMMAND in run.data.tags
    ]
    if not records:
        where = f"experiment {experiment!r}" if experiment else "any experiment"
        raise UsageError(
            f"{where} of {mask_url(store.uri)} holds no runs; start some with 'harness run' or 'harness sweep'"
        )
    return records
