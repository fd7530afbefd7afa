"""Train SentencePiece models on a sample of the training text."""

from __future__ import annotations

import io
import logging
import random
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import sentencepiece

from mtcli.config.schema.tokenizer import TokenizerConfig
from mtcli.errors import RunFolderError, TokenizerError
from mtcli.folders import remove_leftovers, write_bytes_atomically
from mtcli.tokenizer.model_file import SideRules, with_rules
from mtcli.tokenizer.normalization import TextNormalizer, encodable
from mtcli.tokenizer.protocol import (
    BOS_ID,
    EOS_ID,
    PAD_ID,
    SEPARATOR,
    SHARED_TOKENIZER,
    SPACE,
    SRC_TOKENIZER,
    TGT_TOKENIZER,
    UNK_ID,
)
from mtcli.tokenizer.sentencepiece import silence_sentencepiece

_log = logging.getLogger(__name__)

MAX_SENTENCE_BYTES = 4192
"""Longer lines are not sentences (tables, base64) and would fill the vocabulary, so the tokenizer
is trained without them. The translation model is trained on them all the same."""

_NUM_THREADS = 2  # on any machine, because SentencePiece writes it into the model file
_RESERVED = re.compile(r"<pad>|<unk>|</?s>|<0x[0-9A-Fa-f]{2}>")


def train_tokenizers(
    read_pairs: Callable[[], Iterable[tuple[str, str]]],
    config: TokenizerConfig,
    *,
    seed: int,
    folder: Path,
    separates: bool = False,
) -> dict[str, Path]:
    """Train the tokenizer or tokenizers that a config asks for.

    Args:
        read_pairs: returns the training pairs from the start; called once for each model.
        config: what to train.
        seed: decides which sentences are sampled.
        folder: where the models go.
        separates: whether they have a piece that separates the sentences of a document.

    Returns:
        The path of each file that was written, by its name: SHARED_TOKENIZER, or SRC_TOKENIZER
        and TGT_TOKENIZER.

    Raises:
        TokenizerError: as `train_tokenizer`.
        RunFolderError: a file cannot be written.
    """
    src_rule, tgt_rule = config.src_normalization, config.tgt_normalization
    of_src = TextNormalizer(src_rule, "src", config.user_symbols)
    of_tgt = TextNormalizer(tgt_rule, "tgt", config.user_symbols)
    texts: dict[str, Callable[[], Iterable[str]]]
    if config.shared:
        rules = {SHARED_TOKENIZER: SideRules(src_rule, tgt_rule)}
        texts = {
            SHARED_TOKENIZER: lambda: chain.from_iterable(
                (of_src(src), of_tgt(tgt)) for src, tgt in read_pairs()
            )
        }
    else:
        rules = {
            SRC_TOKENIZER: SideRules(src_rule, src_rule),
            TGT_TOKENIZER: SideRules(tgt_rule, tgt_rule),
        }
        texts = {
            SRC_TOKENIZER: lambda: (of_src(src) for src, _ in read_pairs()),
            TGT_TOKENIZER: lambda: (of_tgt(tgt) for _, tgt in read_pairs()),
        }
    paths = {name: folder / name for name in texts}
    for name, read_texts in texts.items():
        train_tokenizer(
            read_texts(),
            config,
            rules=rules[name],
            seed=seed,
            model_path=paths[name],
            separates=separates,
        )
    return paths


def train_tokenizer(
    sentences: Iterable[str],
    config: TokenizerConfig,
    *,
    rules: SideRules | None = None,
    seed: int,
    model_path: Path,
    separates: bool = False,
) -> None:
    """Train one model and write it, atomically. An existing file is replaced.

    The same sentences in the same order, config and seed give the same file, byte for byte.

    Args:
        sentences: the text to learn from, normalized by `rules`; at most `config.max_sentences`
            are used, sampled uniformly.
        config: what to train; its model paths and sampling are ignored.
        rules: the normalization that the file asks for; None: that of the config.
        seed: decides which sentences are sampled.
        model_path: the file to write.
        separates: whether it has the piece SEPARATOR.

    Raises:
        TokenizerError: there is no text, the vocabulary is larger or smaller than the text allows,
            or a user symbol is impossible.
        RunFolderError: the file cannot be written.
    """
    _check_symbols(config.user_symbols, [SEPARATOR] if separates else [])
    had_folder = model_path.parent.is_dir()
    sample = _choose(sentences, config.max_sentences, seed)
    if not sample.sentences:
        raise TokenizerError(
            f"no text to train {model_path} on: {sample.num_read} sentences read,"
            f" {sample.num_blank} blank, {sample.num_long} longer than {MAX_SENTENCE_BYTES} bytes"
        )
    _log.info(
        "%s: training on %d of %d sentences (omitted: %d blank, %d longer than %d bytes)",
        model_path,
        len(sample.sentences),
        sample.num_read,
        sample.num_blank,
        sample.num_long,
        MAX_SENTENCE_BYTES,
    )
    remove_leftovers(model_path.parent)
    rules = rules or SideRules(config.src_normalization, config.tgt_normalization)
    content = _train(sample.sentences, config, model_path, [SEPARATOR] if separates else [])
    if had_folder and not model_path.parent.is_dir():  # it is not half made again
        raise RunFolderError(
            f"cannot write {model_path}: its folder was moved or removed in the meantime"
        )
    write_bytes_atomically(model_path, with_rules(content, rules))


@dataclass(frozen=True)
class _Sample:
    sentences: list[str]
    num_read: int
    num_blank: int
    num_long: int


def _choose(sentences: Iterable[str], max_sentences: int, seed: int) -> _Sample:
    """Choose every usable sentence, or a uniform sample of max_sentences of them.

    Source: Vitter 1985, algorithm R.
    """
    chosen: list[str] = []
    generator = random.Random(seed)
    num_read = num_blank = num_long = num_usable = 0
    for raw in sentences:
        num_read += 1
        sentence = encodable(raw)
        if not sentence.strip():
            num_blank += 1
        elif len(sentence.encode()) > MAX_SENTENCE_BYTES:
            num_long += 1
        else:
            num_usable += 1
            if len(chosen) < max_sentences:
                chosen.append(sentence)
            else:
                place = int(generator.random() * num_usable)
                if place < max_sentences:
                    chosen[place] = sentence
    return _Sample(chosen, num_read, num_blank, num_long)


def _train(
    sentences: list[str], config: TokenizerConfig, model_path: Path, control_symbols: list[str]
) -> bytes:
    """Train a model. Returns the content of its file."""
    silence_sentencepiece()
    model = io.BytesIO()
    try:
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=iter(sentences),
            model_writer=model,
            model_type=config.algorithm,
            vocab_size=config.num_pieces,
            hard_vocab_limit=True,
            character_coverage=config.character_coverage,
            byte_fallback=config.byte_fallback,
            user_defined_symbols=config.user_symbols,
            control_symbols=control_symbols,
            normalization_rule_name="identity",  # the text is normalized by `TextNormalizer`
            max_sentence_length=MAX_SENTENCE_BYTES,
            pad_id=PAD_ID,
            unk_id=UNK_ID,
            bos_id=BOS_ID,
            eos_id=EOS_ID,
            num_threads=_NUM_THREADS,
            minloglevel=2,
        )
    except RuntimeError as error:
        explained = _explained(str(error), config, model_path)
        if explained is None:
            raise
        raise explained from error
    return model.getvalue()


def _explained(text: str, config: TokenizerConfig, model_path: Path) -> TokenizerError | None:
    """SentencePiece's error as one that the user can fix; None if the user cannot."""
    size = f"{model_path}: `tokenizer.vocab_size` is {config.num_pieces}"
    if match := re.search(r"too high \(\d+\).* <= (\d+)", text):
        return TokenizerError(
            f"{size}, but the training text yields at most {match[1]} {config.algorithm} pieces",
            hint=f"set it to {match[1]} or less, or train on more text",
        )
    if match := re.search(r"smaller than required_chars\. \d+ vs (\d+)", text):
        bytes_part = ", 256 for bytes" if config.byte_fallback else ""
        return TokenizerError(
            f"{size}, but at least {match[1]} pieces are needed (4 special ones{bytes_part}, one"
            " for each user symbol and each character of the training text)",
            hint="increase it, or decrease `tokenizer.character_coverage`",
        )
    return None


def _check_symbols(symbols: list[str], control_symbols: list[str]) -> None:
    """Refuse symbols that are special pieces, or that could never match any text."""
    for place, symbol in enumerate(symbols):
        key = f"`tokenizer.user_symbols[{place}]`"
        if not symbol:
            raise TokenizerError(f"{key} is empty", hint="remove it")
        if symbol in symbols[:place]:
            raise TokenizerError(f"{key} repeats {symbol!r}", hint="remove one of them")
        if _RESERVED.fullmatch(symbol) or symbol in control_symbols:
            raise TokenizerError(
                f"{key} is {symbol!r}, a special piece of every tokenizer",
                hint="choose another name",
            )
        if SPACE in symbol or any(character.isspace() for character in symbol):
            raise TokenizerError(
                f"{key} is {symbol!r}, but a piece cannot contain a space, or U+2581, which"
                " represents one",
                hint="write the symbol without spaces",
            )
