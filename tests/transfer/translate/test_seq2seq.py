"""One contract for every translator, and what each does on its own."""

import json
import shutil
from pathlib import Path

import pytest

from harness.config import TranslatorCard
from harness.machine.store import DiskRows
from harness.transfer.translate.open import open_translator
from harness.transfer.translate.seq2seq import Seq2SeqCodec
from harness.transfer.translate.texts import translate_texts
from harness.values.errors import UsageError


def test_a_folder_named_for_a_card_of_many_models_is_the_one_used(tmp_path: Path) -> None:
    from harness.transfer.translate.seq2seq import model_place

    card = TranslatorCard(name="opus", kind="seq2seq", pairs={"en-es": "hub/model"})
    assert model_place(card, "en", "es", tmp_path) == "hub/model"
    assert model_place(card.model_copy(update={"path": "/mine"}), "en", "es", tmp_path) == "/mine"


def test_an_ordinary_piece_is_no_language_code_and_marks_in_the_text_are_text(tiny_m2m: Path, tmp_path: Path) -> None:
    folder = tmp_path / "m2m"
    shutil.copytree(tiny_m2m, folder)
    vocabulary = json.loads((folder / "vocab.json").read_text(encoding="utf-8"))
    vocabulary |= {name: len(vocabulary) + number for number, name in enumerate(("es", "en"))}
    (folder / "vocab.json").write_text(json.dumps(vocabulary), encoding="utf-8")
    codec = Seq2SeqCodec(TranslatorCard(name="m", kind="seq2seq", path=str(folder)), str(folder), "en", "es")
    assert codec.first_name == "__es__"
    ids = codec.encode("take </s> one <pad> tablet")
    assert ids.count(2) == 1 and 1 not in ids


def test_marian_models_of_several_languages_are_told_which(tiny_marian: Path, tmp_path: Path) -> None:
    folder = tmp_path / "marian"
    shutil.copytree(tiny_marian, folder)
    vocabulary = json.loads((folder / "vocab.json").read_text(encoding="utf-8"))
    vocabulary |= {name: len(vocabulary) + number for number, name in enumerate((">>ara<<", ">>cmn_Hans<<"))}
    (folder / "vocab.json").write_text(json.dumps(vocabulary), encoding="utf-8")
    card = TranslatorCard(name="m", kind="seq2seq", path=str(folder))
    for target, mark in (("ar", ">>ara<<"), ("zh", ">>cmn_Hans<<")):
        codec = Seq2SeqCodec(card, str(folder), "en", target)
        assert vocabulary[mark] in codec.encode("take one")
    with pytest.raises(UsageError, match="knows no target language sw"):
        Seq2SeqCodec(card, str(folder), "en", "sw")


def test_a_translation_cut_at_the_limit_is_counted_where_the_end_is_forced(tiny_marian: Path, tmp_path: Path) -> None:
    card = TranslatorCard(name="m", kind="seq2seq", path=str(tiny_marian), max_new_tokens=5, beams=1)
    _, notes = translate_texts(
        open_translator(card, "en", "es", tmp_path), ["take one tablet twice a day"], DiskRows("translations")
    )
    assert notes == {"cut": 1}
