"""The files of a model say the same to ONNX's own library as to the product."""

import math
import re

import numpy
import onnx
import onnx.reference
import pytest

from conftest import ROOT, Model

# The contract: these are the first, in this order. What may follow is in the product's own list.
CONTRACT = ["cpu_usage", "memory_usage", "active_conns", "error_rate", "response_p95", "capacity"]


def known_names() -> list[str]:
    source = (ROOT / "src/learning/features/feature-names.ts").read_text()
    return re.findall(r'^ +"([a-z0-9_]+)",', source, re.MULTILINE)


def shape(value: onnx.ValueInfoProto) -> list:
    return [each.dim_param or each.dim_value for each in value.type.tensor_type.shape.dim]


def test_the_first_features_are_the_contracts(model: Model):
    assert model.features[: len(CONTRACT)] == CONTRACT
    assert len(set(model.features)) == len(model.features)
    further = known_names()
    assert len(further) > len(CONTRACT)
    assert [name for name in model.features if name not in CONTRACT + further] == []


def test_the_scaler_fits_the_features(model: Model):
    assert set(model.scaler) == {"mean", "scale"}
    assert model.mean.shape == model.scale.shape == (len(model.features),)
    assert numpy.isfinite(model.mean).all() and numpy.isfinite(model.scale).all()
    assert (model.scale > 0).all()


def test_onnx_accepts_the_graph(model: Model):
    onnx.checker.check_model(model.graph, full_check=True)
    # All in one file.
    assert [each.name for each in model.graph.graph.initializer if each.data_location == onnx.TensorProto.EXTERNAL] == []


def test_the_graph_takes_the_features_and_gives_one_score_each(model: Model):
    graph = model.graph.graph
    (taken,), (given,) = graph.input, graph.output
    assert (taken.name, given.name) == ("features", "predicted_score")
    assert taken.type.tensor_type.elem_type == given.type.tensor_type.elem_type == onnx.TensorProto.FLOAT
    batch, width = shape(taken)
    assert isinstance(batch, str) and width == len(model.features)
    assert shape(given) == [batch, 1]


def test_the_product_reads_the_same_files(model: Model, computed: dict):
    assert computed["features"] == model.features
    assert computed["mean"] == model.scaler["mean"]
    assert computed["scale"] == model.scaler["scale"]


def test_the_product_computes_the_same_scores(model: Model, computed: dict):
    rows, expected = computed["rows"], computed["scores"]
    assert numpy.isnan(rows).any() and len(rows) == len(expected) == 200
    (scores,) = onnx.reference.ReferenceEvaluator(model.graph).run(None, {"features": model.scaled(rows)})
    assert scores.shape == (len(rows), 1) and numpy.isfinite(scores).all()
    numpy.testing.assert_allclose(expected, scores[:, 0], rtol=1e-4, atol=1e-4)
    # The rows say something: another order of the columns gives other scores.
    (other,) = onnx.reference.ReferenceEvaluator(model.graph).run(None, {"features": model.scaled(rows)[:, ::-1]})
    assert not numpy.allclose(expected, other[:, 0], rtol=1e-2, atol=1e-2)


@pytest.mark.parametrize("count", [1, 7])
def test_a_batch_may_have_any_size(model: Model, count: int):
    (scores,) = onnx.reference.ReferenceEvaluator(model.graph).run(
        None, {"features": numpy.zeros((count, len(model.features)), dtype=numpy.float32)}
    )
    assert scores.shape == (count, 1)
    assert len(set(scores[:, 0].tolist())) == 1 and math.isfinite(scores[0, 0])


def test_a_graph_that_was_cut_off_is_refused(tmp_path):
    """What accepts the graphs above can refuse one."""
    cut = tmp_path / "cut.onnx"
    cut.write_bytes((ROOT / "models/prior/load_balancer.onnx").read_bytes()[:-40])
    with pytest.raises(Exception):
        onnx.checker.check_model(onnx.load(cut), full_check=True)
