"""Names of people, by dictionary and context."""

from steps.private.names.find import Names, patterns
from steps.private.names.korean import split

__all__ = ["Names", "patterns", "split"]
