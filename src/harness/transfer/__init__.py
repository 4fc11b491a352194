"""Transfer: from corpora to training mixtures, by recipe."""
