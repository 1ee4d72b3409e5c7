"""Entry point of ``kpi``: parse, load the settings, run one command, turn errors into one line."""

from __future__ import annotations

import argparse
import os
import sys
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Final, cast

from processors.errors import UsageError
from streams.cli.failures import explain
from streams.cli.registry import COMMANDS, Command, CommandModule
from streams.logs import configure_logs
from streams.settings import (
    env_name,
    has_flag,
    load_settings,
    setting_default,
    setting_help,
    setting_names,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

DESCRIPTION = "Exact rolling KPIs from Kafka tracking events."
EPILOG = """\
examples:
  kpi demo                              everything on embedded servers, with traffic
  kpi query click_through_rate --by campaign --format json
  kpi catalog show conversion_rate      what a KPI is made of
  kpi doctor                            settings with their sources, and what is wrong

exit codes: 0 done, 1 the checked thing is wrong, 2 usage, 3 a service is unreachable or refused
"""
_COLLECTING = frozenset({"collector", "up", "doctor"})
_SETTINGS: Final = "settings (flag > environment > .env > default)"


def main(argv: Sequence[str] | None = None) -> int:
    """Run ``kpi`` with these arguments and return the exit code."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    debug = False
    try:
        parser, module = _build(arguments)
        args = parser.parse_args(arguments)
        if module is None:
            parser.print_help()
            return UsageError.exit_code
        flags = {name: getattr(args, name, None) for name in setting_names()}
        settings = load_settings(flags, os.environ)
        debug = settings.log_level == "debug"
        for warning in settings.warnings:
            _say(f"warning: {warning}")
        configure_logs(settings.log_level)
        return module.run(args, settings)
    except KeyboardInterrupt:
        return 130  # what a shell expects of a process ended by SIGINT
    except BrokenPipeError:
        # The reader (head, less) has enough: stay silent, also when stdout is flushed at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as error:
        failure = explain(error)
        if failure is None or debug:
            raise
        _say(failure.text)
        return failure.exit_code


class _CommandsHelp(argparse.RawDescriptionHelpFormatter):
    """Leaves room for the longest command's name, which argparse measures by its indent short."""

    def __init__(self, prog: str) -> None:
        super().__init__(prog)
        self._action_max_length = max(len(command.name) for command in COMMANDS) + 4


class _SettingsHelp(argparse.RawDescriptionHelpFormatter):
    """Leaves the settings, which every command takes, out of its usage: errors show that."""

    def add_usage(
        self,
        usage: str | None,
        actions: Iterable[argparse.Action],
        groups: Iterable[argparse._MutuallyExclusiveGroup],
        prefix: str | None = None,
    ) -> None:
        """Add the usage of what is the command's own."""
        own = [action for action in actions if _group(action) != _SETTINGS]
        super().add_usage(usage, own, groups, prefix)


def _group(action: argparse.Action) -> object:
    """Return the title of an option's group, which argparse has no public way to ask for."""
    return getattr(getattr(action, "container", None), "title", None)


def _say(text: str) -> None:
    sys.stderr.write(f"kpi: {text}\n")


def _build(arguments: Sequence[str]) -> tuple[argparse.ArgumentParser, CommandModule | None]:
    """Build the parser; only the command that ``arguments`` name is imported."""
    parser = argparse.ArgumentParser(
        prog="kpi",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=_CommandsHelp,
    )
    parser.add_argument("--version", action="version", version=f"kpi-streams {_version()}")
    subparsers = parser.add_subparsers(title="commands", metavar="COMMAND", dest="command")
    wanted = next((a for a in arguments if not a.startswith("-")), "")
    found: CommandModule | None = None
    for command in COMMANDS:
        if command.name == wanted:
            found = _load(command, subparsers)
        else:
            subparsers.add_parser(command.name, help=command.summary)
    return parser, found


def _load(
    command: Command, subparsers: argparse._SubParsersAction[argparse.ArgumentParser]
) -> CommandModule:
    module = cast("CommandModule", import_module(command.module))
    module.add_parser(subparsers)
    shown = setting_names()
    if command.name not in _COLLECTING:
        shown = tuple(name for name in shown if not name.startswith("collector_"))
    _add_settings(subparsers.choices[command.name], frozenset(shown))
    return module


def _add_settings(parser: argparse.ArgumentParser, shown: frozenset[str]) -> None:
    """Give a command, and its actions, every setting as a flag, unless it has that flag itself.

    Args:
        parser: the command's.
        shown: settings that its help names; every command takes all of them.
    """
    parser.formatter_class = _SettingsHelp
    taken: set[str] = set()
    for action in parser._actions:  # noqa: SLF001  # argparse has no public way to ask
        taken.update(action.option_strings)
        if isinstance(action, argparse._SubParsersAction):  # noqa: SLF001
            for choice in action.choices.values():
                _add_settings(choice, shown)
    group = parser.add_argument_group(_SETTINGS)
    for name in setting_names():
        flag = "--" + name.replace("_", "-")
        if flag not in taken and has_flag(name):
            default = setting_default(name)
            usual = f" ({default})" if default != "" else ""
            text = f"{setting_help(name)}{usual} [{env_name(name)}]".replace("%", "%%")
            if name not in shown:
                text = argparse.SUPPRESS
            # Absent rather than None: an action must not undo what its command was given.
            group.add_argument(
                flag, dest=name, metavar="VALUE", help=text, default=argparse.SUPPRESS
            )


def _version() -> str:
    try:
        return version("kpi-streams")
    except PackageNotFoundError:  # run from a source tree that was never installed
        return "(not installed)"


if __name__ == "__main__":
    sys.exit(main())
