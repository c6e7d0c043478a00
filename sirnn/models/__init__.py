"""A model as data: load, save, quantise, its plaintext twin. Importing the package makes every architecture known."""

from sirnn.models.fastgrnn import FastGrnnWeights
from sirnn.models.fastgrnn_shape import FastGrnnShape
from sirnn.models.fastgrnn_twin import run_fastgrnn_twin
from sirnn.models.model import ARCHITECTURES, Architecture
from sirnn.models.svm import SvmShape, SvmWeights, run_svm_twin

ARCHITECTURES[FastGrnnShape.architecture] = Architecture(FastGrnnShape, FastGrnnWeights, run_fastgrnn_twin)
ARCHITECTURES[SvmShape.architecture] = Architecture(SvmShape, SvmWeights, run_svm_twin)
