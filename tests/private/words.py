"""Names, addresses and what looks like an identifier and is none, in Korean and English."""

import random
import re
import tomllib
from functools import cache, cached_property
from pathlib import Path
from typing import Any

from identifiers import business_check, digits, iban_check, luhn_check

_LISTS = Path(__file__).resolve().with_suffix(".toml")


@cache
def lists(locale: str, which: str) -> dict[str, list[str]]:
    """The lists of `words.toml` for a language and a set, by name."""
    found = tomllib.loads(_LISTS.read_text(encoding="utf-8"))[locale]
    return {**found, **found[which]}


class Words:
    """One language's values (`ko_KR` or `en_US`) for one set, by one source of chance."""

    def __init__(self, locale: str, which: str, chance: random.Random) -> None:
        self.locale, self.chance = locale, chance
        self.lists = lists(locale, which)
        self.korean = locale == "ko_KR"

    @cached_property
    def faker(self) -> Any:
        """Faker's generator, seeded by ours."""
        from faker import Faker

        return self._seeded(Faker(self.locale))

    @cached_property
    def india(self) -> Any:
        """The same for the names of people in India."""
        from faker import Faker

        return self._seeded(Faker("en_IN"))

    def _seeded(self, made: Any) -> Any:
        made.seed_instance(self.chance.getrandbits(32))
        return made

    def pick(self, name: str) -> str:
        """One of a list."""
        return self.chance.choice(self.lists[name])

    def name(self) -> str:
        """Faker's; in Korean three in ten are coined, so that no list of names knows them all; in English one in eight
        is Korean, one in twenty Indian, and one in ten has a middle initial.
        """
        if self.korean:
            surname = self.pick("surnames") if self.chance.random() < 0.04 else self.faker.last_name()
            return f"{surname}{self.pick('single') if self.chance.random() < 0.03 else self.given()}"
        draw = self.chance.random()
        if draw < 0.12:
            given = "-".join(self.chance.sample(self.lists["syllables"], 2)).capitalize()
            return f"{given} {self.pick('surnames')}" if draw < 0.07 else f"{self.pick('surnames')} {given}"
        if draw < 0.17:
            return f"{self.india.first_name()} {self.india.last_name()}"
        middle = f"{self.chance.choice('ABCDEFGJKLMRST')}. " if draw > 0.9 else ""
        return f"{self.faker.first_name()} {middle}{self.faker.last_name()}"

    def given(self) -> str:
        """Without the surname, as friends write."""
        if self.korean and self.chance.random() < 0.3:
            return "".join(self.chance.sample(self.lists["syllables"], 2))
        return str(self.faker.first_name())

    def last(self) -> str:
        """The surname alone, in English."""
        return str(self.faker.last_name())

    def login(self) -> str:
        """What stands before the @."""
        return re.sub(r"\W", "", self.faker.user_name())

    def address(self) -> str:
        """Of a house: Faker's road and land addresses, and the short ones that people write; in English on one line."""
        if not self.korean:
            return self._address_english()
        draw, number = self.chance.random(), self.chance.randint
        if draw < 0.4:
            return str(self.faker.road_address() if draw < 0.3 else self.faker.land_address())
        if draw < 0.75:
            way = self.chance.choice(("", f"{number(2, 99)}길"))
            base = f"{self.pick('districts')} {self.pick('roads')}{way} {number(1, 399)}"
            base += self.chance.choice(("", f"-{number(1, 30)}"))
        else:
            lot = self.chance.choice(("", f"-{number(1, 99)}", "번지"))
            base = f"{self.pick('districts')} {self.pick('towns')} {number(1, 999)}{lot}"
        flat = f" {number(101, 120)}동 {number(1, 25)}{number(1, 8):02d}호"
        named = f" {self.pick('buildings')}{flat}"
        return base + self.chance.choice(("", "", flat, named, f", {number(1, 9)}층", f" ({self.pick('towns')})"))

    def _address_english(self) -> str:
        whole = str(self.faker.address()).replace("\n", ", ")
        while not whole[0].isdigit():  # a military post box is no house
            whole = str(self.faker.address()).replace("\n", ", ")
        return whole if self.chance.random() < 0.7 else whole.split(",")[0]

    # What follows is no identifier.

    def film(self) -> str:
        """A title, some with a name in it, always between quotes."""
        return self.pick("films")

    def place(self) -> str:
        """A town, a district, a station: where many people are."""
        return self.pick("places")

    def common(self) -> str:
        """A word that is, or begins like, a name."""
        return self.pick("common")

    def link(self) -> str:
        """A page for everybody."""
        return self.pick("links")

    def coupon(self) -> str:
        """Capitals and digits that no passport or licence has."""
        return self.pick("coupons")

    def date(self) -> str:
        """In the forms of the language."""
        year, month, day = self.chance.randint(1995, 2026), self.chance.randint(1, 12), self.chance.randint(1, 28)
        ways = ("{0}년 {1}월 {2}일", "{0}-{1:02d}-{2:02d}", "{0}.{1:02d}.{2:02d}", "{1}월 {2}일")
        english = ("{0}-{1:02d}-{2:02d}", "{1:02d}/{2:02d}/{0}")
        return self.chance.choice(ways if self.korean else english).format(year, month, day)

    def time(self) -> str:
        """Of the day."""
        hour, minute = self.chance.randint(0, 23), self.chance.choice((0, 15, 30, 45))
        return f"{hour % 12 + 1}시 {minute}분" if self.korean and minute else f"{hour:02d}:{minute:02d}"

    def price(self) -> str:
        """In won or dollars."""
        amount = self.chance.choice((9900, 12000, 35000, 128000, 1450000, 23456789))
        return f"{amount:,}원" if self.korean else f"${amount / 100:,.2f}"

    def rating(self) -> str:
        """Of a film."""
        return self.chance.choice(("10", "9.5", "8.7", "1", "7/10", "5.0", "9.99"))

    def version(self) -> str:
        """Of software."""
        return ".".join(str(self.chance.randint(0, 30)) for _ in range(3))

    def quantity(self) -> str:
        """A count."""
        return f"{self.chance.randint(1, 9_999_999):,}"

    def isbn(self) -> str:
        """ISBN-13 with its check digit: weights 1 and 3, ISO 2108."""
        body = f"978{self.chance.choice(('89', '11', '0', '1'))}{digits(self.chance, 8)}"[:12]
        check = -sum(int(digit) * (1, 3)[place % 2] for place, digit in enumerate(body)) % 10
        return self.chance.choice((f"{body}{check}", f"{body[:3]}-{body[3:5]}-{body[5:9]}-{body[9:]}-{check}"))

    def tracking(self) -> str:
        """Twelve digits of a parcel, which begin unlike a phone number."""
        parts = (f"{self.chance.randint(3, 8)}{digits(self.chance, 3)}", digits(self.chance, 4), digits(self.chance, 4))
        return self.chance.choice(("", "-")).join(parts)

    def order(self) -> str:
        """An order number; half of them look like a card, a business, an IBAN, and have the wrong check digit."""
        kind, wrong = self.chance.randrange(6), self.chance.randint(1, 9)
        if kind == 0:
            body = f"4{digits(self.chance, 14)}"
            return body + str((int(luhn_check(body)) + wrong) % 10)
        if kind == 1:
            body = digits(self.chance, 9)
            return body + str((int(business_check(body)) + wrong) % 10)
        if kind == 2:
            body = digits(self.chance, 18)
            return f"DE{(int(iban_check('DE', body)) + wrong) % 97:02d}{body}"
        stamp = self.date_stamp()
        return self.chance.choice(
            (f"{stamp}-{digits(self.chance, 7)}", f"ORD-{digits(self.chance, 6)}", f"A{stamp[2:]}-{wrong:03d}")
        )

    def date_stamp(self) -> str:
        """`20240315`."""
        return f"{self.chance.randint(2015, 2026)}{self.chance.randint(1, 12):02d}{self.chance.randint(1, 28):02d}"
