"""What best means: by a label-free score in the target languages, never by a test, nor across methods by source dev."""

import pytest

from harness.tracking.records import Record
from harness.values.errors import UsageError
from harness.workflows.choose import Wish, best_run
from tests.report.collect_cases import record


def judged(number: int, method: str, *, dev: float, test: float, **proxies: float) -> Record:
    """Return a run with scores on its own dev set, on proxies, and on the test that must not be looked at."""
    made = record(number, f1=dev, method__name=method)
    scores = {f"{split}/mean/entity_f1": value for split, value in proxies.items()} | {"test/mean/entity_f1": test}
    tags = {"harness.proxies": "synthetic_dev.sv=aa,translated_dev.sv=bb"}
    return Record(made.run_id, made.status, made.params, {**made.metrics, **scores}, {**made.tags, **tags})


def test_runs_of_one_recipe_are_chosen_on_dev_among_sound_kept_zero_shot_runs() -> None:
    runs = [
        record(1, f1=0.5), record(2, f1=0.6), record(3, f1=0.9, tags={"protocol": "oracle"}),
        record(4, f1=0.8, tags={"harness.collapsed": "x"}), record(5, f1=0.8, tags={"harness.checkpoint": "none"}),
        record(6, f1=0.8, status="KILLED"),
    ]  # fmt: skip
    chosen = best_run(runs)
    assert chosen.record.run_id == "run2"
    assert chosen.reason == "the best of 2 runs of one method on the dev set of its mixture"
    with pytest.raises(UsageError, match="has kept its checkpoint"):
        best_run(runs[3:])
    with pytest.raises(UsageError, match="cannot be compared; name one experiment"):
        best_run([record(1), record(2, data__name="other")])


RUNS = [
    judged(1, "zero_shot", dev=0.77, test=0.33, synthetic_dev=0.40, translated_dev=0.34),
    judged(2, "synthetic", dev=0.60, test=0.65, synthetic_dev=0.62, translated_dev=0.45),
    judged(3, "translate_train", dev=0.51, test=0.56, synthetic_dev=0.55, translated_dev=0.60),
]


def test_between_methods_source_dev_chooses_nothing() -> None:
    chosen = best_run(RUNS)
    assert chosen.record.run_id == "run2"
    assert "held-out synthetic sentences in the target languages (entity F1 62.0)" in chosen.reason


def test_the_proxy_is_one_that_all_of_them_have() -> None:
    without = judged(4, "translate_test", dev=0.67, test=0.59, translated_dev=0.7)
    chosen = best_run([*RUNS, without])
    assert chosen.record.run_id == "run4"
    assert "the translated dev set" in chosen.reason


def test_without_a_proxy_a_method_is_asked_for() -> None:
    bare = [record(1, f1=0.8, method__name="zero_shot"), record(2, f1=0.5, method__name="translate_train")]
    with pytest.raises(UsageError, match=r"runs of translate_train, zero_shot cannot be ranked.*name a --method"):
        best_run(bare)
    assert best_run(bare, Wish(method="translate_train")).record.run_id == "run2"
    with pytest.raises(UsageError, match="--method 'zero': no such run"):
        best_run(bare, Wish(method="zero"))
    ratios = [record(1, f1=0.8, method__ratio=0.1), record(2, f1=0.5, method__ratio=0.4)]
    with pytest.raises(UsageError, match="runs of m with different mixtures cannot be ranked"):
        best_run(ratios)


def test_one_language_can_decide() -> None:
    def with_swedish(run: Record, score: float) -> Record:
        return Record(
            run.run_id, run.status, run.params, {**run.metrics, "synthetic_dev/sv/entity_f1": score}, run.tags
        )

    with pytest.raises(UsageError, match="--language 'se': no run has it as a target"):
        best_run(RUNS, Wish(language="se"))
    runs = [with_swedish(run, score) for run, score in zip(RUNS, (0.1, 0.2, 0.3), strict=True)]
    assert best_run(runs, Wish(language="sv")).record.run_id == "run3"


def test_runs_that_no_proxy_has_scored_are_left_out_and_said_so(caplog: pytest.LogCaptureFixture) -> None:
    assert best_run([*RUNS, record(9, f1=0.99, method__name="old")]).record.run_id == "run2"
    assert "1 of 4 runs were not scored on any label-free dev set" in caplog.text


def test_what_cannot_tag_new_text_is_chosen_only_by_name(caplog: pytest.LogCaptureFixture) -> None:
    made = judged(4, "translate_test", dev=0.7, test=0.7, synthetic_dev=0.9)
    filed = Record(
        "run4",
        made.status,
        {**made.params, "method.test": "translated"},
        made.metrics,
        {**made.tags, "translator": "file"},
    )
    assert best_run([*RUNS, filed]).record.run_id == "run2"
    assert "1 runs of translate_test took their translations from files" in caplog.text
    assert best_run([*RUNS, filed], Wish(method="translate_test")).record.run_id == "run4"
    engine = Record("run4", filed.status, filed.params, filed.metrics, {**filed.tags, "translator": "apertium"})
    assert best_run([*RUNS, engine]).record.run_id == "run4"
    assert best_run([filed]).record.run_id == "run4"
