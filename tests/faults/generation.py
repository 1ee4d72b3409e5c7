"""``kpi`` of the generation that ``GENERATION`` names: ``older`` or ``newer``."""

from __future__ import annotations

import os
import sys

from processors import schema
from tests.support.generations import NEWER, make_older

if __name__ == "__main__":
    if os.environ["GENERATION"] == "older":
        make_older()
    else:
        schema.SCHEMA = NEWER  # type: ignore[misc]  # before anybody imports it
    from streams.cli.main import main

    sys.exit(main())
