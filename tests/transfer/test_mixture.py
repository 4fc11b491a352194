from collections import Counter
from dataclasses import replace

import pytest

from harness.config import MethodConfig
from harness.corpora.splits import hold_out, nested_subset
from harness.transfer.mixture import Mixture, Splitting, mixtures, needed_corpora
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
        corpus("sv", "synthetic_dev", 4), corpus("sw", "synthetic_dev", 4),
        corpus("sv", "translated_train", 20), corpus("sw", "translated_train", 20),
        corpus("sv", "translated_dev", 5), corpus("sw", "translated_dev", 5),
    )
}  # fmt: skip


ZERO_SHOT = MethodConfig(name="zero_shot", train=("source",), ratio=0)


SYNTHETIC = MethodConfig(name="synthetic", train=("source", "synthetic"), ratio=0.25)


def mix(
    method: MethodConfig, seed: int = 1, without: tuple[str, ...] = (), targets: tuple[str, ...] = ("sv", "sw")
) -> list[Mixture]:
    """Mix the toy corpora.

    :param without: splits of the targets that shall be missing.
    """
    corpora = {key: one for key, one in CORPORA.items() if key[0] == "en" or key[1] not in without}
    splitting = Splitting(nested_subset, hold_out, seed)
    return mixtures(method, corpora, source="en", targets=targets, splitting=splitting)


def parts(mixture: Mixture) -> dict[str, int]:
    """Return the composition of the dev set."""
    return mixture.account.reasons("dev")


def ids(mixture: Mixture) -> list[str]:
    return [sentence.id for sentence in mixture.train]


def test_ratio_counts_synthetic_sentences_per_source_sentence_for_each_target() -> None:
    (mixture,) = mix(SYNTHETIC)
    # 0.25 x 20 source sentences = 5 for each of two targets.
    assert {key: n for key, n in mixture.account.items() if not key.startswith("dev/")} == {
        "source/en": 20, "synthetic/sv": 5, "synthetic/sw": 5
    }  # fmt: skip
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
        ConfigError,
        match=r"method.ratio=0.75 asks for 15 synthetic sentences in 'sv', the corpus has 10, 4 more are held out",
    ):
        mix(SYNTHETIC.model_copy(update={"ratio": 0.75}))
    (mixture,) = mix(SYNTHETIC.model_copy(update={"ratio": 0.75, "shortfall": "use_all"}))
    assert (mixture.account["synthetic/sv"], mixture.account["synthetic_asked/sv"]) == (10, 15)


TRANSLATED = MethodConfig(name="translate_train", train=("translated",))
EVERYTHING = MethodConfig(name="all", train=("source", "translated", "synthetic"), ratio=0.25)


def test_the_dev_set_is_composed_as_the_mixture() -> None:
    assert parts(mix(ZERO_SHOT)[0]) == {"source/en": 5}
    assert parts(mix(TRANSLATED)[0]) == {"translated/sv": 5, "translated/sw": 5}
    # 5 synthetic sentences are to 20 source sentences as 1 to 5; 10 as 2 to 5.
    assert parts(mix(SYNTHETIC)[0]) == {"source/en": 5, "synthetic/sv": 1, "synthetic/sw": 1}
    half = SYNTHETIC.model_copy(update={"ratio": 0.5})
    assert parts(mix(half)[0]) == {"source/en": 5, "synthetic/sv": 2, "synthetic/sw": 2}
    assert parts(mix(EVERYTHING)[0]) == {
        "source/en": 5, "translated/sv": 5, "translated/sw": 5, "synthetic/sv": 1, "synthetic/sw": 1
    }  # fmt: skip
    alone = MethodConfig(name="synthetic_only", train=("synthetic",))
    assert parts(mix(alone)[0]) == {"synthetic/sv": 4, "synthetic/sw": 4}


@pytest.mark.parametrize("method", [ZERO_SHOT, TRANSLATED, SYNTHETIC, EVERYTHING], ids=lambda method: method.name)
@pytest.mark.parametrize("without", [(), ("translated_dev", "synthetic_dev")])
def test_no_model_is_judged_on_a_language_it_never_saw_or_on_what_it_saw(
    method: MethodConfig, without: tuple[str, ...]
) -> None:
    for mixture in mix(method.model_copy(update={"targets": "separate"}), without=without):
        assert {sentence.language for sentence in mixture.dev} <= {sentence.language for sentence in mixture.train}
        assert not {sentence.id for sentence in mixture.dev} & {sentence.id for sentence in mixture.train}
        assert mixture.dev


def test_one_part_alone_can_judge() -> None:
    by_source = TRANSLATED.model_copy(update={"dev": "source"})
    assert parts(mix(by_source)[0]) == {"source/en": 5}
    assert mix(by_source)[0].dev_name == "en"
    assert (mix(TRANSLATED)[0].dev_name, mix(EVERYTHING)[0].dev_name) == ("translated", "mixture")
    assert parts(mix(EVERYTHING.model_copy(update={"dev": "synthetic"}))[0]) == {"synthetic/sv": 4, "synthetic/sw": 4}


def test_translations_without_a_dev_set_hold_out_a_tenth_the_same_for_every_language_and_seed() -> None:
    (mixture,) = mix(TRANSLATED, without=("translated_dev",))
    assert mixture.account["translated/sv"] == 18
    held = {sentence.id.rpartition("-")[2] for sentence in mixture.dev if sentence.language == "sv"}
    assert len(held) == 2
    assert {sentence.id for sentence in mix(TRANSLATED, 2, ("translated_dev",))[0].dev} == {
        sentence.id for sentence in mixture.dev
    }


def test_nothing_to_judge_by_is_an_error() -> None:
    alone = MethodConfig(name="synthetic_only", train=("synthetic",))
    with pytest.raises(ConfigError, match="nothing is held out to judge synthetic_only by"):
        mix(alone, without=("synthetic_dev",))


def test_fill_gives_a_ratio_curve_its_three_arms() -> None:
    arms = {fill: mix(SYNTHETIC.model_copy(update={"fill": fill}))[0] for fill in ("add", "replace", "upsample")}
    assert {fill: len(mixture.train) for fill, mixture in arms.items()} == {"add": 30, "replace": 20, "upsample": 30}
    synthetic = {sentence.id for sentence in arms["add"].train if sentence.language != "en"}
    assert {sentence.id for sentence in arms["replace"].train if sentence.language != "en"} == synthetic
    source = [sentence.id for sentence in arms["replace"].train if sentence.language == "en"]
    assert len(source) == len(set(source)) == 10
    assert {sentence.language for sentence in arms["upsample"].train} == {"en"}
    assert set(ids(arms["upsample"])) == {f"en-train-{number}" for number in range(20)}
    assert arms["upsample"].account["repeated"] == 10
    assert arms["replace"].account["replaced"] == 10
    assert arms["replace"].account["source/en"] == 10
    assert parts(arms["upsample"]) == {"source/en": 5}
    assert arms["upsample"].synthetic == {}
    # 10 source sentences are left of 20, so 3 of 5 dev sentences; 5 synthetic ones a language are to 10 as 2 to 3.
    assert parts(arms["replace"]) == {"source/en": 3, "synthetic/sv": 2, "synthetic/sw": 2}


def test_what_is_replaced_altogether_judges_nothing() -> None:
    method = MethodConfig(name="s", train=("source", "synthetic"), size=10, fill="replace")
    (mixture,) = mix(method)
    assert {sentence.language for sentence in mixture.train} == {"sv", "sw"}
    assert parts(mixture) == {"synthetic/sv": 4, "synthetic/sw": 4}


def test_originals_of_held_out_translations_are_not_trained_on() -> None:
    method = MethodConfig(name="both", train=("source", "translated"))
    original = {**CORPORA, ("sv", "translated_train"): replace(CORPORA[("en", "train")], language="sv")}
    del original[("sv", "translated_dev")]
    splitting = Splitting(nested_subset, hold_out, 1)
    (mixture,) = mixtures(method, original, source="en", targets=("sv",), splitting=splitting)
    held = [sentence.id for sentence in mixture.dev[5:]]
    assert len(held) == 2 and not set(held) & {sentence.id for sentence in mixture.train}
    assert mixture.account["source/en"] == 18


def test_what_is_replaced_is_nested_and_cannot_be_more_than_there_is() -> None:
    def replaced(ratio: float) -> set[str]:
        method = SYNTHETIC.model_copy(update={"fill": "replace", "ratio": ratio})
        return {f"en-train-{number}" for number in range(20)} - set(ids(mix(method)[0]))

    assert replaced(0.1) < replaced(0.25) < replaced(0.5)
    method = MethodConfig(name="m", train=("target", "synthetic"), size=10, fill="replace", dev="synthetic")
    with pytest.raises(ConfigError, match="20 synthetic sentences cannot replace 12 others"):
        mix(method)


@pytest.mark.parametrize("fill", ["replace", "upsample"])
def test_every_arm_begins_at_zero_shot(fill: str) -> None:
    mixture = mix(SYNTHETIC.model_copy(update={"ratio": 0.0, "fill": fill}))[0]
    assert (mixture.train, mixture.dev, mixture.dev_name) == (mix(ZERO_SHOT)[0].train, mix(ZERO_SHOT)[0].dev, "en")


def test_upsampling_repeats_whole_passes_and_then_a_part() -> None:
    method = MethodConfig(name="m", train=("target", "synthetic"), size=10, fill="upsample", dev="source")
    (mixture,) = mix(method, targets=("sv",))
    counts = Counter(ids(mixture))
    assert len(mixture.train) == 16
    assert sorted(counts.values()) == [2, 2, 3, 3, 3, 3]


def test_target_supervised_is_an_oracle_on_target_gold() -> None:
    method = MethodConfig(name="target_supervised", train=("target",))
    assert method.is_oracle
    assert mix(method)[0].account == {"target/sv": 6, "target/sw": 6, "dev/target/sv": 3, "dev/target/sw": 3}
    assert mix(method)[0].dev_name == "sv-sw"
    assert mix(method, without=("dev",))[0].account["dev/target/sv"] == 1


def test_a_method_asks_only_for_what_it_needs() -> None:
    assert set(needed_corpora(ZERO_SHOT, "en", ["sv"])) == {("en", "train"), ("en", "dev")}
    assert ("sv", "synthetic") in set(needed_corpora(SYNTHETIC, "en", ["sv"]))
    assert ("sv", "synthetic") not in set(needed_corpora(SYNTHETIC.model_copy(update={"ratio": 0.0}), "en", ["sv"]))
