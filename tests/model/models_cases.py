"""What the tests of several files share."""

from functools import partial
from pathlib import Path
from typing import Any

from harness.config import EncoderCard, TrainerConfig
from harness.evaluation.measures import measures
from harness.evaluation.spans import count_spans
from harness.model.encoder_memory import EncoderMemory
from harness.model.plan import TrainingData, TrainingPlan
from harness.model.train import Trained, train
from harness.values.labels import tag_names
from harness.values.records import Sentence, Span

LABELS = ("PER", "LOC")


TAGS = tag_names(LABELS)


def card(kind: str, tiny_bert: Path) -> EncoderCard:
    if kind == "char-bilstm":
        return EncoderCard(
            name=kind, kind="char-bilstm", filters=16, hidden_units=16, byte_dimensions=8, learning_rate=1e-2
        )
    return EncoderCard(name="tiny", path=str(tiny_bert), learning_rate=5e-3)


def toy(count: int, language: str = "en") -> list[Sentence]:
    names, places = ("anna", "bert", "carla"), ("rome", "oslo", "lima")
    made = []
    for number in range(count):
        name, place = names[number % 3], places[number // 3 % 3]
        text = f"{name} went to {place} on day {number}."
        start = text.index(place)
        spans = (Span(0, len(name), "PER"), Span(start, start + len(place), "LOC"))
        made.append(Sentence(str(number), text, language, spans))
    return made


def score_toy_dev(gold: list, spans: list) -> dict[str, float]:  # type: ignore[type-arg]
    return measures(count_spans(gold, spans, LABELS), LABELS)


def plan(kind: str, tiny_bert: Path, *, seed: int = 1, epochs: int = 6, **settings: Any) -> TrainingPlan:
    chosen = {"batch_size": 8, "threads": 1, "max_length": 64, "window_overlap": 8, "precision": "32", **settings}
    encoder = card(kind, tiny_bert)
    assert encoder.learning_rate is not None
    return TrainingPlan(
        encoder, LABELS, TrainerConfig.model_validate(chosen), encoder.learning_rate, 0.1, epochs, settings.get("max_steps"),
        seed, seed,
    )  # fmt: skip


def toy_data(train: list[Sentence] | None = None, dev: list[Sentence] | None = None) -> TrainingData:
    dev = toy(9) if dev is None else dev
    return TrainingData(toy(48) if train is None else train, dev, partial(score_toy_dev, [s.spans for s in dev]))


def fit(kind: str, tiny_bert: Path, tmp_path: Path, *, memory: EncoderMemory | None = None, **settings: Any) -> Trained:
    folder = tmp_path / f"training-{len(list(tmp_path.iterdir()))}"
    folder.mkdir()
    return train(plan(kind, tiny_bert, **settings), toy_data(), memory=memory or EncoderMemory(), folder=folder)


KINDS = ["char-bilstm", "transformer"]
