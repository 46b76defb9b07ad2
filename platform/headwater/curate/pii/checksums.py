"""Check digits of account, card and identity numbers. All functions take the compact form, without spaces."""

from __future__ import annotations

from collections.abc import Sequence

_VERHOEFF_PRODUCT = (
    (0, 1, 2, 3, 4, 5, 6, 7, 8, 9),
    (1, 2, 3, 4, 0, 6, 7, 8, 9, 5),
    (2, 3, 4, 0, 1, 7, 8, 9, 5, 6),
    (3, 4, 0, 1, 2, 8, 9, 5, 6, 7),
    (4, 0, 1, 2, 3, 9, 5, 6, 7, 8),
    (5, 9, 8, 7, 6, 0, 4, 3, 2, 1),
    (6, 5, 9, 8, 7, 1, 0, 4, 3, 2),
    (7, 6, 5, 9, 8, 2, 1, 0, 4, 3),
    (8, 7, 6, 5, 9, 3, 2, 1, 0, 4),
    (9, 8, 7, 6, 5, 4, 3, 2, 1, 0),
)
_VERHOEFF_STEP = (1, 5, 7, 6, 2, 8, 3, 0, 9, 4)
IBAN_LENGTHS = (15, 34)


def luhn(number: str) -> bool:
    """Whether the last digit is the right check digit (ISO/IEC 7812-1, annex B)."""
    total = 0
    for index, digit in enumerate(reversed(number)):
        value = int(digit) * (1 + index % 2)
        total += value - 9 if value > 9 else value
    return total % 10 == 0


def iban_is_valid(text: str) -> bool:
    """Whether `text`, spaces aside, has 15 to 34 characters and right check digits (ISO 7064 mod 97-10)."""
    compact = text.replace(" ", "")
    shortest, longest = IBAN_LENGTHS
    if not shortest <= len(compact) <= longest:
        return False
    return int("".join(str(int(character, 36)) for character in compact[4:] + compact[:4])) % 97 == 1


def verhoeff(number: str) -> bool:
    """Whether the last digit is the right one in the dihedral group of ten elements (Verhoeff, 1969)."""
    check = 0
    for index, digit in enumerate(reversed(number)):
        value = int(digit)
        for _ in range(index % 8):
            value = _VERHOEFF_STEP[value]
        check = _VERHOEFF_PRODUCT[check][value]
    return check == 0


def weighted(number: str, weights: Sequence[int]) -> int:
    """Sum of the first digits, each times its weight."""
    return sum(int(digit) * weight for digit, weight in zip(number, weights, strict=False))


def mod_11_10(number: str) -> bool:
    """Whether the last digit is the right one of the hybrid system of ISO 7064, mod 11,10."""
    product = 10
    for digit in number[:-1]:
        total = (int(digit) + product) % 10 or 10
        product = total * 2 % 11
    return (11 - product) % 10 == int(number[-1])


def mod_11_2(number: str) -> bool:
    """Whether the last character, a digit or X for ten, is the right one of ISO 7064, mod 11-2."""
    total = 0
    for digit in number[:-1]:
        total = (total + int(digit)) * 2 % 11
    return (12 - total) % 11 == (10 if number[-1] == "X" else int(number[-1]))


def is_day(year: int, month: int, day: int) -> bool:
    """Whether month and day exist; 29 February does in years that four divides."""
    if not 1 <= month <= 12:
        return False
    days = 31 if month in (1, 3, 5, 7, 8, 10, 12) else 30
    if month == 2:
        days = 29 if year % 4 == 0 else 28
    return 1 <= day <= days
