"""What became of things: named counts, the same class for readers, translators, projection, mixtures and parsing."""

from collections import Counter
from collections.abc import Mapping


class Account(Counter[str]):
    """Named counts; a name may have a reason after a slash, as ``dropped/unaligned``.

    Whatever drops, cuts, repairs or merges returns one, and it is logged: nothing is lost silently.

    :param labels: label → the same counts for entities of that label alone, where they were counted by label.
    """

    def __init__(self, counts: Mapping[str, int] | None = None) -> None:
        super().__init__(counts or {})
        self.labels: dict[str, Account] = {}

    def count(self, name: str, label: str | None = None, number: int = 1) -> None:
        """Count something, of an entity with its label."""
        self[name] += number
        if label is not None:
            self.labels.setdefault(label, Account())[name] += number

    def add(self, other: "Account") -> None:
        """Add another account, its labels too."""
        self.update(other)
        for label, counts in other.labels.items():
            self.labels.setdefault(label, Account()).update(counts)

    def sum_of(self, name: str) -> int:
        """Return a count with all its reasons: ``dropped`` sums ``dropped/unaligned`` and the others."""
        return sum(number for key, number in self.items() if key == name or key.startswith(f"{name}/"))

    def reasons(self, name: str) -> dict[str, int]:
        """Return reason → count of one name."""
        return {key.removeprefix(f"{name}/"): number for key, number in self.items() if key.startswith(f"{name}/")}

    def nonzero(self) -> "Account":
        """Return the counts that are not zero; labels are left out."""
        return Account({key: number for key, number in self.items() if number})
