"""The server's log: plain lines to stderr, in which no secret and no control character stands."""

import logging
import sys
from collections.abc import Iterable, MutableMapping

from orchestrator.settings import Settings
from reviewers.github.protocol import redact
from reviewers.plain import tame

SECRET = (
    "RATCHET_DATABASE_URL", "RATCHET_TOKEN", "RATCHET_TOKENS", "RATCHET_GITHUB_TOKEN", "RATCHET_GITHUB_APP_PRIVATE_KEY",
    "RATCHET_GITHUB_WEBHOOK_SECRETS", "RATCHET_NOTIFY",
)  # fmt: skip


class Plain(logging.Formatter):
    """`2026-11-20 02:17:00 INFO ratchet.engine …`, without these secrets."""

    def __init__(self, secrets: Iterable[str]) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s %(message)s", "%Y-%m-%d %H:%M:%S%z")
        self._secrets = tuple(secrets)

    def format(self, record: logging.LogRecord) -> str:
        """One record; a message has one line, a traceback its own."""
        return tame(redact(super().format(record), self._secrets))


def secrets_of(settings: Settings) -> list[str]:
    """Every text that must never be seen."""
    github = settings.github
    found = [settings.token, settings.privacy_key, *settings.notify]
    if github is not None:
        found += [github.token, github.private_key, *github.webhook_secrets]
    return [one for one in found if one]


def begin(settings: Settings, level: str) -> None:
    """Write the log from now on."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(Plain(secrets_of(settings)))
    logging.basicConfig(handlers=[handler], level=level, force=True)
    for noisy in ("httpx", "httpcore", "asyncio"):
        logging.getLogger(noisy).setLevel("WARNING")


def forget(environment: MutableMapping[str, str]) -> None:
    """Steps inherit the environment: what was read of it, and is secret, is taken out; the privacy key is theirs."""
    for name in SECRET:
        environment.pop(name, None)
        environment.pop(f"{name}_FILE", None)
