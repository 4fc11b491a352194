"""The sampler of alignments: probabilities, repeatability, and counts that stay true."""

import numpy as np

from harness.transfer.align import sampler
from harness.transfer.align.lexicon import Lexicon, Vocabulary

SOURCES = [["the", "red", "house"], ["the", "dog"], ["red", "dog"], ["house"], ["the", "house"]] * 4
TARGETS = [["la", "casa", "roja"], ["el", "perro"], ["perro", "rojo"], ["casa"], ["la", "casa"]] * 4


def test_posteriors_are_shares_of_each_generated_word() -> None:
    ahead, back = sampler.sampled_posteriors(Lexicon(Vocabulary(SOURCES), Vocabulary(TARGETS)))
    for source, target, one, two in zip(SOURCES, TARGETS, ahead, back, strict=True):
        assert one.shape == two.shape == (len(source), len(target))
        assert (one.sum(axis=0) <= 1 + 1e-5).all() and (two.sum(axis=1) <= 1 + 1e-5).all()
        assert one.min() >= 0 and two.min() >= 0
    assert ahead[3][0, 0] > 0.5 and back[3][0, 0] > 0.5


def test_the_same_pairs_have_the_same_posteriors() -> None:
    first, second = (sampler.sampled_posteriors(Lexicon(Vocabulary(SOURCES), Vocabulary(TARGETS))) for _ in range(2))
    for one, two in zip(first, second, strict=True):
        assert all(np.array_equal(a, b) for a, b in zip(one, two, strict=True))


def test_counts_are_those_of_the_links_after_any_sweep() -> None:
    lexicon = Lexicon(Vocabulary(SOURCES), Vocabulary(TARGETS))
    direction = sampler._Direction(lexicon, 0, sampler._batches(lexicon, 0), np.random.default_rng(1))
    other = np.full(len(lexicon.sides[0].numbers) + 1, sampler.NOTHING)
    for stage in (0, 1, 2, 2):
        direction.sweep(other, stage, collect=False)
        counts = lexicon.prior.copy()
        for batch in direction._batches:
            for place, active in enumerate(batch.active):
                for column, link in enumerate(batch.links[place, :active]):
                    if link != sampler.NOTHING:
                        counts[batch.pairs[place, column, link]] += 1
            assert batch.fertility.sum() == (batch.links != sampler.NOTHING).sum()
        assert np.allclose(counts, direction._counts, atol=1e-3)
