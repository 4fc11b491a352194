"""Sequence-to-sequence models of transformers: Marian (Opus-MT), NLLB-200, M2M100, mBART, T5 (MADLAD-400).

``generate`` on batches of like length, float32 on a processor and bfloat16 on a GPU that has it. A text too long for
the model is cut at punctuation and translated in parts, never truncated. Safetensors first, no remote code.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from harness.config import TranslatorCard
from harness.machine.hub import LOADING_ERRORS, loading_error, ready_hub
from harness.machine.provenance import folder_digest
from harness.transfer.translate.codes import code_candidates, marian_candidates
from harness.transfer.translate.contract import Translation
from harness.transfer.translate.parts import translate_in_parts
from harness.values.errors import UsageError, listing
from harness.values.languages import is_spaced


def model_place(card: TranslatorCard, source: str, target: str, folder: Path) -> str:
    """Return hub id or folder of the model for a pair.

    :raises UsageError: the card has models by pair and none for this one.
    """
    named = card.path or card.pairs.get(f"{source}-{target}")
    if not named:
        raise UsageError(
            f"translator {card.name} has no model for {source}-{target}; known pairs: {listing(sorted(card.pairs))}; "
            f"add translator.pairs.{source}-{target}=MODEL or give translator.path"
        )
    local = Path(named).expanduser()
    return str(folder / local) if not local.is_absolute() and (folder / local / "config.json").is_file() else str(local)


class Seq2SeqTranslator:
    """Beam search with a pretrained model."""

    by_text = False

    def __init__(self, card: TranslatorCard, source: str, target: str, folder: Path) -> None:
        import torch
        from transformers import AutoModelForSeq2SeqLM

        self._card = card
        self._pair = (source, target)
        self.batch_size = card.batch_size
        place = model_place(card, source, target, folder)
        self._place = place
        self._files = folder_digest(place)
        device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        half = device.type == "cuda" and torch.cuda.is_bf16_supported()
        ready_hub(place)
        try:
            self._model: Any = AutoModelForSeq2SeqLM.from_pretrained(
                place, revision=card.revision, dtype=torch.bfloat16 if half else torch.float32, weights_only=True,
                trust_remote_code=False,
            )  # fmt: skip
        except LOADING_ERRORS as error:
            raise loading_error(place, error, key="translator.path") from error
        self._model.to(device).eval()
        self._device = device
        self._precision = "bf16" if half else "32"
        self.codec = Seq2SeqCodec(card, place, source, target)

    @property
    def identity(self) -> Mapping[str, object]:
        """Model, revision, pair and decoding."""
        card = self._card
        return {
            "kind": "seq2seq", "path": self._place, "files": self._files, "revision": card.revision,
            "pair": self._pair, "beams": card.beams, "max_new_tokens": card.max_new_tokens,
            "precision": self._precision, "codes": dict(card.codes), "batch_size": card.batch_size,
        }  # fmt: skip

    def translate(self, texts: Sequence[str]) -> list[Translation]:
        """Translate texts; see :class:`~harness.transfer.translate.contract.Translation` for the notes."""
        spaced = is_spaced(self._pair[1])
        return translate_in_parts(texts, self._fits, self._generate, size=self.batch_size, spaced=spaced)

    def _fits(self, text: str) -> bool:
        return len(self.codec.encode(text)) <= self._limit()

    def _limit(self) -> int:
        config = self._model.config
        table = getattr(config, "max_position_embeddings", None) or getattr(config, "n_positions", None) or 512
        # T5 has relative positions; beyond its training length it degrades, so 512 is kept as a bound.
        return min(int(table), 512, self.codec.longest)

    def _generate(self, texts: Sequence[str]) -> list[Translation]:
        import torch

        ids = [self.codec.encode(text) for text in texts]
        width = max(map(len, ids))
        padding = self.codec.padding
        batch = torch.tensor([[*number, *[padding] * (width - len(number))] for number in ids], device=self._device)
        longest = min(self._card.max_new_tokens, self._limit())
        options: dict[str, Any] = {"num_beams": self._card.beams, "max_new_tokens": longest, "do_sample": False}
        if self.codec.first_token is not None:
            options["forced_bos_token_id"] = self.codec.first_token
        mask = torch.tensor(
            [[1] * len(sequence) + [0] * (width - len(sequence)) for sequence in ids], device=self._device
        )
        with torch.inference_mode():
            generated = self._model.generate(input_ids=batch, attention_mask=mask, max_length=None, **options).cpu()
        ends = self._model.generation_config.eos_token_id
        ends = set(ends if isinstance(ends, list) else [ends])
        answers = []
        for row in generated.tolist():
            # Marian and mBART force an end at the length limit: an end in the last place only is none.
            cut = len(row) > longest and not ends & set(row[1:longest])
            answers.append(Translation(self.codec.decode(row), "cut" if cut else ""))
        return answers


def _marian_mark(card: TranslatorCard, place: str, target: str, marks: Sequence[str]) -> str:
    """Return the token that names the target language to a Marian model of several."""
    tried = [card.codes[target]] if target in card.codes else marian_candidates(target)
    for code in tried:
        if f">>{code}<<" in marks:
            return f">>{code}<<"
    raise UsageError(
        f"{place} knows no target language {listing(tried)}; set translator.codes.{target} to one of {listing(marks)}"
    )


class Seq2SeqCodec:
    """The tokenizer of a model and how it is told the languages.

    :raises UsageError: the model does not know a language.
    """

    def __init__(self, card: TranslatorCard, place: str, source: str, target: str) -> None:
        from transformers import AutoConfig, AutoTokenizer

        ready_hub(place)
        try:
            config = AutoConfig.from_pretrained(place, revision=card.revision, trust_remote_code=False)
            self._tokenizer: Any = AutoTokenizer.from_pretrained(place, revision=card.revision, trust_remote_code=False)
        except LOADING_ERRORS as error:
            raise loading_error(place, error, key="translator.path") from error
        self._specials = frozenset({*self._tokenizer.all_special_tokens, *self._tokenizer.get_added_vocab()})
        self.first_token: int | None = None
        self.first_name: str | None = None
        self._mark = ""
        self.padding: int = self._tokenizer.pad_token_id
        self.longest = min(int(self._tokenizer.model_max_length), 100_000)
        if config.model_type in ("m2m_100", "mbart"):
            self._tokenizer.src_lang = self._known(card, place, source)
            code = self._known(card, place, target)
            self._tokenizer.tgt_lang = code
            self.first_token = self._code_id(code)
            self.first_name = str(self._tokenizer.convert_ids_to_tokens([self.first_token or 0])[0])
        elif config.model_type in ("t5", "umt5", "mt5"):
            code = card.codes.get(target, target)
            if self._tokenizer.convert_tokens_to_ids(f"<2{code}>") == self._tokenizer.unk_token_id:
                raise UsageError(f"{place} does not know the target language <2{code}>; set translator.codes.{target}")
            self._mark = f"<2{code}> "
        elif config.model_type == "marian" and (marks := self._tokenizer.supported_language_codes):
            self._mark = f"{_marian_mark(card, place, target, marks)} "  # models of several target languages

    def encode(self, text: str) -> list[int]:
        """Return piece ids with the model's own special ones; such tokens in the text itself are ordinary text."""
        for token in self._specials:
            if token in text:
                text = text.replace(token, " ".join(token))
        return list(self._tokenizer(self._mark + text, verbose=False)["input_ids"])

    def pieces(self, text: str) -> list[str]:
        """Return the pieces as text, which CTranslate2 asks for."""
        return list(self._tokenizer.convert_ids_to_tokens(self.encode(text)))

    def decode(self, ids: Sequence[int]) -> str:
        """Return the text of generated ids."""
        return str(self._tokenizer.decode(ids, skip_special_tokens=True, clean_up_tokenization_spaces=False))

    def join(self, pieces: Sequence[str]) -> str:
        """Return the text of generated pieces."""
        return self.decode(self._tokenizer.convert_tokens_to_ids(list(pieces)))

    def _code_id(self, code: str) -> int | None:
        # A code is a token of its own; an ordinary piece that is spelled alike ('es') is none.
        marked = self._tokenizer.convert_tokens_to_ids(f"__{code}__")
        if marked is not None and marked != self._tokenizer.unk_token_id:
            return int(marked)
        return int(self._tokenizer.convert_tokens_to_ids(code)) if code in self._specials else None

    def _known(self, card: TranslatorCard, place: str, tag: str) -> str:
        tried = [card.codes[tag]] if tag in card.codes else code_candidates(tag)
        for code in tried:
            if self._code_id(code) is not None:
                return code
        raise UsageError(
            f"{place} knows no language code {listing(tried)} for {tag!r}; set translator.codes.{tag}=CODE"
        )
