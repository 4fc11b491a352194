from hypothesis import given
from hypothesis import strategies as st

from harness.corpora.splits import duplicates, nested_subset, overlaps
from harness.values.records import Corpus, Sentence


def corpus(texts: list[str], language: str = "en", split: str = "train", restricted: bool = False) -> Corpus:
    sentences = tuple(Sentence(str(number), text, language) for number, text in enumerate(texts))
    return Corpus("x", split, language, sentences, ("PER",), restricted=restricted)


@given(st.integers(0, 30), st.integers(0, 30), st.integers(0, 5))
def test_a_smaller_subset_is_part_of_every_larger_one(first: int, second: int, seed: int) -> None:
    whole = corpus([f"sentence {number}" for number in range(30)])
    small, large = sorted((first, second))
    smaller, larger = nested_subset(whole, small, seed).sentences, nested_subset(whole, large, seed).sentences
    assert larger[:small] == smaller
    assert len(larger) == large


def test_seeds_and_languages_give_other_subsets() -> None:
    texts = [f"sentence {number}" for number in range(30)]
    chosen = {
        tuple(sentence.id for sentence in nested_subset(corpus(texts, language), 5, seed).sentences)
        for language in ("sv", "sw")
        for seed in (1, 2)
    }
    assert len(chosen) == 4


def test_overlaps_are_found_across_languages_and_trivial_differences() -> None:
    train = corpus(["Take two tablets every morning.", "Thank you."])
    test = corpus(["take  two ＴＡＢＬＥＴＳ every morning.", "Thank you.", "Something else altogether."], "sv", "test")
    (found,) = overlaps([train, test])
    assert (found.first, found.second, found.sentences) == ("en.train", "sv.test", 1)
    assert found.share == 1 / 3  # 'Thank you.' is too short to be evidence


def test_duplicates_are_counted_and_a_restricted_text_is_not_shown() -> None:
    found = duplicates(corpus(["a b", "a  b", "c"], restricted=True))
    assert found is not None
    assert (found.sentences, found.example) == (1, "")
    assert duplicates(corpus(["a", "b"])) is None
