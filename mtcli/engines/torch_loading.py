"""Load model folders into the torch engine: weights, device and precision."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from mtcli.bundle.languages import tags_of
from mtcli.bundle.model_folder import Bundle
from mtcli.device.choice import choose_device
from mtcli.device.precision import choose_translation_numerics
from mtcli.engines.ensemble import check_ensemble
from mtcli.engines.torch import TorchEngine
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
    return TorchEngine(
        model,
        numerics.device,
        numerics.autocast,
        others,
        may_fork=True,
        tags=tags_of(bundles[0].card),
    )


def load_weights(bundle: Bundle) -> Seq2Seq:
    """The model of a model folder, on the CPU.

    Raises:
        ModelFolderError: the weights are not those of the architecture.
    """
    card = bundle.card
    arrays = bundle.weights()  # first, because this checks that the card asks for no more
    # initialising draws random numbers, which must not advance the caller's generator
    with torch.random.fork_rng(devices=[]):
        sizes = card.src_vocab_size, card.tgt_vocab_size
        model = Seq2Seq(card.architecture, *sizes, card.separators)
    model.load_state_dict({name: torch.from_numpy(array) for name, array in arrays.items()})
    return model
