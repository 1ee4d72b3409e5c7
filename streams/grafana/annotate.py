"""Marks on every dashboard: a deployment, a campaign's days."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from streams.grafana.client import Grafana

TAG: Final = "kpi-streams"  # what the dashboards' annotation query asks for
KINDS: Final = ("deployment", "campaign")


@dataclass(frozen=True)
class Mark:
    """What happened, and when.

    Attributes:
        end_ms: equal to ``start_ms`` for a moment.
    """

    kind: str
    text: str
    start_ms: int
    end_ms: int
    tags: tuple[str, ...] = ()

    @property
    def all_tags(self) -> list[str]:
        """The product's tag, the kind, and those that were given."""
        return list(dict.fromkeys((TAG, self.kind, *self.tags)))


def annotate(grafana: Grafana, mark: Mark) -> tuple[int, bool]:
    """Make the mark unless the same one is there.

    Returns:
        Its id, and whether it was made now.

    Raises:
        UnreachableError: Grafana is away, or refuses.
    """
    found = grafana.ask(
        "reading the annotations",
        lambda face: face.annotations.get_annotation(
            time_from=mark.start_ms, time_to=mark.end_ms, tags=[TAG, mark.kind], limit=1000
        ),
    )
    for known in found:
        if _is(known, mark):
            return int(known["id"]), False
    made = grafana.ask(
        "making the annotation",
        lambda face: face.annotations.add_annotation(
            time_from=mark.start_ms, time_to=mark.end_ms, tags=mark.all_tags, text=mark.text
        ),
    )
    return int(made["id"]), True


def _is(known: dict[str, Any], mark: Mark) -> bool:
    """Tell whether Grafana's annotation is the mark."""
    when = (known.get("time"), known.get("timeEnd") or known.get("time"))
    same = known.get("text") == mark.text and when == (mark.start_ms, mark.end_ms)
    return same and set(known.get("tags") or ()) == set(mark.all_tags)
