"""Contestants in turn, round after round: a machine whose speed drifts hurts all alike, and ratios are of one round."""

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]


@dataclass
class Rounds:
    """Measurements by contestant and quantity, in rounds."""

    found: dict[str, list[dict[str, float]]] = field(default_factory=dict)

    @property
    def names(self) -> list[str]:
        return list(self.found)

    def add(self, name: str, values: Mapping[str, float]) -> None:
        self.found.setdefault(name, []).append(dict(values))

    def median(self, name: str, key: str) -> float:
        return statistics.median(values[key] for values in self.found[name])

    def ratio(self, name: str, base: str, key: str) -> str:
        """Return the median ratio to another contestant within the rounds, with the smallest and the largest."""
        pairs = zip(self.found[name], self.found[base], strict=False)
        ratios = sorted(one[key] / two[key] for one, two in pairs)
        middle = f"{statistics.median(ratios):.2f}"
        return middle if len(ratios) == 1 or name == base else f"{middle} ({ratios[0]:.2f} to {ratios[-1]:.2f})"


def contest(
    module: str, contestants: Sequence[str], arguments: Sequence[Any], *, rounds: int, once: Sequence[str] = ()
) -> Rounds:
    """Run ``module.run(contestant, *arguments)`` in processes of their own, in turn.

    :param once: contestants so slow that one round is enough to show it.
    """
    found = Rounds()
    name = Path(sys.argv[0]).stem if module == "__main__" else module.rpartition(".")[2]
    for number in range(rounds):
        for contestant in contestants:
            if contestant in once and number:
                continue
            given = json.dumps([f"benchmarks.{name}", contestant, *arguments])
            done = subprocess.run(
                [sys.executable, "-W", "ignore", "-m", "benchmarks.rounds", given],
                capture_output=True, text=True, check=False, cwd=ROOT, env=dict(os.environ),
            )  # fmt: skip
            if done.returncode:
                raise SystemExit(done.stderr)
            found.add(contestant, json.loads(done.stdout.strip().splitlines()[-1]))
    return found


def in_turn(contestants: Mapping[str, Callable[[], object]], *, rounds: int, key: str = "seconds") -> Rounds:
    """Time functions of this process in turn; each is called once before the clock counts."""
    found = Rounds()
    for call in contestants.values():
        call()
    for _ in range(rounds):
        for name, call in contestants.items():
            started = time.perf_counter()
            call()
            found.add(name, {key: time.perf_counter() - started})
    return found


if __name__ == "__main__":
    os.environ.setdefault("GOMP_SPINCOUNT", "1000")
    place, *rest = json.loads(sys.argv[1])
    print(json.dumps(import_module(place).run(*rest)))
