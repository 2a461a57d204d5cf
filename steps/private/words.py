"""Lists of words as they are read: in lines, apart by blanks. Pure."""

__all__ = ["words"]


def words(text: str) -> frozenset[str]:
    """The words of a text."""
    return frozenset(text.split())
