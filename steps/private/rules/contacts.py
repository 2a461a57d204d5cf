"""E-mail, web addresses, IP addresses and names of users. Pure.

A web address is replaced as a whole if something in it may say who somebody is: credentials, a query with a user, mail
or token, a long code, the page or blog of a user, a shortened link. A public page (`imdb.com/title/tt0111161`) stays.
"""

import ipaddress
import re
from collections.abc import Iterator

from steps.private.spans import RESERVED, Span
from steps.private.surrogates import spare_handle, spare_host, spare_ip

__all__ = ["contacts"]

_AT = r"(?:\s{0,2}@\s{0,2}|\s?[(\[{<]\s?(?:at|골뱅이)\s?[)\]}>]\s?|\s?골뱅이\s?|\s(?:at|앳)\s)"
_DOT = r"(?:\.|\s\.\s|\s?[(\[{<]\s?(?:dot|점|닷)\s?[)\]}>]\s?|\s(?:dot|점|닷)\s)"
_EMAIL = re.compile(
    rf"(?<![A-Za-z0-9._+\-%])[A-Za-z0-9][A-Za-z0-9._+\-%]{{0,63}}{_AT}(?:[A-Za-z0-9\-]{{1,63}}{_DOT}){{1,4}}[A-Za-z]{{2,24}}",
    re.I,
)
_EMAIL_SPELT = re.compile(
    r"(?<![A-Za-z0-9])[A-Za-z0-9](?: [A-Za-z0-9._+\-]){1,63} @(?: [A-Za-z0-9.\-]){1,63} \.(?: "
    r"[A-Za-z]){2,6}(?![A-Za-z0-9])"
)
_EMAIL_SITE = re.compile(
    r"(?<![A-Za-z0-9._+\-])[A-Za-z0-9][A-Za-z0-9._+\-]{2,63}\s?@\s?"
    r"(?:네이버|다음|한메일|지메일|네이트|구글|핫메일|야후|naver|daum|gmail|hanmail|nate|hotmail|yahoo)(?![A-Za-z.])",
    re.I,
)


_PLAIN_AT = re.compile(r"^[^@]*\sat\s[^@\s]*$", re.I)  # "listed at imdb.com" says where, unless it is a mail's host
_MAIL_SITE = re.compile(r"gmail|naver|daum|hanmail|nate|kakao|outlook|hotmail|yahoo|icloud|proton", re.I)


def _emails(text: str) -> Iterator[Span]:
    for pattern, score in ((_EMAIL, 0.97), (_EMAIL_SPELT, 0.93), (_EMAIL_SITE, 0.9)):
        for found in pattern.finditer(text):
            if _PLAIN_AT.search(found.group()) and not _MAIL_SITE.search(found.group()):
                continue
            host = re.sub(r"\s", "", re.sub(_AT, "@", found.group(), flags=re.I)).rpartition("@")[2]
            if not spare_host(re.sub(_DOT, ".", host, flags=re.I)):
                yield Span(*found.span(), "email", score)


_TAIL = r"(?:[^\s<>\"'`가-힣ㄱ-ㅣ]|(?<=[/=])[가-힣]{1,50})"
_URL = re.compile(
    rf"(?<![A-Za-z0-9])(?:h(?:tt|xx)ps?|ftps?|wss?|s3|gs|jdbc:\w{{1,20}}|postgres(?:ql)?|mysql|redis|"
    rf"mongodb(?:\+srv)?)://{_TAIL}+",
    re.I,
)
_HOST = re.compile(
    r"(?<![A-Za-z0-9@._/\-])(?:[A-Za-z0-9][A-Za-z0-9\-]{0,62}\.){1,5}"
    r"(?:com|net|org|kr|io|me|gg|ly|be|gl|tv|info|biz|dev|app|xyz|co|us|uk|jp|cn|de|fr|edu|gov|site|page|link|to)"
    rf"(?::\d{{2,5}})?/{_TAIL}{{1,}}",
    re.I,
)
_PERSONAL = re.compile(
    r"(?<![A-Za-z0-9@._/\-])(?!www\.|blog\.|m\.)[A-Za-z0-9][A-Za-z0-9\-]{2,62}\.(?:tistory\.com|github\.io|"
    r"blogspot\.com|wordpress\.com|"
    r"egloos\.com|tumblr\.com|notion\.site|com\.ne\.kr)\b",
    re.I,
)


_SECRET = re.compile(
    r"[?&;#/](?:[\w\-]*(?:token|key|secret|session|sess|sid|sig|auth|pass|pwd|pw|code|otp|ticket|user|uid|usr|member|"
    r"memb|"
    r"account|acct|login|mail|email|phone|tel|name|nick|blogid|invite|reset|verify|cust)[\w\-]*|"
    r"id)=(?!\d{1,7}(?![\w]))[^&;#]",
    re.I,
)
_CODE = re.compile(r"(?=[A-Za-z0-9_\-.~%]*\d)(?=[A-Za-z0-9_\-.~%]*[A-Za-z])(?<![\w\-])[A-Za-z0-9_\-~%]{20,}")
_OF_USER = re.compile(
    r"(?:blog|cafe|me2day|instagram|facebook|fb|twitter|x|tistory|github|gitlab|linkedin|tiktok|pinterest|threads|"
    r"cyworld|band|"
    r"t|medium|velog|brunch|notion)\.(?:naver\.com|daum\.net|com|net|io|me|us|co\.kr|so|"
    r"kakao\.com)(?::\d+)?/[\w@.\-]{2,}"
    r"|/(?:users?|u|members?|profiles?|people|in|accounts?|home|customers?|patients?)/[\w@.\-]{2,}|/[~@][\w.\-]{2,}"
    r"|(?:bit\.ly|goo\.gl|t\.co|tinyurl\.com|me2\.do|han\.gl|url\.kr|forms\.gle|open\.kakao\.com)/",
    re.I,
)
_SPELT_ID = re.compile(r"(?:010|011)[\-.]?\d{3,4}[\-.]?\d{4}|\d{6}-?[1-8]\d{6}|[\w.+\-]+(?:@|%40)[\w\-]+\.")


def telling(url: str) -> bool:
    """Whether something in a web address may say who somebody is, or let somebody in."""
    if re.match(r"(?:s3|gs|jdbc|postgres|mysql|redis|mongodb)", url, re.I) or re.match(r"[\w+]+://[^/?#\s]*@", url):
        return True
    if re.match(r"\w+://\d{1,3}(?:\.\d{1,3}){3}", url):
        return True
    return any(pattern.search(url) for pattern in (_SECRET, _CODE, _OF_USER, _SPELT_ID, _PERSONAL))


def _urls(text: str) -> Iterator[Span]:
    for pattern, score in ((_URL, 0.98), (_HOST, 0.94), (_PERSONAL, 0.9)):
        for found in pattern.finditer(text):
            url = found.group().rstrip(".,;:!?)]}…~\"'")
            host = re.split(r"[/?#]", re.sub(r"^\w[\w:+]*://", "", url))[0].rpartition("@")[2].partition(":")[0]
            if not host or not (telling(url) or spare_host(host)):
                continue
            kind = RESERVED if spare_host(host) and not re.search(r"[@?=]", url) else "url"
            yield Span(found.start(), found.start() + len(url), kind, score)


_V4 = re.compile(r"(?<![\d.])(?<![vV])(?:\d{1,3} ?\. ?){3}\d{1,3}(?![\d]|\.\d)")
_V6 = re.compile(r"(?<![0-9A-Za-z:.])[0-9A-Fa-f]{0,4}:[0-9A-Fa-f:.]{2,45}(?![0-9A-Za-z])")
_VERSION = re.compile(r"(?:ver(?:sion|\.)?|버전|release|build)\s?\Z", re.I)


def _addresses(text: str) -> Iterator[Span]:
    for found in _V4.finditer(text):
        if spare_ip(found.group()) or _VERSION.search(text[max(0, found.start() - 9) : found.start()]):
            continue
        try:
            seen = ipaddress.ip_address(".".join(str(int(part)) for part in found.group().split(".")))
        except ValueError:
            continue
        if not (seen.is_loopback or seen.is_unspecified or found.group().startswith("255.")):
            yield Span(*found.span(), "ip", 0.85)
    for found in _V6.finditer(text):
        code = found.group().rstrip(":.") if not found.group().endswith("::") else found.group()
        try:
            ipaddress.IPv6Address(code)
        except ValueError:
            continue
        if len([part for part in code.split(":") if part]) >= 3 and not spare_ip(code):
            yield Span(found.start(), found.start() + len(code), "ip", 0.9)


_SITE = (
    r"카톡|카카오톡|텔레그램|인스타(?:그램)?|트위터|페이스북|페북|아이디|닉네임|telegram|instagram|insta|twitter|"
    r"kakao(?:talk)?|user ?name|user ?id|login|handle|skype|discord"
)
_HANDLE = re.compile(
    r"(?<![A-Za-z0-9@._/+\-])@(?=[A-Za-z0-9_.]*[A-Za-z])[A-Za-z0-9_](?:[A-Za-z0-9_.]{1,28}[A-Za-z0-9_])(?![A-Za-z0-9_@])"
)
_NAMED = re.compile(
    rf"(?:{_SITE})\s?(?:아이디|id|계정|account)?\s?(?P<is>은|는|이|가|:|=|is|as)?\s{{0,2}}@?"
    r"(?P<who>(?=[A-Za-z0-9_.\-]*[A-Za-z])[A-Za-z0-9][A-Za-z0-9_.\-]{2,28}[A-Za-z0-9_])(?![A-Za-z0-9@])",
    re.I,
)


def _handles(text: str) -> Iterator[Span]:
    for found in _HANDLE.finditer(text):
        if not spare_handle(found.group()[1:]):
            yield Span(found.start() + 1, found.end(), "handle", 0.7)
    for found in _NAMED.finditer(text):
        who = found["who"]
        sure = re.search(r"[\d_]", who) or (found["is"] in (":", "=", "은", "는") and who.isascii())
        if sure and not spare_handle(who):
            yield Span(*found.span("who"), "handle", 0.75)


def contacts(text: str) -> Iterator[Span]:
    """The contacts of a view."""
    if "@" in text or "골뱅이" in text or re.search(r"\bat\b", text, re.I) or "앳" in text:
        yield from _emails(text)
    if "." in text:
        yield from _urls(text)
    if "." in text or ":" in text:
        yield from _addresses(text)
    yield from _handles(text)
