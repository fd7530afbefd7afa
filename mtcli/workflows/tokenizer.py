"""Train the tokenizer of a config on its own, and find the tokenizer of a model or run folder."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path

from mtcli.config.schema.root import TrainConfig
from mtcli.data.sources import read_pairs
from mtcli.errors import TokenizerError
from mtcli.folders import why_refused
from mtcli.runs.resolve import resolve_model
from mtcli.tokenizer.protocol import SHARED_TOKENIZER, SRC_TOKENIZER, TGT_TOKENIZER
from mtcli.tokenizer.report import TokenizerReport, report
from mtcli.tokenizer.sentencepiece import SentencePieceTokenizer
from mtcli.tokenizer.train import train_tokenizers
from mtcli.training.settling import settle

_REPORTED_PAIRS = 1000


def train_and_describe(config: TrainConfig, output_dir: Path) -> Iterator[str]:
    """Train the tokenizers that a config asks for. Yields lines that describe them.

    Args:
        config: the training text and what to train; it must not name trained tokenizers.
        output_dir: where they go; made if it does not exist.

    Raises:
        TokenizerError: there is nothing to train, a file is in the way, or training fails.
        DataError: as `read_pairs`.
    """
    config = settle(config).config
    _check(config, output_dir)

    def read() -> Iterable[tuple[str, str]]:
        return read_pairs(config.data.train)

    paths = train_tokenizers(read, config.tokenizer, seed=config.seed, folder=output_dir)
    tokenizers = {name: SentencePieceTokenizer(path) for name, path in paths.items()}
    for name, tokenizer in tokenizers.items():
        yield f"{paths[name]}: {tokenizer.vocab_size} pieces ({config.tokenizer.algorithm})"
    src_texts, tgt_texts = zip(*islice(read(), _REPORTED_PAIRS), strict=True)
    for name, side, texts in (
        (SRC_TOKENIZER, f"source ({config.src_lang})", src_texts),
        (TGT_TOKENIZER, f"target ({config.tgt_lang})", tgt_texts),
    ):
        tokenizer = tokenizers.get(name) or tokenizers[SHARED_TOKENIZER]
        yield from _describe(side, report(tokenizer, texts))


def find_tokenizer(folder: Path, side: str | None) -> Path:
    """The tokenizer's file in a model folder, or in a run folder's best model.

    Args:
        folder: the folder.
        side: "src" or "tgt", where it has one tokenizer for each; None where it has one for both.

    Raises:
        TokenizerError: it has one for each, and no side is given.
        ModelFolderError: it is neither a model folder nor a run folder with a model.
    """
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


def _describe(side: str, numbers: TokenizerReport) -> Iterator[str]:
    yield (
        f"{side}, first {numbers.num_sentences} sentences: "
        f"{numbers.pieces_per_word:.2f} pieces per word, {numbers.unknown_rate:.2%} unknown, "
        f"{numbers.byte_rate:.2%} bytes, {numbers.num_failures} changed by encoding and decoding"
    )
    for failure in numbers.failures:
        yield f"  {failure.sentence}: {failure.normalized!r} becomes {failure.decoded!r}"
