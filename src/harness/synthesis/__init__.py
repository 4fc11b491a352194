"""Synthetic sentences written by language models: prompts, client, parser, filters, quality card."""
