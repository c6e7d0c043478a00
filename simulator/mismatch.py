"""What is wrong with a protocol: that it does not do what it declares, with an instance that shows it."""

from __future__ import annotations

import attrs


@attrs.frozen
class Counterexample:
    """An instance of a checker's own random inputs, no secret of anybody's, at which an output is wrong.

    Attributes:
        output: number of the output.
        at: its index.
        inputs: what went in there, with the halves if it is shared; none where inputs and outputs differ in shape.
        expected: the word that the functionality gives.
        got: the word that came out.
    """

    output: int
    at: tuple[int, ...]
    inputs: tuple[str, ...]
    expected: int
    got: int

    def __str__(self) -> str:
        where = f"for {' and '.join(self.inputs)}" if self.inputs else f"at {', '.join(map(str, self.at))}"
        return f"{where} it is {self.got}, not {self.expected}"


class MismatchError(AssertionError):
    """A protocol did not do what it declares.

    Attributes:
        counterexample: an instance that shows it, if a value is wrong.
        size: of the random inputs that it was found on; None if they were no random ones.
    """

    def __init__(self, problem: str, *, counterexample: Counterexample | None = None, size: int | None = None) -> None:
        super().__init__(problem)
        self.counterexample = counterexample
        self.size = size
