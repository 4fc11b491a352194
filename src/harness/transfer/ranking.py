"""Rankings of translators and aligners by intrinsic quality, and which of them chose what a run uses.

``harness translate --score … --ranking FILE`` and ``harness project --score … --ranking FILE`` add lines; a run that
names the file (``aligner.ranking=FILE``) records the place of its own component there. Never a downstream F1.
"""

import json
from collections.abc import Mapping
from hashlib import blake2b
from pathlib import Path
from typing import Any, Literal

from harness.config import AlignerCard, TranslatorCard
from harness.machine.files import write_text
from harness.values.errors import ConfigError, DataError, listing

Kind = Literal["translator", "aligner"]


def add_ranked(path: Path, kind: Kind, name: str, measure: str, score: float, facts: Mapping[str, Any]) -> None:
    """Add one measured component to a ranking file, in place of an earlier line on the same data.

    :param score: more is better.
    :param facts: what was measured on: languages, number of pairs, digest.
    """
    entry = {"kind": kind, "name": name, "measure": measure, "score": score, **facts}
    same = ("kind", "name", "settings", "measure", "pair", "digest")
    entries = _entries(path) if path.is_file() else []
    kept = [kept_entry for kept_entry in entries if any(kept_entry.get(key) != entry.get(key) for key in same)]
    write_text(path, "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in [*kept, entry]))


def _entries(path: Path) -> list[dict[str, Any]]:
    entries = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        try:
            entry = json.loads(line)
            entries.append({**entry, "score": float(entry["score"]), "name": str(entry["name"])})
        except (ValueError, TypeError, KeyError):
            raise DataError(
                f"{path}:{number}: not a line of a ranking (JSON with kind, name, measure, score)"
            ) from None
    return entries


def card_digest(card: TranslatorCard | AlignerCard) -> str:
    """Return what identifies the settings of a component, the place of its ranking apart."""
    values = card.model_dump(mode="json", exclude={"ranking", "batch_size", "concurrency", "timeout_seconds"})
    return blake2b(json.dumps(values, sort_keys=True).encode(), digest_size=6).hexdigest()


def ranking_tag(card: TranslatorCard | AlignerCard, kind: Kind, folder: Path) -> str:
    """Say which place a component has in the ranking its card names; empty where it names none.

    :raises ConfigError: the file is missing or does not rank this component.
    """
    if not card.ranking:
        return ""
    path = Path(card.ranking).expanduser()
    path = path if path.is_absolute() else folder / path
    if not path.is_file():
        raise ConfigError(
            f"{kind}.ranking: no file {path}; make it with harness {_MAKER[kind]} --score … --ranking FILE"
        )
    entries = [entry for entry in _entries(path) if entry.get("kind") == kind]
    digest = card_digest(card)
    own = [entry for entry in entries if entry["name"] == card.name and entry.get("settings", digest) == digest]
    if not own:
        names = listing(sorted({entry["name"] for entry in entries})) or "none"
        raise ConfigError(
            f"{kind}.ranking: {path} does not rank {kind} {card.name!r} with these settings; ranked there: {names}"
        )
    places = []
    for entry in own:
        group = [e for e in entries if all(e.get(k) == entry.get(k) for k in ("measure", "pair", "digest"))]
        place = 1 + sum(rival["score"] > entry["score"] for rival in group)
        places.append(
            f"place {place} of {len(group)} by {entry['measure']} {entry['score']:.4f} on {entry.get('pair', '?')} "
            f"({entry.get('pairs', '?')} pairs, digest {entry.get('digest', '?')})"
        )
    return "; ".join(places)


_MAKER: dict[Kind, str] = {"translator": "translate", "aligner": "project"}
