"""A lexical table for Marian's `--shortlist`: which target pieces a source piece may become.

    python benchmarks/lexical_table.py MODEL SRC TGT > lex.txt

MODEL is a model folder with one tokenizer, SRC and TGT are its training text. The probability of a
target piece, given a source piece, is that of IBM model 1 (Brown et al. 1993) after five rounds. A
line has the target piece, the source piece and the probability, as Moses writes them and Marian
reads them; pairs below 0.001 are left out.
"""

import argparse
import sys
from pathlib import Path

import numpy as np

from mtcli.bundle.model_folder import read_model
from mtcli.runs.resolve import resolve_model
from mtcli.translating.loaded_model import load_tokenizers

ROUNDS, LEAST = 5, 0.001


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("model", type=Path)
    parser.add_argument("src", type=Path)
    parser.add_argument("tgt", type=Path)
    arguments = parser.parse_args()
    tokenizer, _ = load_tokenizers(read_model(resolve_model(arguments.model)))
    sides = [
        tokenizer.encode_batch(path.read_text("utf-8").split("\n")[:-1])
        for path in (arguments.src, arguments.tgt)
    ]
    for src_id, tgt_id, probability in table(*sides, tokenizer.vocab_size):
        src, tgt = tokenizer.id_to_piece(src_id), tokenizer.id_to_piece(tgt_id)
        sys.stdout.write(f"{tgt} {src} {probability:.6f}\n")


def table(src_ids, tgt_ids, vocab_size):
    """Source id, target id and probability of the target, of all pairs that occur together."""
    # 1. Every place of a target beside every place of its source, as one number for the two pieces.
    keys, places, place = [], [], 0
    for src, tgt in zip(src_ids, tgt_ids, strict=True):
        grid = np.array(src, dtype=np.int64)[None, :] * vocab_size + np.array(tgt)[:, None]
        keys.append(grid.ravel())
        places.append(np.repeat(place + np.arange(len(tgt)), len(src)))
        place += len(tgt)
    pairs, inverse = np.unique(np.concatenate(keys), return_inverse=True)
    place_of = np.concatenate(places)
    src_of = pairs // vocab_size
    # 2. Each target place is shared out among the source places, by what the last round found.
    probability = np.ones(len(pairs))
    for _ in range(ROUNDS):
        weight = probability[inverse]
        weight /= np.bincount(place_of, weight, minlength=place)[place_of]
        counts = np.bincount(inverse, weight, minlength=len(pairs))
        probability = counts / np.bincount(src_of, counts, minlength=vocab_size)[src_of]
    kept = np.flatnonzero(probability >= LEAST)
    return zip(
        src_of[kept].tolist(), (pairs[kept] % vocab_size).tolist(), probability[kept].tolist(),
        strict=True,
    )  # fmt: skip


if __name__ == "__main__":
    main()
