"""A Kafka record as the pipeline takes it."""

from __future__ import annotations

Record = tuple[int, int, bytes | None, bytes | None]
"""(offset, timestamp ms, key, value)"""
