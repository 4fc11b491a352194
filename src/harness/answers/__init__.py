"""Reading what language models write: damaged JSON, items of many shapes, whole answers."""
