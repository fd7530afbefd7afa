"""Load model folders into the torch engine: weights, device and precision."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch

from mtcli.bundle.model_folder import WEIGHTS, Bundle
from mtcli.device.choice import choose_device
from mtcli.device.precision import choose_translation_numerics
from mtcli.engines.ensemble import check_ensemble
from mtcli.engines.torch import TorchEngine
from mtcli.errors import ModelFolderError
from mtcli.model.seq2seq import Seq2Seq
from mtcli.system.allocator import prepare_memory


def load_ensemble(
    bundles: Sequence[Bundle], *, device: str, precision: str, threads: int | None
) -> TorchEngine:
    """Load the engine of a model folder; of several, the engine averages their probabilities.

    Args:
        bundles: the model folders, at least one.
        device: `auto` (cuda, then mps, then cpu), `cpu`, `cuda` or `mps`.
        precision: `fp32`, or `bf16` or `fp16` for matrix products (autocast).
        threads: threads of the arithmetic on the CPU, for the whole process; None leaves them.

    Raises:
        DeviceError: the device or precision is unknown or not available.
        ModelFolderError: the weights are not those of the architecture, or the languages or
            vocabularies are not the same.
    """
    check_ensemble(bundles)
    prepare_memory()
    numerics = choose_translation_numerics(choose_device(device), precision)
    if threads is not None:
        torch.set_num_threads(threads)
    model, *others = (load_weights(bundle).to(numerics.device).eval() for bundle in bundles)
    return TorchEngine(model, numerics.device, numerics.autocast, others, may_fork=True)


def load_weights(bundle: Bundle) -> Seq2Seq:
    """The model of a model folder, on the CPU.

    Raises:
        ModelFolderError: the weights are not those of the architecture.
    """
    card = bundle.card
    # initialising draws random numbers, which must not advance the caller's generator
    with torch.random.fork_rng(devices=[]):
        model = Seq2Seq(card.architecture, card.src_vocab_size, card.tgt_vocab_size)
    arrays = bundle.weights()
    _check_shapes(
        arrays,
        {name: tuple(tensor.shape) for name, tensor in model.state_dict().items()},
        where=str(bundle.path / WEIGHTS),
    )
    model.load_state_dict({name: torch.from_numpy(array) for name, array in arrays.items()})
    return model


def _check_shapes(
    arrays: Mapping[str, np.ndarray], expected: Mapping[str, tuple[int, ...]], *, where: str
) -> None:
    """Raise ModelFolderError unless names and shapes are those expected."""
    for name, shape in expected.items():
        if name not in arrays:
            raise ModelFolderError(f"{where} lacks `{name}`, which `model.json` asks for")
        if arrays[name].shape != shape:
            raise ModelFolderError(
                f"{where} stores `{name}` as {list(arrays[name].shape)}, but `model.json` asks for"
                f" {list(shape)}"
            )
    for name in arrays:
        if name not in expected:
            raise ModelFolderError(f"{where} has `{name}`, which `model.json` does not ask for")
