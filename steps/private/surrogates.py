"""The reserved ranges: what surrogates are made of, and no recogniser takes for anybody's.

Law: every surrogate lies in one of `RANGES`; no recogniser answers a span that does. So a text that was de-identified
is its own de-identification, and a surrogate is never what it stands for.
"""

import re
from typing import NamedTuple

from steps.private.coined import AREAS, GIVEN_KO, NAMES_EN, STREETS_EN, TOWNS_EN

__all__ = ["RANGES", "Range", "lies", "spare", "spare_handle", "spare_host", "spare_ip", "spare_phone"]


class Range(NamedTuple):
    """A kind's surrogates: how they look (as a pattern over digits, or over the text), and why nobody has them."""

    kind: str
    shape: str
    why: str


RANGES = (
    Range("account", r"000\d+", "banks give no number that begins with three zeros"),
    Range("address", "|".join(AREAS[:3]) + "|…", "coined roads, towns and streets: `coined.py`"),
    Range("business", r"000\d{7}", "the first three digits are a tax office's, from 101 up"),
    Range("card", r"000\d+", "ISO/IEC 7812: 0 is for ISO's own use; no scheme has it"),
    Range("email", r"[a-z]{8}@example\.(com|net|org)", "RFC 2606"),
    Range("handle", r"user_[a-z]{6}", "by agreement"),
    Range("iban", r"[A-Z]{2}00[0-9A-Z]+", "ISO 13616: check digits are 02 to 98"),
    Range("ip", r"192\.0\.2\.\d+|198\.51\.100\.\d+|203\.0\.113\.\d+|2001:db8:.*", "RFC 5737, RFC 3849"),
    Range("licence", r"\D*000\d+", "Korean regions are 11 to 28; elsewhere by agreement"),
    Range("name", "|".join(GIVEN_KO[:3]) + "|" + "|".join(NAMES_EN[:3]) + "|…", "coined names: `coined.py`"),
    Range("passport", r"[A-Z]{1,2}000\d+", "no series begins with three zeros"),
    Range("phone", r"01\d0\d{6,7}|0\d{1,2}0\d{6,7}|1510\d{4}|\d{3}55501\d\d|[1-9]\d00\d+", "no subscriber's number "
          "begins with 0 (ITU-T E.164 national plans); 1510 is not given; NXX-555-01XX is for fiction"),
    Range("residue", r"xx[a-z]+", "by agreement"),
    Range("rrn", r"\d{6}[90]\d{6}", "9 and 0 are for people born before 1900; the last digit is the sum of the others"),
    Range("ssn", r"000\d{6}", "SSA: no area 000"),
    Range("url", r"\w+://example\.com/[a-z]+", "RFC 2606"),
)  # fmt: skip

_SPARE = re.compile(r"000\d{3,9}|0000\d{9}|000\d{11,}")
_SPARE_RRN = re.compile(r"\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|1\d|2[0-8])[90]\d{6}")
_SPARE_PHONE = re.compile(r"01\d0\d{6,7}|02(?:0\d{6,7})|0[3-8]\d0\d{6,7}|050\d0\d{6}|1510\d{4}|[2-9]\d{2}55501\d\d")
_SPARE_WORLD = re.compile(r"[1-9]\d00\d{4,12}")
_SPARE_IP = re.compile(r"192\.0\.2\.\d+|198\.51\.100\.\d+|203\.0\.113\.\d+|2001:db8:.*", re.I)


def spare(digits: str) -> bool:
    """Whether a row of digits may be the surrogate of an account, card, licence, business or resident number."""
    return _SPARE.fullmatch(digits) is not None or spare_rrn(digits)


def spare_rrn(digits: str) -> bool:
    """Whether thirteen digits may be the surrogate of a resident number: its last is the others' sum modulo 10."""
    return _SPARE_RRN.fullmatch(digits) is not None and rrn_mark(digits) == digits[12]


def rrn_mark(digits: str) -> str:
    """The last digit of a resident number's surrogate, by which real numbers are hardly ever taken for one."""
    return str(sum(map(int, digits[:12])) % 10)


def spare_phone(digits: str, foreign: bool = False) -> bool:
    """Whether the digits, as dialled within the country, may be the surrogate of a telephone number; of a foreign one
    they begin with the country's code."""
    pattern = _SPARE_WORLD if foreign else _SPARE_PHONE
    return pattern.fullmatch(digits) is not None


def spare_host(host: str) -> bool:
    """Whether a host name is one of RFC 2606's."""
    host = host.lower().rstrip(".")
    return re.fullmatch(r"(?:.*\.)?example\.(?:com|net|org)|.*\.(?:example|test|invalid)", host, re.S) is not None


def spare_ip(address: str) -> bool:
    """Whether an address is for documentation."""
    return _SPARE_IP.fullmatch(address.replace(" ", "")) is not None


def spare_handle(handle: str) -> bool:
    """Whether the name of a user is a surrogate."""
    return re.fullmatch(r"@?user_[a-z]{6}", handle) is not None


_COINED = re.compile("|".join((*GIVEN_KO, *AREAS, *NAMES_EN, *STREETS_EN, *TOWNS_EN)), re.I)


def lies(kind: str, found: str) -> bool:
    """Whether what some engine found, as it reads, lies in a reserved range: it is then nobody's."""
    digits = re.sub(r"\D", "", found)
    if kind in ("name", "address"):
        return _COINED.search(found) is not None
    host = re.sub(r"^\w[\w:+]*://", "", found).rpartition("@")[2]
    return (
        spare_host(re.split(r"[/?#:]", host)[0])
        or spare_ip(found)
        or spare_handle(found)
        or (len(digits) > 5 and (spare(digits) or any(spare_phone(d) for d in (digits, digits[1:], "0" + digits[2:]))))
        or (found.startswith("+") and spare_phone(digits, foreign=True))
        or re.match(r"[A-Za-z]{2}\s?00", found) is not None
        or re.fullmatch(r"xx[a-z]{8}", found) is not None
    )
