"""Zero-shot cross-lingual named-entity recognition, compared by entity-span accuracy.

Flow: config → corpora → transfer → model → evaluation → tracking; see :mod:`harness.pipeline`. From Python:
:func:`run`, :func:`launch`, :func:`compare`, :func:`load`, :func:`evaluate`. Nothing heavy is imported here:
``harness --help`` and ``harness evaluate`` need no torch.
"""

from harness.api import compare, evaluate, launch, load, run

__all__ = ["compare", "evaluate", "launch", "load", "run"]

__version__ = "0.1.0"
