"""Every setting of the product: flags > environment ``KPI_*`` > ``.env`` > defaults that work.

``KPI_<NAME>_FILE`` names a file that holds the value (container secrets). ``kpi doctor`` prints
each setting with its source.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Final, cast
from zoneinfo import ZoneInfo

from processors.errors import SettingsError
from processors.names import LIVE_NAMESPACE
from streams.dotenv import read_dotenv

ENV_PREFIX: Final = "KPI_"
FILE_SUFFIX: Final = "_FILE"
DEFAULT_SOURCE: Final = "default"

Check = Callable[[Any], str | None]  # the value -> what is wrong with it, or None


def _within(low: int, high: int) -> Check:
    return lambda value: None if low <= value <= high else f"must be {low} to {high}"


def _matches(pattern: str, rule: str) -> Check:
    return lambda value: None if re.fullmatch(pattern, value) else f"must be {rule}"


def _zone(value: str) -> str | None:
    if value:
        try:
            ZoneInfo(value)
        except (KeyError, ValueError, OSError):
            return "is not a time zone such as Europe/Berlin: days would have no boundaries"
    return None


def _setting(
    default: str | int,
    text: str,
    check: Check | None = None,
    *,
    secret: bool = False,
    flag: bool = True,
) -> Any:
    meta = {"help": text, "check": check, "secret": secret, "flag": flag}
    return field(default=default, metadata=meta)


_PORT: Final = _within(0, 65_535)
_NAME: Final = _matches(r"[a-z0-9][a-z0-9-]{0,62}", "lower-case letters, digits and dashes")


@dataclass(frozen=True)
class Settings:
    """The values in force, and where each came from.

    Attributes:
        sources: setting -> ``--flag``, ``KPI_NAME``, ``.env``, a secret's file, or ``default``.
        warnings: unknown ``KPI_*`` names, one line each.
    """

    broker: str = _setting(
        "127.0.0.1:9092",
        "Kafka bootstrap servers, HOST:PORT[,HOST:PORT]",
        _matches(r"[^\s,:]+:\d+(,[^\s,:]+:\d+)*", "HOST:PORT, several separated by commas"),
    )
    broker_security: str = _setting(
        "PLAINTEXT",
        "how Kafka is reached: PLAINTEXT, SSL, SASL_PLAINTEXT or SASL_SSL",
        _matches(r"PLAINTEXT|SSL|SASL_PLAINTEXT|SASL_SSL", "one of Kafka's security protocols"),
    )
    broker_mechanism: str = _setting(
        "SCRAM-SHA-512",
        "how Kafka checks the login: SCRAM-SHA-512, SCRAM-SHA-256 or PLAIN",
        _matches(r"SCRAM-SHA-(256|512)|PLAIN", "SCRAM-SHA-512, SCRAM-SHA-256 or PLAIN"),
    )
    broker_user: str = _setting("", "login at Kafka, for SASL")
    broker_password: str = _setting("", "its password", secret=True)
    broker_ca_path: str = _setting(
        "", "file of the authority that signed Kafka's certificate; empty: the system's"
    )
    broker_cert_path: str = _setting("", "file of our certificate, where Kafka asks for one")
    broker_key_path: str = _setting("", "file of its key, where it is not in the same file")
    redis_url: str = _setting(
        "redis://127.0.0.1:6379/0",
        "Redis or Valkey; redis+cluster://, redis+sentinel://HOST,.../SERVICE, rediss: with TLS",
        _matches(
            r"(rediss?(\+cluster|\+sentinel)?|unix)://\S+", "a redis://, rediss:// or unix:// URL"
        ),
        secret=True,
    )
    namespace: str = _setting(
        LIVE_NAMESPACE, "isolates topics and tables of one installation", _NAME
    )
    group: str = _setting("kpi-streams", "consumer group; the namespace is appended", _NAME)
    partitions: int = _setting(
        4, "partitions of each event topic when it is created", _within(1, 1_000)
    )
    catalog_dir: str = _setting("", "directory of your own KPIs, merged over the presets")
    kpis: str = _setting(
        "",
        "the KPIs that are kept, separated by commas; empty: all of the catalogue",
        _matches(r"([a-z0-9_]+(,[a-z0-9_]+)*)?", "KPI ids separated by commas, without blanks"),
    )
    zone: str = _setting("", "time zone in which days are cut; empty: the catalogue's", _zone)
    exporter_host: str = _setting("127.0.0.1", "address that the exporter listens on")
    exporter_port: int = _setting(9464, "port that the exporter listens on; 0: a free one", _PORT)
    exporter_token: str = _setting(
        "", "bearer token; required where exporter or worker are not on loopback", secret=True
    )
    exporter_values_max: int = _setting(
        50,
        "dimension values in /metrics per KPI, window and dimension set: those with most samples",
        _within(1, 100_000),
    )
    worker_host: str = _setting("127.0.0.1", "address of the worker's health page and metrics")
    worker_port: int = _setting(0, "port of the worker's health page and metrics; 0: off", _PORT)
    checkpoint_interval_ms: int = _setting(
        500, "time between a partition's checkpoints", _within(10, 60_000)
    )
    tick_interval_ms: int = _setting(
        5_000, "time between ticks of an idle partition; 0: none", _within(0, 3_600_000)
    )
    dedup_horizon: int = _setting(
        500_000,
        "records of a partition in one generation of duplicate detection",
        _within(1, 10**8),
    )
    state_cache_max: int = _setting(
        200_000, "keyed states that a partition keeps in memory", _within(1, 10**8)
    )
    rebalance_timeout_ms: int = _setting(
        4_000, "time that a group waits for its members to rejoin", _within(1_000, 600_000)
    )
    session_timeout_ms: int = _setting(
        10_000,
        "silence after which the broker gives a worker's partitions away; Apache Kafka takes no "
        "less than its group.min.session.timeout.ms, 6000 as installed",
        _within(1_000, 600_000),
    )
    instance_id: str = _setting(
        "",
        "name of this one worker, unique in its group: started again within session_timeout_ms it "
        "goes on with the same partitions, without a rebalance; empty: none",
        _matches(r"[A-Za-z0-9._-]{0,200}", "letters, digits, dots, dashes and underscores"),
    )
    count_anew: int = _setting(
        0,
        "1: where Redis was emptied and the log no longer begins at its beginning, count what it "
        "still holds",
        _within(0, 1),
    )
    collector_host: str = _setting("127.0.0.1", "address that the collector listens on")
    collector_port: int = _setting(9465, "port that the collector listens on; 0: a free one", _PORT)
    collector_keys: str = _setting(
        "", "file of the write keys; required where the collector is not on loopback"
    )
    collector_spool: str = _setting(
        "", "directory for events while Kafka is away; empty: they are refused"
    )
    collector_spool_bytes: int = _setting(
        1 << 30, "how much may wait in the spool", _within(1 << 20, 1 << 50)
    )
    collector_identity_key: str = _setting(
        "", "identities are replaced by a hash of them with this key", secret=True
    )
    collector_events_per_s: int = _setting(
        50_000, "events that a key without a rate of its own may send", _within(1, 10**9)
    )
    collector_body_bytes: int = _setting(
        4 << 20, "size of a request's body, uncompressed", _within(1_024, 1 << 30)
    )
    collector_batch_events: int = _setting(5_000, "events in one request", _within(1, 10**6))
    collector_requests: int = _setting(512, "requests under way at once", _within(1, 10**6))
    collector_body_timeout_ms: int = _setting(
        30_000, "how long a client may take to send a body", _within(100, 3_600_000)
    )
    collector_away_after_ms: int = _setting(
        5_000, "how long Kafka may take before it counts as away", _within(100, 600_000)
    )
    collector_drain_timeout_ms: int = _setting(
        20_000, "how long requests under way may take at the end", _within(0, 600_000)
    )
    keep_all_panes: int = _setting(
        0, "1: the worker deletes no pane (verification, backfill)", _within(0, 1)
    )
    stall_timeout_ms: int = _setting(
        60_000,
        "lag without progress after which a worker exits to be restarted",
        _within(1_000, 3_600_000),
    )
    alert_webhook_url: str = _setting(
        "",
        "receiver of every alert: a webhook (kpi generate --receivers)",
        _matches(r"(https?://\S+)?", "an http:// or https:// URL"),
        secret=True,
    )
    alert_email_to: str = _setting("", "receiver of every alert: an e-mail address")
    alert_email_from: str = _setting("", "sender of alerts by e-mail")
    alert_smtp: str = _setting("", "mail server of alerts", _matches(r"(\S+:\d+)?", "HOST:PORT"))
    alert_smtp_user: str = _setting("", "login at the mail server; empty: none")
    alert_smtp_password_path: str = _setting(
        "", "file with the password there, as Alertmanager sees it"
    )
    alert_slack_path: str = _setting(
        "", "receiver of critical alerts: file with a Slack webhook, as Alertmanager sees it"
    )
    grafana_url: str = _setting(
        "http://127.0.0.1:3000",
        "Grafana that kpi grafana pushes to",
        _matches(r"https?://\S+", "an http:// or https:// URL"),
    )
    grafana_token: str = _setting(
        "", "token of a service account of that Grafana", secret=True, flag=False
    )
    log_level: str = _setting(
        "info",
        "debug, info, warning or error",
        _matches("debug|info|warning|error", "debug, info, warning or error"),
    )
    sources: Mapping[str, str] = field(default_factory=dict, compare=False, repr=False)
    warnings: tuple[str, ...] = field(default=(), compare=False, repr=False)

    @property
    def group_id(self) -> str:
        """The consumer group: one per namespace."""
        return f"{self.group}-{self.namespace}"

    def environment(self) -> dict[str, str]:
        """Return the settings as the environment of a child process, defaults left out."""
        return {
            env_name(name): str(getattr(self, name))
            for name in setting_names()
            if self.sources.get(name, DEFAULT_SOURCE) != DEFAULT_SOURCE
            or getattr(self, name) != _FIELDS[name].default
        }


_FIELDS: Final = {f.name: f for f in fields(Settings) if "help" in f.metadata}


def setting_names() -> tuple[str, ...]:
    """Return every setting's name."""
    return tuple(_FIELDS)


def setting_help(name: str) -> str:
    """Return a setting's one-line description."""
    return str(_FIELDS[name].metadata["help"])


def setting_default(name: str) -> str | int:
    """Return a setting's default."""
    return cast("str | int", _FIELDS[name].default)


def is_secret(name: str) -> bool:
    """Tell whether a setting's value may hold a password: it is then never printed whole."""
    return bool(_FIELDS[name].metadata["secret"])


def has_flag(name: str) -> bool:
    """Tell whether a setting may stand on the command line, where other users can read it."""
    return bool(_FIELDS[name].metadata["flag"])


def shown(settings: Settings, name: str) -> str:
    """Return a setting's value as it may be printed: without passwords."""
    value = str(getattr(settings, name))
    if not is_secret(name) or not value:
        return value
    # Everything before the last @ is the login, even where a password holds an unescaped one.
    url = re.fullmatch(r"([\w+]+://)(?:([^:@]*).*@)?([^@?]*)(\?.*)?", value)
    if url is None:
        return "(set)"
    login = f"{url[2]}:***@" if url[2] is not None else ""
    return url[1] + login + url[3]


def env_name(name: str) -> str:
    """Return the environment variable of a setting."""
    return ENV_PREFIX + name.upper()


def load_settings(
    flags: Mapping[str, str | int | None],
    env: Mapping[str, str],
    dotenv_path: Path | None = Path(".env"),
) -> Settings:
    """Combine flags, environment, ``.env`` and defaults.

    Args:
        flags: setting name -> value; None where the flag was not given.
        env: the process's environment.
        dotenv_path: the ``.env`` file; None, or a missing file, is empty.

    Raises:
        SettingsError: a value is unusable; it names the setting, the source, the value and why.
    """
    dotenv = read_dotenv(dotenv_path)
    values: dict[str, str | int] = {}
    sources: dict[str, str] = {}
    for name in _FIELDS:
        raw, source = _find(name, flags, env, dotenv)
        sources[name] = source
        if raw is not None:
            values[name] = _parse(name, raw, source)
    warnings = (*_unknown(env, "the environment"), *_unknown(dotenv, str(dotenv_path)))
    return Settings(**values, sources=sources, warnings=warnings)  # type: ignore[arg-type]


def _find(
    name: str,
    flags: Mapping[str, str | int | None],
    env: Mapping[str, str],
    dotenv: Mapping[str, str],
) -> tuple[str | int | None, str]:
    """Return the value of the strongest source that has the setting, and the source."""
    flag = flags.get(name)
    if flag is not None:
        return flag, "--" + name.replace("_", "-")
    key = env_name(name)
    for values, source in ((env, key), (dotenv, ".env")):
        if key in values:
            return values[key], source
        if key + FILE_SUFFIX in values:
            path = Path(values[key + FILE_SUFFIX])
            try:
                return path.read_text("utf-8").strip(), f"{key}{FILE_SUFFIX} ({path})"
            except (OSError, UnicodeDecodeError) as error:
                raise SettingsError(
                    f"{key}{FILE_SUFFIX}: {path}: cannot be read: {error}"
                ) from error
    return None, DEFAULT_SOURCE


def _parse(name: str, raw: str | int, source: str) -> str | int:
    """Convert and check one value."""
    meta = _FIELDS[name]
    shown = "(hidden)" if is_secret(name) else repr(raw)
    value: str | int = raw
    if isinstance(meta.default, int):
        try:
            value = int(raw)
        except ValueError:
            raise SettingsError(f"{name} from {source}: {shown} is not a whole number") from None
    check: Check | None = meta.metadata["check"]
    fault = check(value) if check else None
    if fault:
        raise SettingsError(f"{name} from {source}: {shown} {fault}")
    return value


def _unknown(env: Mapping[str, str], where: str) -> list[str]:
    """Warn about names that look like settings and are none: a typo would be ignored silently."""
    known = {env_name(name) for name in _FIELDS}
    known |= {name + FILE_SUFFIX for name in known}
    lines = []
    for name in sorted(n for n in env if n.startswith(ENV_PREFIX) and n not in known):
        close = difflib.get_close_matches(name, sorted(known), n=1)
        hint = f": did you mean {close[0]}?" if close else ""
        lines.append(f"{name} in {where} is not a setting and has no effect{hint}")
    return lines
