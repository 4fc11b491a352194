import pytest

from harness.config import MethodConfig
from harness.corpora.splits import nested_subset
from harness.transfer.mixture import Mixture, mixtures, needed_corpora
from harness.values.errors import ConfigError
from harness.values.records import Corpus, Origin, Sentence


def corpus(language: str, split: str, size: int) -> Corpus:
    sentences = tuple(
        Sentence(f"{language}-{split}-{number}", f"{language} {number}", language) for number in range(size)
    )
    return Corpus("x", split, language, sentences, ("PER",), Origin.GOLD)


CORPORA = {
    (one.language, one.split): one
    for one in (
        corpus("en", "train", 20), corpus("en", "dev", 5), corpus("sv", "synthetic", 10), corpus("sw", "synthetic", 10),
        corpus("sv", "train", 6), corpus("sw", "train", 6), corpus("sv", "dev", 3), corpus("sw", "dev", 3),
    )
}  # fmt: skip


ZERO_SHOT = MethodConfig(name="zero_shot", train=("source",), ratio=0)


SYNTHETIC = MethodConfig(name="synthetic", train=("source", "synthetic"), ratio=0.25)


def mix(method: MethodConfig, seed: int = 1) -> list[Mixture]:
    return mixtures(method, CORPORA, source="en", targets=("sv", "sw"), seed=seed, subset=nested_subset)


def ids(mixture: Mixture) -> list[str]:
    return [sentence.id for sentence in mixture.train]


def test_ratio_counts_synthetic_sentences_per_source_sentence_for_each_target() -> None:
    (mixture,) = mix(SYNTHETIC)
    # 0.25 x 20 source sentences = 5 for each of two targets.
    assert mixture.account == {"source/en": 20, "synthetic/sv": 5, "synthetic/sw": 5}
    assert len(mixture.train) == 30
    assert ids(mixture)[:20] == [f"en-train-{number}" for number in range(20)]


def test_ratio_zero_is_zero_shot() -> None:
    assert mix(SYNTHETIC.model_copy(update={"ratio": 0.0}))[0].train == mix(ZERO_SHOT)[0].train


def test_subsets_are_nested() -> None:
    small, large = (set(ids(mix(SYNTHETIC.model_copy(update={"ratio": ratio}))[0])) for ratio in (0.25, 0.5))
    assert small < large


def test_size_is_an_absolute_number() -> None:
    method = MethodConfig(name="synthetic", train=("source", "synthetic"), size=3)
    assert mix(method)[0].account["synthetic/sw"] == 3


def test_separate_targets_are_one_model_each_unless_they_are_the_same() -> None:
    separate = mix(SYNTHETIC.model_copy(update={"targets": "separate"}))
    assert [mixture.targets for mixture in separate] == [("sv",), ("sw",)]
    assert not {"sw-synthetic-0"} & set(ids(separate[0]))
    assert [m.targets for m in mix(ZERO_SHOT.model_copy(update={"targets": "separate"}))] == [("sv", "sw")]


def test_asking_for_more_than_there_is_stops_or_is_recorded() -> None:
    with pytest.raises(
        ConfigError, match=r"method.ratio=0.75 asks for 15 synthetic sentences in 'sv', the corpus has 10"
    ):
        mix(SYNTHETIC.model_copy(update={"ratio": 0.75}))
    (mixture,) = mix(SYNTHETIC.model_copy(update={"ratio": 0.75, "shortfall": "use_all"}))
    assert (mixture.account["synthetic/sv"], mixture.account["synthetic_asked/sv"]) == (10, 15)


def test_synthetic_dev_is_held_out_of_training() -> None:
    method = MethodConfig(name="synthetic_only", train=("synthetic",), dev="synthetic")
    (mixture,) = mix(method)
    assert mixture.account == {"synthetic_dev/sv": 1, "synthetic/sv": 9, "synthetic_dev/sw": 1, "synthetic/sw": 9}
    assert not {s.id for s in mixture.train} & {s.id for s in mixture.dev}
    assert mixture.dev_name == "synthetic"


def test_target_supervised_is_an_oracle_on_target_gold() -> None:
    method = MethodConfig(name="target_supervised", train=("target",))
    assert method.is_oracle
    assert mix(method)[0].account == {"target/sv": 6, "target/sw": 6}


def test_a_method_asks_only_for_what_it_needs() -> None:
    assert set(needed_corpora(ZERO_SHOT, "en", ["sv"])) == {("en", "train"), ("en", "dev")}
    assert ("sv", "synthetic") in set(needed_corpora(SYNTHETIC, "en", ["sv"]))
    assert ("sv", "synthetic") not in set(needed_corpora(SYNTHETIC.model_copy(update={"ratio": 0.0}), "en", ["sv"]))
