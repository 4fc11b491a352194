"""What MLflow's UI shows of an experiment: its kind and question, and a view of the runs that has their scores in it.

Left alone, the UI opens a classical experiment as one of language-model applications, and its table of runs has no
metric. A view is a tag of the experiment that the UI reads (``mlflow.sharedViewState.NAME``, chosen in a link by
``viewStateShareKey=NAME``); it changes nothing else.
"""

import json
from collections.abc import Mapping, Sequence

from harness.values import names

VIEW = "harness"
"""Name of the view in links."""

KIND, KIND_TRAINING = "mlflow.experimentKind", "custom_model_development"
DESCRIPTION = "mlflow.note.content"
PRIMARY, GREATER = "mlflow.experiment.primaryMetric.name", "mlflow.experiment.primaryMetric.greaterIsBetter"
STATE = f"mlflow.sharedViewState.{VIEW}"

TRAINING_MODE = "workflowType=machine_learning"
"""In a link: the UI's menus for training. Without it those for language-model applications open, whatever kind the
experiment is of."""

PARAMETERS = ("encoder.name", "method.name", "method.ratio", "seed")
"""Columns beside the scores."""


def missing_tags(tags: Mapping[str, str], languages: Sequence[str], description: str = "") -> dict[str, str]:
    """Return the tags that an experiment lacks; what a person has written there stays.

    :param tags: those it has.
    :param languages: tested by the runs to come, the source first; those of the view stay.
    :param description: the question of a study, in words.
    """
    best = names.headline(names.MEAN)
    wanted = {KIND: KIND_TRAINING, PRIMARY: best, GREATER: "true"}
    if description:
        wanted[DESCRIPTION] = description
    found = {name: text for name, text in wanted.items() if name not in tags}
    try:
        columns = list(json.loads(tags.get(STATE, "{}")).get("selectedColumns", []))
    except (ValueError, AttributeError):
        columns = []
    shown = columns or [f"params.`{name}`" for name in PARAMETERS]
    new = [f"metrics.`{names.headline(language)}`" for language in (names.MEAN, *languages)]
    if any(column not in shown for column in new):
        found[STATE] = _state([*shown, *(column for column in new if column not in shown)], best)
    return found


def _state(columns: Sequence[str], best: str) -> str:
    return json.dumps(
        {
            "searchFilter": "", "orderByKey": f"metrics.`{best}`", "orderByAsc": False, "startTime": "ALL",
            "lifecycleFilter": "Active", "datasetsFilter": [], "modelVersionFilter": "All Runs",
            "selectedColumns": list(columns), "runsExpanded": {}, "runsPinned": [], "runsHidden": [],
            "runsHiddenMode": "FIRST_10_RUNS", "viewMaximized": True, "runListHidden": False,
            "isAccordionReordered": False, "useGroupedValuesInCharts": True, "hideEmptyCharts": True, "groupBy": None,
            "groupsExpanded": {}, "autoRefreshEnabled": True, "runsVisibilityMap": {},
        }
    )  # fmt: skip


def view_address(base: str, experiment_id: str) -> str:
    """Return the link to the view of an experiment's runs.

    :param base: address of the UI, without a slash at its end.
    """
    return f"{base}/#/experiments/{experiment_id}/runs?viewStateShareKey={VIEW}&{TRAINING_MODE}"
