"""Convolutions: matrix products of patches, the kernel shared or known to the server.

A patch of pixels is a row and a kernel's weights a column, so laying out patches is local and the rest is a matrix
product. A pixel stands in several patches, but its wrap is found once; one that no patch holds is left out. The zeros
around the image are public.
"""

from __future__ import annotations

from math import prod

import attrs
import numpy as np

from sirnn import ring
from sirnn.blocks.comparison import KnownMsb
from sirnn.cost import Cost
from sirnn.errors import LocalError
from sirnn.linear.factor import Factor, Index, Side
from sirnn.linear.matmul import check_weights, factor_by_private, factor_by_private_cost
from sirnn.linear.products import check_factors, factor_product, factor_product_cost
from sirnn.party import SERVER, Party
from sirnn.profile import Profile
from sirnn.protocol import Arith, Clear, Kind, Msb, Params, Private, protocol
from sirnn.shares import ArithmeticShare, BooleanShare, PrivateValue, S

Shape = tuple[int, ...]

# ------------------------------------------------------------ patches


@attrs.frozen(eq=False)
class _Patches:
    """Where the pixels of (batch, height, width, channels) stand in the matrix of patches.

    Attributes:
        used: the pixels of an image that stand in some patch, flat.
        index: its matrix, (out_height * out_width, kernel height * kernel width * channels), into `used`.
        image: shape of all images.
        out_shape: (batch, out_height, out_width).
    """

    used: Index
    index: Index
    image: Shape
    out_shape: Shape

    @classmethod
    def of(cls, image: Shape, kernel: Shape, stride: int, padding: int) -> _Patches:
        """Patches row by row, each in the kernel's own order.

        Raises:
            LocalError: image and kernel do not fit, or there is no patch.
        """
        if len(image) != 4 or len(kernel) != 4 or image[3] != kernel[2] or stride < 1 or padding < 0:
            raise LocalError(
                f"a convolution of {image} with {kernel}, stride {stride}, padding {padding}",
                remedy="give (batch, height, width, channels) and (height, width, channels, out channels)",
            )
        out = [(size + 2 * padding - taps) // stride + 1 for size, taps in zip(image[1:3], kernel[:2], strict=True)]
        if min(out) < 1 or 0 in kernel:
            raise LocalError(f"a kernel {kernel} on an image {image}", remedy="pad the image or take a smaller kernel")
        numbers = np.arange(prod(image[1:])).reshape(1, *image[1:])  # of one image: the others are alike
        border = ((0, 0), (padding, padding), (padding, padding), (0, 0))
        padded = np.pad(numbers, border, constant_values=-1)
        taps = _taps(padded, kernel, stride, out)
        patches = np.stack(taps, axis=3).reshape(prod(out), prod(kernel[:3]))
        found, places = np.unique(patches, return_inverse=True)
        empty = int(found.size > 0 and found[0] < 0)
        return cls(found[empty:], places.reshape(patches.shape) - empty, image, (image[0], *out))

    @property
    def shape(self) -> tuple[int, int]:
        """Of the matrix of all images' patches."""
        rows, columns = self.index.shape
        return self.image[0] * rows, columns

    def side(self, bits: int, msb: str) -> Side:
        """What both parties know of that matrix."""
        return Side(self.shape, bits, self.image[0] * self.used.size, True, msb)

    def factor(self, party: Party, x: ArithmeticShare, msb: KnownMsb) -> Factor:
        """The matrix of patches of x."""
        images = np.arange(self.image[0])[:, None, None]
        index = np.where(self.index < 0, -1, images * self.used.size + self.index).reshape(self.shape)
        known = self._used_of(msb) if isinstance(msb, BooleanShare) else msb
        return Factor.of(party, self._used_of(x), known, signed=True, index=index)

    def _used_of(self, x: S) -> S:
        return x.reshape(self.image[0], prod(self.image[1:]))[:, self.used].reshape(-1)


def _taps(padded: Index, kernel: Shape, stride: int, out: list[int]) -> list[Index]:
    """For each place in the kernel, in order, the pixels that meet it: (batch, out_height, out_width, channels)."""
    height, width = (stride * (size - 1) + 1 for size in out)
    return [
        padded[:, row : row + height : stride, column : column + width : stride]
        for row in range(kernel[0])
        for column in range(kernel[1])
    ]


def _matrix(kernel: Shape) -> tuple[int, int]:
    """A kernel as a matrix: a column for each output channel."""
    return prod(kernel[:3]), kernel[3]


def convolution_clear(x: Clear, kernel: Clear, *, bits: int, kernel_bits: int, stride: int, padding: int) -> Clear:
    """The sums over each window, as signed integers read modulo the output's ring."""
    image, weights = ring.to_signed(x, bits), ring.to_signed(kernel, kernel_bits)
    padded = np.pad(image, ((0, 0), (padding, padding), (padding, padding), (0, 0)))
    height, width = (
        (size - taps) // stride + 1 for size, taps in zip(padded.shape[1:3], weights.shape[:2], strict=True)
    )
    out = np.zeros((image.shape[0], height, width, weights.shape[3]), dtype=np.int64)
    for row, column in np.ndindex(height, width):
        corner = padded[:, row * stride :, column * stride :]
        out[:, row, column] = np.tensordot(corner[:, : weights.shape[0], : weights.shape[1]], weights, axes=3)
    return out.view(np.uint64)


def _shapes(size: int, params: Params) -> list[Shape]:
    return [(size, *params["image"]), params["kernel"]]


def _example(bits: int, kernel_bits: int, out_bits: int, image: Shape, kernel: Shape, *window: int) -> Params:
    widths = {"bits": bits, "kernel_bits": kernel_bits, "out_bits": out_bits}
    return {**widths, "image": image, "kernel": kernel, "stride": window[0], "padding": window[1]}


EXAMPLES = [
    {**_example(*example), "msb": msb}
    for example in (
        (3, 2, 8, (3, 3, 1), (2, 2, 1, 2), 1, 0),
        (4, 4, 4, (2, 3, 2), (1, 2, 2, 1), 1, 1),
        (8, 4, 16, (4, 3, 1), (3, 3, 1, 2), 2, 1),
        (6, 8, 14, (5, 2, 1), (1, 1, 1, 3), 3, 0),
        (16, 8, 29, (3, 2, 2), (3, 2, 2, 3), 1, 0),
    )
    for msb in ("unknown", "zero", "shared")
]

# ------------------------------------------------------------ shared kernel


def convolution_cost(
    profile: Profile,
    x: Shape,
    kernel: Shape,
    *,
    bits: int,
    kernel_bits: int,
    out_bits: int,
    stride: int,
    padding: int,
    msb: str = "unknown",
) -> Cost:
    """That of `matmul` of the patches with the kernel, but for the wraps: one for each pixel in use."""
    patches = _Patches.of(x, kernel, stride, padding).side(bits, msb)
    weights = Side.of(_matrix(kernel), kernel_bits, signed=True)
    return factor_product_cost(profile, patches, weights, out_bits=out_bits)


def _kinds(kernel: Kind) -> tuple[Kind, ...]:
    return Arith("bits"), kernel, Msb()


@protocol(
    takes=_kinds(Arith("kernel_bits")),
    gives=(Arith("out_bits"),),
    clear=convolution_clear,
    cost=convolution_cost,
    examples=EXAMPLES,
    shapes=_shapes,
)
async def convolution(
    party: Party,
    x: ArithmeticShare,
    kernel: ArithmeticShare,
    msb: KnownMsb = None,
    *,
    out_bits: int,
    stride: int,
    padding: int,
) -> ArithmeticShare:
    """Convolution (not flipped, as in neural networks) mod 2^out_bits, both factors shared and signed.

    Args:
        party: this party.
        x: images, (batch, height, width, channels).
        kernel: (kernel height, kernel width, channels, out channels).
        msb: what is known of the top bits of x.
        out_bits: at least as wide as each factor, at most 64.
        stride: steps between patches, in both directions.
        padding: zeros around the image, on all sides.

    Returns:
        Share of (batch, out height, out width, out channels); out = (size + 2 padding - kernel) // stride + 1.

    Raises:
        LocalError: the shapes do not fit, there is no patch, or `out_bits` is out of range.
    """
    patches, matrix = _Patches.of(x.shape, kernel.shape, stride, padding), _matrix(kernel.shape)
    check_factors(patches.shape, matrix, x.bits, kernel.bits, out_bits)
    weights = Factor.of(party, kernel.reshape(*matrix), None, signed=True)
    out = await factor_product(party, patches.factor(party, x, msb), weights, out_bits=out_bits)
    return out.reshape(*patches.out_shape, kernel.shape[3])


# ------------------------------------------------------------ the server's kernel


def convolution_by_server_cost(
    profile: Profile,
    x: Shape,
    kernel: Shape,
    *,
    bits: int,
    out_bits: int,
    stride: int,
    padding: int,
    msb: str = "unknown",
) -> Cost:
    """That of `shared_by_server` of the patches and the kernel, but for the wraps: one for each pixel in use."""
    patches = _Patches.of(x, kernel, stride, padding).side(bits, msb)
    return factor_by_private_cost(profile, patches, _matrix(kernel), out_bits=out_bits, owner=SERVER)


@protocol(
    takes=_kinds(Private("kernel_bits", owner=SERVER)),
    gives=(Arith("out_bits"),),
    clear=convolution_clear,
    cost=convolution_by_server_cost,
    examples=EXAMPLES,
    shapes=_shapes,
)
async def convolution_by_server(
    party: Party,
    x: ArithmeticShare,
    kernel: PrivateValue,
    msb: KnownMsb = None,
    *,
    out_bits: int,
    stride: int,
    padding: int,
) -> ArithmeticShare:
    """`convolution` with a kernel that the server knows.

    Raises:
        LocalError: the shapes or the owner do not fit, there is no patch, or `out_bits` is out of range.
    """
    patches, weights = _Patches.of(x.shape, kernel.shape, stride, padding), kernel.reshape(*_matrix(kernel.shape))
    check_weights(patches.shape, x.bits, weights, SERVER, out_bits)
    out = await factor_by_private(party, patches.factor(party, x, msb), weights, out_bits=out_bits)
    return out.reshape(*patches.out_shape, kernel.shape[3])
