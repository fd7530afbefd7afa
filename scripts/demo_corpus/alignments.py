"""Write the gold word alignments of the first test pairs of the demo corpus.

    python -m scripts.demo_corpus.alignments FOLDER

The generator says one syntax tree in both languages, so it knows which words say the same; see
`said.py`. FOLDER gets `gold.en`, `gold.de` and `gold.align`: for each pair a line in Pharaoh's
format, `0-0 1p2`, with a hyphen for sure and `p` for possible links. Words are what spaces
separate. `tests/data/alignments` holds the output.

What is sure: words of the same meaning, both words of a contraction (`in the`, `im`), a negation
and its `kein`. What is only possible: an auxiliary that the other language has no word for (`is`
of `is buying`, `hat` of `hat gekauft`), a separable prefix or a reflexive pronoun that English
lacks, the `to` of an infinitive.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from scripts.demo_corpus.english import english_words
from scripts.demo_corpus.generate import SEED, SIZES, Pair, generate
from scripts.demo_corpus.german import german_words
from scripts.demo_corpus.said import Links, links

NUM_PAIRS = 200


def links_of(pair: Pair) -> Links:
    """The word alignment of a pair."""
    return links(english_words(pair.tree), german_words(pair.tree))


def alignment_files(test_pairs: Sequence[Pair]) -> dict[str, bytes]:
    """The bytes of `gold.en`, `gold.de` and `gold.align`, of the first of these pairs."""
    pairs = test_pairs[:NUM_PAIRS]
    lines = {
        "gold.en": [pair.src for pair in pairs],
        "gold.de": [pair.tgt for pair in pairs],
        "gold.align": [links_of(pair).pharaoh() for pair in pairs],
    }
    return {name: "".join(f"{line}\n" for line in of).encode() for name, of in lines.items()}


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for file_name, content in alignment_files(generate(SEED, SIZES | {"train": 0})["test"]).items():
        (folder / file_name).write_bytes(content)
