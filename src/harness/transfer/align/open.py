"""From the settings of an aligner to the aligner."""

from pathlib import Path

from harness.config import AlignerCard
from harness.transfer.align.contract import Aligner
from harness.values.errors import DataError


def open_aligner(card: AlignerCard, folder: Path) -> Aligner:
    """Return the aligner a card names.

    :param folder: what a relative path of links or priors starts from.
    :raises DependencyError: an optional package is missing; the message holds the command.
    """
    if card.kind == "joint":
        from harness.transfer.align.joint import JointAligner

        return JointAligner(card)
    if card.kind == "hmm":
        from harness.transfer.align.hmm import HmmAligner

        return HmmAligner(card)
    if card.kind == "eflomal":
        from harness.transfer.align.eflomal import EflomalAligner

        return EflomalAligner(card, folder)
    if card.kind == "embedding":
        from harness.transfer.align.embedding import EmbeddingAligner

        return EmbeddingAligner(card)
    if card.kind == "file":
        from harness.transfer.align.file import FileAligner

        return FileAligner(card, folder)
    raise DataError("no aligner is chosen; give aligner=joint, hmm, eflomal, simalign, awesome or links")
