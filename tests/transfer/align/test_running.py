"""Running text, and whose piece is whose."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.transfer.align.running import RunningText, piece_owners, running_text


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (("Hello", ",", "world", "!"), "Hello, world!"),
        (("(", "a", ")"), "(a)"),
        (("每天", "两", "次", "。"), "每天两次。"),
        (("服用", "aspirin", "100", "mg"), "服用 aspirin 100 mg"),
        (("¿", "Qué", "?"), "¿Qué?"),
        ((), ""),
    ],
)
def test_words_are_joined_as_their_scripts_do(words: tuple[str, ...], text: str) -> None:
    assert running_text(words).text == text


@given(st.lists(st.text("ab阿ไ।.,(", min_size=1, max_size=4), max_size=12))
def test_every_word_stands_where_its_offsets_say(words: list[str]) -> None:
    running = running_text(words)
    assert [running.text[start:end] for start, end in running.offsets] == words


def test_a_piece_belongs_to_every_word_it_shares_characters_with() -> None:
    running = RunningText("ab cd", ((0, 1), (1, 2), (3, 5)))
    assert piece_owners(running, [(0, 2), (2, 5)]).tolist() == [[0, 0], [0, 1], [1, 2]]
    assert piece_owners(running, [(0, 0)]).shape == (0, 2)
