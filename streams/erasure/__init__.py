"""Erasure: asking the owning workers to forget an identity, and reading what they removed."""
