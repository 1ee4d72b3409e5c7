"""Tables that are empty where there has been a count: said, and refused where it would be wrong."""

from __future__ import annotations

import pytest

from processors.errors import PartitionStoppedError
from streams.worker.past import check_past
from streams.worker.ports import Bounds

WHOLE = Bounds("id", 4, 0, 900)
TRIMMED = Bounds("id", 4, 100, 900)


@pytest.mark.parametrize("bounds", [WHOLE, TRIMMED])
@pytest.mark.parametrize("committed", [None, 0])
def test_first_start_is_no_news(
    bounds: Bounds, committed: int | None, caplog: pytest.LogCaptureFixture
) -> None:
    """A partition that nobody has counted is begun wherever its log begins, without a word."""
    check_past("t[0]", bounds, committed, count_anew=False)
    assert not caplog.records


def test_emptied_tables_are_filled_again_from_a_whole_log(caplog: pytest.LogCaptureFixture) -> None:
    """A log that begins at its beginning gives every figure again, and that is said."""
    check_past("t[0]", WHOLE, 500, count_anew=False)
    assert "t[0] has no tables, but was counted up to offset 500: Redis was emptied" in caplog.text
    assert "counted anew from offset 0" in caplog.text


def test_emptied_tables_with_a_trimmed_log_wait_for_a_person(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """What the log has lost would be missing in every figure: only a person may accept that."""
    with pytest.raises(PartitionStoppedError, match=r"log begins at 100.*KPI_COUNT_ANEW=1"):
        check_past("t[0]", TRIMMED, 500, count_anew=False)
    check_past("t[0]", TRIMMED, 500, count_anew=True)
    assert "counted anew from offset 100" in caplog.text
