"""Corpora: cards and readers in, :class:`harness.records.Corpus` values with a full account out."""
