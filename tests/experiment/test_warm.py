from pathlib import Path

from harness.config import compose_config
from harness.experiment.warm import Warm
from tests.conftest import QUICK


def test_corpora_are_read_once_and_restricted_ones_stay_in_memory(toy_card: Path) -> None:
    warm = Warm()
    config = compose_config(["data=toy", *QUICK], toy_card)
    wanted = [("en", "train")]
    assert warm.catalogue(config, wanted) is warm.catalogue(config, wanted)
    assert warm.store(config).on_disk
    restricted = compose_config(["data=toy", *QUICK, "data.restricted=true"], toy_card)
    assert not warm.store(restricted).on_disk
    assert warm.encoders(restricted) is not warm.encoders(config)
