"""Valid identifiers, made by chance from a seed: what the benchmark hides in its text.

Laws:
- Every identifier is one that could have been issued: check digits are right, areas and codes exist.
- None lies in a range that is reserved for examples (RFC 2606, RFC 5737, 555-01xx): a surrogate of the product may.
- `chance` is the only source of randomness.
"""

import ipaddress
import random
import string
from collections.abc import Sequence
from itertools import pairwise

_ALPHANUMERIC = string.ascii_uppercase + string.digits


def digits(chance: random.Random, count: int) -> str:
    """So many random digits."""
    return "".join(chance.choices(string.digits, k=count))


def weighted(number: str, weights: Sequence[int]) -> int:
    """Sum of digit times weight."""
    return sum(int(digit) * weight for digit, weight in zip(number, weights, strict=True))


def rrn_check(body: str) -> str:
    """Check digit of 12 digits of a resident registration number: (11 - S mod 11) mod 10, weights 2…9, 2…5.

    Source: Enforcement Rule of the Resident Registration Act, as described at
    https://en.wikipedia.org/wiki/Resident_registration_number
    """
    return str((11 - weighted(body, (2, 3, 4, 5, 6, 7, 8, 9, 2, 3, 4, 5)) % 11) % 10)


def frn_check(body: str) -> str:
    """The same of a foreigner's: (13 - S mod 11) mod 10. Source: the same page."""
    return str((13 - weighted(body, (2, 3, 4, 5, 6, 7, 8, 9, 2, 3, 4, 5)) % 11) % 10)


def rrn(chance: random.Random) -> str:
    """`880101-1234568`: three in ten without the hyphen, one in ten a foreigner's; born before October 2020."""
    year = chance.randint(1940, 2019)
    born = f"{year % 100:02d}{chance.randint(1, 12):02d}{chance.randint(1, 28):02d}"
    foreign = chance.random() < 0.1
    sex = chance.randint(1, 2) + (2 if year >= 2000 else 0) + (4 if foreign else 0)
    body = f"{born}{sex}{chance.randint(0, 95):02d}{digits(chance, 3)}"  # the region of the office goes up to 95
    number = body + (frn_check(body) if foreign else rrn_check(body))
    return number if chance.random() < 0.3 else f"{number[:6]}-{number[6:]}"


def rrn_since_2020(chance: random.Random) -> str:
    """Of somebody born since October 2020, whose last six digits are random: no check digit tells it apart.

    Source: Ministry of the Interior and Safety, change of the Enforcement Rule in force since 2020-10-05.
    """
    born = f"{chance.randint(21, 24)}{chance.randint(1, 12):02d}{chance.randint(1, 28):02d}"
    return f"{born}-{chance.randint(3, 4)}{digits(chance, 6)}"


def business_check(body: str) -> str:
    """Check digit of nine digits of a business registration number: weights 1 3 7 1 3 7 1 3 5, plus ⌊5·d₉/10⌋.

    Source: National Tax Service; https://org-id.guide/list/KR-BRN
    """
    total = weighted(body, (1, 3, 7, 1, 3, 7, 1, 3, 5)) + int(body[8]) * 5 // 10
    return str(-total % 10)


def business(chance: random.Random) -> str:
    """`120-81-47521`: one in five without hyphens."""
    body = f"{chance.randint(101, 899)}{chance.choice(('01', '12', '45', '81', '86', '88'))}{digits(chance, 4)}"
    number = body + business_check(body)
    return number if chance.random() < 0.2 else f"{number[:3]}-{number[3:5]}-{number[5:]}"


def luhn_check(body: str) -> str:
    """Check digit by Luhn's formula. Source: ISO/IEC 7812-1, annex B."""
    doubled = [int(digit) * (2 - place % 2) for place, digit in enumerate(reversed(body))]
    return str(-sum(value - 9 if value > 9 else value for value in doubled) % 10)


def card(chance: random.Random) -> str:
    """A card of Visa, Mastercard, a Korean issuer (9…) or American Express, in groups or not."""
    prefix, length = chance.choice((("4", 16), ("4", 16), ("5", 16), ("9", 16), ("37", 15)))
    if prefix == "5":
        prefix = f"5{chance.randint(1, 5)}"
    elif prefix == "9":
        prefix = chance.choice(("9410", "9409", "9445", "9420"))
    body = prefix + digits(chance, length - 1 - len(prefix))
    number = body + luhn_check(body)
    mark = chance.choice(("-", "-", " ", ""))
    cuts = (0, 4, 10, 15) if length == 15 else (0, 4, 8, 12, 16)
    return mark.join(number[start:end] for start, end in pairwise(cuts))


def iban_check(country: str, body: str) -> str:
    """The two check digits: 98 - n mod 97, with letters as 10…35 and the country moved to the end.

    Source: ISO 13616-1, check digits by ISO/IEC 7064 MOD 97-10.
    """
    number = "".join(str(int(letter, 36)) for letter in f"{body}{country}00")
    return f"{98 - int(number) % 97:02d}"


def iban(chance: random.Random) -> str:
    """Of Germany, the United Kingdom, the Netherlands or Spain, in groups of four or in one."""
    country, letters, count = chance.choice((("DE", 0, 18), ("GB", 4, 14), ("NL", 4, 10), ("ES", 0, 20)))
    body = "".join(chance.choices(string.ascii_uppercase, k=letters)) + digits(chance, count)
    number = f"{country}{iban_check(country, body)}{body}"
    return number if chance.random() < 0.4 else " ".join(number[at : at + 4] for at in range(0, len(number), 4))


def phone_ko(chance: random.Random) -> str:
    """A mobile (four in five), an area's, or an internet number; hyphens, dots, blanks, none, or +82."""
    if chance.random() < 0.8:
        parts = ("010", f"{chance.randint(2, 9)}{digits(chance, 3)}", digits(chance, 4))
    else:
        area = chance.choice(("02", "031", "032", "042", "051", "053", "062", "064", "070"))
        parts = (area, f"{chance.randint(2, 9)}{digits(chance, 3 if area == '070' else 2)}", digits(chance, 4))
    if chance.random() < 0.15:
        return f"+82{chance.choice((' ', '-'))}{parts[0][1:]}-{parts[1]}-{parts[2]}"
    return chance.choice(("-", "-", "-", ".", " ", "")).join(parts)


def phone_en(chance: random.Random) -> str:
    """Of the North American plan: `(212) 867-5309`, `+1-…`, with an extension now and then."""
    area = f"{chance.choice((201, 212, 303, 312, 404, 415, 503, 617, 646, 702, 718, 773, 818, 917))}"
    exchange = f"{chance.choice('2346789')}{chance.randint(20, 99)}"
    line = digits(chance, 4)
    shape = chance.choice(("{}-{}-{}", "({}) {}-{}", "{}.{}.{}", "+1 {} {} {}", "+1-{}-{}-{}", "{} {} {}"))
    return shape.format(area, exchange, line) + (f" ext. {digits(chance, 3)}" if chance.random() < 0.05 else "")


def email(chance: random.Random, person: str) -> str:
    """Of a real provider or a company, since `example.com` and its like belong to nobody (RFC 2606)."""
    domains = (
        "naver.com", "gmail.com", "hanmail.net", "daum.net", "kakao.com", "nate.com", "outlook.com", "yahoo.co.kr",
        "icloud.com", "korea.ac.kr", "mail.hansung-trade.co.kr", "proton.me", "northfield-logistics.com",
    )  # fmt: skip
    local = chance.choice((person, f"{person}{chance.randint(1, 99)}", f"{person}.{chance.choice(('kr', 'dev', 'w'))}"))
    return f"{local}@{chance.choice(domains)}"


def passport_ko(chance: random.Random) -> str:
    """`M12345678`, or since December 2021 `M123A4567`."""
    if chance.random() < 0.5:
        return f"{chance.choice('MSR')}{digits(chance, 8)}"
    return f"{chance.choice('MSR')}{digits(chance, 3)}{chance.choice(string.ascii_uppercase)}{digits(chance, 4)}"


def passport_en(chance: random.Random) -> str:
    """Of the United States: nine digits, or since 2021 a letter and eight digits."""
    return digits(chance, 9) if chance.random() < 0.5 else f"{chance.choice('ACXZ')}{digits(chance, 8)}"


def licence_ko(chance: random.Random) -> str:
    """`11-04-123456-78`: region 11…26 or 28, year, serial number, two digits of check whose rule isn't public."""
    region = chance.choice([*range(11, 27), 28])
    return f"{region}-{chance.randint(0, 24):02d}-{digits(chance, 6)}-{digits(chance, 2)}"


def licence_en(chance: random.Random) -> str:
    """Of California (`D1234567`), New York (nine digits in threes) or Florida (`S530-460-92-123-0`)."""
    letter = chance.choice(string.ascii_uppercase)
    parts = [digits(chance, count) for count in (3, 3, 2, 3, 1)]
    return chance.choice(
        (f"{letter}{digits(chance, 7)}", " ".join((*parts[:2], parts[3])), f"{letter}{'-'.join(parts)}")
    )


def account_ko(chance: random.Random) -> str:
    """In the groups that Shinhan, Kookmin, Woori, Nonghyup, Hana and Kakao print."""
    groups = chance.choice(((3, 3, 6), (6, 2, 6), (4, 3, 6), (3, 4, 4, 2), (3, 6, 5), (4, 2, 7)))
    return chance.choice(("-", "-", "-", "")).join(digits(chance, count) for count in groups)


def account_en(chance: random.Random) -> str:
    """Eight to twelve digits."""
    return digits(chance, chance.randint(8, 12))


def ssn(chance: random.Random) -> str:
    """Of the United States, none of the areas 000, 666, 900…: https://www.ssa.gov/employer/randomization.html."""
    area = chance.choice([*range(1, 666), *range(667, 900)])
    return f"{area:03d}-{chance.randint(1, 99):02d}-{chance.randint(1, 9999):04d}"


def ip(chance: random.Random) -> str:
    """A global address; one in four of version 6."""
    while True:
        if chance.random() < 0.25:
            found: ipaddress.IPv4Address | ipaddress.IPv6Address = ipaddress.IPv6Address(
                (0x2001 << 112) | chance.getrandbits(108)
            )
        else:
            found = ipaddress.IPv4Address(chance.getrandbits(32))
        if found.is_global and not found.is_multicast:
            return str(found)


def url(chance: random.Random) -> tuple[str, int, int]:
    """An address with a token in it, and where the token, which is the secret, begins and ends."""
    kind = chance.choice(("token", "access_token", "api_key", "session", "sig", "auth"))
    host = chance.choice(("login.hansung-trade.co.kr", "app.northfield.io", "pay.dalbit.co.kr", "files.oakline.com"))
    secret = "".join(chance.choices(_ALPHANUMERIC.lower() + string.ascii_uppercase, k=chance.randint(20, 40)))
    path = chance.choice(("reset", "invite/accept", "v1/orders", "download", "u/me"))
    start = f"https://{host}/{path}?{chance.choice(('', 'id=77&', 'lang=ko&'))}{kind}="
    return f"{start}{secret}", len(start), len(start) + len(secret)
