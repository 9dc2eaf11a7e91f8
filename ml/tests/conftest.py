"""The models that are looked at, and what the product makes of them."""

import json
import pathlib
import subprocess

import numpy
import onnx
import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUN = ROOT / "node_modules" / ".bin" / "bun"

# The one that ships, and one that the recipe in ml/training has made.
MODELS = ["models/prior", "test/fixtures/pytorch-model"]


class Model:
    """Three files of a model, read with other libraries than the product's."""

    def __init__(self, path: str):
        self.path = path
        self.graph_path = ROOT / path / "load_balancer.onnx"
        self.graph = onnx.load(self.graph_path)
        self.scaler = json.loads((ROOT / path / "scaler.json").read_text())
        self.features = json.loads((ROOT / path / "inference_features.json").read_text())
        self.mean = numpy.array(self.scaler["mean"], dtype=numpy.float64)
        self.scale = numpy.array(self.scaler["scale"], dtype=numpy.float64)

    def scaled(self, rows: numpy.ndarray) -> numpy.ndarray:
        """What the graph is given for rows in the features' own units: in 64 bits until the end; unknown (NaN) is the mean."""
        return numpy.nan_to_num((rows - self.mean) / self.scale, nan=0.0).astype(numpy.float32)


@pytest.fixture(scope="session", params=MODELS)
def model(request: pytest.FixtureRequest) -> Model:
    return Model(request.param)


@pytest.fixture(scope="session")
def computed(model: Model) -> dict:
    """Rows, and the scores that the product computes for them (scripts/model-scores.ts)."""
    if not BUN.exists():
        pytest.fail("the product is not installed: run npm install in the repository")
    command = [BUN, "--no-env-file", "scripts/model-scores.ts", model.path]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    rows = numpy.array(found["rows"], dtype=numpy.float64).reshape(-1, len(found["features"]))  # null becomes NaN
    return {**found, "rows": rows, "scores": numpy.array(found["scores"], dtype=numpy.float64)}
