"""The parser on every defect known, and on mutated answers: no exception, no hang, no invented span."""

from hypothesis import given
from hypothesis import strategies as st

from harness.answers.forgiving_json import objects
from tests.synthesis.parse_cases import parse, sound

FRAGMENTS = st.sampled_from(
    [
        '{"tokens":',
        '["a","b"]',
        ',"ner_tags":',
        "[0,1]",
        "}",
        "[",
        "]",
        '"',
        ",",
        ":",
        "\\",
        "\n",
        "```",
        "a",
        "0",
        "<PER>",
        "</PER>",
    ]
)


@given(st.lists(FRAGMENTS, max_size=40).map("".join))
def test_any_mixture_of_json_pieces_is_survived(answer: str) -> None:
    sound(parse(answer))
    list(objects(answer))
