"""The engine that runs our own model by our own beam search."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import partial

import numpy as np
import torch

from mtcli.bundle.model_folder import WEIGHTS, Bundle
from mtcli.decoding.beam import beam_search
from mtcli.decoding.options import SearchOptions
from mtcli.decoding.scorer import ModelScorer
from mtcli.errors import ConfigError, DeviceError, ModelFolderError
from mtcli.model.factory import build_model
from mtcli.model.seq2seq import Seq2Seq
from mtcli.tokenizer.protocol import BOS_ID, EOS_ID, PAD_ID, UNK_ID
from mtcli.translating.engine import EngineHypothesis, TranslateOptions


class TorchEngine:
    """Implements `Engine` over a model in memory, a finished one or one that is being trained.

    Args:
        model: the model, on `device`; it may be in training mode, which it is in again afterwards.
        device: where the model is.
        autocast: makes the context that the search runs in.
    """

    def __init__(
        self,
        model: Seq2Seq,
        device: torch.device,
        autocast: Callable[[], AbstractContextManager[object]] = nullcontext,
    ) -> None:
        self._model, self._device, self._autocast = model, device, autocast

    @property
    def max_positions(self) -> int:
        """Longest source, and longest output, in pieces, EOS counted."""
        return self._model.config.max_positions

    def translate(
        self,
        src_ids: Sequence[Sequence[int]],
        max_lengths: Sequence[int],
        options: TranslateOptions,
    ) -> list[list[EngineHypothesis]]:
        """Hypotheses for each sentence, best first; see `Engine`.

        Raises:
            DeviceError: the batch does not fit into the memory of the accelerator.
        """
        if not src_ids:
            return []
        search = SearchOptions(
            beam_size=options.beam_size,
            num_hypotheses=options.num_hypotheses,
            normalization=options.normalization,
            length_penalty=options.length_penalty,
            max_length=max(max_lengths),
            bos_id=BOS_ID,
            eos_id=EOS_ID,
            forbidden_ids=(PAD_ID, UNK_ID, BOS_ID),
        )
        scorer = ModelScorer(self._model, pad_id=PAD_ID)
        src_ids_BS = _pad(src_ids).to(self._device)
        max_length_B = torch.tensor(list(max_lengths), device=self._device)
        was_training = self._model.training
        self._model.eval()
        try:
            with self._autocast():
                found = beam_search(scorer, src_ids_BS, search, max_length_B)
        except torch.OutOfMemoryError as error:
            raise DeviceError(
                f"{self._device} has too little memory for {len(src_ids)} sentences with a beam of"
                f" {options.beam_size}: use a smaller batch_size"
            ) from error
        finally:
            self._model.train(was_training)
        return [
            [
                EngineHypothesis(
                    token_ids=hypothesis.token_ids,
                    log_prob=hypothesis.log_prob,
                    score=hypothesis.score,
                    is_complete=hypothesis.is_complete,
                )
                for hypothesis in hypotheses
            ]
            for hypotheses in found
        ]


def load_engine(bundle: Bundle, *, device: str, precision: str, threads: int | None) -> TorchEngine:
    """The engine of a model folder.

    Args:
        bundle: the model folder.
        device: `auto` (cuda, then mps, then cpu), `cpu`, `cuda` or `mps`.
        precision: `fp32`, or `bf16` or `fp16` for matrix products (autocast).
        threads: threads of the arithmetic on the CPU, for the whole process; None leaves them.

    Raises:
        DeviceError: the device or precision is unknown or not there.
        ConfigError: `threads` is below 1.
        ModelFolderError: the weights are not those of the architecture.
    """
    chosen = choose_device(device)
    autocast = choose_autocast(precision, chosen)
    if threads is not None:
        if threads < 1:
            raise ConfigError(f"threads must be at least 1, not {threads}")
        torch.set_num_threads(threads)
    return TorchEngine(load_weights(bundle).to(chosen).eval(), chosen, autocast)


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


def _pad(src_ids: Sequence[Sequence[int]]) -> torch.Tensor:
    """Ids (B, S) with EOS appended, padded at the end."""
    longest = max(map(len, src_ids)) + 1
    padded = np.full((len(src_ids), longest), PAD_ID, dtype=np.int64)
    for row, ids in zip(padded, src_ids, strict=True):
        row[: len(ids)] = ids
        row[len(ids)] = EOS_ID
    return torch.from_numpy(padded)


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
