"""What goes wrong for a user: the thing, the cause and the cure, and how the process ends."""


class Trouble(Exception):
    """`error: what, why, cure` on stderr. `code` 2: a wrong call; 1: a failure."""

    def __init__(self, what: str, cure: str = "", *, code: int = 1) -> None:
        super().__init__(f"{what}: {cure}" if cure else what)
        self.what, self.cure, self.code = what, cure, code
