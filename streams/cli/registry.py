"""The commands of ``kpi``, written once. Only the module of the command that runs is imported."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple, Protocol

if TYPE_CHECKING:
    import argparse

    from streams.settings import Settings

    Subparsers = argparse._SubParsersAction[argparse.ArgumentParser]  # noqa: SLF001  # no public name


class Command(NamedTuple):
    """A command's name and the line that ``kpi --help`` shows for it."""

    name: str
    summary: str

    @property
    def module(self) -> str:
        """The module that implements the command."""
        return f"streams.cli.{self.name.replace('-', '_')}"


class CommandModule(Protocol):
    """What every command's module provides."""

    def add_parser(self, subparsers: Subparsers) -> None:
        """Add the command's parser, named as in the registry."""

    def run(self, args: argparse.Namespace, settings: Settings) -> int:
        """Do the work and return the exit code."""


COMMANDS: Final = (
    Command("demo", "everything on embedded servers, with seeded traffic"),
    Command("up", "worker, exporter and collector in one supervised process tree"),
    Command("worker", "read the topics and keep the tables"),
    Command("exporter", "serve the live page, metrics and the JSON API"),
    Command("collector", "take events over HTTP"),
    Command("query", "values of a KPI"),
    Command("top", "KPIs in a terminal, as they change"),
    Command("replay", "publish events from files"),
    Command("verify", "compare every stored figure with a batch recomputation"),
    Command("simulate", "publish seeded, believable traffic"),
    Command("topics", "create or list the topics"),
    Command("catalog", "list, show, check, explain and compare the KPIs"),
    Command("backfill", "recompute a range of the log beside the live figures"),
    Command("generate", "dashboards, rules, the runbook and schemas, from their definitions"),
    Command("state", "back up, restore or give up the tables"),
    Command("repartition", "bring a topic's tables to another number of partitions"),
    Command("dead-letters", "list, show and retry what the worker rejected"),
    Command("forget", "remove what is kept of a visitor, customer or recipient"),
    Command("grafana", "dashboards and annotations into a Grafana that runs already"),
    Command("doctor", "settings with their sources, and what is wrong around them"),
    Command("bench", "measure throughput and latency"),
)
