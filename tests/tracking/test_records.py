import pytest

from harness.tracking.records import Record, collect
from harness.tracking.run import Run
from harness.tracking.store import Store
from harness.values import names
from harness.values.errors import UsageError


def test_short_names_stand_for_parameters_and_tags_follow() -> None:
    record = Record("1", "FINISHED", {"encoder.name": "mbert"}, {}, {"protocol": "oracle"})
    assert (record.key("encoder"), record.key("protocol"), record.key("nothing")) == ("mbert", "oracle", "")


def test_runs_of_ours_are_collected_and_parents_of_sweeps_are_not(tracking: str) -> None:
    store = Store(tracking)
    with pytest.raises(UsageError, match="holds no runs"):
        collect(store, None)
    for tags in ({names.COMMAND: "harness run"}, {names.COMMAND: "x", names.KIND: names.KIND_SWEEP}, {}):
        with Run(store, "E", name="r", tags=tags):
            pass
    assert [record.tags[names.COMMAND] for record in collect(store, "E")] == ["harness run"]
