"""Check that an export translates as its model does, and measure how fast with which threads."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TypeAlias

from mtcli.bundle.export_record import ThreadSplit
from mtcli.bundle.languages import tags_of, with_any_languages
from mtcli.bundle.model_folder import Bundle
from mtcli.engines.choice import EngineOptions
from mtcli.engines.ctranslate2.engine import CTranslate2Engine
from mtcli.engines.protocol import Engine
from mtcli.evaluation.metrics import Score, bleu
from mtcli.system.cores import num_cores
from mtcli.tokenizer.protocol import Tokenizer
from mtcli.tokenizer.sentencepiece import SentencePieceTokenizer
from mtcli.translating.answer import Translation
from mtcli.translating.loaded_model import load_tokenizers, model_of
from mtcli.translating.progress import no_progress as tell_nobody
from mtcli.translating.request import TranslationRequest, open_translator
from mtcli.translating.translator import Translator

NUM_MADE_UP = 32
"""Lines of random pieces that an export is verified on if no text is given."""

_REPEATS = 3
"""Times that the speed of each thread split is measured, in turn; the median counts."""

_MOST_TIMED = 128
"""Lines that speeds are measured on, at most."""

_TIMING_S = 15.0
"""Time after which no speed is measured again; each is measured once at least."""

_TIMED_BATCHES = 2
"""Batches of each core, where the speeds of thread splits are compared."""

_MADE_UP_MAX_LENGTH = 48
"""Longest translation of made-up lines, in pieces: a model that has learned little never ends one,
and 256 pieces of nonsense, which once took 93 s, show no more than 48."""

Progress: TypeAlias = Callable[[str, int, int], None]
"""Told what is being done, how much of it is done, and of how much."""


def no_progress(doing: str, done: int, total: int) -> None:
    """Tells nobody."""


@dataclass(frozen=True)
class Sentences:
    """The lines that an export is verified on."""

    sources: tuple[str, ...]
    references: tuple[str, ...] | None = None
    """Human translations, for BLEU."""
    is_made_up: bool = False
    """Whether they are random pieces, which only show that both translate alike: their translations
    are short, and none is repeated."""


@dataclass(frozen=True)
class Comparison:
    """The model and its export on the same lines."""

    num_lines: int
    beam_size: int
    agreement: float
    """Share of lines that both translate alike."""
    log_prob_difference: float
    """Largest difference of log-probability per output piece among lines translated alike, in nats;
    0 if there are none."""
    model_bleu: Score | None
    export_bleu: Score | None
    """None where there are no references."""
    torch_lines_per_s: float
    splits: tuple[ThreadSplit, ...]
    """Fastest first."""


def compare(
    bundle: Bundle, folder: Path, sentences: Sentences, progress: Progress = no_progress
) -> Comparison:
    """Translate the same lines with the torch engine and with the export in `folder`.

    Speeds are those of translating, without start-up, on all cores that the process may use.
    """
    bundle = replace(bundle, card=with_any_languages(bundle.card))
    request = _request(bundle, is_made_up=sentences.is_made_up)
    model = open_translator(
        replace(request, models=(bundle.path,), engine=EngineOptions("torch", device="cpu"))
    )
    texts = sentences.sources
    timed = texts[:_MOST_TIMED]
    splits = thread_splits(num_cores())
    batch_size = _timed_batch_size(len(timed), num_cores(), bundle.generation.batch_size)
    fair = replace(request, overrides={**request.overrides, "batch_size": batch_size})
    exports = [_translator(fair, bundle, _engine(bundle, folder, *split)) for split in splits]
    begun_s = time.perf_counter()
    ours = _best(model, texts, partial(progress, "verifying: torch translates"))
    torch_s = time.perf_counter() - begun_s
    theirs = _best(exports[0], texts, partial(progress, "verifying: ctranslate2 translates"))
    speeds = _speeds(
        [partial(_best, export, timed) for export in exports],
        len(timed),
        partial(progress, "measuring the speed of ctranslate2"),
    )
    measured = [
        ThreadSplit(inter_threads=inter, intra_threads=intra, lines_per_s=speed)
        for (inter, intra), speed in zip(splits, speeds, strict=True)
    ]
    _, tokenizer = load_tokenizers(bundle)
    pairs = list(zip(ours, theirs, strict=True))
    alike = [(a, b) for a, b in pairs if a.text == b.text]
    return Comparison(
        num_lines=len(texts),
        beam_size=bundle.generation.beam_size,
        agreement=len(alike) / len(pairs),
        log_prob_difference=max(
            (_difference_per_piece(a, b, tokenizer) for a, b in alike), default=0.0
        ),
        model_bleu=_bleu(ours, sentences, bundle.card.tgt_lang),
        export_bleu=_bleu(theirs, sentences, bundle.card.tgt_lang),
        torch_lines_per_s=len(texts) / torch_s,
        splits=tuple(sorted(measured, key=lambda split: -split.lines_per_s)),
    )


def made_up_sentences(bundle: Bundle, num_lines: int = NUM_MADE_UP) -> Sentences:
    """Lines of random pieces of the source vocabulary, always the same ones."""
    tokenizer = SentencePieceTokenizer(bundle.src_tokenizer_path)
    draw = random.Random(0)
    longest = max(2, min(bundle.card.max_src_length, 16))
    return Sentences(
        sources=tuple(
            tokenizer.decode(
                [draw.randrange(4, tokenizer.vocab_size) for _ in range(draw.randint(2, longest))]
            )
            for _ in range(num_lines)
        ),
        is_made_up=True,
    )


def thread_splits(cores: int) -> list[tuple[int, int]]:
    """Every (inter, intra) whose product is the number of cores, most batches at once first."""
    return [(inter, cores // inter) for inter in range(cores, 0, -1) if cores % inter == 0]


def _timed_batch_size(num_lines: int, cores: int, usual: int) -> int:
    """The batch size with which all splits of threads are timed.

    Each core gets some batches, as of a text that is worth being fast for: with fewer batches than
    workers, workers of one thread would seem slow because most of them wait.
    """
    return max(1, min(usual, num_lines // (_TIMED_BATCHES * cores)))


def _engine(bundle: Bundle, folder: Path, inter: int, intra: int) -> CTranslate2Engine:
    return CTranslate2Engine(
        folder,
        max_positions=bundle.card.architecture.max_positions,
        inter_threads=inter,
        intra_threads=intra,
        target_start=bundle.card.architecture.target_start,
        tags=tags_of(bundle.card),
    )


def _translator(request: TranslationRequest, bundle: Bundle, engine: Engine) -> Translator:
    return open_translator(replace(request, loaded=model_of([bundle], engine)))


def _request(bundle: Bundle, *, is_made_up: bool) -> TranslationRequest:
    """How both translate: as the model does by default, or briefly, and with the stop of both."""
    request = TranslationRequest(
        src_lang=bundle.card.src_lang, tgt_lang=bundle.card.tgt_lang, overrides={"stop": "full"}
    )
    if not is_made_up:
        return request
    max_length = min(bundle.generation.max_length, _MADE_UP_MAX_LENGTH)
    overrides = {**request.overrides, "max_length": max_length}
    return replace(request, overrides=overrides, retries=False)


def _best(
    translator: Translator,
    texts: Sequence[str],
    progress: Callable[[int, int], None] = tell_nobody,
) -> list[Translation]:
    answers = translator.begin(texts, progress=progress).result()
    return [answer.translations[0] for answer in answers]


def _speeds(
    translates: Sequence[Callable[[], object]],
    num_lines: int,
    progress: Callable[[int, int], None],
) -> list[float]:
    """Lines per second of each, measured in turn so that other load affects all alike."""
    times: list[list[float]] = [[] for _ in translates]
    end_s = time.perf_counter() + _TIMING_S
    for repeat in range(_REPEATS):
        if repeat and time.perf_counter() > end_s:
            break
        progress(repeat, _REPEATS)
        for translate, times_s in zip(translates, times, strict=True):
            begun_s = time.perf_counter()
            translate()
            times_s.append(time.perf_counter() - begun_s)
    return [num_lines / sorted(times_s)[len(times_s) // 2] for times_s in times]


def _difference_per_piece(a: Translation, b: Translation, tokenizer: Tokenizer) -> float:
    return abs(a.log_prob - b.log_prob) / (len(tokenizer.encode(a.text)) + 1)


def _bleu(translations: Sequence[Translation], sentences: Sentences, tgt_lang: str) -> Score | None:
    if sentences.references is None:
        return None
    texts = [translation.text for translation in translations]
    return bleu(texts, list(sentences.references), tgt_lang=tgt_lang)
