"""What every test about GitHub may use."""

from rig.fixtures import emulator, github, github_apps

__all__ = ["emulator", "github", "github_apps"]
