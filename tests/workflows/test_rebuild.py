import pytest

from harness.tracking.records import Record
from harness.tracking.store import Store
from harness.values import names
from harness.values.errors import UsageError
from harness.workflows.rebuild import rebuild_run


@pytest.mark.parametrize(
    ("command", "reason"),
    [("python train.py", "is not a harness run"), ("harness run tracking.uri=x data=*** ", "holds a masked password")],
)
def test_a_command_that_cannot_be_repeated_is_refused(command: str, reason: str, tracking: str) -> None:
    record = Record("abc", "FINISHED", {}, {}, {names.COMMAND: command})
    with pytest.raises(UsageError, match=reason):
        rebuild_run(Store(tracking), record, None)  # type: ignore[arg-type]
