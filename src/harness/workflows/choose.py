"""Which run a command means: by id, or the best."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass

from harness.tracking.judges import ORDER, best_founded, proxy_of, rank_by
from harness.tracking.records import Record, collect
from harness.tracking.store import Store
from harness.values import names
from harness.values.errors import UsageError, listing, nearest

logger = logging.getLogger(__name__)

SHOWN_AS = {"synthetic_dev": "held-out synthetic sentences", "translated_dev": "the translated dev set"}
"""Names of proxies for people."""


@dataclass(frozen=True)
class Chosen:
    """A run, and why it is this one.

    :param reason: a sentence for the model card; empty where the user named the run.
    """

    record: Record
    reason: str = ""


@dataclass(frozen=True)
class Wish:
    """What the best shall be the best of.

    :param method: name of a method; all without it.
    :param language: the target that counts; their mean without it.
    :param kept: whether it must have its checkpoint.
    """

    method: str | None = None
    language: str | None = None
    kept: bool = True


def best_run(records: Sequence[Record], wish: Wish | None = None) -> Chosen:
    """Return the finished, sound run that the best-founded proxy in the target languages puts first.

    Never chosen on a test score, nor across methods on source dev, which ranks source-language skill. Zero-shot runs go
    before oracles, which saw target gold.

    :raises UsageError: there is none, or nothing label-free tells which of several methods is best.
    """
    wish = wish or Wish()
    usable = [record for record in records if _is_usable(record, wish.kept)]
    corpora = sorted({record.key("data") for record in usable})
    if len(corpora) > 1:
        raise UsageError(f"dev scores on {listing(corpora)} cannot be compared; name one experiment with --experiment")
    if not usable:
        raise UsageError(_why_none(records, wish.kept))
    fair = [record for record in usable if record.tags.get(names.PROTOCOL) != names.ORACLE] or usable
    methods = sorted({record.key("method") for record in fair})
    if wish.method is not None:
        if wish.method not in methods:
            raise UsageError(
                f"--method {wish.method!r}: no such run{nearest(wish.method, methods)}; {listing(methods)}"
            )
        fair, methods = [record for record in fair if record.key("method") == wish.method], [wish.method]
    if wish.method is None:
        fair = _usable_on_new_text(fair)
        methods = sorted({record.key("method") for record in fair})
    language = wish.language or names.MEAN
    _check_language(fair, wish.language)
    judged = _judged(fair, language)
    split = best_founded(judged, language)
    if split is not None:
        return _by_proxy(judged, split, language)
    if rank_by(fair, language) == names.BEST_DEV_F1:
        best = max(fair, key=lambda record: record.metrics[names.BEST_DEV_F1])
        return Chosen(best, f"the best of {len(fair)} runs of one method on the dev set of its mixture")
    what = f"runs of {listing(methods)}" if len(methods) > 1 else f"runs of {methods[0]} with different mixtures"
    raise UsageError(
        f"{what} cannot be ranked: they share no label-free score in {wish.language or 'the target languages'} (the "
        "dev set of each is of its own mixture, and source dev tells source-language skill); give the data card "
        "translated_dev or synthetic sentences, name a --method, or export a run by its id"
    )


def _usable_on_new_text(records: Sequence[Record]) -> list[Record]:
    """Leave out translate-test with translations from files: nobody can translate another text that way."""
    usable = [r for r in records if r.params.get("method.test") != "translated" or r.tags.get("translator") != "file"]
    if usable and len(usable) < len(records):
        logger.warning(
            "%d runs of translate_test took their translations from files, so they cannot tag new text, and are left "
            "out of the choice (--method translate_test chooses among them)",
            len(records) - len(usable),
        )
    return usable or list(records)


def _check_language(records: Sequence[Record], language: str | None) -> None:
    """:raises UsageError: no run was tested on the language that shall decide."""
    targets = sorted({tag for record in records for tag in record.tags.get(names.LANGUAGES, "").split(",")[1:] if tag})
    if language is not None and language not in targets:
        raise UsageError(
            f"--language {language!r}: no run has it as a target{nearest(language, targets)}; {listing(targets)}"
        )


def _by_proxy(records: Sequence[Record], split: str, language: str) -> Chosen:
    def score(record: Record) -> float:
        judged = proxy_of(record, split, language)
        assert judged is not None
        return judged[0]

    best = max(records, key=score)
    where = "the target languages" if language == names.MEAN else language
    return Chosen(
        best,
        f"the best of {len(records)} runs on {SHOWN_AS[split]} in {where} (entity F1 {100 * score(best):.1f}), a proxy "
        "without target gold",
    )


def _judged(records: Sequence[Record], language: str) -> list[Record]:
    """Return the runs that some proxy has scored; all where there is none such."""
    judged = [record for record in records if any(proxy_of(record, split, language) for split in ORDER)]
    if judged and len(judged) < len(records):
        logger.warning(
            "%d of %d runs were not scored on any label-free dev set in the target languages (tracking.proxies) and "
            "are left out of the choice",
            len(records) - len(judged), len(records),
        )  # fmt: skip
    return judged or list(records)


def _is_usable(record: Record, kept: bool) -> bool:
    return (
        record.status == "FINISHED"
        and not record.tags.get(names.COLLAPSED)
        and (not kept or record.tags.get(names.CHECKPOINT_STATE) == names.CHECKPOINT_KEPT)
        and names.BEST_DEV_F1 in record.metrics
    )


def _why_none(records: Sequence[Record], kept: bool) -> str:
    if all(record.tags.get(names.COLLAPSED) for record in records if record.status == "FINISHED"):
        return "no run has finished well: none finished, or those that did found no entity on dev (collapsed)"
    if kept:
        return (
            "no finished run has kept its checkpoint; --rebuild trains the best one again from its own command and "
            "exports that"
        )
    return "no run has finished well"


def choose_run(store: Store, wanted: str, experiment: str | None, wish: Wish | None = None) -> Chosen:
    """Return a run by id, by the start of its id, or the best, see :func:`best_run`.

    :raises UsageError: no run, or several, fit.
    """
    if wanted == "best":
        return best_run(collect(store, experiment), wish)
    fitting = [record for record in collect(store, experiment) if record.run_id.startswith(wanted)]
    if len(fitting) != 1:
        raise UsageError(
            f"{'no run' if not fitting else f'{len(fitting)} runs'} of the store has an id starting with {wanted!r}"
        )
    return Chosen(fitting[0])
