"""Train the tokenizer of a config on its own, and find the tokenizer of a model or run folder."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from pathlib import Path

from mtcli.config.schema.root import TrainConfig
from mtcli.data.sources import read_pairs
from mtcli.errors import TokenizerError
from mtcli.folders import why_refused
from mtcli.runs.resolve import resolve_model
from mtcli.tokenizer.invisible import Side
from mtcli.tokenizer.losses import count_losses
from mtcli.tokenizer.protocol import SHARED_TOKENIZER, SRC_TOKENIZER, TGT_TOKENIZER
from mtcli.tokenizer.report import TokenizerReport, describe_losses, report
from mtcli.tokenizer.sentencepiece import SentencePieceTokenizer, open_tokenizers
from mtcli.tokenizer.train import train_tokenizers
from mtcli.training.settling import settle

_REPORTED_PAIRS = 1000
_NORMALIZED_PAIRS = 100_000  # which is faster than encoding


def train_and_describe(
    config: TrainConfig,
    output_dir: Path,
    watch: Callable[[Iterable[tuple[str, str]]], Iterable[tuple[str, str]]] = iter,
) -> Iterator[str]:
    """Train the tokenizers that a config asks for. Yields lines that describe them.

    Args:
        config: the training text and what to train; it must not name trained tokenizers.
        output_dir: where they go; made if it does not exist.
        watch: returns the pairs that it is given; it may count them.

    Raises:
        TokenizerError: there is nothing to train, a file is in the way, or training fails.
        DataError: as `read_pairs`.
    """
    config = settle(config).config
    _check(config, output_dir)

    def read() -> Iterable[tuple[str, str]]:
        return read_pairs(config.data.train)

    paths = train_tokenizers(
        lambda: watch(read()), config.tokenizer, seed=config.seed, folder=output_dir
    )
    files = list(paths.values())
    src, tgt = open_tokenizers(files[0], files[-1])
    for path, tokenizer in zip(files, (src, tgt), strict=False):  # one file may serve both
        yield f"{path}: {tokenizer.vocab_size} pieces ({config.tokenizer.algorithm})"
    src_texts, tgt_texts = zip(*islice(read(), _NORMALIZED_PAIRS), strict=True)
    for side, tokenizer, texts in (
        (f"source ({config.src_lang})", src, src_texts),
        (f"target ({config.tgt_lang})", tgt, tgt_texts),
    ):
        numbers = report(tokenizer, texts[:_REPORTED_PAIRS])
        yield from _describe(side, tokenizer.described_normalization, numbers)
    for line in describe_losses(count_losses(tgt, tgt_texts), tgt):
        yield f"warning: {line}"


def open_tokenizer(path: Path, side: Side | None) -> SentencePieceTokenizer:
    """The tokenizer of a model file, of a folder of such files, or of a run's best model.

    Args:
        path: the file or folder.
        side: whose texts it reads; None: those of the target, where both sides have one tokenizer.

    Raises:
        TokenizerError: the folder has one for each side, and no side is given; the file is not a
            tokenizer.
        ModelFolderError: it is neither a model folder nor a run folder with a model.
    """
    if path.is_dir():
        path = _find_tokenizer(path, side)
    return SentencePieceTokenizer(path, side=side or "tgt")


def _find_tokenizer(folder: Path, side: Side | None) -> Path:
    """The tokenizer's file in a folder."""
    names = {"src": SRC_TOKENIZER, "tgt": TGT_TOKENIZER}
    if not any((folder / name).is_file() for name in (SHARED_TOKENIZER, *names.values())):
        folder = resolve_model(folder)
    if (folder / SHARED_TOKENIZER).is_file():
        return folder / SHARED_TOKENIZER
    if side is None:
        raise TokenizerError(
            f"{folder} has one tokenizer for each side",
            hint="choose one with `--side src` or `--side tgt`",
        )
    return folder / names[side]


def _check(config: TrainConfig, output_dir: Path) -> None:
    """Find what would stop the training before it starts; make the folder."""
    settings = config.tokenizer
    for key, path in (("model", settings.model), ("src_model", settings.src_model)):
        if path is not None:
            raise TokenizerError(
                f"`tokenizer.{key}` is {path}, so there is no tokenizer to train",
                hint="remove that key from the config, or set it to null",
            )
    for name in (SHARED_TOKENIZER,) if settings.shared else (SRC_TOKENIZER, TGT_TOKENIZER):
        if (output_dir / name).exists():
            raise TokenizerError(
                f"{output_dir / name} already exists",
                hint="remove it, or choose another `--output-dir`",
            )
    try:
        output_dir.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise TokenizerError(
            f"{output_dir} cannot be created: {why_refused(output_dir, error)}"
        ) from error


def _describe(side: str, normalization: str, numbers: TokenizerReport) -> Iterator[str]:
    yield (
        f"{side}, first {numbers.num_sentences} sentences: normalization {normalization}, "
        f"{numbers.pieces_per_word:.2f} pieces per word, {numbers.unknown_rate:.2%} unknown, "
        f"{numbers.byte_rate:.2%} bytes, {numbers.num_failures} changed by encoding and decoding"
    )
    for failure in numbers.failures:
        yield f"  {failure.sentence}: {failure.normalized!r} becomes {failure.decoded!r}"
