"""Which proxy may rank runs: one that all have, on the same sentences."""

from dataclasses import dataclass, field

from harness.tracking.judges import ORDER, best_founded, proxy_of, rank_by


@dataclass
class Run:
    metrics: dict[str, float]
    tags: dict[str, str] = field(default_factory=dict)
    params: dict[str, str] = field(default_factory=dict)


def run(digest: str = "aa", **scores: float) -> Run:
    metrics = {f"{split}/{language}/entity_f1": score for split, score in scores.items() for language in ("mean", "sv")}
    tags = {"harness.proxies": f"dev.en=00,translated_dev.sv=bb,synthetic_dev.sv={digest}"}
    return Run(metrics, tags)


def test_the_first_proxy_that_all_runs_have_is_taken() -> None:
    both, one = run(synthetic_dev=0.4, translated_dev=0.6), run(translated_dev=0.5)
    assert best_founded([both, both]) == ORDER[0]
    assert best_founded([both, one]) == "translated_dev"
    assert best_founded([both, run()]) is None
    assert best_founded([]) is None


def test_scores_on_other_sentences_are_not_compared() -> None:
    runs = [run(synthetic_dev=0.4, translated_dev=0.6), run("cc", synthetic_dev=0.9, translated_dev=0.5)]
    assert best_founded(runs) == "translated_dev"
    assert best_founded(runs, "sv") == "translated_dev"


def test_a_language_without_the_proxy_has_none() -> None:
    assert proxy_of(run(synthetic_dev=0.4), "synthetic_dev", "sv") == (0.4, "synthetic_dev.sv=aa")
    assert proxy_of(run(synthetic_dev=0.4), "synthetic_dev", "da") is None


def test_runs_of_one_recipe_are_ranked_by_the_dev_set_of_their_mixture_and_others_by_nothing() -> None:
    def trained(ratio: str) -> Run:
        return Run({"train/best_dev_entity_f1": 0.5}, params={"method.ratio": ratio, "trainer.learning_rate": "1"})

    assert rank_by([trained("0.1"), trained("0.1")]) == "train/best_dev_entity_f1"
    assert rank_by([trained("0.1"), trained("0.4")]) is None
    assert rank_by([run(synthetic_dev=0.4), run(synthetic_dev=0.5)]) == "synthetic_dev/mean/entity_f1"
