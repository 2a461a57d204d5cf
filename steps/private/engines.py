"""The recognisers that the settings name, each made when it is first needed."""

from steps.private.names import Names
from steps.private.rules import Rules
from steps.private.settings import Privacy
from steps.private.spans import Recogniser

__all__ = ["recognisers"]


def recognisers(settings: Privacy) -> list[Recogniser]:
    """What the settings name, in their order."""
    found: list[Recogniser] = [Rules(settings.languages), Names(settings.languages)]
    return found
