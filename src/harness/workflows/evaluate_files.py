"""Score anybody's prediction files against gold: ``harness evaluate``. Needs no torch.

Two CoNLL files are read as tag sequences, legal or not, by conlleval's rules, so the micro F1 is seqeval's default
to the last digit. With another format on either side (any that ``harness data convert`` reads) the comparison is over
character spans; predictions in JSON may overlap. Whatever a reader changed, and what makes two files unlike, is a note.
"""

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from itertools import zip_longest
from pathlib import Path
from typing import Any

from harness.config import FileSource
from harness.corpora.catalogue import format_of, read_source
from harness.corpora.readers import TEXT_READERS
from harness.corpora.readers.conll import TaggedSentence, tagged_sentences
from harness.corpora.readers.jsonl import raw_texts
from harness.corpora.readers.text import clean_spans
from harness.corpora.readers.tokens import NO_ENTITY
from harness.evaluation.measures import measures
from harness.evaluation.significance import bootstrap_interval, paired_permutation
from harness.evaluation.spans import Counts, count_spans
from harness.values.account import Account
from harness.values.errors import DataError, listing, shown
from harness.values.labels import OUTSIDE, is_legal_tag, token_spans
from harness.values.records import Sentence, Span

CONLL_ENDINGS = (".conll", ".conllu", ".iob", ".iob2", ".bio", ".tsv", ".txt")


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


def score_files(
    gold: Path,
    predicted: Path,
    *,
    missing_as_o: bool = False,
    gold_format: str | None = None,
    predicted_format: str | None = None,
) -> Scored:
    """Score a prediction file.

    :param missing_as_o: score sentences and tokens without a prediction as O instead of stopping.
    :param gold_format, predicted_format: a format of the readers; told by the file where missing.
    :raises DataError: the files do not hold the same sentences token for token.
    """
    left, right = gold_format or file_format(gold), predicted_format or file_format(predicted)
    accounts: dict[Path, Account] = {gold: Account()}
    accounts.setdefault(predicted, Account())
    if left == right == "conll":
        scored = _score_tags(
            list(tagged_sentences(gold, accounts[gold])), list(tagged_sentences(predicted, accounts[predicted])),
            gold, predicted, missing_as_o,
        )  # fmt: skip
    else:
        scored = _score_texts(
            _read_texts(gold, left, accounts[gold]),
            _read_texts(predicted, right, accounts[predicted], overlapping=True),
            gold, predicted, missing_as_o,
        )  # fmt: skip
    scored.notes += _account_notes(accounts)
    return scored


def file_format(path: Path) -> str:
    """Tell a format by the ending, a text file's by whether its first visible character opens JSON."""
    if path.suffix.lower() == ".txt" and path.is_file():
        with path.open(encoding="utf-8-sig", errors="replace") as file:
            if re.search(r"</[A-Z][A-Z0-9_-]*>", file.read(65_536)):
                return "inline"
    if path.suffix.lower() in CONLL_ENDINGS:
        return "conll"
    try:
        return format_of(path)
    except DataError:
        if not path.is_file():
            return "conll"
    with path.open(encoding="utf-8-sig", errors="replace") as file:
        return "jsonl" if file.read(4096).lstrip().startswith(("{", "[")) else "conll"


def _account_notes(accounts: Mapping[Path, Mapping[str, int]]) -> list[str]:
    """Say what the readers changed; what they only passed over (numbers of tokens) changes no score."""
    return [
        f"{path.name}: {reason.replace('_', ' ')}: {count}"
        for path, account in accounts.items()
        for reason, count in account.items()
        if count and not reason.endswith("_passed_over")
    ]


def compare_files(first: Scored, second: Scored, *, seed: int = 0) -> dict[str, float]:
    """Test the difference of two prediction files on the same gold, for entity and span F1."""
    result: dict[str, float] = {}
    for name in ("entity_f1", "span_f1"):
        test = paired_permutation(first.counts, second.counts, name, seed=seed)
        result |= {f"{name}_difference": test.difference, f"{name}_p_value": test.p_value}
    return result


def intervals(scored: Scored, *, seed: int = 0) -> dict[str, list[float]]:
    """Return 95 % bootstrap intervals of entity and span F1."""
    bounds = {}
    for name in ("entity_f1", "span_f1"):
        interval = bootstrap_interval(scored.counts, name, seed=seed)
        bounds[f"{name}_interval"] = [interval.low, interval.high]
    return bounds


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
    golden = [sentence.tags for sentence in gold]
    taken_back = sum(bool(NO_ENTITY.fullmatch(tag)) for side in (golden, filled) for tags in side for tag in tags)
    gold_spans, predicted_spans = _spans_by_sentence(golden), _spans_by_sentence(filled)
    labels = tuple(
        sorted(
            {span[2] for side in (gold_spans, predicted_spans) for sentence_spans in side for span in sentence_spans}
        )
    )
    scored = Scored(count_spans(gold_spans, predicted_spans, labels), labels, sentences, tokens)
    scored.notes += _label_notes(gold_spans, predicted_spans)
    odd = sum(not is_legal_tag(tag) for side in (golden, filled) for tags in side for tag in tags)
    if taken_back:
        scored.notes.append(f"{taken_back} tags such as B-O were read as O: no label may be called O")
    if odd:
        scored.notes.append(f"{odd} tags are not O, B-X, I-X, E-X or S-X; they were read as conlleval reads them")
    return scored


def _label_notes(gold: Sequence[Sequence[Span]], predicted: Sequence[Sequence[Span]]) -> list[str]:
    """Say when two files have no label in common, so that no entity can ever match, or gold has one by itself."""
    left, right = ({span[2] for spans in side for span in spans} for side in (gold, predicted))
    if not left or not right:
        return []
    if left & right:
        alone = sorted(left - right)
        missed = sum(span[2] in alone for spans in gold for span in spans)
        told = (
            f"gold has {listing(map(shown, alone))}, which is never predicted: {missed} entities cannot be found "
            "(a run whose card drops this label does not count them)"
        )
        return [told] if alone else []
    composed = [{unicodedata.normalize("NFC", label) for label in side} for side in (left, right)]
    if composed[0] & composed[1]:
        return [
            "the labels of the two files differ in Unicode form alone (composed or decomposed letters); "
            "write both in one"
        ]
    return [
        f"the two files share no label: gold has {listing(map(shown, sorted(left)))}, the predictions "
        f"{listing(map(shown, sorted(right)))}; rename one side, or compare span F1, which ignores labels"
    ]


def _spans_by_sentence(tags: Sequence[Sequence[str]]) -> list[list[Span]]:
    """Read all sentences as one sequence with an O after each, as seqeval does, and deal the spans out again."""
    flat: list[str] = []
    ends: list[int] = []
    for sentence in tags:
        flat += [*(OUTSIDE if NO_ENTITY.fullmatch(tag) else tag for tag in sentence), OUTSIDE]
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
        gold_sentence.tokens == predicted_sentence.tokens
        for gold_sentence, predicted_sentence in zip(gold, predicted, strict=True)
    )
    if same:
        return [sentence.tags for sentence in predicted], 0, 0
    if not missing_as_o:
        pairs = zip_longest(gold, predicted)
        number, (gold_sentence, predicted_sentence) = next(
            (n, p) for n, p in enumerate(pairs, 1) if not p[0] or not p[1] or p[0].tokens != p[1].tokens
        )
        raise DataError(
            _surplus(predicted_sentence, gold, predicted, gold_path, path)
            if gold_sentence is None
            else _mismatch(number, gold_sentence, predicted_sentence, gold_path, path)
        )
    partner = _partners(gold, predicted, gold_path, path)
    filled: list[list[str]] = []
    sentences = tokens = 0
    for number, gold_sentence in enumerate(gold):
        tags = predicted[partner[number]].tags if number in partner else []
        filled.append(tags + [OUTSIDE] * (len(gold_sentence.tokens) - len(tags)))
        sentences += len(tags) < len(gold_sentence.tokens)
        tokens += len(gold_sentence.tokens) - len(tags)
    return filled, sentences, tokens


def _partners(
    gold: list[TaggedSentence], predicted: list[TaggedSentence], gold_path: Path, path: Path
) -> dict[int, int]:
    """Align predictions with gold: equal sentences first, in order; between them, cut-off ones with what they begin.

    :raises DataError: a prediction fits nowhere.
    """
    left, right = [tuple(sentence.tokens) for sentence in gold], [tuple(guess.tokens) for guess in predicted]
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
    gold_sentence: TaggedSentence | None,
    gold: list[TaggedSentence],
    predicted: list[TaggedSentence],
    gold_path: Path,
    path: Path,
) -> str:
    assert gold_sentence is not None
    return (
        f"{path}:{gold_sentence.line}: this sentence of {len(gold_sentence.tokens)} tokens has no counterpart in "
        f"{gold_path} ({len(gold)} gold sentences, {len(predicted)} predicted)"
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
        tokens = f"token {index} is {shown(left)} in gold and {shown(right)} in the prediction"
        return f"{place} has {lengths}; {tokens}{_form_hint(left, right)}"
    return f"{place} has {lengths}; they must match token for token{hint}"


def _form_hint(left: str, right: str) -> str:
    """Say when two texts look alike and are written in different Unicode forms."""
    if left == right or unicodedata.normalize("NFC", left) != unicodedata.normalize("NFC", right):
        return ""
    place = next((n for n, (a, b) in enumerate(zip(left, right, strict=False)) if a != b), min(len(left), len(right)))
    near = slice(max(0, place - 4), place + 4)
    return (
        f"; they differ in Unicode form alone ({left[near]!a} against {right[near]!a}): write both in one, "
        "for example with 'uconv -x nfc' or unicodedata.normalize('NFC', text)"
    )


@dataclass(frozen=True)
class _Text:
    """A sentence as it is scored."""

    id: str
    text: str
    spans: tuple[Span, ...]


def _read_texts(path: Path, format_name: str, account: Account, *, overlapping: bool = False) -> list[_Text]:
    """Read sentences of any format.

    :param overlapping: spans of JSON may overlap.
    """
    if format_name not in TEXT_READERS:
        reading = read_source(FileSource(path=str(path.absolute()), format=format_name), "und", Path.cwd())
        account.update(reading.account)
        return [_Text(sentence.id, sentence.text, sentence.spans) for sentence in reading.sentences]
    texts = []
    for raw in raw_texts(path, "und", account):
        spans = raw.spans
        if not isinstance(raw, Sentence):
            spans = clean_spans(raw.text, raw.spans, account, raw.where, overlapping=overlapping)
        texts.append(_Text(raw.id, raw.text, tuple(spans)))
    return texts


def _score_texts(gold: list[_Text], predicted: list[_Text], gold_path: Path, path: Path, missing_as_o: bool) -> Scored:
    if not gold:
        raise DataError(f"{gold_path} holds no sentence")
    by_id = {sentence.id: sentence for sentence in predicted}
    gold_ids = {gold_text.id for gold_text in gold}
    use_ids = len(by_id) == len(predicted) and len(gold_ids) == len(gold) and gold_ids >= by_id.keys()
    spans: list[tuple[Span, ...]] = []
    sentences = characters = 0
    for number, (gold_text, predicted_text) in enumerate(_paired(gold, predicted, by_id if use_ids else None), 1):
        if predicted_text is not None and predicted_text.text == gold_text.text:
            spans.append(predicted_text.spans)
            continue
        if predicted_text is None and missing_as_o:
            spans.append(())
            sentences += 1
            characters += len(gold_text.text)
            continue
        stated = f"{len(predicted_text.text)} predicted ones" if predicted_text else "no prediction"
        hint = _form_hint(gold_text.text, predicted_text.text) if predicted_text else ""
        raise DataError(
            f"sentence {number} (id {shown(gold_text.id)[1:-1]} in {gold_path}) has {len(gold_text.text)} characters "
            f"and {stated} in {path}; "
            + (f"the texts must be the same{hint}" if predicted_text else "--missing-as-o scores what is missing as O")
        )
    if not use_ids and len(predicted) > len(gold):
        raise DataError(f"{path} has {len(predicted)} sentences, {gold_path} has {len(gold)}")
    golden = [gold_text.spans for gold_text in gold]
    labels = tuple(sorted({span.label for side in (golden, spans) for text_spans in side for span in text_spans}))
    return Scored(count_spans(golden, spans, labels), labels, sentences, characters, _label_notes(golden, spans))


def _paired(
    gold: list[_Text], predicted: list[_Text], by_id: dict[str, _Text] | None
) -> Iterator[tuple[_Text, _Text | None]]:
    for index, sentence in enumerate(gold):
        if by_id is not None:
            yield sentence, by_id.get(sentence.id)
        else:
            yield sentence, predicted[index] if index < len(predicted) else None
