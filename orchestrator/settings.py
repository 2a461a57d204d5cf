"""What the environment says, read once, with a clear error for each value that can't be used.

Laws:
- A secret is read from `NAME`, or from the file that `NAME_FILE` names; an unreadable file is an error at the start.
- No secret is ever part of a message, a `repr`, or what `--json` prints.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from orchestrator.trouble import Trouble

HOME = Path(".ratchet")
ROLES = ("viewer", "planner", "reviewer", "admin")
GITHUB = "https://api.github.com"
ISSUER = "https://token.actions.githubusercontent.com"


@dataclass(frozen=True)
class Token:
    """A bearer token that is known by its hash: whose it is, and what it may do (a role includes those before it)."""

    name: str
    role: str
    sha256: str = field(repr=False)


@dataclass(frozen=True)
class GitHubSettings:
    """How the server speaks with GitHub, for one repository."""

    repository: str
    api_url: str = GITHUB
    token: str = field(default="", repr=False)
    app_id: str = ""
    private_key: str = field(default="", repr=False)
    webhook_secrets: tuple[str, ...] = field(default=(), repr=False)
    bots: tuple[str, ...] = ()
    poll: float = 60.0
    pace: float = 1.0


@dataclass(frozen=True)
class Settings:
    """Everything that the environment says. `url` is where people reach the server."""

    database_url: str
    artifacts: str
    ray_address: str | None = None
    server: str = ""
    token: str = field(default="", repr=False)
    tokens: tuple[Token, ...] = ()
    github: GitHubSettings | None = None
    oidc_audience: str = ""
    oidc_issuer: str = ISSUER
    oidc_workflows: tuple[str, ...] = ()
    url: str = ""
    notify: tuple[str, ...] = field(default=(), repr=False)
    config: str = "ratchet.yaml"
    privacy_key: str = field(default="", repr=False)

    @property
    def guarded(self) -> bool:
        """Whether anybody can prove to be somebody: without it a server binds to loopback only."""
        return bool(self.tokens or self.oidc_audience)


def read_settings(env: Mapping[str, str]) -> Settings:
    """The settings of this environment. Raises `Trouble` for a value that can't be used."""
    artifacts = env.get("RATCHET_ARTIFACTS") or str(HOME / "artifacts")
    return Settings(
        database_url=secret(env, "RATCHET_DATABASE_URL") or f"sqlite:///{HOME}/ratchet.db",
        artifacts=artifacts if "://" in artifacts else str(Path(artifacts).absolute()),
        ray_address=env.get("RATCHET_RAY_ADDRESS") or None,
        server=_address(env, "RATCHET_SERVER"),
        token=secret(env, "RATCHET_TOKEN"),
        tokens=_tokens(secret(env, "RATCHET_TOKENS")),
        github=_github(env),
        oidc_audience=env.get("RATCHET_OIDC_AUDIENCE", ""),
        oidc_issuer=(_address(env, "RATCHET_OIDC_ISSUER") or ISSUER).rstrip("/"),
        oidc_workflows=_words(env.get("RATCHET_OIDC_WORKFLOWS", "")),
        url=_address(env, "RATCHET_URL"),
        notify=_words(secret(env, "RATCHET_NOTIFY")),
        config=env.get("RATCHET_CONFIG") or "ratchet.yaml",
        privacy_key=_privacy(env),
    )


def secret(env: Mapping[str, str], name: str) -> str:
    """The value, or the content of the file that `NAME_FILE` names; empty where neither is set."""
    path = env.get(f"{name}_FILE", "")
    if not path:
        return env.get(name, "").strip()
    if env.get(name):
        raise Trouble(f"{name} and {name}_FILE are both set", "unset one of them", code=2)
    try:
        value = Path(path).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or "it is not UTF-8"
        raise Trouble(
            f"{name}_FILE names {path}, which can't be read: {why}", "check path and permissions", code=2
        ) from None
    if not value:
        raise Trouble(f"{name}_FILE names {path}, which is empty", "write the secret into it", code=2)
    return value


def _privacy(env: Mapping[str, str]) -> str:
    """The key of pseudonyms, as steps read it: what they could not use is an error before anything begins."""
    from steps.contract import StepError
    from steps.secret import configured

    try:
        return (configured(env) or b"").decode(errors="replace")
    except StepError as error:
        raise Trouble(error.failure.what, error.failure.cure, code=2) from None


def _words(text: str) -> tuple[str, ...]:
    """What stands between commas, spaces or ends of lines."""
    return tuple(word for word in re.split(r"[,\s]+", text) if word)


def _address(env: Mapping[str, str], name: str) -> str:
    value = env.get(name, "").strip().rstrip("/")
    if not value:
        return ""
    parts = urlsplit(value)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username or parts.query or parts.fragment:
        raise Trouble(f"{name} is not an address", "write one like https://ratchet.example.org", code=2)
    return value


def _tokens(text: str) -> tuple[Token, ...]:
    """`name:role:sha256`, several between commas or spaces."""
    tokens = []
    for number, word in enumerate(_words(text), start=1):
        name, _, rest = word.partition(":")
        role, _, digest = rest.partition(":")
        if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,62}", name) or not re.fullmatch(r"[0-9a-fA-F]{64}", digest):
            cure = "write name:role:sha256, where sha256 is the hash of the token: printf %s TOKEN | sha256sum"
            raise Trouble(f"entry {number} of RATCHET_TOKENS can't be read", cure, code=2)
        if role not in ROLES:
            raise Trouble(f"RATCHET_TOKENS gives {name} an unknown role", f"write one of {', '.join(ROLES)}", code=2)
        tokens.append(Token(name, role, digest.lower()))
    if len({token.name for token in tokens}) < len(tokens):
        raise Trouble("RATCHET_TOKENS has one name twice", "give each token a name of its own", code=2)
    return tuple(tokens)


def _github(env: Mapping[str, str]) -> GitHubSettings | None:
    repository = env.get("RATCHET_GITHUB_REPOSITORY", "").strip()
    if not repository:
        return None
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9-]*/[A-Za-z0-9._-]+", repository):
        raise Trouble("RATCHET_GITHUB_REPOSITORY is not a repository", "write owner/name", code=2)
    token, app = secret(env, "RATCHET_GITHUB_TOKEN"), env.get("RATCHET_GITHUB_APP_ID", "").strip()
    key = secret(env, "RATCHET_GITHUB_APP_PRIVATE_KEY").replace("\\n", "\n")
    if bool(app) != bool(key) or (app and token) or not (app or token):
        cure = "set RATCHET_GITHUB_APP_ID and RATCHET_GITHUB_APP_PRIVATE_KEY, or RATCHET_GITHUB_TOKEN"
        raise Trouble(f"the server can't sign in to GitHub for {repository}", cure, code=2)
    secrets = _words(secret(env, "RATCHET_GITHUB_WEBHOOK_SECRETS"))
    if not secrets:
        cure = "set RATCHET_GITHUB_WEBHOOK_SECRETS to the secret of the webhook"
        raise Trouble("deliveries of GitHub can't be verified without a secret", cure, code=2)
    return GitHubSettings(
        repository=repository,
        api_url=_address(env, "GITHUB_API_URL") or GITHUB,
        token=token,
        app_id=app,
        private_key=key,
        webhook_secrets=secrets,
        bots=tuple(login.casefold() for login in _words(env.get("RATCHET_GITHUB_BOTS", ""))),
        poll=_seconds(env, "RATCHET_GITHUB_POLL", 60.0),
        pace=_seconds(env, "RATCHET_GITHUB_PACE", 1.0, least=0.0),
    )


def _seconds(env: Mapping[str, str], name: str, default: float, least: float = 0.1) -> float:
    text = env.get(name, "").strip()
    try:
        value = float(text) if text else default
    except ValueError:
        value = -1.0
    if not least <= value < 86_400:
        raise Trouble(f"{name} is not a number of seconds", "write one like 60", code=2)
    return value
