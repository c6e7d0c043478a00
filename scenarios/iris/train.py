"""Train, quantise and store the iris scenario: `python scenarios/iris/train.py`.

Writes, beside this file: model.npz (quantised SVM) and test.npz (test readings and labels). Needs the extra `train`
(scikit-learn comes with aeon). Deterministic. The test readings are used for the closing report only.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from sklearn.datasets import load_iris
from sklearn.svm import SVC

from sirnn.models.model import run_twin, save_model
from sirnn.models.svm import SvmParameters, quantise_svm, run_svm_float

HERE = Path(__file__).parent
FEATURES = ["petal length (cm)", "petal width (cm)"]
CLASSES = ("another iris", "versicolor")
GAMMA, PENALTY = 1.0, 100.0
SEED = 0


def main() -> None:
    """Make every file of the scenario and print what it achieves."""
    iris = load_iris()
    columns = [iris.feature_names.index(name) for name in FEATURES]
    readings, labels = iris.data[:, columns], (iris.target == 1).astype(np.int64)
    order = np.random.default_rng(SEED).permutation(len(readings))
    training, testing = order[:75], order[75:]
    parameters = train(readings[training], labels[training])
    model = quantise_svm(parameters)
    save_model(model, HERE / "model.npz")
    np.savez_compressed(HERE / "test.npz", allow_pickle=False, recordings=readings[testing], labels=labels[testing])
    for name, part in (("training", training), ("test", testing)):
        real = run_svm_float(parameters, readings[part])
        twin = run_twin(model, model.shape.encode_recordings(readings[part]))
        distance = np.abs(model.shape.logits_type.decode(twin.logits) - real).max()
        print(
            f"{name}: {np.mean(real.argmax(axis=1) == labels[part]):.1%} in real numbers, "
            f"{np.mean(twin.prediction == labels[part]):.1%} in fixed point, scores differ by at most {distance:.3f}"
        )
    print(f"{model.shape.centres} support vectors, {model.shape.types}")


def train(readings: np.ndarray, labels: np.ndarray) -> SvmParameters:
    """A support vector machine on centred readings; two scores, of which the first is always 0."""
    mean = readings.mean(axis=0)
    machine = SVC(C=PENALTY, gamma=GAMMA).fit(readings - mean, labels)
    coefficients = np.stack([np.zeros(len(machine.support_)), machine.dual_coef_[0]], axis=1)
    scale = float(np.sqrt(GAMMA))
    return SvmParameters(
        centres=machine.support_vectors_ * scale,
        coefficients=coefficients,
        bias=np.array([0.0, machine.intercept_[0]]),
        mean=tuple(float(value) for value in mean),
        gain=(scale, scale),
        classes=CLASSES,
        provenance=f"SVM (C = {PENALTY:g}, gamma = {GAMMA:g}) on 75 irises, by scenarios/iris/train.py",
    )


if __name__ == "__main__":
    main()
