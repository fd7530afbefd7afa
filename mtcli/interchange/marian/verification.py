"""Translate the same lines with a model and with its export to Marian."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

from mtcli.bundle.model_folder import Bundle
from mtcli.engines.choice import EngineOptions
from mtcli.interchange.foreign import Languages
from mtcli.interchange.foreign_export import (
    Agreement,
    ForeignTranslation,
    ForeignVerificationError,
    agreement_of,
)
from mtcli.interchange.importing import import_model
from mtcli.interchange.verification import Progress, Sentences
from mtcli.system.temporary import temporary_folder
from mtcli.translating.answer import Translation
from mtcli.translating.loaded_model import load_tokenizers
from mtcli.translating.request import TranslationRequest, open_translator
from mtcli.translating.translator import Translator

PACKAGE = "pymarian"
INSTALL = "pip install 'pymarian>=1.12.42,<2'"

_LENGTH_FACTOR = 3
"""Longest translation, in lengths of the source with its EOS: Marian's own default."""


@dataclass(frozen=True)
class MarianLine:
    """A translation in one of Marian's n-best lists with scores of words."""

    place: int
    """Of its line in the input."""
    text: str
    num_pieces: int
    """EOS counted."""
    log_prob: float


def compare_with_marian(
    bundle: Bundle, folder: Path, sentences: Sentences, progress: Progress
) -> tuple[str | None, Agreement]:
    """Translate the same lines with both, in Marian's search.

    Returns:
        `pymarian` with its version, or None if it is not installed and an import of the export
        translated; and how far both agree.

    Raises:
        ForeignVerificationError: Marian cannot read the export.
    """
    texts, limits = _comparable(bundle, sentences)
    told = partial(progress, "verifying: torch translates")
    ours = _translations(_opened(bundle.path, bundle), texts, limits, told)
    theirs: list[ForeignTranslation]
    if find_spec(PACKAGE) is None:
        name = None
        theirs = _read_back(bundle, folder, texts, limits)
    else:
        name = f"{PACKAGE} {version(PACKAGE)}"
        progress("verifying: marian translates", 0, len(texts))
        theirs = [
            ForeignTranslation(line.text, line.log_prob, line.num_pieces)
            for line in _marian(folder, texts)
        ]
    return name, agreement_of(ours, theirs)


def _comparable(bundle: Bundle, sentences: Sentences) -> tuple[list[str], list[int]]:
    """Lines that both translate whole, normalized, and the longest length of their translations.

    Marian does not normalize, translates blank lines, and has no longest source.
    """
    src, _ = load_tokenizers(bundle)
    texts, limits = [], []
    for text in filter(None, map(src.normalize, sentences.sources)):
        num_pieces = len(src.encode(text))
        limit = _LENGTH_FACTOR * (num_pieces + 1)
        is_whole = num_pieces <= bundle.card.max_src_length
        if is_whole and limit < bundle.card.architecture.max_positions:
            texts.append(text)
            limits.append(limit)
    if not texts:
        raise ForeignVerificationError(
            f"none of {len(sentences.sources)} lines is short enough to verify the export with",
            hint="give shorter lines with `--verify-on`",
        )
    return texts, limits


def _opened(model: Path, bundle: Bundle) -> Translator:
    """A translator that searches as Marian does with the settings of the bundle."""
    search = bundle.generation
    overrides = {
        "beam_size": search.beam_size,
        "normalization": "none" if search.normalization == "none" else "average",
        "length_penalty": search.length_penalty,
        "stop": "marian",
    }
    return open_translator(
        TranslationRequest(
            models=(model,),
            engine=EngineOptions("torch", device="cpu"),
            overrides=overrides,
            retries=False,
        )
    )


def _translations(
    translator: Translator,
    texts: Sequence[str],
    limits: Sequence[int],
    progress: Callable[[int, int], None],
) -> list[Translation]:
    """The best translation of each text, whose longest length is its own."""
    found: list[Translation | None] = [None] * len(texts)
    for num_done, limit in enumerate(dict.fromkeys(limits)):
        progress(num_done, len(set(limits)))
        places = [place for place, other in enumerate(limits) if other == limit]
        options = translator.options.with_overrides({"max_length": limit})
        answers = translator.begin([texts[place] for place in places], options).result()
        for place, answer in zip(places, answers, strict=True):
            found[place] = answer.translations[0]
    return [translation for translation in found if translation is not None]


def _read_back(
    bundle: Bundle, folder: Path, texts: Sequence[str], limits: Sequence[int]
) -> list[ForeignTranslation]:
    """What an import of the export translates."""
    languages = Languages(bundle.card.src_lang, bundle.card.tgt_lang)
    with temporary_folder() as temporary:
        import_model(folder, temporary / "model", languages)
        translator = _opened(temporary / "model", bundle)
        answers = _translations(translator, texts, limits, lambda done, total: None)
    return [
        ForeignTranslation(
            text=answer.text,
            log_prob=answer.log_prob,
            num_pieces=len(answer.token_ids) + 1,
        )
        for answer in answers
    ]


def _marian(folder: Path, texts: Sequence[str]) -> list[MarianLine]:
    """What Marian translates, line by line: in a process of its own, which an error would end."""
    with temporary_folder() as temporary:
        source = temporary / "source.txt"
        source.write_text("".join(f"{text}\n" for text in texts), encoding="utf-8")
        search = ("--n-best", "--word-scores", "--max-length-factor", str(_LENGTH_FACTOR))
        # a batch of one: the longest length depends on the longest source of a batch
        batches = ("--mini-batch", "1", "--maxi-batch", "1", "--cpu-threads", "1")
        finished = subprocess.run(
            (sys.executable, "-m", PACKAGE, "decode", "--config", str(folder / "decoder.yml"),
             "--input", str(source), "--quiet", *search, *batches),
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            check=False,
        )  # fmt: skip
    best = best_lines(finished.stdout)
    if finished.returncode or len(best) != len(texts):
        last = (finished.stderr.strip().splitlines() or ["it wrote nothing"])[-1]
        raise ForeignVerificationError(
            f"the export was not kept: {PACKAGE} translated {len(best)} of {len(texts)} lines"
            f" (exit code {finished.returncode}: {last[:200]})"
        )
    return best


def best_lines(n_best: str) -> list[MarianLine]:
    """The first translation of each line in a list that `--n-best --word-scores` wrote."""
    best: dict[int, MarianLine] = {}
    for line in filter(None, n_best.split("\n")):
        place, text, words, log_prob, _ = line.split(" ||| ")
        best.setdefault(
            int(place),
            MarianLine(
                place=int(place),
                text=text,
                num_pieces=len(words.removeprefix("WordScores= ").split()),
                log_prob=float(log_prob.removeprefix("F0= ")),
            ),
        )
    return [best[place] for place in sorted(best)]
