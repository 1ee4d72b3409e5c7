"""The independent batch recomputation: the same log, the same formulas, none of the same code.

Shared with the live path are only the catalogue's model, cell names, the ladder's constants and
the histogram's bucket bounds. Everything else is DuckDB SQL, written from the definitions.
"""
