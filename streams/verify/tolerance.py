"""How far an estimate may be off."""

from __future__ import annotations

from typing import Final

from processors.sketch import RELATIVE_STANDARD_ERROR

# Five standard errors: one sound count in two million would be called different.
SKETCH_TOLERANCE: Final = 5 * RELATIVE_STANDARD_ERROR
