"""The quality card as a page: one HTML file without scripts or outside parts, everything escaped."""

import itertools
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any

_STYLE = """
:root { color-scheme: light dark; --ink: #1b1f24; --soft: #5a6470; --line: #d8dee4; --bar: #2f6f9f; --alert: #c98a2b; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e6e9ed; --soft: #a3adb8; --line: #3a424b; --bar: #6fb1e0; --alert: #e0b060; }
}
body { font: 16px/1.5 system-ui, sans-serif; color: var(--ink); max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.5rem; overflow-wrap: anywhere; }
h2 { font-size: 1.15rem; margin-top: 2rem; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; padding: .25rem .75rem .25rem 0; border-bottom: 1px solid var(--line); vertical-align: top; }
.number { text-align: right; white-space: nowrap; }
.soft { color: var(--soft); }
.warning { border-left: 4px solid var(--alert); padding-left: .75rem; }
.bars th { font-weight: normal; white-space: nowrap; width: 1%; }
.bars td { border-bottom: 0; width: 1%; }
.bars th { border-bottom: 0; }
.bars .track { width: auto; padding-right: 0; vertical-align: middle; }
.bar { display: block; background: var(--bar); height: 1rem; border-radius: 2px; min-width: 1px; }
mark { border-radius: 3px; padding: 0 .2em; color: #1b1f24; }
.sample { overflow-wrap: anywhere; }
"""

MEANINGS = {
    "length_mismatch": "tokens and tags differ in number", "tag_out_of_range": "a tag number the legend does not have",
    "missing_tags": "tokens without tags", "missing_tokens": "tags without tokens",
    "truncated": "the answer ended inside the item", "entity_not_in_text": "an entity that the text does not hold",
    "unknown_label": "a label the corpus does not have", "broken_inline_tags": "tags that open or close wrongly",
    "broken_text": "control characters or broken Unicode", "placeholders": "placeholders instead of text",
    "too_short": "too few words", "too_long": "too many words", "long_entity": "an entity of too many words",
    "damaged_text": "stray quotes inside the text", "illegal_bio": "tags that begin an entity with I-",
    "wrong_script": "letters of another script", "wrong_language": "another language",
    "exact_duplicate": "the same text again", "near_duplicate": "nearly the same text again",
    "leakage": "too close to a test sentence or to an example of the prompt",
    "contradiction": "a surface labelled against its main label", "disagreement": "a recogniser disagrees",
    "all_outside": "more sentences without entities than allowed",
}  # fmt: skip


def quality_page(card: Mapping[str, Any], title: str, samples: Sequence[tuple[str, list[dict[str, Any]]]] = ()) -> str:
    """Return the page of a quality card.

    :param samples: text and spans of some sentences; none for a restricted corpus.
    """
    account = card["account"]
    parts = [
        f"<!doctype html><html lang='en'><head><meta charset='utf-8'><title>{escape(title)}</title>",
        "<meta name='viewport' content='width=device-width, initial-scale=1'>",
        f"<style>{_STYLE}</style></head><body><main><h1>{escape(title)}</h1>",
        f"<p>{_number(card['sentences'])} sentences in <b>{escape(str(card['language']))}</b>, "
        f"{_number(card['entities'])} entities, {_number(card['without_entities'])} sentences without any.</p>",
        *(f"<p class='warning'>{escape(str(warning))}</p>" for warning in card.get("warnings") or ()),
        "<h2>What became of the items</h2>", _funnel(account),
        "<h2>Why items were not kept</h2>", _reasons(account),
        "<h2>Labels</h2>", _labels(card),
        "<h2>Sentence length</h2>", _bars(card["words"]["histogram"], "words", "sentences"),
        f"<p class='soft'>mean {float(card['words']['mean']):.1f} words, shortest {_number(card['words']['min'])}, "
        f"longest {_number(card['words']['max'])}</p>",
        "<h2>Diversity</h2>", _diversity(card["diversity"]),
    ]  # fmt: skip
    if card.get("agreement") is not None:
        parts.append(f"<p>Entity F1 with a recogniser's predictions: {card['agreement']:.1%}, mean over sentences.</p>")
    if card.get("cost"):
        rows = [
            [name.replace("_", " "), f"{value:,.4f}".rstrip("0").rstrip(".")] for name, value in card["cost"].items()
        ]
        parts += ["<h2>Cost</h2>", _table(["", ""], rows)]
    if card.get("origin"):
        rows = [[str(name), str(value)] for name, value in card["origin"].items()]
        parts += ["<h2>Origin</h2>", _table(["", ""], rows)]
    if account.get("notes"):
        rows = [[name.replace("_", " "), _number(value)] for name, value in account["notes"].items()]
        parts += ["<h2>Noticed, and kept</h2>", _table(["", "count"], rows)]
    if samples:
        colours = label_colours(card["labels"], (span["label"] for _, spans in samples for span in spans))
        shown = (f"<p class='sample'>{_marked(text, spans, colours)}</p>" for text, spans in samples)
        parts += ["<h2>Samples</h2>", *shown]
    return "\n".join([*parts, "</main></body></html>"]) + "\n"


def _number(value: Any) -> str:
    return f"{int(value):,}"


def _table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a table; columns whose every cell is a figure are set to the right."""
    figures = [all(cell[:1].isdigit() and len(cell) < 16 for cell in column) for column in zip(*rows, strict=True)]

    def line(cells: Sequence[str], kind: str) -> str:
        row_cells = (
            f"<{kind}{' class=number' if right else ''}>{escape(cell)}</{kind}>"
            for cell, right in zip(cells, figures, strict=True)
        )
        return f"<tr>{''.join(row_cells)}</tr>"

    shown = f"<thead>{line(header, 'th')}</thead>" if any(header) else ""
    body = "".join(line(row, "td") for row in rows)
    return f"<div class='scroll'><table>{shown}<tbody>{body}</tbody></table></div>"


def _funnel(account: Mapping[str, Any]) -> str:
    steps = {"items seen": account["items"], "usable": account["parsed"], "kept after filters": account["kept"]}
    note = (
        f"<p class='soft'>{_number(account['answers'])} answers, {_number(account['answers_without_items'])} of them "
        "without any item.</p>"
    )
    return _bars(steps, "step", "items") + note


def _reasons(account: Mapping[str, Any]) -> str:
    rows = []
    for stage in ("rejected", "filtered"):
        for name, count in sorted(account.get(stage, {}).items(), key=lambda item: -item[1]):
            share = count / account["items"] if account["items"] else 0.0
            rows.append([name.replace("_", " "), MEANINGS.get(name, ""), stage, _number(count), f"{share:.1%}"])
    if not rows:
        return "<p>All items were kept.</p>"
    return _table(["reason", "meaning", "by", "items", "share"], rows)


def _labels(card: Mapping[str, Any]) -> str:
    own, source = card["labels"], card.get("source_labels")
    totals = sum(own.values()) or 1, sum((source or {}).values()) or 1
    rows = []
    for label, count in own.items():
        row = [label, _number(count), f"{count / totals[0]:.1%}"]
        rows.append(row + ([f"{source.get(label, 0) / totals[1]:.1%}"] if source else []))
    header = ["label", "entities", "share", *(["share in the source"] if source else [])]
    distance = card.get("label_distance")
    note = (
        f"<p class='soft'>Distance from the source's distribution: {distance:.2f} (0 the same, 1 nothing shared).</p>"
        if distance is not None
        else ""
    )
    return _table(header, rows) + note


def _diversity(diversity: Mapping[str, Any]) -> str:
    rows = [[name.replace("_", " "), f"{value:.1%}"] for name, value in diversity.items() if isinstance(value, float)]
    top = ", ".join(
        f"{escape(str(surface))} ({_number(count)})" for surface, count in diversity.get("top_entities", [])
    )
    return _table(["", "share"], rows) + (f"<p>Most frequent entities: {top}</p>" if top else "")


def _bars(values: Mapping[str, int], what: str, of: str) -> str:
    """Return a bar chart as a table, each bar beside its figure: text keeps its size on a phone."""
    if not values:
        return "<p>None.</p>"
    most = max(values.values()) or 1
    rows = "".join(
        f"<tr><th scope='row'>{escape(str(name))}</th><td class='number'>{_number(count)}</td>"
        f"<td class='track'><span class='bar' style='width:{100 * count / most:.1f}%'></span></td></tr>"
        for name, count in values.items()
    )
    return f"<table class='bars' aria-label='{escape(f'{of} by {what}')}'><tbody>{rows}</tbody></table>"


_GOLDEN_ANGLE = 137.508
"""Degrees between the hues of successive labels: no two of the first dozens fall close together."""


def label_colours(*labels: Iterable[str]) -> dict[str, str]:
    """Return a light background for each label: its own hue, by its place, the same on every page of a corpus."""
    distinct = dict.fromkeys(itertools.chain(*labels))
    return {
        label: f"hsl({(205 + _GOLDEN_ANGLE * place) % 360:.0f} 75% {(84, 76)[place % 2]}%)"
        for place, label in enumerate(distinct)
    }


def _marked(text: str, spans: Sequence[Mapping[str, Any]], colours: Mapping[str, str]) -> str:
    """Return a sentence with its entities marked, escaped."""
    html = ""
    before = 0
    for span in spans:
        html += escape(text[before : span["start"]])
        html += f"<mark style='background:{colours[span['label']]}'>{escape(text[span['start'] : span['end']])}"
        html += f" <small>{escape(span['label'])}</small></mark>"
        before = span["end"]
    return html + escape(text[before:])
