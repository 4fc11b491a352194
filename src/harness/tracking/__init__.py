"""Tracking: runs recorded in MLflow, whatever happens to them."""
