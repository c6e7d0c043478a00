"""Train, quantise and store the BasicMotions scenario: `python scenarios/basicmotions/train.py`.

Writes, beside this file: parameters.npz (real weights), model.npz (quantised model), test.npz (test recordings and
labels) and recording.npy (one of them). Needs the extra `train` (torch, aeon). Single-threaded and seeded: the same
versions on the same processor write the same bytes. The test recordings are used for the closing report only.
"""

from __future__ import annotations

import math
from pathlib import Path

import attrs
import numpy as np
import torch
from aeon.datasets import load_basic_motions

from sirnn.models.fastgrnn import FastGrnnParameters, FastGrnnWeights, run_float
from sirnn.models.model import run_twin, save_model
from sirnn.models.quantise import quantise

HERE = Path(__file__).parent
INPUT_LIMIT = 64.0  # twice the largest reading of the training split; what lies beyond is refused
HIDDEN = 16
EPOCHS = 200
SEED = 0
DEMO_LABEL = "running"


@attrs.frozen(eq=False)
class Split:
    """Recordings (recordings, steps, channels), float32, and the index of each one's class."""

    recordings: np.ndarray
    labels: np.ndarray


def load_split(name: str) -> tuple[Split, tuple[str, ...]]:
    """A split of BasicMotions as aeon ships it, and the class names in alphabetical order."""
    recordings, labels = load_basic_motions(split=name)
    classes, indices = np.unique(labels, return_inverse=True)
    steps_first = np.ascontiguousarray(recordings.transpose(0, 2, 1), dtype=np.float32)
    return Split(steps_first, indices.astype(np.int64)), tuple(str(label) for label in classes)


class FastGrnn(torch.nn.Module):
    """The network on standardised readings; sirnn.models.fastgrnn states its equations."""

    def __init__(self, channels: int, classes: int) -> None:
        super().__init__()
        self.input_weights = torch.nn.Parameter(0.3 * torch.randn(channels, HIDDEN))
        self.hidden_weights = torch.nn.Parameter(0.2 * torch.randn(HIDDEN, HIDDEN))
        self.gate_bias = torch.nn.Parameter(torch.ones(HIDDEN))
        self.candidate_bias = torch.nn.Parameter(torch.zeros(HIDDEN))
        self.zeta = torch.nn.Parameter(torch.tensor(0.0))
        self.nu = torch.nn.Parameter(torch.tensor(-4.0))
        self.class_weights = torch.nn.Parameter(0.3 * torch.randn(HIDDEN, classes))
        self.class_bias = torch.nn.Parameter(torch.zeros(classes))

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Logits, and how far the pre-activations leave [-3, 3] in the mean square: they must fit 16 bits."""
        driven, h, excess = x @ self.input_weights, torch.zeros(x.shape[0], HIDDEN), torch.tensor(0.0)
        zeta, nu = torch.sigmoid(self.zeta), torch.sigmoid(self.nu)
        for step in range(x.shape[1]):
            total = driven[:, step] + h @ self.hidden_weights
            z = torch.sigmoid(total + self.gate_bias)
            h = (zeta * (1 - z) + nu) * torch.tanh(total + self.candidate_bias) + z * h
            excess = excess + torch.relu(total.abs() - 3).pow(2).mean()
        return h @ self.class_weights + self.class_bias, excess / x.shape[1]


def augmented(x: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """Each recording started elsewhere (cyclically), each channel made stronger or weaker, and a little noise."""
    count, steps, channels = x.shape
    starts = torch.randint(0, steps, (count, 1), generator=generator)
    shifted = x[torch.arange(count)[:, None], (torch.arange(steps)[None] + starts) % steps]
    gains = torch.exp(0.15 * torch.randn(count, 1, channels, generator=generator))
    return shifted * gains + 0.05 * torch.randn(x.shape, generator=generator)


def train(split: Split, classes: tuple[str, ...]) -> FastGrnnParameters:
    """Fit the network to the training split and fold the standardisation of its input into its weights."""
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(mode=True)
    torch.manual_seed(SEED)
    generator = torch.Generator().manual_seed(SEED)
    readings = torch.from_numpy(split.recordings).clamp(-INPUT_LIMIT, INPUT_LIMIT)
    mean, deviation = readings.mean((0, 1)), readings.std((0, 1))
    x, labels = (readings - mean) / deviation, torch.from_numpy(split.labels)
    network = FastGrnn(x.shape[2], len(classes))
    optimiser = torch.optim.Adam(network.parameters(), lr=1e-2, weight_decay=1e-4)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, 2e-2, total_steps=EPOCHS)
    for _ in range(EPOCHS):
        logits, excess = network(augmented(x, generator))
        loss = torch.nn.functional.cross_entropy(logits, labels, label_smoothing=0.05) + 3 * excess
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimiser.step()
        schedule.step()
    return FastGrnnParameters(folded(network, mean, deviation), classes, INPUT_LIMIT, provenance())


def folded(network: FastGrnn, mean: torch.Tensor, deviation: torch.Tensor) -> FastGrnnWeights:
    """The weights for readings as the sensor gives them: W (x - mean) / deviation is W' x + b'."""
    real = {name: value.detach().double().numpy() for name, value in network.named_parameters()}
    weights = real["input_weights"] / deviation.double().numpy()[:, None]
    shift = mean.double().numpy() @ weights
    biases = {name: real[name] - shift for name in ("gate_bias", "candidate_bias")}
    scalars = {name: np.array(1 / (1 + math.exp(-float(real[name])))) for name in ("zeta", "nu")}
    return FastGrnnWeights(**{**real, **biases, **scalars, "input_weights": weights})


def provenance() -> str:
    """What a reader of the files must know."""
    return (
        f"FastGRNN trained by scenarios/basicmotions/train.py (seed {SEED}, {EPOCHS} epochs) on the training split of "
        "BasicMotions, UEA multivariate time series archive, as shipped by the aeon package"
    )


def main() -> None:
    """Make every file of the scenario and print what it achieves."""
    training, classes = load_split("train")
    testing, _ = load_split("test")
    parameters = train(training, classes)
    model = quantise(parameters, training.recordings)
    parameters.save(HERE / "parameters.npz")
    save_model(model, HERE / "model.npz")
    np.savez_compressed(HERE / "test.npz", allow_pickle=False, recordings=testing.recordings, labels=testing.labels)
    demo = int(np.argmax(testing.labels == classes.index(DEMO_LABEL)))
    np.save(HERE / "recording.npy", testing.recordings[demo], allow_pickle=False)
    for name, split in (("training", training), ("test", testing)):
        real = run_float(parameters, split.recordings)
        twin = run_twin(model, model.shape.encode_recordings(split.recordings))
        distance = np.abs(model.shape.types.logits.decode(twin.logits) - real.logits).max()
        print(
            f"{name}: {np.mean(real.prediction == split.labels):.1%} in real numbers, "
            f"{np.mean(twin.prediction == split.labels):.1%} in fixed point, logits differ by at most {distance:.3f}, "
            f"{twin.wrapped} values wrapped, peaks { ({k: round(v, 2) for k, v in real.peaks.items()}) }"
        )
    print(f"demo recording: test recording {demo}; {model.shape.types}")


if __name__ == "__main__":
    main()
