"""Judging an index and a model, and deciding whether they may be released."""
