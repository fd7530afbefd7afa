"""Translate the same lines with a model and with `transformers`, if that is installed."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from importlib.util import find_spec
from itertools import groupby
from pathlib import Path
from typing import Any

from mtcli.bundle.card import ModelCard
from mtcli.bundle.languages import tags_of, with_any_languages
from mtcli.bundle.model_folder import Bundle
from mtcli.config.schema.compat import class_of
from mtcli.engines.choice import EngineOptions
from mtcli.errors import ConfigError
from mtcli.interchange.foreign_export import Agreement, ForeignTranslation, agreement_of
from mtcli.interchange.huggingface.tokenizer_files import has_target_tags
from mtcli.interchange.verification import Progress, Sentences
from mtcli.tokenizer.protocol import Tokenizer
from mtcli.translating.batching import output_limit
from mtcli.translating.controls import without_controls
from mtcli.translating.loaded_model import load_tokenizers
from mtcli.translating.request import TranslationRequest, open_translator
from mtcli.translating.source_texts import prepare_texts

_BATCH_SIZE = 16

_MADE_UP_MAX_LENGTH = 48
"""Longest translation of made-up lines, as for other exports."""


def compare_with_transformers(
    bundle: Bundle, folder: Path, sentences: Sentences, progress: Progress
) -> tuple[str | None, Agreement | None]:
    """Translate the same lines with both.

    A line that the model translates in parts is compared part by part, because `transformers` reads
    it whole.

    Returns:
        `transformers` with its version, and how far both agree; None twice if it is not installed.

    Raises:
        ConfigError: `transformers` is installed, but cannot be imported.
        ForeignVerificationError: no line has text.
    """
    if find_spec("transformers") is None:
        return None, None
    bundle = replace(bundle, card=with_any_languages(bundle.card))
    tags = tags_of(bundle.card)
    most_positions = bundle.card.architecture.max_positions - max(len(tags.src), len(tags.tgt))
    max_length = min(bundle.generation.max_length, most_positions)
    if sentences.is_made_up:
        max_length = min(max_length, _MADE_UP_MAX_LENGTH)
    # the only form of the length penalty over there
    form = "average" if bundle.generation.normalization == "gnmt" else None
    request = TranslationRequest(
        models=(bundle.path,),
        src_lang=bundle.card.src_lang,
        tgt_lang=bundle.card.tgt_lang,
        engine=EngineOptions("torch", device="cpu"),
        overrides={"max_length": max_length, "normalization": form},
        retries=False,
    )
    translator = open_translator(request)
    src, _ = load_tokenizers(bundle)
    texts = _parts(sentences.sources, src, translator.max_src_length, bundle.card.src_lang)
    told = partial(progress, "verifying: torch translates")
    answers = translator.begin(texts, progress=told).result()
    limits = [output_limit(len(src.encode(text)), max_length) for text in texts]
    version, theirs = _their_translations(folder, bundle.card, texts, limits, progress)
    return version, agreement_of([answer.translations[0] for answer in answers], theirs)


def _parts(sources: Sequence[str], src: Tokenizer, limit: int, lang: str) -> list[str]:
    """What the model reads at once, without blank lines, which only `transformers` translates."""
    prepared = prepare_texts(sources, src, limit, lang, None)
    texts = [src.normalize(part.text) for text in prepared for part in text.parts]
    return [text for text in texts if 0 < len(src.encode(text)) <= limit]


def _their_translations(
    folder: Path,
    card: ModelCard,
    texts: Sequence[str],
    limits: Sequence[int],
    progress: Progress,
) -> tuple[str, list[ForeignTranslation]]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it recommends other packages
        try:
            import transformers
        except ImportError as error:  # of something that it needs
            raise ConfigError(
                f"cannot verify the export: `transformers` is installed, but broken ({error})",
                hint="repair it, or uninstall it: the export is read back instead",
            ) from error

    with _silenced(transformers), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        loaded = _load(transformers, folder, card)
        found: dict[int, ForeignTranslation] = {}
        for places in _batches(limits):
            progress("verifying: transformers translates", len(found), len(texts))
            chunk, longest = [texts[i] for i in places], limits[places[0]]
            found.update(zip(places, _translate(loaded, chunk, longest), strict=True))
    return f"transformers {transformers.__version__}", [found[i] for i in range(len(texts))]


@contextmanager
def _silenced(transformers: Any) -> Iterator[None]:
    """Without the bars and the advice of `transformers`, which are not those of a command."""
    has_bars = transformers.logging.is_progress_bar_enabled()
    verbosity = transformers.logging.get_verbosity()
    transformers.logging.disable_progress_bar()
    transformers.logging.set_verbosity_error()
    try:
        yield
    finally:
        transformers.logging.set_verbosity(verbosity)
        if has_bars:
            transformers.logging.enable_progress_bar()


def _batches(limits: Sequence[int]) -> Iterator[list[int]]:
    """Places of lines of one limit, because a batch has only one over there."""
    for _, places in groupby(
        sorted(range(len(limits)), key=limits.__getitem__), limits.__getitem__
    ):
        alike = list(places)
        for start in range(0, len(alike), _BATCH_SIZE):
            yield alike[start : start + _BATCH_SIZE]


@dataclass(frozen=True)
class _Loaded:
    """An export that `transformers` has loaded."""

    model: Any
    tokenizer: Any
    prefix: str = ""
    """What a source begins with, for the tokenizer to find."""
    tag_id: int | None = None
    """The piece that every output begins with."""


def _load(transformers: Any, folder: Path, card: ModelCard) -> _Loaded:
    model = getattr(transformers, class_of(card.architecture)).from_pretrained(folder).eval()
    if has_target_tags(card):
        tokenizer = transformers.M2M100Tokenizer.from_pretrained(folder, src_lang=card.src_lang)
        return _Loaded(model, tokenizer, tag_id=tokenizer.get_lang_id(card.tgt_lang))
    tokenizer = transformers.MarianTokenizer.from_pretrained(folder)
    prefix = "" if card.languages is None else f">>{card.tgt_lang}<< "
    return _Loaded(model, tokenizer, prefix)


def _translate(loaded: _Loaded, texts: list[str], max_length: int) -> list[ForeignTranslation]:
    texts = [loaded.prefix + text for text in texts]
    batch = loaded.tokenizer(texts, return_tensors="pt", padding=True)
    num_tags = 0 if loaded.tag_id is None else 1
    model = loaded.model
    made = model.generate(
        **batch,
        # the first piece of the decoder counts over there, and so does a tag
        max_length=max_length + 1 + num_tags,
        forced_bos_token_id=loaded.tag_id,
        return_dict_in_generate=True,
        output_scores=True,
        output_logits=True,
    )
    search = model.generation_config
    rows = made.sequences[:, 1:].tolist()
    eos = search.eos_token_id
    lengths = [row.index(eos) + 1 if eos in row else len(row) for row in rows]
    if search.num_beams > 1:
        scores = made.sequences_scores.tolist()
        log_probs = [
            score * length**search.length_penalty
            for score, length in zip(scores, lengths, strict=True)
        ]
    else:
        # of logits, because scores are those without forbidden pieces
        steps = model.compute_transition_scores(made.sequences, made.logits, normalize_logits=True)
        log_probs = [
            float(row[num_tags:length].sum()) for row, length in zip(steps, lengths, strict=True)
        ]
    if loaded.tag_id is None:
        of_target = {"use_source_tokenizer": False}
    else:  # its tokenizer writes tags, and rows without a piece, as text
        of_target, num_pieces = {}, loaded.tokenizer.encoder_size
        rows = [[piece_id for piece_id in row if piece_id < num_pieces] for row in rows]
    decoded = loaded.tokenizer.batch_decode(rows, skip_special_tokens=True, **of_target)
    return [
        ForeignTranslation(without_controls(text), log_prob, length)
        for text, log_prob, length in zip(decoded, log_probs, lengths, strict=True)
    ]
