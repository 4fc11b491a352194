"""What the tests of several files share."""

from harness.report.table import comparison
from harness.tracking.records import Record


def record(number: int, *, status: str = "FINISHED", tags: dict[str, str] | None = None, **values: object) -> Record:
    params = {"encoder.name": "e", "method.name": "m", "method.ratio": "0.1", "seed": str(number), "data.name": "d"}
    params |= {key.replace("__", "."): str(value) for key, value in values.items() if key != "f1"}
    metrics = {
        "test/sv/entity_f1": float(values.get("f1", 0.5)),
        "test/mean/entity_f1": 0.5,
        "train/best_dev_entity_f1": float(values.get("f1", 0.5)),
    }  # type: ignore[arg-type]
    base = {"languages": "en,sv", "protocol": "zero_shot", "harness.command": "x", "harness.checkpoint": "kept"}
    return Record(f"run{number}", status, params, metrics, base | (tags or {}))


def compare(*records: Record, by: tuple[str, ...] = ("encoder", "method")) -> list[list[str]]:
    table = comparison(records, by, ["entity_f1"])
    header, rows = table.header, table.formatted()
    return [header, *rows]


ROWS = (["name", "x"], [["a|b & c_d", "1.0 ±0.5"], ["阿莫西林", ""]])
