"""What a text file is when it is not UTF-8. Pure.

Law: a file is refused for its encoding only where most of what tells encodings apart says so; a few bytes that are
wrong are single rows' business.
"""

import codecs

_MARKS = (
    (codecs.BOM_UTF32_LE, "UTF-32"), (codecs.BOM_UTF32_BE, "UTF-32"),
    (codecs.BOM_UTF16_LE, "UTF-16"), (codecs.BOM_UTF16_BE, "UTF-16"),
)  # fmt: skip


def misencoded(sample: bytes) -> str:
    """The problem with a file that begins with `sample`, or an empty text."""
    for mark, name in _MARKS:
        if sample.startswith(mark):
            return f"it is {name}, as its byte-order mark says, expected UTF-8; {_cure(name.lower())}"
    if sample.count(0) > len(sample) // 4:
        return f"every other byte is NUL, as in UTF-16 without a byte-order mark, expected UTF-8; {_cure('utf-16-le')}"
    lines = sample.split(b"\n")[: -1 if b"\n" in sample else None]
    telling = [line for line in lines if not line.isascii()]
    wrong = [line for line in telling if not _is(line, "utf-8")]
    if not wrong or 2 * len(wrong) < len(telling) or 10 * len(wrong) < len(lines):
        return ""
    if all(_is(line, "cp949") for line in wrong):
        return f"it is CP949 (EUC-KR), expected UTF-8; {_cure('cp949')}"
    return "it is not UTF-8; write it again as UTF-8, or give `encoding:` beside `files:`"


def _is(line: bytes, encoding: str) -> bool:
    try:
        line.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True


def _cure(name: str) -> str:
    return f"write it again as UTF-8, or give `encoding: {name}` beside `files:`"
