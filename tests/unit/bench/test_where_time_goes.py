"""Categories of profiled operators, of made-up call chains and of a real step."""

from dataclasses import dataclass

import pytest
import torch

from mtcli.bench.where_time_goes import CATEGORIES, category_of, time_by_category
from tests.support.models import random_batch, tiny_model


@dataclass
class Event:
    name: str
    cpu_parent: "Event | None" = None


def chain(*names):
    """Events that call one another, the outermost first; the innermost."""
    event = None
    for name in names:
        event = Event(name, event)
    return event


@pytest.mark.parametrize(
    ("names", "category"),
    [
        (["aten::linear", "aten::addmm"], "matmul"),
        (["autograd::engine::evaluate_function: MmBackward0", "aten::mm"], "matmul"),
        (["_SmoothedCrossEntropy", "aten::mm"], "matmul"),
        (["_SmoothedCrossEntropy", "aten::_log_softmax"], "loss"),
        (["aten::scaled_dot_product_attention", "aten::zeros"], "attention"),
        (["aten::softmax", "aten::_softmax"], "attention"),
        (["_SmoothedCrossEntropy", "aten::softmax", "aten::_softmax"], "loss"),
        (
            [
                "autograd::engine::evaluate_function: ScaledDotProductFlashAttentionBackward0",
                "aten::_scaled_dot_product_flash_attention_for_cpu_backward",
            ],
            "attention",
        ),
        (["_ByteDropout", "aten::random_"], "dropout"),
        (["autograd::engine::evaluate_function: _ByteDropoutBackward", "aten::mul_"], "dropout"),
        (["aten::layer_norm", "aten::native_layer_norm"], "normalisation"),
        (["Optimizer.step#_Muon.step", "aten::mm"], "optimiser"),
        (["aten::_foreach_norm"], "optimiser"),
        (["mtcli::to_tensors", "aten::copy_"], "data"),
        (["c10d::allreduce_"], "communication"),
        (["DistributedDataParallel.forward", "aten::mm"], "matmul"),
        (["DistributedDataParallel.forward"], "communication"),
        (["aten::embedding"], "other"),
    ],
)
def test_the_category_of_a_call(names, category):
    assert category_of(chain(*names)) == category


def test_times_are_summed_and_every_category_is_there():
    events = [(chain("aten::mm"), 2.0), (chain("aten::bmm"), 3.0), (chain("aten::add"), 1.5)]
    totals = time_by_category(events)
    assert totals == dict.fromkeys(CATEGORIES, 0.0) | {"matmul": 5.0, "other": 1.5}


def test_a_real_update_has_every_category_that_one_process_can_have():
    """The names are torch's: this notices when they change."""
    model = tiny_model("pre-norm").train()
    for module in model.modules():
        if hasattr(module, "dropout_p"):
            module.dropout_p = 0.1
    with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU]) as profiler:
        model(random_batch([(4, 5), (3, 2)], 0), 0.1).backward()
    events = [(event, event.self_cpu_time_total) for event in profiler.events()]
    totals = time_by_category(events)
    for name in ("matmul", "attention", "loss", "dropout", "normalisation", "other"):
        assert totals[name] > 0, name
    assert totals["communication"] == totals["data"] == 0
