"""Who and what is there when a test begins."""

from typing import Any

from .callers import App

ORG = "acme"
REPOSITORY = "acme/models"
ROLES = {
    "alice": "write",
    "bob": "write",
    "carol": "write",
    "dave": "maintain",
    "erin": "admin",
    "machine": "write",  # the account behind a plain token, where there is no App
    "mallory": "none",
    "admin": "admin",  # emulate's own
}
TEAMS = {"ml": ("alice", "bob"), "safety": ("carol",), "data": ("dave", "erin"), "product": ("dave",)}
TURNS = 40  # tokens for each person in emulate, which lets each make 5,000 calls
PERMISSIONS = {
    "metadata": "read",
    "members": "read",
    "actions": "write",
    "checks": "write",
    "contents": "write",
    "issues": "write",
    "pull_requests": "write",
    "statuses": "write",
}


def apps() -> list[App]:
    """Ours first, and another whose bot talks, too."""
    return [App(1001, "ratchet", 5001, PERMISSIONS), App(1002, "dependabot", 5002, PERMISSIONS)]


def token(login: str) -> str:
    """A person's token: its length and beginning are GitHub's."""
    return "ghp_" + (login * 36)[:36] if login != "admin" else "ghp_" + "a" * 36


def seed(all_apps: list[App], repository: str) -> dict[str, Any]:
    """What emulate begins with."""
    people = [login for login in ROLES if login != "admin"]
    installed = [
        {
            "app_id": app.id,
            "slug": app.slug,
            "name": app.slug.title(),
            "private_key": app.pem,
            "permissions": app.permissions,
            "events": [],  # deliveries are ours (hooks.py)
            "installations": [{"installation_id": app.installation, "account": ORG, "repository_selection": "all"}],
        }
        for app in all_apps
    ]
    return {
        "tokens": {
            f"{token(login)}{turn}": {"login": login, "scopes": ["repo", "admin:org"]}
            for login in ROLES
            for turn in range(TURNS)
        },
        "github": {
            "users": [{"login": login} for login in people],
            "orgs": [{"login": ORG, "members": [{"login": login} for login in ROLES if login != "mallory"]}],
            "repos": [{"owner": ORG, "name": repository.split("/")[1], "private": True}],
            "apps": installed,
        },
    }
