import pytest

from harness.config import AlignerCard, ProjectionCard
from harness.machine.store import MemoryStore
from harness.transfer.align.hmm import HmmAligner
from harness.transfer.parallel import align_corpora
from harness.values.errors import DataError
from harness.values.records import Sentence, Span

SOURCES = [Sentence(str(n), f"anna took {n} pills", "en", (Span(0, 4, "PER"),)) for n in range(8)]
TARGETS = [Sentence(str(n), f"anna tog {n} piller", "sv") for n in range(8)]


def test_pairs_are_aligned_and_spans_go_over() -> None:
    parallel = align_corpora(HmmAligner(AlignerCard(name="hmm", kind="hmm")), SOURCES, TARGETS, MemoryStore())
    assert len(parallel.pairs) == 8 and parallel.pairs[3].source == ("anna", "took", "3", "pills")
    projected = parallel.project(None, ProjectionCard())
    assert [projection.spans for projection in projected] == [(Span(0, 4, "PER"),)] * 8
    numbers = parallel.project([[Span(10, 11, "X")]] * 8, ProjectionCard())
    assert {projection.spans for projection in numbers} == {(Span(9, 10, "X"),)}


def test_line_n_must_belong_to_sentence_n() -> None:
    with pytest.raises(DataError, match="8 sentences have 7 translations"):
        align_corpora(HmmAligner(AlignerCard(name="hmm", kind="hmm")), SOURCES, TARGETS[:7], MemoryStore())
