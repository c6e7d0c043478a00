"""`sirnn eval`: a function on the user's own integers."""

from __future__ import annotations

from pathlib import Path

import click
import numpy as np
import numpy.typing as npt

from sirnn import ring
from sirnn.cli.measurement import print_measurement, run_subject
from sirnn.cli.options import (
    EXPRESSION,
    FILE,
    ExpressionCommand,
    check_simulated,
    json_option,
    network_option,
    ot_option,
    over_option,
    profile_option,
    seed_option,
    type_options,
)
from sirnn.cli.report import counted, out, print_json
from sirnn.cli.setting import LAN, Setting
from sirnn.cli.subjects import FunctionSubject
from sirnn.compiler.methods import Method, method
from sirnn.errors import LocalError
from sirnn.fixedpoint import FixedPoint
from sirnn.models.archive import read_array
from sirnn.profile import Profile


@click.command("eval", cls=ExpressionCommand)
@click.argument("function", type=EXPRESSION)
@click.option("--inputs", "source", type=FILE, required=True, help="Integers of the input type, as a .npy file.")
@click.option("--outputs", "target", type=FILE, required=True, help="Where to write integers of the output type.")
@type_options
@profile_option
@ot_option
@over_option
@network_option
@seed_option
@json_option
def evaluate(
    function: str,
    source: Path,
    target: Path,
    inp: FixedPoint,
    out_type: FixedPoint,
    profile: Profile,
    ot: str,
    over: str,
    network: str | None,
    seed: int | None,
    as_json: bool,
) -> None:
    """Evaluate FUNCTION securely on the integers of a file and write the integers that come out.

    A function is a name, or in profile lean also an expression in x, such as "x*tanh(log1p(exp(x)))", or the file of a
    plan that compile-function wrote.

    An integer i stands for i / 2^scale. The output is a .npy file of int64, of the inputs' shape. Both parties run
    here, each on a random share of the inputs; what it cost is reported as by `measure`.
    """
    check_simulated(over, network=network, seed=seed)
    integers = read_integers(source, method(profile, function, inp=inp, out=out_type))
    if not target.parent.is_dir():
        raise LocalError(f"there is no folder {target.parent}", remedy="make it, or choose another --outputs")
    subject = FunctionSubject(function, inp, out_type, profile, ring.from_signed(integers.ravel(), inp.bits))
    measured = run_subject(subject, Setting(over, network or LAN, seed, ot))
    write_integers(target, out_type.to_int(subject.together(*measured.values)).reshape(integers.shape))
    if as_json:
        print_json({**measured.report(), "outputs": str(target)})
    else:
        print_measurement(measured)
        out.print(f"Wrote {counted(integers.size, 'integer')} to {target}.", markup=False, soft_wrap=True)


def read_integers(path: Path, function: Method) -> npt.NDArray[np.int64]:
    """The integers in a .npy file, or alone in a .npz file, of any shape, to be inputs of a function.

    Raises:
        LocalError: no such file, not a file of integers, none at all, or one outside the type or the domain.
    """
    array, inp = read_array(path, "the integers"), function.inp
    if array.dtype.kind not in "iu" or array.size == 0:
        held = "nothing" if array.size == 0 else f"{array.dtype} values"
        raise LocalError(f"{path} holds {held}", remedy=f"save integers of {inp}: round(x * 2^{inp.scale})")
    domain = function.domain
    _refuse_outside(array, f"do not fit {inp}", *inp.int_range)
    _refuse_outside(array, f"are outside the domain of {function.name}", domain[0], domain[-1])
    return array.astype(np.int64)


def _refuse_outside(array: npt.NDArray[np.integer], what: str, low: int, high: int) -> None:
    outside = (array < low) | (array > high)
    if np.any(outside):
        first = int(np.argmax(outside.ravel()))
        raise LocalError(
            f"{int(outside.sum())} of {array.size} inputs {what}, the first at index {first}",
            remedy=f"integers must lie in [{low}, {high}]",
        )


def write_integers(path: Path, integers: npt.NDArray[np.int64]) -> None:
    """Write a .npy file under exactly that name.

    Raises:
        LocalError: the file cannot be written.
    """
    try:
        with path.open("wb") as file:
            np.save(file, integers, allow_pickle=False)
    except OSError as failure:
        raise LocalError(f"cannot write {path}: {failure.strerror}", remedy="choose another --outputs") from failure
