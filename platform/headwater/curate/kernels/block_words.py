"""Where the words of simple text begin and end: of many pieces at a time, as bits of a block.

The rules are those of `splitting`. A piece is what stands between white space: the marks at its ends are
split off one by one, and some marks split its core between letters. A piece that needs a longer look is left
to the caller: one with characters beyond ASCII that are no letters, runs of full stops or hyphens,
contractions, initials, addresses or signs between digits, or behind a line that ends with white space.
"""

from __future__ import annotations

import string
from typing import NamedTuple

from headwater.curate.kernels.blocks import SPAN, among, first_bit, last_bit
from headwater.curate.kernels.buffers import Bytes, inlined
from headwater.curate.kernels.characters import (
    LOWER,
    PEELED,
    PEELED_BEFORE,
    PLAIN,
    QUOTES,
    Classes,
    class_at,
    width,
)


def _ascii(characters: str) -> list[int]:
    return [ord(character) for character in characters if character.isascii()]


_white = among(byte for byte in range(0x80) if chr(byte).isspace())
_newlines = among(_ascii("\n"))
_blanks = among(_ascii(" "))
_beyond = among(range(0x80, 0x100))
_following = among(range(0x80, 0xC0))
_small = among(_ascii(string.ascii_lowercase))
_capitals = among(_ascii(string.ascii_uppercase))
_digits = among(_ascii(string.digits))
_peeled = among(_ascii(PEELED))
_peeled_before = among(_ascii(PEELED_BEFORE))
_quotes = among(_ascii(QUOTES))
_apostrophes = among(_ascii("'"))
_stops = among(_ascii("."))
_hyphens = among(_ascii("-"))
_commas = among(_ascii(","))
_colons = among(_ascii(":"))
_slashes = among(_ascii("/"))
_pluses = among(_ascii("+"))
_signs = among(_ascii("*^"))
_joints = among(_ascii("-/:<=>~"))
_punctuation = among(_ascii("!\"#%&'()*,-./:;?@[\\]_{}"))
_terminal = among(_ascii("!.?"))


class BlockWords(NamedTuple):
    """Bits of the SPAN bytes from `at` on, and how far the words reach."""

    begins: int
    """First bytes of words."""
    ends: int
    """The bytes behind words, as many."""
    characters: int
    """First bytes of characters."""
    letters: int
    alphanumeric: int
    punctuation: int
    terminal: int
    line_starts: int
    """Where the first word of a line begins."""
    gaps: int
    """Where a word begins after more than one space, or other white space, in its line."""
    reach: int
    """Where the last of these words ends; `at` when there is none."""
    stuck: bool
    """Whether what follows needs a longer look."""


@inlined
def fill_down(bits: int, through: int) -> int:
    """`bits`, and below each of them the bits of `through` that follow it without a gap."""
    for step in (1, 2, 4, 8, 16, 32):
        bits |= through & (bits >> step)
        through &= through >> step
    return bits


@inlined
def letters_beyond(data: Bytes, at: int, leads: int, classes: Classes) -> tuple[int, int, int]:
    """Bytes of letters beyond ASCII and of those that are no capitals; the first character that is no letter.

    Of letters behind that character nothing is said.
    """
    letters, small = 0, 0
    while leads:
        place = first_bit(leads)
        kind = class_at(data, at + place, classes)
        if not kind & PLAIN:
            return letters, small, 1 << place
        letter = ((1 << width(data[at + place])) - 1) << place
        letters |= letter
        small |= letter if kind & LOWER else 0
        leads &= leads - 1
    return letters, small, 0


@inlined
def words_in_block(data: Bytes, at: int, end: int, is_first: bool, classes: Classes) -> BlockWords:
    """The words that follow `at`, where a piece has just ended or a document begins, up to `end` at most.

    `is_first` says whether no word of the document stands before.
    """
    left = end - at
    inside = (1 << min(left, SPAN)) - 1
    white = _white(data, at) & inside
    filled = ~white & inside
    characters = filled & ~_following(data, at)
    small, capitals, digits = (
        _small(data, at) & filled,
        _capitals(data, at) & filled,
        _digits(data, at) & filled,
    )
    newlines, blanks = _newlines(data, at) & inside, _blanks(data, at) & inside
    beyond = _beyond(data, at) & inside
    letters = small | capitals
    hard = 0
    if beyond:
        letters_more, small_more, hard = letters_beyond(data, at, beyond & characters, classes)
        letters |= letters_more & inside
        small |= small_more & inside
    alphanumeric = letters | digits

    starts = filled & ~(filled << 1)
    stops = (filled << 1) & ~filled & (inside if left > SPAN else -1)
    # Adding a bit to a run of bits clears the run from there on and sets the bit behind it.
    line_starts = (white + newlines) & starts
    if is_first:
        line_starts |= starts & -starts
    gaps = starts & ~line_starts & ~((blanks << 1) & (filled << 2 | 2))
    trailing = (stops | 1) & white & ~newlines & ~(blanks & (newlines >> 1))

    hyphens, dots = _hyphens(data, at) & filled, _stops(data, at) & filled
    quotes, peeled = _quotes(data, at) & filled, _peeled(data, at) & filled
    prefixes = peeled | (_peeled_before(data, at) & filled)
    prefix = prefixes & ~(prefixes + (starts & prefixes))
    before_stop = small | digits | quotes | prefixes | hyphens | (capitals & (capitals << 1))
    suffixes = peeled | (dots & (before_stop << 1))
    suffix = fill_down(suffixes & (stops >> 1), suffixes)
    core = filled & ~prefix & ~suffix
    cuts = _joints(data, at) & (alphanumeric << 1) & (letters >> 1)
    cuts |= _commas(data, at) & (letters << 1) & (letters >> 1)
    cuts |= hyphens & (digits << 1) & (digits >> 1)

    slashes = _slashes(data, at) & filled
    inner_dots = dots & core
    hard |= _pluses(data, at) & filled
    hard |= dots & (dots >> 1)
    hard |= dots & (dots >> 2) & (letters << 1) & (letters >> 1)
    hard |= inner_dots & ((small | quotes) << 1) & ((capitals | quotes) >> 1)
    hard |= inner_dots & (beyond << 2 | beyond << 1 | beyond >> 1)
    hard |= _apostrophes(data, at) & core
    hard |= hyphens & (hyphens >> 1) & (alphanumeric << 1)
    hard |= _signs(data, at) & (digits << 1) & ((digits | hyphens) >> 1)
    hard |= _colons(data, at) & filled & (slashes >> 1) & (slashes >> 2)
    # Bits behind a piece: with a full stop inside it may be an address, which nothing splits.
    hard |= (filled + inner_dots) & (filled + cuts) & ~filled
    hard |= (white + trailing) & line_starts
    cut_off = filled & (1 << (SPAN - 1)) if left > SPAN else 0
    stuck = False
    if hard | cut_off:
        mark = (hard | cut_off) & -(hard | cut_off)
        stuck = mark & hard != 0
        before = (1 << last_bit(starts & (mark | (mark - 1)))) - 1
        filled &= before
        stops &= before
    begins = filled & (starts | prefix | prefix << 1 | suffix | cuts | cuts << 1)
    return BlockWords(
        begins,
        (begins & (filled << 1)) | stops,
        characters,
        letters,
        alphanumeric,
        _punctuation(data, at),
        _terminal(data, at),
        line_starts,
        gaps,
        at + (last_bit(stops) if stops else 0),
        stuck or stops == 0,
    )
