"""Check digits and dates: what makes a row of digits a number of its kind. Pure; arguments are ASCII digits."""

import calendar

from steps.private.words import words

__all__ = ["born", "business", "iban", "issuer", "luhn", "resident", "ssn"]

_RRN_WEIGHTS = (2, 3, 4, 5, 6, 7, 8, 9, 2, 3, 4, 5)
_BUSINESS_WEIGHTS = (1, 3, 7, 1, 3, 7, 1, 3, 5)
_CENTURIES = {"1": 1900, "2": 1900, "3": 2000, "4": 2000, "5": 1900, "6": 1900, "7": 2000, "8": 2000}

# Lengths by country: SWIFT's IBAN registry, the countries with most accounts.
_IBAN_LENGTHS = dict(
    pair.split(":")
    for pair in words(
        """
        AD:24 AE:23 AL:28 AT:20 AZ:28 BA:20 BE:16 BG:22 BH:22 BR:29 BY:28 CH:21 CR:22 CY:28 CZ:24 DE:22 DK:18 DO:28
        EE:20 EG:29 ES:24 FI:18 FO:18 FR:27 GB:22 GE:22 GI:23 GL:18 GR:27 GT:28 HR:21 HU:28 IE:22 IL:23 IQ:23 IS:26
        IT:27 JO:30 KW:30 KZ:20 LB:28 LC:32 LI:21 LT:20 LU:20 LV:21 MC:27 MD:24 ME:22 MK:19 MR:27 MT:31 MU:30 NL:18
        NO:15 PK:24 PL:28 PS:29 PT:25 QA:29 RO:24 RS:22 SA:24 SC:31 SE:24 SI:19 SK:24 SM:27 ST:25 SV:28 TL:23 TN:24
        TR:26 UA:29 VA:22 VG:24 XK:20
        """
    )
)


def born(digits: str) -> int | None:
    """The year of birth that the first seven digits of a resident number say (yymmdd and the digit of sex and
    century, 1-8); None if there is no such day. 9 and 0, people born before 1900, are the surrogates' own."""
    century = _CENTURIES.get(digits[6])
    if century is None:
        return None
    year, month, day = century + int(digits[:2]), int(digits[2:4]), int(digits[4:6])
    return year if 1 <= month <= 12 and 1 <= day <= calendar.monthrange(year, month)[1] else None


def resident(digits: str) -> bool:
    """Whether the 13th digit checks: (11 - sum mod 11) mod 10, for foreigners (5-8) 2 more (resident registration
    act's rules, annex; digits given since October 2020 are random and check by chance alone)."""
    total = sum(int(d) * w for d, w in zip(digits, _RRN_WEIGHTS, strict=False))
    check = (11 - total % 11) % 10
    return int(digits[12]) in ({check, (check + 2) % 10} if digits[6] in "5678" else {check})


def business(digits: str) -> bool:
    """Whether a business registration number's tenth digit checks (National Tax Service)."""
    if digits[:3] < "101" or digits[3:5] == "00":
        return False
    total = sum(int(d) * w for d, w in zip(digits, _BUSINESS_WEIGHTS, strict=False)) + int(digits[8]) * 5 // 10
    return (10 - total % 10) % 10 == int(digits[9])


def luhn(digits: str) -> bool:
    """Whether the last digit checks (ISO/IEC 7812-1, annex B)."""
    doubled = [int(d) * 2 for d in digits[-2::-2]]
    return (sum(int(d) for d in digits[-1::-2]) + sum(d - 9 if d > 9 else d for d in doubled)) % 10 == 0


def issuer(digits: str) -> bool:
    """Whether some card scheme issues numbers with this beginning and length; Korea's local cards begin with 9."""
    size, two, four = len(digits), int(digits[:2]), int(digits[:4])
    if size == 16:
        known = digits[0] in "49" or 51 <= two <= 55 or 2221 <= four <= 2720 or two in (35, 36, 38, 50, 56, 57, 58)
        return known or 60 <= two <= 69
    if size == 15:
        return two in (34, 37) or four in (1800, 2131)
    if size == 14:
        return two in (30, 36, 38, 39)
    return (size in (13, 19) and digits[0] == "4") or (size >= 17 and two == 62) or (size != 13 and 56 <= two <= 69)


def iban(code: str) -> bool:
    """Whether an account number without spaces checks (ISO 13616: the number modulo 97 is 1; check digits 02-98)."""
    if _IBAN_LENGTHS.get(code[:2]) != str(len(code)) or not "02" <= code[2:4] <= "98":
        return False
    return int("".join(str(int(c, 36)) for c in code[4:] + code[:4])) % 97 == 1


def iban_length(country: str) -> int | None:
    """How many characters the country's account numbers have."""
    length = _IBAN_LENGTHS.get(country)
    return int(length) if length else None


def ssn(digits: str) -> bool:
    """Whether a US social security number may be given: no part is zero, no 666, no 9xx (SSA, since June 2011)."""
    return digits[:3] not in ("000", "666") and digits[0] != "9" and digits[3:5] != "00" and digits[5:] != "0000"
