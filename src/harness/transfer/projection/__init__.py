"""Carrying the spans of a sentence to its translation: alignment windows, rules, marks."""
