"""From an encoder card to a coder and a network."""

import logging
import os
from collections.abc import Sequence
from pathlib import Path

from harness.config import EncoderCard
from harness.machine.packaged import packaged_encoder
from harness.model.contract import Coder, Network
from harness.values.errors import ConfigError

logger = logging.getLogger(__name__)


def load_encoder(card: EncoderCard, tags: Sequence[str], *, max_length: int) -> tuple[Network, Coder]:
    """Load an encoder and its coder; call ``network.reset(seed)`` before training.

    :param tags: the tag set, O first.
    :param max_length: pieces in a window, special ones included; bounded by the encoder's own limit.
    :raises ConfigError: the encoder cannot be reached or loaded.
    """
    if card.kind == "char-bilstm":
        from harness.model.char_bilstm import CharBilstm, CharCoder

        network = CharBilstm(
            len(tags),
            byte_dimensions=card.byte_dimensions,
            filters=card.filters,
            hidden_units=card.hidden_units,
            dropout_rate=card.dropout_rate,
        )
        return network, CharCoder(max_length)
    return _load_transformer(card, tags, max_length)


def _load_transformer(card: EncoderCard, tags: Sequence[str], max_length: int) -> tuple[Network, Coder]:
    from harness.model.transformer import TransformerCoder, TransformerNetwork

    # The service that converts weights on the fly would load another revision than the pinned one.
    os.environ.setdefault("DISABLE_SAFETENSORS_CONVERSION", "1")
    path, revision = model_place(card)
    network = TransformerNetwork.pretrained(path, revision, tags, safetensors=card.safetensors)
    coder = TransformerCoder.pretrained(path, revision, max_length=max_length, config=network.model.config)
    return network, coder


def model_place(card: EncoderCard) -> tuple[str, str | None]:
    """Return the local folder or hub id of an encoder, and the revision.

    :raises ConfigError: the path looks like a folder and is none.
    """
    if card.package:
        return str(packaged_encoder(card.package)), None
    assert card.path is not None
    folder = Path(card.path).expanduser()
    if folder.is_dir():
        if not (folder / "config.json").is_file():
            raise ConfigError(f"encoder.path: {folder} holds no config.json; a folder saved by transformers is needed")
        return str(folder), None
    if folder.is_absolute() or card.path.startswith(("~", ".")) or card.path.count("/") > 1:
        raise ConfigError(f"encoder.path: no such folder: {folder}")
    if card.revision is None:
        logger.warning("encoder %s has no pinned revision: its weights may change between runs", card.path)
    return card.path, card.revision
