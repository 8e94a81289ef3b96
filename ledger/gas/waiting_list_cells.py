"""The cells of a waiting-list file, read one by one: dates, numbers of people, bands of time, names.

>>> read_day("31/01/2019"), read_count("1,234"), read_band(" 18 Months +")
(datetime.date(2019, 1, 31), 1234, '18+ Months')
"""

import re
from datetime import date, datetime
from functools import lru_cache

NOT_STATED = "(not stated)"
"""Stands where a row leaves a cell blank or says NULL."""

_DATE_FORMATS = ("%Y-%m-%d", "%Y/%m/%d", "%d/%m/%Y", "%d-%m-%Y", "%d/%m/%y", "%d-%m-%y", "%d-%b-%Y", "%d-%b-%y")
_TOTAL = re.compile(r"(\d{1,3}(,\d{3})+|\d{1,15})(\.0+)?")


@lru_cache(maxsize=10_000)
def read_day(text: str) -> date | None:
    for form in _DATE_FORMATS:
        try:
            return datetime.strptime(text, form).date()
        except ValueError:
            continue
    return None


def why_no_date(text: str) -> str:
    return f"{text[:40]!r} is not a date, such as 2019-01-31 or 31/01/2019" if text else "no date"


def read_count(text: str) -> int:
    if text.isascii() and text.isdigit() and len(text) < 16:
        return int(text)
    match = _TOTAL.fullmatch(text)
    if match is None or not text.isascii():
        raise ValueError(f"{text[:40]!r} is not a whole number of people" if text else "no total")
    return int(match[1].replace(",", ""))


@lru_cache(maxsize=10_000)
def read_text(cell: str) -> str:
    text = " ".join(cell.split())
    return NOT_STATED if text in ("", "NULL") else text


@lru_cache(maxsize=10_000)
def read_band(cell: str) -> str:
    """ "18 Months +" and " 18+ Months" are the same band."""
    text = read_text(cell)
    match = re.fullmatch(r"(\d+) ?\+? ?months? ?\+?", text, re.IGNORECASE) if "+" in text else None
    return f"{match[1]}+ Months" if match else re.sub(r"\s*-\s*", "-", text)
