"""Street addresses: Korean by road or by lot, English by street. Pure.

Law: a region alone (서울시 강남구, Springfield, IL) is no address: many people live there. A road alone needs a region
before it, words such as 주소, or a flat behind it, since 로 and 길 end ordinary words too (최고로 1위).
"""

import re
from collections.abc import Iterator

from steps.private.coined import AREAS, STREETS_EN, TOWNS_EN
from steps.private.spans import RESERVED, Span
from steps.private.words import words

__all__ = ["PART_EN", "PART_KO", "SIDO", "STATES", "places"]

SIDO = (
    r"(?:서울|부산|대구|인천|광주|대전|울산|세종)(?:특별시|광역시|특별자치시|시)?|(?:경기|강원|제주)(?:특별자치도|도)?|"
    r"(?:전북|전라북|전라남|충청북|충청남|경상북|경상남)(?:특별자치도|도)|충북|충남|전북|전남|경북|경남"
)
_S = r"[ \t,]{1,2}"
_CITY = r"[가-힣]{1,5}(?:시|군|구)"
_TOWN = r"[가-힣]{1,7}\d{0,2}(?:읍|면|동|가|리|마을)"
_ROAD = (
    r"[가-힣][가-힣·]{0,11}(?:\d{1,3}(?:로|가|길|거리)|대로|로|길|거리|가)"
    r"(?:[ ]?\d{1,4}(?:번|가|나|다|라)?길|[동서남북안]길)?"
)
_NO = r"(?:지하[ ]?)?(?:산[ ]?)?\d{1,5}(?:[ ]?-[ ]?\d{1,4})?(?:번지|번(?!길))?"
_BUILDING = r"[가-힣A-Za-z][가-힣A-Za-z0-9]{0,15}"
_FLAT = (
    r"(?:\d{1,4}[ ]?동[ ]?)?(?:지하[ ]?)?(?:\d{1,2}[ ]?층[ ]?)?\d{1,5}[ ]?호(?![가-힣]선)"
    r"|\d{1,4}[ ]?동(?![가-힣])|\d{1,2}[ ]?층(?![가-힣])"
)
_DETAIL = rf"(?:[ ,]{{1,2}}(?:\([^()\n]{{1,30}}\)|(?:{_BUILDING}[ ,]{{1,2}})?(?:{_FLAT})))*"
_PAREN = r"(?:[ ]?\([가-힣][가-힣0-9 ,\-]{1,30}\))?"
_ZIP = r"(?:(?:\(\d{5}\)|\[\d{5}\]|(?<!\d)\d{5})[ ,]{1,2})?"

_REGION = rf"(?:(?:{SIDO}){_S}?(?:{_CITY}{_S}){{0,2}}|(?:{_CITY}{_S}){{1,2}})(?:{_TOWN}{_S})?"
_FULL = re.compile(
    rf"(?<![가-힣\d]){_ZIP}(?:{_REGION}(?:{_ROAD}[ ]?{_NO}|{_TOWN}[ ]?{_NO}|{_TOWN}(?=[ ,]{{1,2}}{_BUILDING}[ "
    rf",]{{1,2}}\d{{1,4}}동)))"
    rf"(?![\d])(?!%|원|점|년|월|명|위){_DETAIL}{_PAREN}"
)
_HERE = re.compile(
    rf"(?<![가-힣])(?:{_TOWN}{_S})?(?:{_ROAD}[ ]?|{_TOWN}[ ]){_NO}(?!\d|,\d{{3}})(?!%|원|점|년|월|명|위|개|회|"
    rf"편|등|번|만|천|"
    rf"시|분|살|대|초|일|부)(?P<flat>{_DETAIL}){_PAREN}"
)
_FLATS = re.compile(rf"(?<![가-힣\d])(?:{_BUILDING}[ ]?)?(?<!\d)\d{{2,4}}[ ]?동[ ]?\d{{2,4}}[ ]?호(?![가-힣]선)")
_WORDS = re.compile(
    r"주소|배송|거주|사는|살고|자택|소재|위치|본가|집은|집이|등기|보내실|받는 ?곳|수령|도착지|이사|address", re.I
)
PART_KO = re.compile(
    r"(?<![가-힣0-9])(?!지하(?![가-힣])|산(?= ?\d))(?P<name>[가-힣]{1,12}?)"
    r"(?P<suffix>시|군|구|읍|면|동|리|대로|로|번길|길|거리|가|마을|아파트|빌라|빌딩|타워|오피스텔|맨션|"
    r"연립)?(?![가-힣])"
)
_COINED = re.compile("|".join(AREAS))
_COINED_EN = re.compile("|".join(STREETS_EN + TOWNS_EN), re.I)


def _korean(text: str) -> Iterator[Span]:
    for found in _FULL.finditer(text):
        yield _span(text, *found.span(), 0.92, _COINED)
    for found in _HERE.finditer(text):
        named = _WORDS.search(text[max(0, found.start() - 20) : found.start()])
        if found["flat"].strip() or named or _COINED.search(found.group()):
            yield _span(text, *found.span(), 0.8, _COINED)
    for found in _FLATS.finditer(text):
        yield _span(text, *found.span(), 0.7, _COINED)


def _span(text: str, start: int, end: int, score: float, coined: re.Pattern[str]) -> Span:
    return Span(start, end, RESERVED if coined.search(text, start, end) else "address", score)


STATES = words(
    """
    AL AK AZ AR CA CO CT DE DC FL GA HI ID IL IN IA KS KY LA ME MD MA MI MN MS MO MT NE NV NH NJ NM NY NC ND OH OK
    OR PA RI SC SD TN TX UT VT VA WA WV WI WY PR GU VI AS MP AA AE AP FM MH PW
    """
)
_STREETS = (
    "Alley|Avenue|Ave|Boulevard|Blvd|Bypass|Circle|Cir|Close|Court|Ct|Courts|Crescent|Cove|Crossing|Drive|Dr|"
    "Expressway|"
    "Freeway|Garden|Gardens|Grove|Heights|Highway|Hwy|Lane|Ln|Loop|Manor|Mews|Parkway|Pkwy|Place|Pl|Plaza|Ridge|Road|"
    "Rd|"
    "Roads|Row|Square|Sq|Street|St|Streets|Terrace|Ter|Trail|Turnpike|Walk|Way"
)
# Streets as Faker and the USPS (Publication 28, C1) name them too: words that need a town behind them to be one.
_RARE = (
    "Bridge|Brook|Brooks|Mountains|Spurs|Via|Views|Ports|Viaduct|Ridges|Points|Plains|Mills|Manors|Locks|Lights|"
    "Inlets|Harbors|Groves|Glens|Forges|Cliffs|Crossroad|Corners|Circles|Causeway|Bayou|Beach|Annex|Arcade|Islets|"
    "Burg|Camp|Canyon|Cape|Center|Centers|Cliff|Common|Corner|Creek|Crest|Dale|Dam|Divide|Estate|Estates|"
    "Extension|Fall|Falls|Ferry|Field|Fields|Flat|Flats|Ford|Fords|Forest|Forge|Fork|Fort|Gateway|Glen|Green|Greens|"
    "Harbor|Haven|Hill|Hills|Hollow|Inlet|Island|Islands|Isle|Junction|Key|Keys|Knoll|Lake|Lakes|Land|Landing|Light|"
    "Loaf|"
    "Lock|Lodge|Mall|Meadow|Meadows|Mill|Mission|Motorway|Mount|Mountain|Neck|Orchard|Oval|Overpass|Park|Parks|Pass|"
    "Path|"
    "Pike|Pine|Pines|Plain|Point|Port|Prairie|Ramp|Ranch|Rapids|Rest|River|Route|Run|Shoal|Shore|Shores|Spring|Springs|"
    "Spur|Squares|Station|Stravenue|Stream|Summit|Throughway|Trace|Track|Trafficway|Tunnel|Union|Unions|Valley|View|"
    "Village|Villages|Ville|Vista|Walks|Wall|Ways|Well|Wells|Branch|Bluff|Bottom|Burgs|Coves|Drives|Forks|Rue"
)
_NAME = r"(?:[A-Z][A-Za-z'.]{0,20}|\d{1,3}(?:st|nd|rd|th))(?:[ \-][A-Z][A-Za-z'.]{0,20}){0,3}?"
_UNIT = r"(?:,?\s{1,2}(?:Apt|Apartment|Suite|Ste|Unit|Floor|Fl|Room|Rm|#)\.?\s?#?\s?[A-Za-z0-9\-]{1,6})?"
_PLACE = (
    r",?\s{1,2}[A-Z][A-Za-z'.]{1,20}(?:[ \-][A-Z][A-Za-z'.]{1,20}){0,3},?\s{1,2}(?:[A-Z]{2})(?![A-Za-z])"
    r"(?:,?\s{1,2}\d{5}(?:-\d{4})?(?!\d))?"
)
_ENGLISH = re.compile(
    rf"(?<![\w.$\-/])\d{{1,6}}[A-Za-z]?,?\s{{1,2}}(?:(?:N|S|E|W|NE|NW|SE|SW|North|South|East|"
    rf"West)\.?\s)?{_NAME}\s{{1,2}}"
    rf"(?:(?P<usual>{_STREETS})s?|(?P<rare>{_RARE}|Curve)s?|[A-Z][a-z]{{2,14}})(?![A-Za-z])\.?(?:\s(?:N|S|E|W|NE|NW|"
    rf"SE|SW)\b\.?)?(?P<unit>{_UNIT})(?P<place>{_PLACE})?",
    re.I,
)
_BOX = re.compile(rf"(?<![A-Za-z])P\.?\s?O\.?\s?Box\s{{1,2}}\d{{1,6}}(?:{_PLACE})?", re.I)
_MILITARY = re.compile(
    r"(?<![A-Za-z])(?:(?:USNV|USNS|USS|USCGC)\s[A-Z][a-z]{1,20}|(?:PSC|Unit|CMR)\s\d{1,5},?\sBox\s\d{1,5}),?\s{1,2}"
    r"(?:APO|FPO|DPO),?\s(?:AA|AE|AP)\s{1,2}\d{5}(?!\d)"
)
PART_EN = re.compile(
    rf"(?<![A-Za-z'])(?!(?:{_STREETS}|{_RARE}|Apt|Apartment|Suite|Ste|Unit|Floor|Room|Box|P|O|PO|APO|FPO|DPO|PSC|USS|"
    rf"USNV|N|S|E|W|"
    r"NE|NW|SE|SW|North|South|East|West)(?![A-Za-z]))[A-Za-z][A-Za-z']*",
    re.I,
)


_WORDS_EN = re.compile(
    r"address|ship|deliver|live|moved?\b|mailed|parcel|send|sent|resid|located|visit|\n\Z|street", re.I
)


def _english(text: str) -> Iterator[Span]:
    for pattern in (_ENGLISH, _BOX, _MILITARY):
        for found in pattern.finditer(text):
            parts = found.groupdict()
            shown = found.group()
            capital = re.match(r"\d{1,6}[A-Za-z]?,?\s{1,2}[A-Z0-9]", shown) or pattern is not _ENGLISH
            told = pattern is _ENGLISH and not parts["usual"]  # it is a street by what stands around it
            if told and not parts["rare"] and not re.search(r"[A-Z]{2},? \d{5}", parts["place"] or ""):
                continue
            if capital and (
                not told
                or parts["unit"]
                or parts["place"]
                or _WORDS_EN.search(text[max(0, found.start() - 25) : found.start()])
            ):
                yield _span(text, *found.span(), 0.88, _COINED_EN)


def places(text: str, languages: frozenset[str]) -> Iterator[Span]:
    """The addresses of a view."""
    if "ko" in languages:
        yield from _korean(text)
    if "en" in languages:
        yield from _english(text)
