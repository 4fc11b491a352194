from pathlib import Path

import pytest

from harness.config import AlignerCard
from harness.values.errors import UsageError
from harness.values.records import Sentence
from harness.workflows.candidates import Languages, Scored, chosen, compare_candidates

LANGUAGES = Languages.of("eng", "swe")
SIDES = ((Sentence("1", "a", "en"),), (Sentence("1", "b", "sv"),))


def test_the_best_by_intrinsic_quality_is_chosen_and_ranked(tmp_path: Path) -> None:
    scores = {"a": 0.5, "b": 0.9, "c": 0.9}
    choice = chosen("a, b,c", scored=True, what="aligners", ranking=tmp_path / "r.jsonl")

    def run(name: str) -> Scored[str]:
        card = AlignerCard(name=name, kind="hmm")
        return Scored(f"result of {name}", {"span_f1": scores[name]}, ("span_f1", scores[name]), card)

    compared = compare_candidates(choice, run, LANGUAGES, SIDES)
    assert (compared.best, compared.result) == ("b", "result of b"), "of equals the first by name"
    assert compared.scores["a"] == {"span_f1": 0.5}
    assert len((tmp_path / "r.jsonl").read_text().splitlines()) == 3
    assert LANGUAGES.pair == "en-sv"


def test_several_need_something_to_score_them_by() -> None:
    with pytest.raises(UsageError, match="several aligners"):
        chosen("a,b", scored=False, what="aligners")
    with pytest.raises(UsageError, match="--ranking keeps scores"):
        chosen("a", scored=False, what="aligners", ranking=Path("r"))
    assert not chosen("a", scored=False, what="aligners", keep=True, restricted=True).store.on_disk
