"""Joins the stages into one experiment: prepare, train in rounds, score, record."""
