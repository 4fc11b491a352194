"""What an experiment needs of whoever records it; and a tracker in memory, for tests and for looking on."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol, Self

from harness.values.errors import HarnessError
from harness.values.records import Corpus


class Pruned(HarnessError):
    """Raised by whoever prunes a run; it ends as KILLED."""


class Tracker(Protocol):
    """One run being recorded; a context manager that ends it truly.

    FINISHED when the block ends well, KILLED when pruned or interrupted, else FAILED with its reason.
    """

    run_id: str
    failure: str
    """Set it to end the run as FAILED although its block ends well (a sweep whose trials failed)."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def log_params(self, values: Mapping[str, Any]) -> None:
        """Record parameters, once."""

    def log_metrics(self, values: Mapping[str, float], *, step: int = 0) -> None:
        """Record metrics; of several steps the last value counts."""

    def set_tags(self, values: Mapping[str, str]) -> None:
        """Set tags."""

    def log_text(self, name: str, text: str) -> None:
        """Store a text artifact."""

    def log_json(self, name: str, value: object) -> None:
        """Store a JSON artifact."""

    def log_folder(self, folder: Path, name: str) -> None:
        """Store a folder of artifacts."""

    def log_corpora(self, corpora: Sequence[Corpus]) -> None:
        """Record data sets with their digests as inputs of the run; texts are not stored."""

    def start_system_metrics(self) -> None:
        """Sample processor and memory until the run ends."""


def ending(kind: type[BaseException] | None, error: BaseException | None) -> tuple[str, str]:
    """Return the status of a run and the reason for it."""
    if kind is None:
        return "FINISHED", ""
    if issubclass(kind, Pruned):
        return "KILLED", f"pruned: {error}"
    if issubclass(kind, KeyboardInterrupt):
        return "KILLED", "interrupted (Ctrl-C or SIGTERM)"
    return "FAILED", f"{kind.__name__}: {error}"


@dataclass
class MemoryTracker:
    """A run recorded in memory.

    :param artifacts: name → text, of a folder its files.
    """

    run_id: str = "memory"
    failure: str = ""
    status: str = "RUNNING"
    reason: str = ""
    params: dict[str, str] = field(default_factory=dict)
    metrics: dict[str, float] = field(default_factory=dict)
    steps: dict[str, list[tuple[int, float]]] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    artifacts: dict[str, str] = field(default_factory=dict)
    inputs: list[tuple[str, str]] = field(default_factory=list)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.status, self.reason = ending(kind, error)
        if kind is None and self.failure:
            self.status, self.reason = "FAILED", self.failure

    def log_params(self, values: Mapping[str, Any]) -> None:
        """Record parameters, once."""
        for name, value in values.items():
            if self.params.setdefault(name, str(value)) != str(value):
                raise ValueError(f"parameter {name} was recorded as {self.params[name]}")

    def log_metrics(self, values: Mapping[str, float], *, step: int = 0) -> None:
        """Record metrics; of several steps the last value counts."""
        for name, value in values.items():
            self.steps.setdefault(name, []).append((step, float(value)))
            self.metrics[name] = float(value)

    def set_tags(self, values: Mapping[str, str]) -> None:
        """Set tags."""
        self.tags |= values

    def log_text(self, name: str, text: str) -> None:
        """Store a text artifact."""
        self.artifacts[name] = text

    def log_json(self, name: str, value: object) -> None:
        """Store a JSON artifact."""
        self.log_text(name, json.dumps(value, indent=2, ensure_ascii=False, sort_keys=True) + "\n")

    def log_folder(self, folder: Path, name: str) -> None:
        """Store a folder of artifacts: the names and sizes of its files."""
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                self.artifacts[f"{name}/{path.relative_to(folder)}"] = f"{path.stat().st_size} bytes"

    def log_corpora(self, corpora: Sequence[Corpus]) -> None:
        """Record data sets with their digests as inputs of the run; texts are not stored."""
        self.inputs += [(f"{corpus.name} {corpus.language}.{corpus.split}", corpus.digest) for corpus in corpora]

    def start_system_metrics(self) -> None:
        """Sample nothing: a test has no use for it."""
