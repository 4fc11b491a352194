import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from harness.model.batching import BucketSampler, batches_by_length

LENGTHS = st.lists(st.integers(1, 60), min_size=1, max_size=80)


@given(LENGTHS, st.integers(1, 9), st.none() | st.integers(1, 200), st.booleans())
def test_every_window_is_in_exactly_one_batch(lengths: list[int], size: int, budget: int | None, shuffle: bool) -> None:
    generator = np.random.default_rng(1) if shuffle else None
    batches = batches_by_length(lengths, batch_size=size, token_budget=budget, generator=generator)
    assert sorted(index for batch in batches for index in batch) == list(range(len(lengths)))
    for batch in batches:
        if budget is None:
            assert len(batch) <= size
        else:
            assert len(batch) == 1 or max(lengths[index] for index in batch) * len(batch) <= budget


def test_batches_hold_similar_lengths() -> None:
    batches = batches_by_length(
        [1, 50, 2, 49, 3, 48], batch_size=3, token_budget=None, generator=np.random.default_rng(1)
    )
    assert sorted(sorted(batch) for batch in batches) == [[0, 2, 4], [1, 3, 5]]


def passes(seed: int, **settings: int) -> list[list[list[int]]]:
    sampler = BucketSampler(list(range(1, 30)), batch_size=4, token_budget=None, seed=seed, **settings)
    return [list(sampler), list(sampler)]


def test_passes_differ_and_repeat_with_the_seed() -> None:
    first, second = passes(1)
    assert first != second
    assert passes(1) == [first, second]
    assert passes(2)[0] != first


def test_devices_share_the_batches_and_make_the_same_number_of_steps() -> None:
    shards = [passes(1, rank=rank, world_size=3)[0] for rank in range(3)]
    assert {len(shard) for shard in shards} == {3}
    assert {index for shard in shards for batch in shard for index in batch} == set(range(29))


def test_runs_that_add_sentences_keep_the_others_in_the_same_order() -> None:
    """Of one length, so that sorting by length moves nothing."""

    def order(count: int) -> list[int]:
        generator = np.random.default_rng([7, 0])
        batches = batches_by_length([9] * count, batch_size=1, token_budget=None, generator=generator)
        return [index for batch in batches for index in batch]

    places = np.random.default_rng([7, 0]).random(10)
    assert np.array_equal(places, np.random.default_rng([7, 0]).random(30)[:10])
    assert sorted(order(30)) == list(range(30)) and order(10) != list(range(10))
