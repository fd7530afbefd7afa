"""Choose the attention that aligns words best, by pairs whose alignment is known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from mtcli.bundle.model_folder import Bundle, write_model
from mtcli.engines.protocol import PairEngine
from mtcli.errors import DataError, RunFolderError
from mtcli.evaluation.alignment_error import GoldLinks, alignment_error_rate, parse_gold
from mtcli.explaining.lines import Limit, NamedLines, check_pieces, check_same_number
from mtcli.translating.alignment import align_pairs
from mtcli.translating.loaded_model import LoadedModel
from mtcli.translating.options import TranslateOptions
from mtcli.translating.progress import Progress, no_progress


class AlignedPairs(NamedTuple):
    """Pairs of sentences with the links between their words."""

    pairs: Sequence[tuple[str, str]]
    gold: Sequence[GoldLinks]


class Candidate(NamedTuple):
    """Attention that may give alignments."""

    layer: int | None
    """Decoder layer, counted from 0; None: the default."""
    heads: tuple[int, ...] | None
    """Heads of it that are averaged; None: all."""
    error_rate: float
    """Alignment error rate, 0 to 1; 0 is perfect."""


class Choice(NamedTuple):
    """What was measured."""

    present: Candidate
    """What the model is set to."""
    ranked: tuple[Candidate, ...]
    """Each head of each decoder layer, and all heads of each, the best first."""


def read_aligned(sources: NamedLines, targets: NamedLines, links: NamedLines) -> AlignedPairs:
    """Read gold alignments, and see that they belong to the pairs.

    Raises:
        DataError: the numbers of lines differ, a line is malformed, a link names a word that is not
            there, or no link is sure.
    """
    check_same_number(sources, targets)
    check_same_number(sources, links)
    if not sources.texts:
        raise DataError(f"{sources.name} has no lines", hint="give at least one pair")
    pairs = list(zip(sources.texts, targets.texts, strict=True))
    gold = [parse_gold(line, links.name, number) for number, line in enumerate(links.texts, 1)]
    for number, ((src, tgt), of_pair) in enumerate(zip(pairs, gold, strict=True), start=1):
        for src_word, tgt_word in sorted(of_pair.possible):
            for name, word, text in ((sources, src_word, src), (targets, tgt_word, tgt)):
                if word >= (num_words := len(text.split())):
                    raise DataError(
                        f"{links.name}, line {number} links word {word} of {name.name}, which has"
                        f" {num_words} words in this line",
                        hint="count words from 0, as white space separates them",
                    )
    if not any(of_pair.sure for of_pair in gold):
        raise DataError(
            f"{links.name} has no sure link", hint="write sure links with a hyphen, such as `0-0`"
        )
    return AlignedPairs(pairs, gold)


def choose_alignment(
    model: LoadedModel[PairEngine],
    options: TranslateOptions,
    aligned: AlignedPairs,
    shape: tuple[int, int],
    progress: Progress = no_progress,
) -> Choice:
    """Measure the alignments of every head of every decoder layer, and of all heads of a layer.

    Args:
        model: its attention aligns.
        options: how it is set to align at present.
        aligned: pairs with gold alignments.
        shape: number of decoder layers, and of heads of each.
        progress: told how many candidates were measured, of how many.

    Raises:
        DataError: a pair is longer than the model takes.
        ConfigError: the model is set to a layer or head that it has not.
    """
    src_ids, tgt_ids = model.encode_pairs(aligned.pairs)
    limit = Limit(model.engine.max_positions - 1, "the most that the model takes")
    for name, ids_of in (("the source", src_ids), ("the target", tgt_ids)):
        check_pieces(NamedLines(name, ()), ids_of, limit)

    def measured(layer: int | None, heads: Sequence[int] | None) -> Candidate:
        how = replace(options, alignment_layer=layer, alignment_heads=heads)
        found = [links or () for links in align_pairs(model, how, aligned.pairs)]
        rate = alignment_error_rate(found, aligned.gold)
        return Candidate(layer, None if heads is None else tuple(heads), rate)

    num_layers, num_heads = shape
    some_heads = [None, *([(head,) for head in range(num_heads)] if num_heads > 1 else [])]
    places = [(layer, heads) for layer in range(num_layers) for heads in some_heads]
    present = measured(options.alignment_layer, options.alignment_heads)
    candidates = []
    for number, place in enumerate(places, start=1):
        candidates.append(measured(*place))
        progress(number, len(places))
    ranked = sorted(candidates, key=lambda candidate: candidate.error_rate)
    return Choice(present, tuple(ranked))


def check_new_folder(path: Path) -> None:
    """See that a model folder can be written, before anything is measured.

    Raises:
        RunFolderError: it exists.
    """
    if path.exists():
        raise RunFolderError(f"{path} already exists", hint="give another folder to `--output`")


def write_aligning_model(bundle: Bundle, chosen: Candidate, path: Path) -> None:
    """Write the same model as a new folder that says which layer and heads align.

    Raises:
        ModelFolderError: the weights are damaged.
        RunFolderError: the folder exists or cannot be written.
    """
    heads = None if chosen.heads is None else list(chosen.heads)
    generation = replace(bundle.generation, alignment_layer=chosen.layer, alignment_heads=heads)
    files = {path.name: path for path in (bundle.src_tokenizer_path, bundle.tgt_tokenizer_path)}
    write_model(path, bundle.weights(), bundle.card, files, generation, bundle.scores)
