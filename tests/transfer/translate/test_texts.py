"""One contract for every translator, and what each does on its own."""

from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

import pytest

from harness.machine.store import DiskRows, MemoryRows
from harness.transfer.translate.contract import PartlyAnswered, Translation
from harness.transfer.translate.texts import translate_texts
from harness.values.errors import DataError, HarnessError


class Reversing:
    """A translator that can be killed after some batches."""

    batch_size = 2
    by_text = False

    def __init__(self, batches: int | None = None) -> None:
        self.left = batches
        self.asked: list[str] = []

    @property
    def identity(self) -> dict[str, object]:
        return {"kind": "reversing"}

    def translate(self, texts: list[str]) -> list[Translation]:
        if self.left == 0:
            raise KeyboardInterrupt
        self.left = None if self.left is None else self.left - 1
        self.asked += texts
        return [Translation(text[::-1], "cut" if text == "ccc" else "") for text in texts]


def test_a_killed_translation_goes_on_and_redoes_at_most_one_batch() -> None:
    texts = ["a", "bb", "ccc", "dddd", "eeeee", "bb", ""]
    first = Reversing(batches=1)
    with pytest.raises(KeyboardInterrupt):
        translate_texts(first, texts, DiskRows("translations"))
    second = Reversing()
    found = translate_texts(second, texts, DiskRows("translations"))
    assert found == (["a", "bb", "ccc", "dddd", "eeeee", "bb", ""], {"cut": 1})
    assert len(first.asked) == 2
    assert sorted(first.asked + second.asked) == sorted({*texts} - {""})


class Counting(Reversing):
    """A translator that numbers its answers, as a sampling server would; texts do not bear on each other."""

    by_text = True
    count = 0

    def translate(self, texts: list[str]) -> list[Translation]:
        self.asked += texts
        Counting.count += len(texts)
        return [Translation(f"{text} {Counting.count}") for text in texts]


def test_what_is_stored_is_asked_once_and_is_what_is_written() -> None:
    first, _ = translate_texts(Counting(), ["a", "b", "c"], DiskRows("translations"))
    server = Counting()
    found, _ = translate_texts(server, ["b", "d", "a"], DiskRows("translations"))
    assert server.asked == ["d"]
    assert (found[0], found[2]) == (first[1], first[0])

    class Network(Counting):
        by_text = False  # its batches are repeated whole, but what was stored stays

    network = Network()
    again, _ = translate_texts(network, ["b", "e"], DiskRows("translations"))
    assert network.asked == ["b", "e"] and again[0] == found[0]


def test_restricted_text_is_kept_in_memory_only(tmp_path: Path) -> None:
    translate_texts(Reversing(), ["secret"], MemoryRows())
    assert not list(tmp_path.rglob("*.sqlite"))
    translate_texts(Reversing(), ["open"], DiskRows("translations"))
    assert list(tmp_path.rglob("*.sqlite"))


def test_a_translator_that_answers_another_number_is_an_error() -> None:
    class Short(Reversing):
        def translate(self, texts: list[str]) -> list[Translation]:
            return []

    with pytest.raises(DataError, match="answered 0 of 2"):
        translate_texts(Short(), ["a", "b"], DiskRows("translations"))


class Failing:
    """A paid translator that refuses one text of a batch."""

    by_text = True
    batch_size = 4
    identity: ClassVar[dict[str, object]] = {"kind": "failing"}

    def __init__(self) -> None:
        self.asked: list[str] = []

    def translate(self, texts: Sequence[str]) -> list[Translation]:
        self.asked += texts
        if "c" in texts:
            raise PartlyAnswered("refused", {text: Translation(text.upper()) for text in texts if text != "c"})
        return [Translation(text.upper()) for text in texts]


@pytest.mark.parametrize("disk", [True, False])
def test_what_was_answered_before_a_fault_is_not_paid_for_twice(disk: bool, tmp_path: Path) -> None:
    rows = DiskRows("t", tmp_path / "t.sqlite") if disk else MemoryRows()
    advice = "what is translated is kept, repeat" if disk else "nothing is kept of a restricted text"
    translator = Failing()
    with pytest.raises(HarnessError, match=advice):
        translate_texts(translator, ["a", "b", "c", "d"], rows)
    with pytest.raises(HarnessError):
        translate_texts(translator, ["a", "b", "c", "d"], rows)
    assert translator.asked == ["a", "b", "c", "d", "c"]
