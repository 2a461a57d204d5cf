"""Who carries a notice to people: Apprise, one courier for each URL of `RATCHET_NOTIFY`.

Laws:
- A URL is a secret: no text that is said while one is used reaches a log, whoever says it; of a failure only the HTTP
  status or a word of ours is told.
- A courier never raises, and is back within `SLOWEST`.
"""

import contextlib
import logging
import re
from collections.abc import Callable, Sequence
from contextvars import ContextVar
from typing import Any

from orchestrator.trouble import Trouble
from reviewers.notice import Notice

SLOWEST = 30.0  # seconds until a target that does not answer is left
LEFT_OUT = "left out: it was said while a notice was sent, and may name a secret"
_sending: ContextVar[bool] = ContextVar("ratchet_sending", default=False)
_STATUS = re.compile(r"\berror=[1-5]\d\d\b")


class Courier:
    """One target. `name` is its place in the list and its kind, `#1 slack`: no part of the secret."""

    def __init__(self, name: str, apprise: Any) -> None:
        self.name, self._apprise = name, apprise

    def carry(self, notice: Notice, text: str) -> str:
        """Hand it over. Empty when it was taken, otherwise why not.

        The text is declared to be Markdown, which it has none of, so that each service gets it in its own escapes and
        its link stays one.
        """
        mark = _sending.set(True)
        try:
            result = self._apprise.notify(
                body=text, title=notice.title, notify_type=notice.level, body_format="markdown"
            )
            why = "" if result else _why(result)
            result.close()
        except Exception as error:  # its text may hold the URL
            return f"it failed ({type(error).__name__})"
        finally:
            _sending.reset(mark)
        return why


def couriers(urls: Sequence[str]) -> dict[str, Courier]:
    """A courier for each URL, by name. Raises `Trouble` that tells which one can't be used, by its place alone."""
    _hush()
    mark = _sending.set(True)
    try:
        found = [_courier(place, url) for place, url in enumerate(urls, start=1)]
    finally:
        _sending.reset(mark)
    return {courier.name: courier for courier in found}


def _courier(place: int, url: str) -> Courier:
    from apprise import Apprise, AppriseAsset

    asset = AppriseAsset(
        app_id="Ratchet", app_desc="Ratchet", app_url="", image_url_mask="", image_url_logo="", async_mode=False,
        storage_mode="memory", service_timeout=SLOWEST,
    )  # fmt: skip
    apprise = Apprise(asset=asset)
    try:
        usable = apprise.add(url) and len(apprise) == 1
    except Exception:  # its text may hold the URL
        usable = False
    if not usable:
        cure = "write an Apprise URL; a comma or a space in it is written %2C or %20"
        raise Trouble(f"entry {place} of RATCHET_NOTIFY can't be used", cure, code=2)
    return Courier(f"#{place} {url.partition('://')[0].lower()}", apprise)


def _why(result: Any) -> str:
    if result.status.name == "TIMEOUT":
        return "it did not answer in time"
    for entry in result.logs():
        if found := _STATUS.search(entry.message):
            return f"it answered {found[0].removeprefix('error=')}"
    return "it could not be reached, or did not take it"


def _hush() -> None:
    """Apprise says nothing in the logs; what others say while it works, such as urllib3 of the path that it asks for,
    has no text there. A record's text is replaced where it is made, since nobody knows all who might speak or listen.
    """
    own = logging.getLogger("apprise")
    own.propagate = False
    own.setLevel(logging.WARNING)
    if not isinstance(logging.getLogRecordFactory(), _Discreet):
        logging.setLogRecordFactory(_Discreet(logging.getLogRecordFactory()))


class _Discreet:
    """Makes log records, without their text where a notice is being sent: a HTTP status is all that is kept of it."""

    def __init__(self, before: Callable[..., logging.LogRecord]) -> None:
        self._before = before

    def __call__(
        self, name: str, level: int, path: str, line: int, text: object, args: Any, error: Any, *rest: Any, **more: Any
    ) -> logging.LogRecord:
        record = self._before(name, level, path, line, text, args, error, *rest, **more)
        if _sending.get():
            status = ""
            with contextlib.suppress(Exception):  # arguments that don't fit the text are the speaker's affair
                status = "".join(f" ({found})" for found in _STATUS.findall(record.getMessage())[:1])
            record.msg, record.args = f"{LEFT_OUT}{status}", ()
            record.exc_info = record.exc_text = record.stack_info = None
        return record
