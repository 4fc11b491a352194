import pytest

from harness.values.errors import (
    DataError,
    FileError,
    HarnessError,
    first_line,
    listing,
    nearest,
    printable,
    shortened,
    shown,
    text_withheld,
)


def test_words_of_messages_are_short_and_printable() -> None:
    assert "\x1b" not in printable("a\x1b[31m") and len(shown("x" * 500)) < 120
    assert listing(range(20)).endswith("…") or "more" in listing(range(20))
    assert "did you mean 'ratio'" in nearest("ratios", ["ratio", "size"]) and nearest("zzz", ["ratio"]) == ""
    assert len(shortened("x" * 9000, 2000)) <= 2100 and "left out" in shortened("x" * 9000, 2000)


@pytest.mark.parametrize(
    ("error", "line"), [(ValueError("one\ntwo"), "one"), (MemoryError(), "MemoryError"), (OSError("\n"), "")]
)
def test_a_message_has_a_first_line_even_where_it_is_empty(error: Exception, line: str) -> None:
    assert first_line(error) == line


def test_text_of_a_restricted_corpus_is_withheld_unless_we_wrote_the_message() -> None:
    with pytest.raises(HarnessError) as caught, text_withheld("n2c2", restricted=True):
        raise ValueError("patient Meier")
    assert "Meier" not in str(caught.value) and "ValueError" in str(caught.value)
    with pytest.raises(DataError, match="line 3"), text_withheld("n2c2", restricted=True):
        raise FileError("line 3")
    with pytest.raises(ValueError, match="Meier"), text_withheld("open", restricted=False):
        raise ValueError("patient Meier")
