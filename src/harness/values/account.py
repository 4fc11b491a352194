"""What became of entities that were carried from one text to another."""

from collections import Counter
from dataclasses import dataclass, field


@dataclass
class Account:
    """What became of the source spans. ``projected + dropped`` is always the number of source spans.

    :param fates: (fate, label) → source spans; fates are ``projected`` and ``dropped/REASON``; beside them ``copied``,
        ``extended``, ``split``, ``merged`` and ``marked`` say how many of the projected ones came about that way, and
        ``pieces`` how many target spans a split added.
    """

    fates: Counter[tuple[str, str]] = field(default_factory=Counter)

    def count(self, fate: str, label: str, number: int = 1) -> None:
        """Book a source span."""
        self.fates[(fate, label)] += number

    def total(self, fate: str) -> int:
        """Return how many source spans had a fate; ``dropped`` sums its reasons."""
        return sum(n for (name, _), n in self.fates.items() if name == fate or name.startswith(f"{fate}/"))

    def add(self, other: "Account") -> None:
        """Add another account."""
        self.fates.update(other.fates)

    @property
    def source(self) -> int:
        """Number of source spans."""
        return self.total("projected") + self.total("dropped")

    def as_dict(self) -> dict[str, int]:
        """Return the totals, and ``LABEL/FATE`` for each label."""
        values = {"source": self.source, "projected": self.total("projected"), "dropped": self.total("dropped")}
        for fate in sorted({fate for fate, _ in self.fates}):
            values[fate] = self.total(fate)
        for (fate, label), number in sorted(self.fates.items()):
            values[f"{label}/{fate}"] = number
        for label in sorted({label for _, label in self.fates}):
            values.setdefault(f"{label}/projected", 0)
            values[f"{label}/dropped"] = sum(
                number for (fate, name), number in self.fates.items() if name == label and fate.startswith("dropped")
            )
        return values
