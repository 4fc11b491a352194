"""One contract for every translator, and what each does on its own."""

from pathlib import Path

from harness.config import TranslatorCard
from harness.machine.store import DiskRows
from harness.transfer.translate.contract import Translation
from harness.transfer.translate.open import open_translator
from harness.transfer.translate.parts import split_text, translate_in_parts
from harness.transfer.translate.texts import translate_texts


def test_a_long_text_is_translated_in_parts_and_counted(tiny_marian: Path, tmp_path: Path) -> None:
    card = TranslatorCard(name="m", kind="seq2seq", path=str(tiny_marian), max_new_tokens=4, beams=1)
    _, notes = translate_texts(
        open_translator(card, "en", "es", tmp_path), ["tablet " * 200, "Rome"], DiskRows("translations")
    )
    assert sum(notes.values()) >= 1
    assert set(notes) <= {"parts", "cut", "empty_answer"}


def test_parts_cut_at_the_best_break_and_lose_no_character() -> None:
    text = "One two three. Four five, six seven eight nine"
    parts = split_text(text, lambda part: len(part) <= 20)
    assert parts[0] == "One two three."
    assert "".join("".join(parts).split()) == "".join(text.split())
    assert split_text("The dose was 3.14159 mg", lambda part: len(part) < 15) == ["The dose was", "3.14159 mg"]
    assert "".join(split_text("x" * 99, lambda part: len(part) <= 10)) == "x" * 99
    made = translate_in_parts(
        ["a b c d", "e"], lambda part: len(part) <= 3, lambda parts: [Translation(p.upper()) for p in parts]
    )
    assert made == [Translation("A B C D", "parts"), Translation("E")]
