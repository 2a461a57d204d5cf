"""Suspicious residue: tokens with digits that stand where identifiers stand.

A token and the words before it become hashed character n-grams (Weinberger et al. 2009, feature hashing): of the token
its shape (0 for a digit, a for a letter), of the words themselves. A token is residue if the cosine to one of the known
examples below is at least `NEAR`. It is a check behind the rules, not a recogniser of its own: its score is the least.
"""

import re
import zlib
from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING

from steps.private.spans import Span
from steps.private.view import view

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["NEAR", "Residue"]

NEAR = 0.72
_SIZE = 2048
_TOKEN = re.compile(r"(?<![\w\-])(?=[\w\-]*\d[\w\-]*\d[\w\-]*\d[\w\-]*\d)[A-Za-z0-9][A-Za-z0-9\-_/.]{3,40}(?![\w\-])")
_BEFORE = 14
_EXAMPLES = (
    "전화번호는 |010-1234-567", "연락처 |01012345", "핸드폰 번호 |1234-5678", "휴대폰: |12345678",
    "주민번호 |900101-123456", "주민등록번호: |9001011", "계좌번호 |123-45-678", "계좌 |12345678",
    "카드번호 |4111-1111-1111", "카드 번호는 |411111111111111", "여권번호 |AB1234567", "면허번호 |12-345678",
    "사원번호 |A123456", "학번 |20201234", "회원번호 |12345678", "고객번호: |C-12345678", "환자번호 |00123456",
    "비밀번호는 |abcd1234", "인증번호 |123456", "아이디는 |minsu1234", "차량번호 |12가3456", "우편번호 |06234",
    "phone number |555-0123", "call me at |5550123", "ssn |123-45-678", "account number |12345678",
    "card number |4111-1111-1111", "passport no |AB1234567", "licence number |D123-4567", "employee id |E123456",
    "customer id: |C-12345678", "member number |123456789", "patient id |MRN-0012345", "password is |abcd1234",
    "code is |123456", "username |minsu1234",
)  # fmt: skip


class Residue:
    """The nearest of the known examples, by cosine."""

    name = "residue"

    @cached_property
    def _known(self) -> "NDArray[np.float32]":
        return self._vectors([(before, token) for before, token in (one.split("|") for one in _EXAMPLES)])

    def find(self, texts: Sequence[str]) -> list[list[Span]]:
        """The tokens of each text that are near to a known identifier in its context."""
        return [self._one(text) for text in texts]

    def _one(self, text: str) -> list[Span]:
        seen = view(text)
        tokens = list(_TOKEN.finditer(seen.text))
        if not tokens:
            return []
        pairs = [(seen.text[max(0, t.start() - _BEFORE) : t.start()].rpartition("\n")[2], t.group()) for t in tokens]
        near = (self._vectors(pairs) @ self._known.T).max(axis=1)
        return [
            Span(*seen.back(*token.span()), "residue", 0.5, self.name)
            for token, score in zip(tokens, near.tolist(), strict=True)
            if score >= NEAR
        ]

    def _vectors(self, pairs: Sequence[tuple[str, str]]) -> "NDArray[np.float32]":
        """One unit row each: half of the length is the words', half the shape's."""
        import numpy as np

        rows = np.zeros((len(pairs), 2 * _SIZE), np.float32)
        for row, (before, token) in zip(rows, pairs, strict=True):
            shape = re.sub(r"[A-Za-z가-힣]", "a", re.sub(r"\d", "0", token))
            for half, said in enumerate((f" {before.strip().lower()} ", f"^{shape}$")):
                part = row[half * _SIZE : (half + 1) * _SIZE]
                for size in (2, 3):
                    for at in range(len(said) - size + 1):
                        part[zlib.crc32(said[at : at + size].encode(errors="replace")) % _SIZE] += 1
                part /= max(float(np.linalg.norm(part)), 1e-9)
        return rows / np.float32(np.sqrt(2))
