"""Questions to 32 bytes at a time, answered with one bit for each of them, the lowest for the first.

A block must lie inside the array: `at + BLOCK <= len(data)`. A kernel looks at the few bytes that end an
array one by one.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from llvmlite import ir
from numba import types as numba_types
from numba.core import cgutils
from numba.extending import intrinsic

from headwater.curate.kernels.buffers import Bytes

BLOCK = 32
_BYTE = ir.IntType(8)
_BLOCK = ir.VectorType(_BYTE, BLOCK)
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


def _within(builder: Any, block: Any, first: int, last: int) -> Any:
    """Which bytes are between `first` and `last`."""
    shifted = builder.sub(block, ir.Constant(_BLOCK, [first] * BLOCK))
    return builder.icmp_unsigned("<=", shifted, ir.Constant(_BLOCK, [last - first] * BLOCK))


def _bits(builder: Any, found: Any) -> Any:
    return builder.zext(builder.bitcast(found, ir.IntType(BLOCK)), ir.IntType(64))


def _in_ranges(*ranges: tuple[int, int]) -> Any:
    """The code of a question whether bytes are in one of these ranges."""

    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        array, at = arguments
        block = _load(context, builder, signature.args[0], array, at, _BLOCK)
        found = _within(builder, block, *ranges[0])
        for first, last in ranges[1:]:
            found = builder.or_(found, _within(builder, block, first, last))
        return _bits(builder, found)

    return code


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
def notable_bits(typing: Any, data: Bytes, at: int) -> Any:
    """What ends a line of `str.splitlines`, `#`, full stops, and first bytes of U+0085, U+2026 and so on."""
    del typing, at
    ranges = _in_ranges((10, 13), (28, 30), (35, 35), (46, 46), (0xC2, 0xC2), (0xE2, 0xE2))
    return types.int64(data, types.int64), ranges


@built_in
def break_bits(typing: Any, data: Bytes, at: int) -> Any:
    """What may end a line of `str.splitlines`: control characters, and first bytes of the others."""
    del typing, at
    return types.int64(data, types.int64), _in_ranges((0, 31), (0xC2, 0xC2), (0xE2, 0xE2))


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
