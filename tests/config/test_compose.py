from pathlib import Path

import pytest

from harness.config import compose_config, group_options
from harness.config.compose import GROUPS
from harness.values.errors import ConfigError

SHIPPED = [(group, name) for group in GROUPS for name in group_options(group)]


@pytest.mark.parametrize(("group", "name"), SHIPPED, ids=lambda value: str(value))
def test_every_shipped_choice_composes(group: str, name: str) -> None:
    needed = {
        "hf": ["encoder.path=owner/name"], "chat": ["translator.model=m"], "links": ["aligner.path=x"],
        "ctranslate2": ["translator.path=x", "translator.tokenizer=owner/name"], "clinical": ["synthesis.model=m"],
        "general": ["synthesis.model=m"],
    }  # fmt: skip
    methods = ["method=translate_train"] if group in ("translator", "aligner") and name != "none" else []
    extra = [*needed.get(name, []), *methods]
    config = compose_config([f"{group}={name}", *extra])
    if group in ("data", "encoder"):
        card = getattr(config, group)
        assert card.license != "" and (card.citation or name in ("files", "hf"))


def test_an_override_wins_and_later_ones_win_over_earlier() -> None:
    config = compose_config(
        ["method=synthetic", "method.ratio=0.3", "seed=1", "seed=2", "method=zero_shot", "method.ratio=0"]
    )
    assert (config.method.name, config.method.ratio, config.seed) == ("zero_shot", 0, 2)


def test_a_users_folder_adds_choices_and_goes_before_the_shipped_ones(tmp_path: Path) -> None:
    (tmp_path / "method").mkdir()
    (tmp_path / "method" / "mine.yaml").write_text("name: mine\ntrain: [source]\nratio: 0\n")
    (tmp_path / "method" / "zero_shot.yaml").write_text("name: my-zero-shot\ntrain: [source]\nratio: 0\n")
    assert compose_config(["method=mine"], tmp_path).method.name == "mine"
    assert compose_config([], tmp_path).method.name == "my-zero-shot"
    assert compose_config([]).method.name == "zero_shot"
    with pytest.raises(ConfigError, match="no such choice"):
        compose_config(["method=mine"])


def test_an_experiment_preset_sets_several_groups(tmp_path: Path) -> None:
    (tmp_path / "experiment").mkdir()
    (tmp_path / "experiment" / "mine.yaml").write_text(
        "# @package _global_\ndefaults:\n  - override /method: synthetic\nseed: 9\n"
    )
    config = compose_config(["experiment=mine"], tmp_path)
    assert (config.method.name, config.seed) == ("synthetic", 9)


def test_a_card_of_ones_own_that_is_not_found_says_how_it_would_be(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"your own is found with --config-dir DIR, where DIR/data/news\.yaml is"):
        compose_config(["data=news"])
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "news.yaml").write_text("name: news\n")
    with pytest.raises(ConfigError, match="--config-dir is the folder above data"):
        compose_config(["data=news"], tmp_path / "data")
    with pytest.raises(ConfigError, match="without folder and ending: data=news --config-dir DIR"):
        compose_config(["data=my/data/news.yaml"])
    with pytest.raises(ConfigError, match="one seed for everything is seed=3"):
        compose_config(["seeds=3"])
