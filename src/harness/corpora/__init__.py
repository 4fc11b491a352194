"""Corpora: cards and readers in, :class:`harness.values.records.Corpus` values with a full account out."""
