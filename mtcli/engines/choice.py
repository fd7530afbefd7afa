"""Choose the engine: the one asked for, or the fastest that supports the request."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from shlex import quote
from typing import TYPE_CHECKING, NamedTuple

from mtcli.bundle.export_record import ExportRecord, ThreadSplit, export_folder, read_export
from mtcli.bundle.languages import tags_of
from mtcli.bundle.model_folder import Bundle
from mtcli.decoding.options import SearchOptions
from mtcli.engines.ctranslate2.engine import CTranslate2Engine
from mtcli.engines.ctranslate2.package import INSTALL, MISSING, search_obstacle
from mtcli.engines.ctranslate2.stored import check_export
from mtcli.engines.protocol import Engine, EngineBatch, Report, RunningSearch, no_report
from mtcli.errors import ConfigError, ModelFolderError, in_backticks
from mtcli.system.cores import num_cores
from mtcli.system.threads import startable_threads

if TYPE_CHECKING:
    from mtcli.engines.torch import TorchEngine

ENGINES = ("auto", "torch", "ctranslate2")


@dataclass(frozen=True)
class EngineOptions:
    """What runs a model, and where.

    Raises:
        ConfigError: the engine is unknown, or `threads` is below 1.
    """

    engine: str = "auto"
    """`auto`, `torch` or `ctranslate2`, which needs an export. `auto` takes the export if it was
    measured faster and supports what is asked."""
    device: str = "auto"
    """`auto` (cuda, then mps, then cpu), `cpu`, `cuda` or `mps`."""
    precision: str = "fp32"
    """`fp32`, `bf16` or `fp16`."""
    threads: int | None = None
    """CPU threads, with torch for the whole process; None leaves the choice to torch, or to what
    was measured at export."""

    def __post_init__(self) -> None:
        if self.engine not in ENGINES:
            raise ConfigError(
                f"`engine` must be one of {in_backticks(ENGINES)}, found `{self.engine}`"
            )
        if self.threads is not None and self.threads < 1:
            raise ConfigError(f"`threads` must be at least 1, found `{self.threads}`")


class EngineChoice(NamedTuple):
    """The engine to load, and why."""

    record: ExportRecord | None
    """The export that CTranslate2 runs; None runs torch."""
    reason: str
    """A note for the user; empty where there was nothing to choose."""


def choose_engine(
    bundles: Sequence[Bundle],
    how: EngineOptions,
    search: SearchOptions | None = None,
    only_torch: str = "",
) -> EngineChoice:
    """Choose the engine, without loading anything.

    Args:
        bundles: the model, or the models of an ensemble.
        how: what was asked for.
        search: the search that is to come; None when it is not known.
        only_torch: what else is asked that no export supports, such as "alignments"; empty if
            nothing is.

    Raises:
        ConfigError: the engine does not support what is asked.
        ModelFolderError: `ctranslate2` is asked for, and there is no export, or a damaged one.
    """
    if how.engine == "torch":
        for bundle in bundles:
            if bundle.is_export:
                bundle.check_weights()
        return EngineChoice(None, "")
    obstacle = _obstacle(bundles, how, search, only_torch)
    if how.engine == "ctranslate2" or bundles[0].is_export:
        return _insist(bundles[0], how, obstacle)
    try:
        record = read_export(bundles[0])
    except ModelFolderError as error:
        return EngineChoice(None, f"engine torch, because {error.sentence}")
    if record is None:
        return EngineChoice(None, "")
    if obstacle is not None:
        return EngineChoice(None, f"engine torch, because {obstacle}")
    if record.torch_lines_per_s > record.fastest.lines_per_s:
        return EngineChoice(None, "engine torch, which was measured faster than the export")
    return EngineChoice(record, f"engine ctranslate2 ({_describe(record, how.threads)})")


def load_engine(bundles: Sequence[Bundle], how: EngineOptions, choice: EngineChoice) -> Engine:
    """Load the engine that was chosen.

    Raises:
        ModelFolderError: the weights or the export are damaged.
        DeviceError: the device or the precision is not available.
    """

    def load_torch() -> TorchEngine:
        # here, because torch takes seconds to import
        from mtcli.engines.torch_loading import load_ensemble

        for bundle in bundles:
            bundle.check_weights()
        return load_ensemble(
            bundles, device=how.device, precision=how.precision, threads=how.threads
        )

    if choice.record is None:
        return load_torch()
    export = load_export(bundles[0], choice.record, how.threads)
    is_alone = how.engine == "ctranslate2" or bundles[0].is_export
    return export if is_alone else AutoEngine(export, load_torch)


def load_export(bundle: Bundle, record: ExportRecord, threads: int | None) -> CTranslate2Engine:
    """Load the engine of the model's export.

    Raises:
        ConfigError: the package is not installed.
        ModelFolderError: the export cannot be loaded.
    """
    split = choose_split(record, threads)
    check_export(export_folder(bundle), bundle.card)
    return CTranslate2Engine(
        export_folder(bundle),
        max_positions=bundle.card.architecture.max_positions,
        inter_threads=split.inter_threads,
        intra_threads=split.intra_threads,
        target_start=bundle.card.architecture.target_start,
        tags=tags_of(bundle.card),
    )


def choose_split(record: ExportRecord, threads: int | None) -> ThreadSplit:
    """The fastest measured split of `threads` threads; None: of as many as this machine has cores.

    Of fewer, if the system allows fewer: CTranslate2 ends the process where it may not start one.

    If no split of that many threads was measured, each thread gets batches of its own, which is
    mostly the fastest.
    """
    num_threads = max(1, startable_threads(threads or num_cores()))
    for split in record.splits:
        if split.inter_threads * split.intra_threads == num_threads:
            return split
    return ThreadSplit(inter_threads=num_threads, intra_threads=1, lines_per_s=0)


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

    def begin(
        self,
        batches: Sequence[EngineBatch],
        options: SearchOptions,
        report: Report = no_report,
    ) -> RunningSearch:
        """Start to translate with the engine that can; see `Engine`."""
        has_prefixes = any(batch.prefix_ids for batch in batches)
        if search_obstacle(options, has_prefixes=has_prefixes) is None:
            return self._fast.begin(batches, options, report)
        if self._torch is None:
            self._torch = self._load_torch()
        return self._torch.begin(batches, options, report)


def _insist(bundle: Bundle, how: EngineOptions, obstacle: str | None) -> EngineChoice:
    """The export, or an error."""
    record = read_export(bundle)
    if record is None:
        raise ModelFolderError(
            f"{bundle.path} has no CTranslate2 export",
            hint=f"run `mtcli export -m {quote(str(bundle.path))} --to ctranslate2`,"
            " or use `--engine torch`",
        )
    if obstacle == MISSING:
        raise ConfigError(f"engine ctranslate2 cannot run: {obstacle}", hint=INSTALL)
    if obstacle is not None:
        raise ConfigError(
            f"engine ctranslate2 cannot run: {obstacle}",
            hint="give the model that this was exported from, or use other options"
            if bundle.is_export
            else "use `--engine torch` or `auto`",
        )
    return EngineChoice(record, f"engine ctranslate2 ({_describe(record, how.threads)})")


def _obstacle(
    bundles: Sequence[Bundle], how: EngineOptions, search: SearchOptions | None, only_torch: str
) -> str | None:
    """Why CTranslate2 cannot do what is asked; None if it can."""
    if find_spec("ctranslate2") is None:
        return MISSING
    if how.device not in ("auto", "cpu"):
        return f"exports run on the CPU, not on device {how.device}"
    if how.precision != "fp32":
        return f"exports have a precision of their own, not {how.precision}"
    if len(bundles) > 1:
        return "an export is one model, not an ensemble"
    if startable_threads(1) == 0:
        return "it needs a thread of its own, and the system allows no more"
    if only_torch:
        return f"exports do not support {only_torch}"
    obstacle = None if search is None else search_obstacle(search)
    return None if obstacle is None else f"exports do not support {obstacle}"


def _describe(record: ExportRecord, threads: int | None) -> str:
    split = choose_split(record, threads)
    return (
        f"{record.quantization}, {split.inter_threads} x {split.intra_threads}"
        f" thread{'s' * (split.inter_threads * split.intra_threads > 1)}"
    )
