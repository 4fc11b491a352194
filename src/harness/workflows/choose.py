"""Which run a command means: by id, or the best."""

from collections.abc import Sequence

from harness.tracking.records import Record, collect
from harness.tracking.store import Store
from harness.values import names
from harness.values.errors import UsageError, listing


def best_run(records: Sequence[Record], *, kept: bool = True) -> Record:
    """Return the finished, sound run with the best source dev score that still has its checkpoint.

    Chosen on dev and never on a test score; zero-shot runs go before oracles, which saw target gold.

    :param kept: whether it must have its checkpoint.
    :raises UsageError: there is none.
    """
    usable = [
        record
        for record in records
        if record.status == "FINISHED"
        and not record.tags.get(names.COLLAPSED)
        and (not kept or record.tags.get(names.CHECKPOINT_STATE) == names.CHECKPOINT_KEPT)
        and names.BEST_DEV_F1 in record.metrics
    ]
    corpora = sorted({record.key("data") for record in usable})
    if len(corpora) > 1:
        raise UsageError(f"dev scores on {listing(corpora)} cannot be compared; name one experiment with --experiment")
    if not usable and all(record.tags.get(names.COLLAPSED) for record in records if record.status == "FINISHED"):
        raise UsageError(
            "no run has finished well: none finished, or those that did found no entity on dev (collapsed)"
        )
    if not usable:
        raise UsageError(
            "no finished run has kept its checkpoint; --rebuild trains the best one again from its own command and "
            "exports that"
            if kept
            else "no run has finished well"
        )
    fair = [record for record in usable if record.tags.get(names.PROTOCOL) != names.ORACLE] or usable
    return max(fair, key=lambda record: record.metrics[names.BEST_DEV_F1])


def choose_run(store: Store, wanted: str, experiment: str | None, *, kept: bool = True) -> Record:
    """Return a run by id, by the start of its id, or the best by source dev score.

    :param kept: whether the best must have its checkpoint.
    :raises UsageError: no run, or several, fit.
    """
    if wanted == "best":
        return best_run(collect(store, experiment), kept=kept)
    fitting = [record for record in collect(store, experiment) if record.run_id.startswith(wanted)]
    if len(fitting) != 1:
        raise UsageError(
            f"{'no run' if not fitting else f'{len(fitting)} runs'} of the store has an id starting with {wanted!r}"
        )
    return fitting[0]
