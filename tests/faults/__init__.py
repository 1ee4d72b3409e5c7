"""Everything that can break, broken on purpose under live traffic (docs/faults.md)."""
