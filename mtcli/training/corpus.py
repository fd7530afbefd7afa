"""Prepare the data of a training run: tokenizers, the tokenized store, the validation pairs."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from shutil import copyfile
from typing import TypeVar

from mtcli.bundle.languages import tags_of
from mtcli.bundle.model_folder import Bundle
from mtcli.config.schema.root import TrainConfig
from mtcli.data.building import open_or_build
from mtcli.data.held_out_choice import HeldOut, Indices
from mtcli.data.holdout import HoldOutRule, hold_out, read_training
from mtcli.data.overlap import find_overlap
from mtcli.data.store import Store
from mtcli.distributed.world import World
from mtcli.folders import sha256_of
from mtcli.runs.folder import RunFolder
from mtcli.runs.lock import check_exists
from mtcli.tokenizer.protocol import (
    NO_TAGS,
    SHARED_TOKENIZER,
    SRC_TOKENIZER,
    TGT_TOKENIZER,
    Tags,
)
from mtcli.tokenizer.sentencepiece import SentencePieceTokenizer, open_tokenizers
from mtcli.tokenizer.separator import separator_of
from mtcli.tokenizer.train import train_tokenizers
from mtcli.training.corpus_reports import (
    hold_out_rule,
    report_store,
    report_tokenizers,
)
from mtcli.training.fingerprints import (
    LANGUAGES,
    TRAINING_PAIRS,
    VALIDATION_PAIRS,
    DataFingerprints,
)
from mtcli.training.observers.protocol import Observer
from mtcli.training.observers.watching import watched
from mtcli.training.one_vocabulary import check_one_vocabulary
from mtcli.training.pair_reports import report_duplicates, report_held_out, report_overlap
from mtcli.training.run_languages import RunLanguages, find_languages
from mtcli.training.target_losses import target_losses
from mtcli.training.valid_pairs import read_valid_pairs
from mtcli.training.validation import ValidationSet
from mtcli.training.warm_start import check_tokenizers, tokenizers_of

logger = logging.getLogger(__name__)

_T = TypeVar("_T")


def on_main(world: World, action: Callable[[], _T]) -> _T:
    """Run `action` on the main process only. Returns its value on all processes.

    An error there ends all processes, because the others wait for a message that never comes.
    """
    return world.broadcast_object(action() if world.is_main else None)  # type: ignore[return-value]


@dataclass(frozen=True)
class Corpus:
    """All data that a training run reads."""

    tokenizer_files: dict[str, Path]
    """By their names in the model folder."""
    src_tokenizer: SentencePieceTokenizer
    tgt_tokenizer: SentencePieceTokenizer
    store: Store
    valid: ValidationSet
    separators: tuple[int, int] | None = None
    """Ids of the piece between the sentences of documents, of source and target; None if neither
    the data nor the model has documents."""
    most_joined: int = 0
    """Most pieces of sentences that are read together; 0 if pairs are read one by one."""
    languages: RunLanguages | None = None
    """Set if the model translates between several languages."""

    @property
    def tags(self) -> Tags:
        """What stands before the texts."""
        return self.valid.tags

    @property
    def longest(self) -> tuple[int, int]:
        """Most pieces of text that the model reads and writes at once, tags and EOS not counted."""
        meta, most = self.store.meta, self.most_joined
        return max(meta.longest_src, most), max(meta.longest_tgt, most)

    def fingerprints(self) -> DataFingerprints:
        """Hashes of the tokenizers, the training pairs and the validation pairs."""
        valid = hashlib.sha256(repr((self.valid.src_texts, self.valid.tgt_texts)).encode("utf-8"))
        tokenizers = {
            f"the tokenizer {name}": sha256_of(path) for name, path in self.tokenizer_files.items()
        }
        # Tokenizers come first: another tokenizer makes another store, and is the cause to name.
        pairs = {TRAINING_PAIRS: self.store.path.name, VALIDATION_PAIRS: valid.hexdigest()}
        if self.languages is None:
            return DataFingerprints({**tokenizers, **pairs})
        languages = hashlib.sha256(repr(self.languages).encode("utf-8")).hexdigest()
        return DataFingerprints({**tokenizers, LANGUAGES: languages, **pairs})


def prepare_corpus(
    config: TrainConfig,
    run: RunFolder,
    world: World,
    start: Bundle | None = None,
    observer: Observer = Observer(),
) -> Corpus:
    """Train or read the tokenizers, build or open the store, read the validation pairs.

    Args:
        config: the data and tokenizers to use.
        run: the folder for trained tokenizers and reports.
        world: the processes that share the data.
        start: the model that the run starts from, if any.
        observer: told what is being read.

    Raises:
        DataError: the corpus is missing, malformed or empty.
        TokenizerError: a tokenizer cannot be trained or read.
    """
    # 1. Validation pairs come first: reading them takes a moment, and a mistake in them must not
    #    show after an hour's work. Only the main process reads the corpus to hold pairs out.
    observer.entered("reading")
    rule = on_main(world, lambda: hold_out_rule(run))
    held_out = on_main(world, lambda: _hold_out(config, rule))
    pairs, documents = read_valid_pairs(config, held_out, world)
    # 2. The tokenizers decide what is in the store.
    files = on_main(world, lambda: find_tokenizers(config, run, held_out.indices, start, observer))
    if start is not None:
        check_tokenizers(config, start, files)
    languages = on_main(world, lambda: find_languages(config, run, start))
    paths = list(files.values())
    src, tgt = open_tokenizers(paths[0], paths[-1])
    check_one_vocabulary(config, src, tgt)
    separators = _find_separators(config, (src, tgt), (paths[0], paths[-1]))
    if world.is_main:
        check_exists(run.path)
        report_tokenizers(
            config,
            run,
            src,
            tgt,
            lambda: target_losses(config.data, _cache_dir(config), tgt, paths[-1]),
        )
    # 3. The main process builds the store, then all find it. One that does not, because the cache
    #    is on another machine, builds it there.
    observer.entered("store")
    store = None
    if world.is_main:
        check_exists(run.path)
        store = _open_store(config, files, (src, tgt), held_out.indices, observer)
    world.barrier()
    store = store or _open_store(config, files, (src, tgt), held_out.indices)
    if world.is_main:
        check_exists(run.path)
        report_store(store, run, rule, held_out)
        report_duplicates(store.meta, config.data)
    src_texts, tgt_texts = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
    tags = NO_TAGS if languages is None else tags_of(languages)
    valid = ValidationSet(src_texts, tgt_texts, src, tgt, store.meta.longest_src, documents, tags)
    most_joined = config.data.documents.max_pieces if config.data.documents else 0
    return Corpus(files, src, tgt, store, valid, separators, most_joined, languages)


def _find_separators(
    config: TrainConfig,
    tokenizers: tuple[SentencePieceTokenizer, SentencePieceTokenizer],
    paths: tuple[Path, Path],
) -> tuple[int, int] | None:
    """The pieces between sentences, if they are needed.

    Raises:
        TokenizerError: a tokenizer has none.
    """
    needed_by = (
        "data.documents" if config.data.documents is not None else config.model.separators_key
    )
    if needed_by is None:
        return None
    (src, tgt), (src_path, tgt_path) = tokenizers, paths
    return separator_of(src, src_path, needed_by), separator_of(tgt, tgt_path, needed_by)


def _hold_out(config: TrainConfig, rule: HoldOutRule) -> HeldOut:
    """Choose the training pairs to validate on; none if the config names validation files.

    What training and validation share is logged either way.
    """
    held_out = hold_out(config.data, config.seed, _cache_dir(config), rule)
    if held_out.pairs:
        report_held_out(held_out, rule)
    elif overlap := find_overlap(config.data, _cache_dir(config)):
        report_overlap(overlap)
    return held_out


def _cache_dir(config: TrainConfig) -> Path:
    if config.data.cache_dir is None:
        raise ValueError("data.cache_dir is None: the config was not resolved by load_config")
    return config.data.cache_dir


def find_tokenizers(
    config: TrainConfig,
    run: RunFolder,
    held_out: Indices,
    start: Bundle | None,
    observer: Observer = Observer(),
) -> dict[str, Path]:
    """Find or train the tokenizers. Returns their files by name, as in the model folder.

    They are those that the config names, or those of the model that the run starts from, or those
    that the run has trained.
    """
    settings = config.tokenizer
    if settings.model is not None:
        return {SHARED_TOKENIZER: settings.model}
    if settings.src_model is not None and settings.tgt_model is not None:
        return {SRC_TOKENIZER: settings.src_model, TGT_TOKENIZER: settings.tgt_model}
    names = [SHARED_TOKENIZER] if settings.shared else [SRC_TOKENIZER, TGT_TOKENIZER]
    files = {name: run.tokenizers / name for name in names}
    if start is not None and config.training.init_tokenizer == "same":
        for name, path in tokenizers_of(start, shared=settings.shared).items():
            check_exists(run.path)
            run.tokenizers.mkdir(parents=True, exist_ok=True)
            copyfile(path, files[name])  # so that the run does not need that model later
    if not all(path.exists() for path in files.values()):
        observer.entered("tokenizer")
        logger.info(
            "training the tokenizer: %s, %d pieces", settings.algorithm, settings.num_pieces
        )
        check_exists(run.path)
        run.tokenizers.mkdir(parents=True, exist_ok=True)
        train_tokenizers(
            lambda: watched(read_training(config.data, held_out), observer),
            settings,
            seed=config.seed,
            folder=run.tokenizers,
            separates=config.data.documents is not None,
        )
    return files


def _open_store(
    config: TrainConfig,
    files: dict[str, Path],
    tokenizers: tuple[SentencePieceTokenizer, SentencePieceTokenizer],
    held_out: Indices,
    observer: Observer = Observer(),
) -> Store:
    return open_or_build(
        config.data,
        held_out,
        cache_dir=_cache_dir(config),
        tokenizers=tokenizers,
        tokenizer_files=list(files.values()),
        watch=lambda pairs: watched(pairs, observer),
    )
