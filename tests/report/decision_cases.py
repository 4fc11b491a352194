"""What the tests of decisions share: runs with the counts they would have stored."""

import numpy as np

from harness.evaluation.stored import StoredCounts
from harness.report.decision import Wanted, decide
from harness.report.groups import groups
from harness.report.table import comparison
from harness.tracking.records import Record
from harness.values.table import Table
from tests.evaluation.test_resampling import counts

BY = ("encoder", "method", "ratio")


def scored(
    method: str, ratio: str, seed: int, languages: dict[str, int], *, encoder: str = "e", changed: str = ""
) -> tuple[Record, dict[str, StoredCounts]]:
    """A run that finds so many of 100 entities in each sentence of a language, and its counts."""
    params = {
        "encoder.name": encoder, "method.name": method, "method.ratio": ratio, "seed": str(seed), "data.name": "d",
        "data.source": "en",
    }  # fmt: skip
    metrics = {f"test/{language}/entity_f1": share / 100 for language, share in languages.items()}
    targets = [share for language, share in languages.items() if language != "en"]
    metrics["test/mean/entity_f1"] = sum(targets) / len(targets) / 100
    tags = {"languages": ",".join(languages), "protocol": "zero_shot", "harness.command": "x"}
    stored = {
        f"test.{language}": StoredCounts(f"{language}{changed}", counts(np.full(40, share), 100))
        for language, share in languages.items()
    }
    return Record(f"{method}{ratio}{encoder}{seed}", "FINISHED", params, metrics, tags), stored


def study() -> list[tuple[Record, dict[str, StoredCounts]]]:
    """Zero-shot transfer, twice the same with synthetic data that is far better, and one that is as good."""
    shares = {
        "zero_shot 0": (50, 51, 52),
        "synthetic 0.1": (70, 71, 72),
        "synthetic 0.2": (70, 71, 73),
        "tie 0": (50, 51, 52),
    }
    return [
        scored(*name.split(" "), seed, {"en": 90, "sv": share, "da": share + seed})  # type: ignore[arg-type]
        for name, by_seed in shares.items()
        for seed, share in enumerate(by_seed, 1)
    ]


def table(runs: list[tuple[Record, dict[str, StoredCounts]]], wanted: Wanted | None = None) -> Table:
    """The comparison of runs."""
    stored = {record.run_id: one for record, one in runs}
    records = [record for record, _ in runs]
    wanted = wanted or Wanted("entity_f1")
    return comparison(
        records, BY, [wanted.measure], decider=lambda rows, keys: decide(rows, keys, lambda r: stored[r.run_id], wanted)
    )


def decided(runs: list[tuple[Record, dict[str, StoredCounts]]], wanted: Wanted | None = None):  # type: ignore[no-untyped-def]
    """The decision alone, and the names of its rows."""
    stored = {record.run_id: one for record, one in runs}
    keys, rows = groups([record for record, _ in runs], BY)
    found = decide(rows, keys, lambda r: stored[r.run_id], wanted or Wanted("entity_f1"))
    return found, [" ".join(group.keys) for group in rows]
