"""Speed beside what a user would take instead: ``make bench``; docs/benchmarks.md holds the results."""
