from pathlib import Path

from harness.model.plan import Evaluation, Watch
from tests.model.models_cases import plan


def test_a_plan_is_known_by_all_that_moves_a_weight(tiny_bert: Path) -> None:
    first = plan("char-bilstm", tiny_bert)
    assert first.identity() == plan("char-bilstm", tiny_bert).identity()
    for other in (plan("char-bilstm", tiny_bert, seed=2), plan("char-bilstm", tiny_bert, batch_size=4)):
        assert first.identity() != other.identity()
    assert first.tags[0] == "O" and len(first.tags) == 1 + 2 * len(first.labels)


def test_nobody_needs_to_watch() -> None:
    Watch().on_start("run")
    Watch().on_evaluation(Evaluation(1, 1, 1, 1.0, 0.5, {"entity_f1": 0.5}))
