"""Evaluation: entity-span measures from character spans, with error kinds and intervals."""
