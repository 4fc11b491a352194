"""Label-free development sets: the same for every method, without target gold, left out where they cannot be made."""

from pathlib import Path

import pytest

from harness.config import Config, compose_config
from harness.config.compose import group_options
from harness.config.yaml_files import load_mapping
from harness.experiment.prepare import Prepared, prepare
from harness.experiment.warm import Warm
from harness.transfer.proxies import USUAL_ALIGNER, proxy_splits

RX = ["encoder=char-bilstm", "encoder.filters=8", "encoder.hidden_units=8", "encoder.byte_dimensions=8"]
FILE = ["translator=file", "aligner=hmm"]
LANGUAGES = "method.languages=[fr,zh]"


def prepared(*overrides: str, folder: Path | None = None) -> Prepared:
    return prepare(compose_config([*RX, *overrides], folder), Warm())


def digests(made: Prepared) -> dict[tuple[str, str], str]:
    return {(proxy.corpus.language, proxy.corpus.split): proxy.corpus.digest for proxy in made.proxies}


METHODS = {
    "zero_shot": ["method=zero_shot", *FILE], "synthetic": ["method=synthetic", "method.ratio=0.5", *FILE],
    "translate_train": ["method=translate_train", *FILE], "translate_test": ["method=translate_test", *FILE],
}  # fmt: skip


@pytest.fixture(scope="module")
def by_method() -> dict[str, Prepared]:
    return {name: prepared(LANGUAGES, *overrides) for name, overrides in METHODS.items()}


def test_every_method_is_scored_on_the_same_sentences(by_method: dict[str, Prepared]) -> None:
    found = {name: digests(made) for name, made in by_method.items()}
    assert set(found["zero_shot"]) == {
        ("en", "dev"), ("fr", "translated_dev"), ("fr", "synthetic_dev"), ("zh", "translated_dev"),
        ("zh", "synthetic_dev"),
    }  # fmt: skip
    through = found.pop("translate_test")
    assert all(other == found["zero_shot"] for other in found.values())
    assert through == {key: value for key, value in found["zero_shot"].items() if key[1] != "translated_dev"}


def test_they_hold_labels_but_no_sentence_of_target_gold_or_of_training(by_method: dict[str, Prepared]) -> None:
    made = by_method["synthetic"]
    trained = {sentence.text for mixture in made.mixtures for sentence in mixture.train}
    tested = {
        sentence.text for mixture in made.mixtures for corpus in made.tests(mixture) for sentence in corpus.sentences
    }
    for proxy in made.proxies:
        assert proxy.corpus.entities > 0
        assert not {sentence.text for sentence in proxy.corpus.sentences} & (trained | tested)


def test_translate_test_tags_them_in_translation(by_method: dict[str, Prepared]) -> None:
    routes = {(p.corpus.language, p.corpus.split): p.route for p in by_method["translate_test"].proxies}
    assert routes.pop(("en", "dev")) is None
    assert all(route is not None for route in routes.values())
    assert all(proxy.route is None for proxy in by_method["zero_shot"].proxies)
    route = routes[("fr", "synthetic_dev")]
    assert route is not None and {sentence.language for sentence in route.translated} == {"en"}
    assert not [key for key in routes if key[1] == "translated_dev"], "it would be the original on its way back"


def test_source_dev_judges_besides_only_where_it_is_not_the_dev_set_already(by_method: dict[str, Prepared]) -> None:
    def judged(name: str) -> set[str]:
        made = by_method[name]
        return {proxy.corpus.split for proxy in made.judges(made.mixtures[0])}

    assert "dev" not in judged("zero_shot") and "dev" in judged("translate_train")


def test_a_card_without_them_has_what_it_can(toy_card: Path) -> None:
    made = prepared("data=toy", "method=zero_shot", folder=toy_card)
    assert set(digests(made)) == {("en", "dev"), ("sv", "synthetic_dev"), ("sw", "synthetic_dev")}
    through = prepared("data=toy", "method=translate_test", *FILE, "method.languages=[sv]", folder=toy_card)
    assert set(digests(through)) == {("en", "dev")}, "held-out synthetic sentences have no translation on the card"
    none = prepared("data=toy", "method=zero_shot", "tracking.proxies=none", folder=toy_card)
    assert none.proxies == ()


def test_an_engine_of_the_study_makes_the_translated_dev_set_of_every_method(toy_card: Path, tmp_path: Path) -> None:
    table = tmp_path / "table.tsv"
    lines = (toy_card / "data" / "en" / "dev.conll").read_text(encoding="utf-8").split("\n\n")
    texts = [" ".join(row.split("\t")[0] for row in block.splitlines() if row) for block in lines]
    table.write_text("".join(f"{text}\tiga {text}\n" for text in texts if text), encoding="utf-8")
    engine = ["translator=file", f"translator.path={table}", "aligner=hmm", "method.languages=[sw]"]
    made = prepared("data=toy", "method=zero_shot", *engine, folder=toy_card)
    (corpus,) = [proxy.corpus for proxy in made.proxies if proxy.corpus.split == "translated_dev"]
    assert (len(corpus), corpus.language) == (12, "sw")
    assert corpus.entities == 24


def test_what_cannot_be_made_is_left_out_with_a_warning(toy_card: Path, caplog: pytest.LogCaptureFixture) -> None:
    engine = ["translator=file", "translator.path=/nowhere.tsv", "aligner=hmm"]
    made = prepared("data=toy", "method=zero_shot", *engine, folder=toy_card)
    assert "translated_dev" not in {proxy.corpus.split for proxy in made.proxies}
    assert "no translated dev set can be made to judge by" in caplog.text


def test_a_file_that_cannot_be_read_stops_no_run_that_does_not_need_it(
    toy_card: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (toy_card / "data" / "sw" / "synthetic.jsonl").unlink()
    made = prepared("data=toy", "method=zero_shot", folder=toy_card)
    assert set(digests(made)) == {("en", "dev"), ("sv", "synthetic_dev")}
    assert "sw.synthetic cannot be read to judge by" in caplog.text


def test_an_oracle_of_one_language_keeps_its_proxies(toy_card: Path) -> None:
    made = prepared("data=toy", "method=target_supervised", "method.languages=[sv]", folder=toy_card)
    judged = {(proxy.corpus.language, proxy.corpus.split) for proxy in made.judges(made.mixtures[0])}
    assert ("sv", "synthetic_dev") in judged and ("en", "dev") in judged


def test_no_restricted_text_goes_to_a_remote_engine(toy_card: Path) -> None:
    chat = ["translator=chat", "translator.model=m", "translator.base_url=https://example.org/v1", "aligner=hmm"]
    made = prepared("data=toy", "data.restricted=true", "method=zero_shot", *chat, folder=toy_card)
    assert "translated_dev" not in {proxy.corpus.split for proxy in made.proxies}


def test_only_what_the_card_has_is_asked_for() -> None:
    config: Config = compose_config([*RX, LANGUAGES, "method.hold_out=0"])
    assert ("fr", "synthetic") not in set(proxy_splits(config)) and ("fr", "synthetic_dev") in set(proxy_splits(config))
    assert ("de", "translated_dev") not in set(proxy_splits(config))


def test_the_usual_aligner_is_the_shipped_one() -> None:
    assert USUAL_ALIGNER.model_dump(exclude_defaults=True) == load_mapping(group_options("aligner")["hmm"], "a card")


def test_without_the_package_of_the_default_they_are_made_with_the_aligner_that_needs_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from harness.machine import packaged

    monkeypatch.setattr(packaged, "find_spec", lambda name: None)
    made = prepared("method=zero_shot", "method.languages=[fr]", "encoder=char-bilstm")
    assert ("fr", "translated_dev") in digests(made)
