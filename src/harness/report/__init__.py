"""Report: reads what was tracked and compares it."""
