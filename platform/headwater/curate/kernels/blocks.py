"""Questions to 32 bytes at a time, answered with one bit for each of them, the lowest for the first.

A block must lie inside the array: `at + BLOCK <= len(data)`. A kernel looks at the few bytes that end an
array one by one. `among` makes questions to the first SPAN of 64 bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, cast

from llvmlite import ir
from numba import types as numba_types
from numba.core import cgutils
from numba.extending import intrinsic

from headwater.curate.kernels.buffers import Bytes

BLOCK = 32
SPAN = 62
"""Bits of the questions that `among` makes: so many that sums and shifts of them stay positive numbers."""
SPAN_LOADED = 64
"""Bytes that those questions load."""
_BYTE = ir.IntType(8)
_BLOCK = ir.VectorType(_BYTE, BLOCK)
_SPAN_BLOCK = ir.VectorType(_BYTE, SPAN_LOADED)
Code = Callable[..., Any]
types = cast(Any, numba_types)
# To the type checker, which would take a call for one of the function that describes it to numba.
built_in = cast(Callable[[Code], Code], intrinsic)


def _load(context: Any, builder: Any, kind: Any, array: Any, at: Any, wanted: Any) -> Any:
    """What stands at `at`, wherever that is in memory."""
    data = context.make_array(kind)(context, builder, array).data
    place = builder.bitcast(builder.gep(data, [at]), wanted.as_pointer())
    return builder.load(place, align=1)


def _splat(builder: Any, byte: Any) -> Any:
    """A block of one byte."""
    one = builder.insert_element(ir.Constant(_BLOCK, ir.Undefined), byte, ir.Constant(ir.IntType(32), 0))
    zeros = ir.Constant(ir.VectorType(ir.IntType(32), BLOCK), [0] * BLOCK)
    return builder.shuffle_vector(one, ir.Constant(_BLOCK, ir.Undefined), zeros)


def _within(builder: Any, block: Any, ranges: Sequence[tuple[int, int]]) -> Any:
    """Which bytes are in one of the ranges, whose first and last members these are."""
    found = None
    for first, last in ranges:
        shifted = builder.sub(block, ir.Constant(block.type, [first] * block.type.count))
        one = builder.icmp_unsigned("<=", shifted, ir.Constant(block.type, [last - first] * block.type.count))
        found = one if found is None else builder.or_(found, one)
    return found


def _bits(builder: Any, found: Any) -> Any:
    return builder.zext(builder.bitcast(found, ir.IntType(BLOCK)), ir.IntType(64))


def _in_ranges(*ranges: tuple[int, int]) -> Any:
    """The code of a question whether bytes are in one of these ranges."""

    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        array, at = arguments
        block = _load(context, builder, signature.args[0], array, at, _BLOCK)
        return _bits(builder, _within(builder, block, ranges))

    return code


def among(members: Iterable[int]) -> Code:
    """The question which of the SPAN bytes from `at` on are among these.

    It loads more of them: `at + SPAN_LOADED <= len(data)`.
    """
    ranges: list[tuple[int, int]] = []
    for byte in sorted(set(members)):
        if ranges and ranges[-1][1] == byte - 1:
            ranges[-1] = (ranges[-1][0], byte)
        else:
            ranges.append((byte, byte))

    def bits(typing: Any, data: Bytes, at: int) -> Any:
        del typing, at

        def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            array, at = arguments
            block = _load(context, builder, signature.args[0], array, at, _SPAN_BLOCK)
            found = builder.bitcast(_within(builder, block, ranges), ir.IntType(SPAN_LOADED))
            return builder.and_(found, ir.Constant(ir.IntType(64), (1 << SPAN) - 1))

        return types.int64(data, types.int64), code

    return built_in(bits)


@built_in
def letter_bits(typing: Any, data: Bytes, at: int) -> Any:
    """ASCII letters."""
    del typing, at
    return types.int64(data, types.int64), _in_ranges((65, 90), (97, 122))


@built_in
def digit_bits(typing: Any, data: Bytes, at: int) -> Any:
    """0 to 9."""
    del typing, at
    return types.int64(data, types.int64), _in_ranges((48, 57))


@built_in
def equal_bits(typing: Any, data: Bytes, at: int, byte: int) -> Any:
    """Bytes equal to `byte`."""
    del typing, at, byte

    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        array, at, byte = arguments
        block = _load(context, builder, signature.args[0], array, at, _BLOCK)
        return _bits(builder, builder.icmp_unsigned("==", block, _splat(builder, byte)))

    return types.int64(data, types.int64, types.uint8), code


@built_in
def masked_bits(typing: Any, data: Bytes, at: int, mask: int, value: int) -> Any:
    """Bytes that are `value` once only the bits of `mask` are left."""
    del typing, at, mask, value

    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        array, at, mask, value = arguments
        block = _load(context, builder, signature.args[0], array, at, _BLOCK)
        left = builder.and_(block, _splat(builder, mask))
        return _bits(builder, builder.icmp_unsigned("==", left, _splat(builder, value)))

    return types.int64(data, types.int64, types.uint8, types.uint8), code


@built_in
def load_8(typing: Any, data: Bytes, at: int) -> Any:
    """Eight bytes as a number, the lowest first: `at + 8 <= len(data)`."""
    del typing, at

    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        array, at = arguments
        return _load(context, builder, signature.args[0], array, at, ir.IntType(64))

    return types.uint64(data, types.int64), code


@built_in
def copy_block(typing: Any, data: Bytes, at: int, out: Bytes, to: int) -> Any:
    """Write the block at `at` to `to`: there must be room for it there."""
    del typing, at, to

    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        source, at, target, to = arguments
        block = _load(context, builder, signature.args[0], source, at, _BLOCK)
        place = context.make_array(signature.args[2])(context, builder, target).data
        pointer = builder.bitcast(builder.gep(place, [to]), _BLOCK.as_pointer())
        builder.store(block, pointer, align=1)
        return context.get_dummy_value()

    return types.void(data, types.int64, out, types.int64), code


@built_in
def copy_bytes(typing: Any, data: Bytes, at: int, out: Bytes, to: int, size: int) -> Any:
    """Write `size` bytes from `at` on to `to`; the arrays do not share memory."""
    del typing, at, to, size

    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        source, at, target, to, size = arguments
        begin = builder.gep(context.make_array(signature.args[0])(context, builder, source).data, [at])
        place = builder.gep(context.make_array(signature.args[2])(context, builder, target).data, [to])
        cgutils.raw_memcpy(builder, place, begin, size, 1)
        return context.get_dummy_value()

    return types.void(data, types.int64, out, types.int64, types.int64), code


@built_in
def first_bit(typing: Any, bits: int) -> Any:
    """Number of the lowest bit that is set; 64 when none is."""
    del typing, bits

    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        del context, signature
        return builder.cttz(arguments[0], ir.Constant(ir.IntType(1), 0))

    return types.int64(types.int64), code


@built_in
def last_bit(typing: Any, bits: int) -> Any:
    """Number of the highest bit that is set, of a number that is not 0."""
    del typing, bits

    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        del context, signature
        zeros = builder.ctlz(arguments[0], ir.Constant(ir.IntType(1), 1))
        return builder.sub(ir.Constant(ir.IntType(64), 63), zeros)

    return types.int64(types.int64), code


@built_in
def count_bits(typing: Any, bits: int) -> Any:
    """How many bits are set."""
    del typing, bits

    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        del context, signature
        return builder.ctpop(arguments[0])

    return types.int64(types.int64), code
