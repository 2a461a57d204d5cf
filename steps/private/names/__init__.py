"""Names of people, by dictionary and context."""

from steps.private.names.find import PATTERN, Names
from steps.private.names.korean import split

__all__ = ["PATTERN", "Names", "split"]
