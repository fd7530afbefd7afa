"""Which engine translates: the one that was asked for, or the fastest that can do what is asked."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from typing import TYPE_CHECKING, NamedTuple

from mtcli.bundle.exports import CTRANSLATE2, ExportRecord, ThreadSplit, read_export
from mtcli.bundle.model_folder import Bundle
from mtcli.engines.ctranslate2.engine import CTranslate2Engine
from mtcli.engines.ctranslate2.package import MISSING, search_obstacle
from mtcli.engines.protocol import Engine, EngineBatch, RunningSearch, TranslateOptions
from mtcli.errors import ConfigError, ModelFolderError

if TYPE_CHECKING:
    from mtcli.engines.torch import TorchEngine

ENGINES = ("auto", "torch", "ctranslate2")


class EngineRequest(NamedTuple):
    """What is asked of an engine before it is loaded."""

    engine: str = "auto"
    """`auto`, `torch` or `ctranslate2`."""
    device: str = "auto"
    precision: str = "fp32"
    threads: int | None = None
    options: TranslateOptions | None = None
    """The search that is known to come; None when none is known."""
    others: tuple[Bundle, ...] = ()
    """Further models of an ensemble, of the same vocabulary."""
    only_torch: str = ""
    """What else is asked that an export cannot do, such as "alignments"; empty: nothing."""


class EngineChoice(NamedTuple):
    """The engine to be loaded, and why."""

    record: ExportRecord | None
    """The export to be run by CTranslate2; None runs torch."""
    reason: str
    """For the user; empty where there was nothing to choose."""


def choose_engine(bundle: Bundle, request: EngineRequest) -> EngineChoice:
    """Which engine will do it.

    Raises:
        ConfigError: the engine is unknown, or cannot do what is asked.
        ModelFolderError: `ctranslate2` is asked for, and there is no export, or a damaged one.
    """
    if request.engine not in ENGINES:
        raise ConfigError(f"engine {request.engine!r} is none of: {', '.join(ENGINES)}")
    if request.engine == "torch":
        return EngineChoice(None, "")
    if request.engine == "ctranslate2":
        return _insist(bundle, request)
    try:
        record = read_export(bundle)
    except ModelFolderError as error:
        return EngineChoice(None, f"engine torch, for {error}")
    if record is None:
        return EngineChoice(None, "")
    obstacle = _obstacle(request)
    if obstacle is not None:
        return EngineChoice(None, f"engine torch, for {obstacle}")
    if record.torch_lines_per_s > record.fastest.lines_per_s:
        return EngineChoice(None, "engine torch, which was measured faster than the export")
    return EngineChoice(record, f"engine ctranslate2 ({_describe(record, request.threads)})")


def load_engine(bundle: Bundle, request: EngineRequest, choice: EngineChoice) -> Engine:
    """The engine that was chosen.

    Raises:
        ModelFolderError: the weights or the export are damaged.
        DeviceError: the device or the precision is not there.
        ConfigError: `threads` is below 1.
    """

    def load_torch() -> TorchEngine:
        # here, for torch takes seconds
        from mtcli.engines.torch_loading import load_ensemble

        bundles = [bundle, *request.others]
        for each in bundles:
            each.check_weights()
        return load_ensemble(
            bundles, device=request.device, precision=request.precision, threads=request.threads
        )

    if choice.record is None:
        return load_torch()
    export = load_export(bundle, choice.record, request.threads)
    return export if request.engine == "ctranslate2" else AutoEngine(export, load_torch)


def load_export(bundle: Bundle, record: ExportRecord, threads: int | None) -> CTranslate2Engine:
    """The engine of the model's export.

    Raises:
        ConfigError: the package is not installed, or `threads` is below 1.
        ModelFolderError: the export cannot be loaded.
    """
    split = choose_split(record, threads)
    return CTranslate2Engine(
        bundle.path / CTRANSLATE2,
        max_positions=bundle.card.architecture.max_positions,
        inter_threads=split.inter_threads,
        intra_threads=split.intra_threads,
    )


def choose_split(record: ExportRecord, threads: int | None) -> ThreadSplit:
    """The fastest split of so many threads (None: of this machine's cores) that was measured.

    Where none of that many was, each thread gets batches of its own, which mostly is best.

    Raises:
        ConfigError: `threads` is below 1.
    """
    if threads is not None and threads < 1:
        raise ConfigError(f"threads must be at least 1, not {threads}")
    num_threads = threads or num_cores()
    for split in record.splits:
        if split.inter_threads * split.intra_threads == num_threads:
            return split
    return ThreadSplit(inter_threads=num_threads, intra_threads=1, lines_per_s=0)


def num_cores() -> int:
    """Cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


class AutoEngine:
    """Implements `Engine`: CTranslate2, and torch for the searches that CTranslate2 cannot do.

    Args:
        fast: runs the export.
        load_torch: loads the other engine, when it is first needed.
    """

    def __init__(self, fast: CTranslate2Engine, load_torch: Callable[[], TorchEngine]) -> None:
        self._fast, self._load_torch = fast, load_torch
        self._torch: TorchEngine | None = None
        self.max_positions = fast.max_positions

    def begin(self, batches: Sequence[EngineBatch], options: TranslateOptions) -> RunningSearch:
        """Start to translate with the engine that can; see `Engine`."""
        has_prefixes = any(batch.prefix_ids for batch in batches)
        if search_obstacle(options, has_prefixes=has_prefixes) is None:
            return self._fast.begin(batches, options)
        if self._torch is None:
            self._torch = self._load_torch()
        return self._torch.begin(batches, options)


def _insist(bundle: Bundle, request: EngineRequest) -> EngineChoice:
    record = read_export(bundle)
    if record is None:
        raise ModelFolderError(
            f"{bundle.path} holds no export: `mtcli export -m {bundle.path} --to ctranslate2`"
            " writes one"
        )
    obstacle = _obstacle(request)
    if obstacle is not None:
        raise ConfigError(f"engine ctranslate2 cannot run: {obstacle}")
    return EngineChoice(record, f"engine ctranslate2 ({_describe(record, request.threads)})")


def _obstacle(request: EngineRequest) -> str | None:
    """Why CTranslate2 cannot do what is asked; None if it can."""
    if find_spec("ctranslate2") is None:
        return MISSING
    if request.device not in ("auto", "cpu"):
        return f"device {request.device} was asked for, and exports run on the CPU"
    if request.precision != "fp32":
        return f"precision {request.precision} was asked for, and an export has its own"
    if request.others:
        return "an ensemble was asked for, and an export is one model"
    if request.only_torch:
        return f"{request.only_torch} were asked for, and exports have none"
    obstacle = None if request.options is None else search_obstacle(request.options)
    return None if obstacle is None else f"{obstacle} is not among its searches"


def _describe(record: ExportRecord, threads: int | None) -> str:
    split = choose_split(record, threads)
    return (
        f"{record.quantization}, {split.inter_threads} x {split.intra_threads}"
        f" thread{'s' * (split.inter_threads * split.intra_threads > 1)}"
    )
