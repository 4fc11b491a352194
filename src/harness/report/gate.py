"""A gate: which cells of a comparison, a row in a language, are worse than their baseline."""

from collections.abc import Mapping
from typing import Any

from harness.evaluation.verdicts import holm
from harness.values import names
from harness.values.errors import UsageError
from harness.values.table import Table

OUTCOMES = ("better", "worse", "equal", "inconclusive")


def cells(table: Table) -> dict[str, list[str]]:
    """Return the cells by outcome, one line each: better or worse by more than the region of practical equivalence,
    equal within it, or inconclusive.

    P values are corrected for the number of languages of a row (Holm): with 20 languages one in twenty is "worse" by
    chance alone.

    :raises UsageError: the table has decided nothing.
    """
    found: dict[str, list[str]] = {outcome: [] for outcome in OUTCOMES}
    compared = False
    tested = list(dict.fromkeys(language for detail in table.details for language in _languages(detail)))
    for row, detail in zip(table.rows, table.details, strict=True):
        if detail["baseline"] or detail["with_collapsed"]:
            continue
        languages = _languages(detail)
        corrected = holm([detail[f"difference/{language}_p"] for language in languages])
        said = [cell for cell, column in zip(row, table.columns, strict=True) if column.kind == "text"]
        name = " ".join(str(cell) for cell in said[: len(said) - 3] if cell)
        for language, p_value in zip(languages, corrected, strict=True):
            compared = True
            found[outcome(detail, language, p_value)].append(f"{name} {language} {_figures(detail, language)}")
        left = [language for language in tested if language not in languages]
        found["inconclusive"] += [f"{name} {language} cannot be compared" for language in left]
    if not compared:
        raise UsageError(
            "--gate: no row can be compared with a baseline: it needs two rows of sound runs with counts per sentence, "
            "and --against KEY=VALUE where no row is zero-shot"
        )
    return found


def _languages(detail: Mapping[str, Any]) -> list[str]:
    names_of = [key.removeprefix("difference/") for key in detail if key.startswith("difference/")]
    languages = [name for name in names_of if f"difference/{name}_p" in detail and name != names.MEAN]
    return [language for language in languages if detail[f"difference/{language}"] is not None]


def outcome(detail: Mapping[str, Any], language: str, p_value: float) -> str:
    """Return the outcome of a cell.

    :param p_value: corrected for the number of languages.
    """
    verdict = detail[f"difference/{language}_verdict"]
    if verdict == "equal" or (verdict in ("better", "worse") and p_value < 0.05):
        return str(verdict)
    return "inconclusive"


def _figures(detail: Mapping[str, Any], language: str) -> str:
    value, low, high = (100 * detail[f"difference/{language}{part}"] for part in ("", "_low", "_high"))
    return f"{value:+.1f} [{low:.1f}, {high:.1f}]"
