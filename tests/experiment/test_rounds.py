from pathlib import Path

from harness.config import compose_config
from harness.experiment.prepare import prepare
from harness.experiment.rounds import dev_scorer, joined, rounds
from harness.experiment.warm import Warm
from harness.model.plan import Watch
from tests.conftest import QUICK


def test_each_round_is_a_model_and_the_first_is_watched(toy_card: Path, tmp_path: Path) -> None:
    config = compose_config(
        ["data=toy", "trainer.max_epochs=1", "trainer.threads=1", *QUICK, "method=synthetic", "method.ratio=0.25",
         "method.targets=separate"],
        toy_card,
    )  # fmt: skip
    prepared = prepare(config, Warm())
    heard: list[int] = []
    reported: list[str] = []
    watch = Watch(on_evaluation=lambda evaluation: heard.append(evaluation.number))

    def watched(part: str, first: bool) -> Watch:
        return joined(watch, lambda evaluation: reported.append(part), first)

    assert [made.part for made in rounds(prepared, watched, tmp_path)] == ["sv", "sw"]
    assert reported == ["sv", "sv", "sw", "sw"] and heard == [1, 2]


def test_gold_scores_one_on_dev(toy_card: Path) -> None:
    prepared = prepare(compose_config(["data=toy", *QUICK], toy_card), Warm())
    (mixture,) = prepared.mixtures
    assert dev_scorer(prepared, mixture)([sentence.spans for sentence in mixture.dev])["entity_f1"] == 1.0
