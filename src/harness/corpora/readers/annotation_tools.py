"""JSON of annotation tools: Prodigy, Label Studio, doccano."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from harness.values.account import Account
from harness.values.errors import DataError


def as_json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, default=str)


def first_of(item: Mapping[str, Any], keys: Sequence[str]) -> Any:
    return next((item[key] for key in keys if item.get(key) is not None), None)


def is_accepted(value: Mapping[str, Any], account: Account) -> bool:
    """Return False for what a Prodigy annotator rejected or passed over, and count it."""
    answer = str(value.get("answer")).casefold()
    if answer in ("reject", "ignore"):
        account[f"answers_dropped/{answer}"] += 1
        return False
    return True


_TOOLS = {"answer": "accept", "annotation_id": None, "_task_hash": None}
"""Keys of exports that leave annotations out where there are none (Prodigy, Label Studio's JSON_MIN), and their
value.
"""


def leaves_out_empty(value: Mapping[str, Any]) -> bool:
    return any(key in value and (wanted is None or value[key] == wanted) for key, wanted in _TOOLS.items())


def is_label_studio(value: Mapping[str, Any]) -> bool:
    return isinstance(value.get("data"), Mapping) and any(key in value for key in ("annotations", "completions"))


def label_studio(value: Mapping[str, Any], account: Account, where: str, annotated: bool) -> dict[str, Any] | None:
    """Return a Label Studio task in our form: its ground truth, else the first annotation that was not cancelled.

    The other annotations are counted. A task that nobody annotated is dropped, and counted: it is not a text without
    entities.

    :param annotated: false where the text alone is wanted.
    """
    data = value["data"]
    texts = [text for text in data.values() if isinstance(text, str)]
    text = data.get("text", texts[0] if len(texts) == 1 else None)
    if not isinstance(text, str):
        raise DataError(f"{where}: the task's data holds {len(texts)} texts and none is called 'text'")
    if not annotated:
        return {"id": value.get("id", where.rpartition(":")[2]), "text": text}
    annotations = value.get("annotations", value.get("completions"))
    if not isinstance(annotations, list):
        raise DataError(f"{where}: 'annotations' is {type(annotations).__name__}; a list is needed")
    kept = [entry for entry in annotations if isinstance(entry, Mapping) and not entry.get("was_cancelled")]
    if not kept:
        account["tasks_without_annotation_dropped"] += 1
        return None
    account["further_annotations_dropped"] += len(kept) - 1
    chosen = next((annotation for annotation in kept if annotation.get("ground_truth")), kept[0])
    spans = []
    for item in listed(chosen, "result", where):
        region = item.get("value") if isinstance(item, Mapping) else None
        if not isinstance(region, Mapping) or not {"start", "end"} <= region.keys():
            region = {}
        labels = next((region[key] for key in ("labels", "hypertextlabels", "label") if region.get(key)), None)
        if not labels:
            account["results_other_than_spans_passed_over"] += 1
            continue
        if isinstance(labels, list) and len(labels) > 1:
            raise DataError(f"{where}: a region has {len(labels)} labels; one entity has one label")
        spans.append({"start": region["start"], "end": region["end"], "label": labels, "text": region.get("text")})
    return {"id": value.get("id", where.rpartition(":")[2]), "text": text, "spans": spans}


def listed(value: Mapping[str, Any], key: str, where: str) -> list[Any]:
    items = value.get(key, [])
    if not isinstance(items, list):
        raise DataError(f"{where}: {key!r} is {type(items).__name__}; a list is needed")
    return items
