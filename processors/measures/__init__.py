"""Measures: what is added up of a partition's events and facts, by pane and dimension values."""

from processors.measures.accumulator import Accumulator
from processors.measures.plan import MeasurePlan, compile_measures

__all__ = ["Accumulator", "MeasurePlan", "compile_measures"]
