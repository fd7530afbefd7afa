"""From model folders to the torch engine: weights, device and precision."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import partial

import numpy as np
import torch

from mtcli.bundle.model_folder import WEIGHTS, Bundle
from mtcli.engines.ensemble import check_ensemble
from mtcli.engines.torch import TorchEngine
from mtcli.errors import ConfigError, DeviceError, ModelFolderError
from mtcli.model.factory import build_model
from mtcli.model.seq2seq import Seq2Seq
from mtcli.system.allocator import prepare_memory


def load_ensemble(
    bundles: Sequence[Bundle], *, device: str, precision: str, threads: int | None
) -> TorchEngine:
    """The engine of one or several model folders, whose probabilities are averaged.

    Args:
        bundles: the model folders, at least one.
        device: `auto` (cuda, then mps, then cpu), `cpu`, `cuda` or `mps`.
        precision: `fp32`, or `bf16` or `fp16` for matrix products (autocast).
        threads: threads of the arithmetic on the CPU, for the whole process; None leaves them.

    Raises:
        DeviceError: the device or precision is unknown or not there.
        ConfigError: `threads` is below 1.
        ModelFolderError: the weights are not those of the architecture, or the languages or
            vocabularies are not the same.
    """
    check_ensemble(bundles)
    prepare_memory()
    chosen = choose_device(device)
    autocast = choose_autocast(precision, chosen)
    if threads is not None:
        if threads < 1:
            raise ConfigError(f"threads must be at least 1, not {threads}")
        torch.set_num_threads(threads)
    model, *others = (load_weights(bundle).to(chosen).eval() for bundle in bundles)
    return TorchEngine(model, chosen, autocast, others, may_fork=True)


def load_weights(bundle: Bundle) -> Seq2Seq:
    """The model of a model folder, on the CPU.

    Raises:
        ModelFolderError: the weights are not those of the architecture.
    """
    card = bundle.card
    # initialising draws random numbers: the caller's generator should not notice
    with torch.random.fork_rng(devices=[]):
        model = build_model(card.architecture, card.src_vocab_size, card.tgt_vocab_size)
    arrays = bundle.weights()
    _check_shapes(
        arrays,
        {name: tuple(tensor.shape) for name, tensor in model.state_dict().items()},
        where=str(bundle.path / WEIGHTS),
    )
    model.load_state_dict({name: torch.from_numpy(array) for name, array in arrays.items()})
    return model


def choose_device(name: str) -> torch.device:
    """The device of that name.

    Raises:
        DeviceError: it is unknown or not there.
    """
    is_there = {
        "cuda": torch.cuda.is_available(),
        "mps": torch.backends.mps.is_available(),
        "cpu": True,
    }
    if name == "auto":
        return torch.device(next(kind for kind, there in is_there.items() if there))
    if name not in is_there:
        raise DeviceError(f"device {name!r} is none of: auto, cpu, cuda, mps")
    if not is_there[name]:
        raise DeviceError(f"device {name} was asked for, but torch sees none here: use auto or cpu")
    return torch.device(name)


def choose_autocast(
    precision: str, device: torch.device
) -> Callable[[], AbstractContextManager[object]]:
    """What makes the context in which matrix products have that precision.

    Raises:
        DeviceError: the precision is unknown, or the device lacks it.
    """
    match precision:
        case "fp32":
            return nullcontext
        case "bf16":
            return partial(torch.autocast, device.type, dtype=torch.bfloat16)
        case "fp16" if device.type != "cpu":
            return partial(torch.autocast, device.type, dtype=torch.float16)
        case "fp16":
            raise DeviceError("precision fp16 needs an accelerator, not cpu: use fp32 or bf16")
    raise DeviceError(f"precision {precision!r} is none of: fp32, bf16, fp16")


def _check_shapes(
    arrays: Mapping[str, np.ndarray], expected: Mapping[str, tuple[int, ...]], *, where: str
) -> None:
    """Raise ModelFolderError unless names and shapes are those expected."""
    for name, shape in expected.items():
        if name not in arrays:
            raise ModelFolderError(f"{where}: {name} is missing, which model.json asks for")
        if arrays[name].shape != shape:
            raise ModelFolderError(
                f"{where}: {name} has shape {list(arrays[name].shape)}, but model.json asks for"
                f" {list(shape)}"
            )
    for name in arrays:
        if name not in expected:
            raise ModelFolderError(f"{where}: {name} is not part of the model of model.json")
