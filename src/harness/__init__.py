"""Zero-shot cross-lingual named-entity recognition, compared by entity-span accuracy.

Flow: config → corpora → transfer → model → evaluation → tracking; see :mod:`harness.pipeline`.
Nothing heavy is imported here: ``harness --help`` and ``harness evaluate`` need no torch.
"""

__version__ = "0.1.0"
