"""What goes wrong on demand, between the product and GitHub."""

import re
import time
from collections.abc import Callable
from dataclasses import dataclass

from .wire import Call, Refused, Reply

WRITES = frozenset({"POST", "PATCH", "PUT", "DELETE"})
SECONDARY = (
    "You have exceeded a secondary rate limit. Please wait a few minutes before you try again. "
    "If you reach out to GitHub Support for help, please include the request ID."
)


@dataclass(frozen=True)
class Once:
    """The next fitting call fails: `after` it was done, or instead. A status of 0 hangs up."""

    method: str
    path: str
    after: bool
    status: int

    def fits(self, call: Call) -> bool:
        return self.method in ("*", call.method) and re.search(self.path, call.path) is not None


class Faults:
    """The faults in force."""

    def __init__(self) -> None:
        self.down: int | None = None  # the status that everything gets; 0 hangs up
        self.still = 0  # calls that get through before it is down
        self.once: list[Once] = []
        self.when: list[tuple[Once, Callable[[], None]]] = []
        self.calm_at = 0.0
        self.limited: str = ""

    def limit(self, seconds: float, kind: str) -> None:
        """From now on 403 for so long; `kind` is "secondary" or "primary"."""
        self.calm_at, self.limited = time.monotonic() + seconds, kind

    def before(self, call: Call) -> Reply | None:
        """What goes wrong instead of an answer; status 0 means to hang up."""
        for one, do in [pair for pair in self.when if pair[0].fits(call)]:
            self.when.remove((one, do))
            do()
        if self.down is not None:
            self.still -= 1
            if self.still < 0:
                return _broken(self.down)
        left = self.calm_at - time.monotonic()
        if left > 0 and not (self.limited == "secondary" and call.method not in WRITES):
            return _limited(self.limited, max(1, round(left)))
        return self._next(call, after=False)

    def after(self, call: Call) -> Reply | None:
        """What goes wrong although it was done."""
        return self._next(call, after=True)

    def _next(self, call: Call, after: bool) -> Reply | None:
        for one in self.once:
            if one.after == after and one.fits(call):
                self.once.remove(one)
                return _broken(one.status)
        return None


def _limited(kind: str, seconds: int) -> Reply:
    if kind == "secondary":
        return Refused(403, SECONDARY, retry_after=str(seconds)).reply
    reset = str(int(time.time()) + seconds)
    headers = {"x_ratelimit_remaining": "0", "x_ratelimit_limit": "5000", "x_ratelimit_reset": reset}
    return Refused(403, "API rate limit exceeded for installation.", None, **headers).reply


def _broken(status: int) -> Reply:
    if status in (0, 502, 503, 504):  # a proxy's page, not JSON
        page = (
            b"<html><body><h1>Unicorn!</h1><p>We had issues producing the response to your request.</p></body></html>"
        )
        return Reply(status, page, {"content-type": "text/html; charset=utf-8"})
    return Refused(status, "Server Error").reply
