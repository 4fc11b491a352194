"""CTranslate2: a converted model, quantised if so converted, several times faster on a processor (extra)."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from harness.config import TranslatorCard
from harness.machine.provenance import available_cores, folder_digest
from harness.transfer.translate.contract import Translation
from harness.transfer.translate.parts import translate_in_parts
from harness.transfer.translate.seq2seq import Seq2SeqCodec, model_place
from harness.values.errors import ConfigError, DependencyError
from harness.values.languages import is_spaced


class CTranslate2Translator:
    """Beam search in CTranslate2; pieces come from the original model's tokenizer."""

    by_text = False

    def __init__(self, card: TranslatorCard, source: str, target: str, folder: Path) -> None:
        try:
            import ctranslate2
        except ImportError:
            raise DependencyError(
                "translator ctranslate2 is not installed; pip install 'ctranslate2>=4.6', or use seq2seq"
            ) from None
        import torch

        self._card = card
        self._pair = (source, target)
        self.batch_size = card.batch_size
        place = Path(model_place(card, source, target, folder))
        if not (place / "model.bin").is_file():
            raise ConfigError(
                f"translator.path: {place} holds no model.bin; convert a model with "
                "ct2-transformers-converter --model NAME --output_dir FOLDER"
            )
        self._digest = folder_digest(str(place))
        named = card.tokenizer or ""
        self._tokenizer_identity = [named, card.revision, folder_digest(named)]
        device = "cuda" if torch.cuda.is_available() and ctranslate2.get_cuda_device_count() else "cpu"
        self._engine: Any = ctranslate2.Translator(
            str(place), device=device, inter_threads=1, intra_threads=available_cores()
        )
        self.codec = Seq2SeqCodec(card, named, source, target)

    @property
    def identity(self) -> Mapping[str, object]:
        """Digest of the model, pair and decoding."""
        card = self._card
        return {
            "kind": "ctranslate2", "model": self._digest, "tokenizer": self._tokenizer_identity, "pair": self._pair,
            "beams": card.beams, "max_new_tokens": card.max_new_tokens, "codes": dict(card.codes),
            "batch_size": card.batch_size,
        }  # fmt: skip

    def translate(self, texts: Sequence[str]) -> list[Translation]:
        """Translate texts, those too long for the model in parts."""
        spaced = is_spaced(self._pair[1])
        return translate_in_parts(texts, self._fits, self._generate, size=self.batch_size, spaced=spaced)

    def _fits(self, text: str) -> bool:
        return len(self.codec.encode(text)) <= min(512, self.codec.longest)

    def _generate(self, texts: Sequence[str]) -> list[Translation]:
        prefix = [[self.codec.first_name]] * len(texts) if self.codec.first_name else None
        longest = min(self._card.max_new_tokens, self.codec.longest - 2)
        results = self._engine.translate_batch(
            [self.codec.pieces(text) for text in texts],
            target_prefix=prefix,
            beam_size=self._card.beams,
            max_decoding_length=longest,
            max_input_length=0,
        )
        answers = []
        for result in results:
            pieces = result.hypotheses[0]
            text = self.codec.join(pieces[1:] if self.codec.first_name else pieces)
            answers.append(Translation(text, "cut" if len(pieces) >= longest else ""))
        return answers
