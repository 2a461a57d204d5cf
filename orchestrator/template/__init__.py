"""What `ratchet init` writes."""

from importlib.resources import files


def starter() -> dict[str, str]:
    """The content of each file by its path in the user's folder."""
    return {"ratchet.yaml": files(__name__).joinpath("ratchet.yaml").read_text(encoding="utf-8")}
