"""Generate the demo corpus; `python -m scripts.demo_corpus.generate` writes and packs it."""

from __future__ import annotations

import hashlib
import io
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from scripts.demo_corpus.derivation import (
    Combination,
    combinations,
    is_ambiguous,
    nodes,
    num_partners,
    repeats_itself,
)
from scripts.demo_corpus.dice import Dice
from scripts.demo_corpus.english import english_sentence
from scripts.demo_corpus.german import german_sentence
from scripts.demo_corpus.sentences import draw
from scripts.demo_corpus.syntax import Sentence

SEED = 20250601
SIZES = {"train": 20_000, "valid": 500, "test": 500}
SRC_LANG, TGT_LANG = "en", "de"

MIN_WORDS, MAX_WORDS = 4, 15
HELD_OUT_SHARE = 0.14
"""Share of all combinations of words that no training pair may hold."""
MIN_PARTNERS = 6
UNSEEN_SHARE = 0.45
"""Share of the other splits' pairs that must hold such a combination."""


@dataclass(frozen=True, slots=True)
class Pair:
    """One sentence pair, with the record of how it was derived."""

    src: str
    tgt: str
    construction: str
    combinations: frozenset[Combination]
    tree: Sentence
    """What both sentences say."""


def is_held_out(combination: Combination, seed: int) -> bool:
    """Whether the combination is kept out of the training split; a keyed hash decides.

    Those of a word with few partners never are, or training might not hold the word at all.
    """
    if num_partners(combination) < MIN_PARTNERS:
        return False
    digest = hashlib.blake2b("\t".join(combination).encode(), key=str(seed).encode(), digest_size=8)
    return int.from_bytes(digest.digest(), "big") < HELD_OUT_SHARE * 2**64


class _Source:
    """Draws pairs, no English and no German sentence twice."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._dice = Dice(seed)
        self._seen: set[str] = set()
        self._is_held_out: dict[Combination, bool] = {}

    def holds_unseen(self, pair: Pair) -> bool:
        return any(self._held_out(combination) for combination in pair.combinations)

    def _held_out(self, combination: Combination) -> bool:
        found = self._is_held_out.get(combination)
        if found is None:
            found = self._is_held_out[combination] = is_held_out(combination, self._seed)
        return found

    def next_pair(self) -> Pair:
        while True:
            construction, sentence = draw(self._dice)
            tree = tuple(nodes(sentence))
            if repeats_itself(tree) or is_ambiguous(tree):
                continue
            src, tgt = english_sentence(sentence), german_sentence(sentence)
            if not MIN_WORDS <= src.count(" ") + 1 <= MAX_WORDS:
                continue
            if src in self._seen or tgt in self._seen:
                continue
            self._seen |= {src, tgt}
            return Pair(src, tgt, construction, combinations(tree), sentence)


def generate(seed: int = SEED, sizes: Mapping[str, int] | None = None) -> dict[str, list[Pair]]:
    """The pairs of every split, `train` and others; no sentence of either language comes twice.

    Args:
        seed: decides every choice, and which combinations are held out.
        sizes: pairs by split; None is the size of the committed corpus.

    Returns:
        The pairs by split. Those of `train` hold no combination that is held out; of any other
        split, a share of UNSEEN_SHARE or more do.
    """
    source = _Source(seed)
    splits: dict[str, list[Pair]] = {}
    sizes = SIZES if sizes is None else sizes
    # The training split comes last, so that its size changes nothing in the others.
    for name in sorted(sizes, key="train".__eq__):
        size = sizes[name]
        pairs: list[Pair] = []
        while len(pairs) < size:
            pair = source.next_pair()
            is_unseen = source.holds_unseen(pair)
            if name == "train" and is_unseen:
                continue
            must_be_unseen = len(pairs) % 20 < round(20 * UNSEEN_SHARE)
            if name == "train" or is_unseen or not must_be_unseen:
                pairs.append(pair)
        splits[name] = pairs
    return {name: splits[name] for name in sizes}


def corpus_files(splits: Mapping[str, list[Pair]]) -> dict[str, bytes]:
    """The bytes of `train.en`, `train.de` and so on: UTF-8, one sentence a line."""
    files: dict[str, bytes] = {}
    for name, pairs in splits.items():
        files[f"{name}.{SRC_LANG}"] = "".join(f"{pair.src}\n" for pair in pairs).encode()
        files[f"{name}.{TGT_LANG}"] = "".join(f"{pair.tgt}\n" for pair in pairs).encode()
    return files


def pack(files: Mapping[str, bytes]) -> bytes:
    """The archive that the package ships; the same files give the same bytes."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:xz", preset=9) as tar:
        for name, content in sorted(files.items()):
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return packed.getvalue()


if __name__ == "__main__":
    root = Path(__file__).parents[2]
    generated = corpus_files(generate())
    for name, content in generated.items():
        (root / "data/demo" / name).write_bytes(content)
    (root / "mtcli/workflows/demo_files/corpus.tar.xz").write_bytes(pack(generated))
