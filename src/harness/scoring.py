"""Score anybody's prediction files against gold: ``harness evaluate``. Needs no torch.

Two CoNLL files are read as tag sequences, legal or not, by conlleval's rules, so the micro F1 is seqeval's default
to the last digit. With a JSON-lines file on either side the comparison is over character spans.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from itertools import zip_longest
from pathlib import Path
from typing import Any

from harness.corpora.readers.conll import TaggedSentence, tagged_sentences
from harness.corpora.readers.jsonl import read_jsonl
from harness.errors import DataError
from harness.evaluation.measures import measures
from harness.evaluation.significance import bootstrap_interval, paired_permutation
from harness.evaluation.spans import Counts, count_spans
from harness.labels import OUTSIDE, is_legal_tag, token_spans
from harness.records import Sentence, Span

CONLL_ENDINGS = (".conll", ".iob", ".iob2", ".bio", ".tsv", ".txt")


@dataclass
class Scored:
    """The result of one comparison.

    :param missing_sentences: gold sentences without a complete prediction, scored as O.
    :param missing_tokens: gold tokens (of JSON lines: characters) scored as O.
    :param notes: what a reader of the score must know, one sentence each.
    """

    counts: Counts
    labels: tuple[str, ...]
    missing_sentences: int = 0
    missing_tokens: int = 0
    notes: list[str] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        """Return all measures and the account, ready for ``json.dumps``."""
        return {
            **measures(self.counts, self.labels),
            "sentences": len(self.counts.total),
            "labels": list(self.labels),
            "missing_sentences": self.missing_sentences,
            "missing_tokens": self.missing_tokens,
            "mode": "conlleval (seqeval default)",
            "notes": self.notes,
        }


def score_files(gold: Path, predicted: Path, *, missing_as_o: bool = False) -> Scored:
    """Score a prediction file.

    :param missing_as_o: score sentences and tokens without a prediction as O instead of stopping.
    :raises DataError: the files do not hold the same sentences token for token.
    """
    if is_conll(gold) and is_conll(predicted):
        return _score_tags(
            list(tagged_sentences(gold)), list(tagged_sentences(predicted)), gold, predicted, missing_as_o
        )
    return _score_texts(_read_texts(gold), _read_texts(predicted), gold, predicted, missing_as_o)


def is_conll(path: Path) -> bool:
    """Tell the format by the ending, else by whether the first visible character opens a JSON object."""
    if path.suffix.lower() in (".jsonl", ".json"):
        return False
    if path.suffix.lower() in CONLL_ENDINGS or not path.is_file():
        return True
    with path.open(encoding="utf-8-sig", errors="replace") as file:
        return not file.read(4096).lstrip().startswith("{")


def compare_files(first: Scored, second: Scored, *, seed: int = 0) -> dict[str, float]:
    """Test the difference of two prediction files on the same gold, for entity and span F1."""
    result: dict[str, float] = {}
    for name in ("entity_f1", "span_f1"):
        test = paired_permutation(first.counts, second.counts, name, seed=seed)
        result |= {f"{name}_difference": test.difference, f"{name}_p_value": test.p_value}
    return result


def intervals(scored: Scored, *, seed: int = 0) -> dict[str, list[float]]:
    """Return 95 % bootstrap intervals of entity and span F1."""
    found = {}
    for name in ("entity_f1", "span_f1"):
        interval = bootstrap_interval(scored.counts, name, seed=seed)
        found[f"{name}_interval"] = [interval.low, interval.high]
    return found


def _score_tags(
    gold: list[TaggedSentence],
    predicted: list[TaggedSentence],
    gold_path: Path,
    path: Path,
    missing_as_o: bool,
) -> Scored:
    if not gold:
        raise DataError(f"{gold_path} holds no sentence")
    filled, sentences, tokens = _fill(gold, predicted, gold_path, path, missing_as_o)
    gold_spans = _spans_by_sentence([one.tags for one in gold])
    predicted_spans = _spans_by_sentence(filled)
    labels = tuple(sorted({span[2] for side in (gold_spans, predicted_spans) for one in side for span in one}))
    scored = Scored(count_spans(gold_spans, predicted_spans, labels), labels, sentences, tokens)
    odd = sum(not is_legal_tag(tag) for side in ((one.tags for one in gold), filled) for tags in side for tag in tags)
    if odd:
        scored.notes.append(f"{odd} tags are not O, B-X, I-X, E-X or S-X; they were read as conlleval reads them")
    return scored


def _spans_by_sentence(tags: Sequence[Sequence[str]]) -> list[list[Span]]:
    """Read all sentences as one sequence with an O after each, as seqeval does, and deal the spans out again."""
    flat: list[str] = []
    ends: list[int] = []
    for sentence in tags:
        flat += [*sentence, OUTSIDE]
        ends.append(len(flat))
    dealt: list[list[Span]] = [[] for _ in tags]
    row = 0
    for first, end, label in token_spans(flat):
        while end > ends[row]:
            row += 1
        dealt[row].append(Span(first, end, label))
    return dealt


def _fill(
    gold: list[TaggedSentence], predicted: list[TaggedSentence], gold_path: Path, path: Path, missing_as_o: bool
) -> tuple[list[list[str]], int, int]:
    """Return one tag list for each gold sentence, and how many sentences and tokens had none."""
    same = len(gold) == len(predicted) and all(
        one.tokens == other.tokens for one, other in zip(gold, predicted, strict=True)
    )
    if same:
        return [one.tags for one in predicted], 0, 0
    if not missing_as_o:
        pairs = zip_longest(gold, predicted)
        number, (one, other) = next(
            (n, p) for n, p in enumerate(pairs, 1) if not p[0] or not p[1] or p[0].tokens != p[1].tokens
        )
        raise DataError(
            _surplus(other, gold, predicted, gold_path, path)
            if one is None
            else _mismatch(number, one, other, gold_path, path)
        )
    partner = _partners(gold, predicted, gold_path, path)
    filled: list[list[str]] = []
    sentences = tokens = 0
    for number, one in enumerate(gold):
        tags = predicted[partner[number]].tags if number in partner else []
        filled.append(tags + [OUTSIDE] * (len(one.tokens) - len(tags)))
        sentences += len(tags) < len(one.tokens)
        tokens += len(one.tokens) - len(tags)
    return filled, sentences, tokens


def _partners(
    gold: list[TaggedSentence], predicted: list[TaggedSentence], gold_path: Path, path: Path
) -> dict[int, int]:
    """Align predictions with gold: equal sentences first, in order; between them, cut-off ones with what they begin.

    :raises DataError: a prediction fits nowhere.
    """
    left, right = [tuple(one.tokens) for one in gold], [tuple(one.tokens) for one in predicted]
    partner: dict[int, int] = {}
    next_gold = next_predicted = 0
    for block in SequenceMatcher(None, left, right, autojunk=False).get_matching_blocks():
        for index in range(next_predicted, block.b):
            fits = (number for number in range(next_gold, block.a) if left[number][: len(right[index])] == right[index])
            number = next(fits, None)
            if number is None:
                raise DataError(_surplus(predicted[index], gold, predicted, gold_path, path))
            partner[number] = index
            next_gold = number + 1
        partner |= {block.a + offset: block.b + offset for offset in range(block.size)}
        next_gold, next_predicted = block.a + block.size, block.b + block.size
    return partner


def _surplus(
    one: TaggedSentence | None, gold: list[TaggedSentence], predicted: list[TaggedSentence], gold_path: Path, path: Path
) -> str:
    assert one is not None
    return (
        f"{path}:{one.line}: this sentence of {len(one.tokens)} tokens has no counterpart in {gold_path} "
        f"({len(gold)} gold sentences, {len(predicted)} predicted)"
    )


def _mismatch(number: int, gold: TaggedSentence, current: TaggedSentence | None, gold_path: Path, path: Path) -> str:
    hint = "; --missing-as-o scores what is missing as O"
    if current is None:
        return (
            f"sentence {number} ({gold_path}:{gold.line}) has {len(gold.tokens)} gold tokens and 0 predicted ones: "
            f"{path} has only {number - 1} sentences{hint}"
        )
    place = f"sentence {number} ({gold_path}:{gold.line}, {path}:{current.line})"
    lengths = f"{len(gold.tokens)} gold tokens and {len(current.tokens)} predicted ones"
    pairs = zip(gold.tokens, current.tokens, strict=False)
    differing = next(((i, a, b) for i, (a, b) in enumerate(pairs, 1) if a != b), None)
    if differing:
        index, left, right = differing
        return f"{place} has {lengths}; token {index} is {left!r} in gold and {right!r} in the prediction"
    return f"{place} has {lengths}; they must match token for token{hint}"


def _read_texts(path: Path) -> list[Sentence]:
    if not is_conll(path):
        return list(read_jsonl(path, "und").sentences)
    from harness.corpora.readers.conll import read_conll

    return list(read_conll(path, "und").sentences)


def _score_texts(
    gold: list[Sentence], predicted: list[Sentence], gold_path: Path, path: Path, missing_as_o: bool
) -> Scored:
    if not gold:
        raise DataError(f"{gold_path} holds no sentence")
    by_id = {one.id: one for one in predicted}
    gold_ids = {one.id for one in gold}
    use_ids = len(by_id) == len(predicted) and len(gold_ids) == len(gold) and gold_ids >= by_id.keys()
    spans: list[tuple[Span, ...]] = []
    sentences = characters = 0
    for number, (one, other) in enumerate(_paired(gold, predicted, by_id if use_ids else None), 1):
        if other is not None and other.text == one.text:
            spans.append(other.spans)
            continue
        if other is None and missing_as_o:
            spans.append(())
            sentences += 1
            characters += len(one.text)
            continue
        found = f"{len(other.text)} predicted ones" if other else "no prediction"
        raise DataError(
            f"sentence {number} (id {one.id} in {gold_path}) has {len(one.text)} characters and {found} in {path}; "
            + ("the texts must be the same" if other else "--missing-as-o scores what is missing as O")
        )
    if not use_ids and len(predicted) > len(gold):
        raise DataError(f"{path} has {len(predicted)} sentences, {gold_path} has {len(gold)}")
    labels = tuple(sorted({span.label for side in (gold, predicted) for one in side for span in one.spans}))
    counts = count_spans([one.spans for one in gold], spans, labels)
    return Scored(counts, labels, sentences, characters)


def _paired(
    gold: list[Sentence], predicted: list[Sentence], by_id: dict[str, Sentence] | None
) -> Iterator[tuple[Sentence, Sentence | None]]:
    for index, one in enumerate(gold):
        if by_id is not None:
            yield one, by_id.get(one.id)
        else:
            yield one, predicted[index] if index < len(predicted) else None
