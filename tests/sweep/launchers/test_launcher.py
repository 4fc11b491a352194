import pytest

from harness.sweep.launchers.launcher import Launcher
from harness.sweep.launchers.local import InProcess, LocalProcesses
from harness.sweep.plan import Plan

LAUNCHERS = [InProcess, LocalProcesses]


@pytest.mark.parametrize("kind", LAUNCHERS)
def test_every_launcher_takes_a_plan_and_returns_what_failed(
    kind: type, toy_card: object, tracking: str, tmp_path: object
) -> None:
    from harness.sweep.launch import make_plan
    from harness.sweep.ledger import Ledger
    from tests.sweep.launch_cases import sweep

    study = sweep(seeds=[1], grid=[{"method": ["zero_shot"]}])
    plan, _ = make_plan(Plan(study, (f"tracking.uri={tracking}",), toy_card, 1 if kind is InProcess else 2))  # type: ignore[arg-type]
    assert isinstance(plan, Plan)
    ledger = Ledger(study, plan.folder)
    assert ledger.queue(plan.wanted) == 1
    launcher: Launcher = kind()
    assert launcher.run(plan, progress=False) == []
    assert ledger.finished_keys() == plan.wanted.keys()
