"""Explanations of made-up translations, as `mtcli explain` finds them."""

from __future__ import annotations

from math import log

import numpy as np

from mtcli.reports.explanation import (
    STACK_KINDS,
    Alternative,
    AttentionStack,
    Explanation,
    Head,
    Matrix,
    OutputPiece,
    Word,
)

HOSTILE = "</script><script>alert(1)</script>"
_SOURCE = f"The <b>miller counts & 'his' \"sacks\" {HOSTILE} while rain falls".split()
_TARGET = f"Der <i>Müller zählt & seine Säcke, {HOSTILE} während Regen fällt".split()


def made_explanation(
    num_words: int = 8,
    *,
    layers: int = 2,
    heads: int = 4,
    has_importance: bool = True,
    sharpness: float = 3.0,
) -> Explanation:
    """Texts of some words, two pieces for each, and random attention.

    Args:
        num_words: of source and translation; 0 for empty texts.
        layers: of encoder and decoder.
        heads: of each layer.
        has_importance: whether the importance of heads was measured.
        sharpness: of attention; 0 looks at all pieces alike.
    """
    rng = np.random.default_rng(num_words)
    source, target = (
        [words[n % len(words)] for n in range(num_words)] for words in (_SOURCE, _TARGET)
    )
    source_pieces = (*_pieces(source), "</s>")
    target_pieces = (*_pieces(target), "</s>")
    sizes = {"encoder": (source_pieces, source_pieces), "decoder": (target_pieces, target_pieces),
             "cross": (target_pieces, source_pieces)}  # fmt: skip

    def head(kind: str) -> Head:
        queries, keys = (len(pieces) for pieces in sizes[kind])
        weights = _attention(rng, queries, keys, sharpness, is_causal=kind == "decoder")
        entropy = sum(-w * log(w) for row in weights for w in row if w) / queries
        return Head(weights, entropy, float(rng.normal(0.02, 0.05)) if has_importance else None)

    return Explanation(
        source=" ".join(source),
        translation=" ".join(target),
        is_given=num_words % 2 == 1,
        source_pieces=source_pieces,
        output_pieces=tuple(_output(rng, piece) for piece in target_pieces),
        source_words=_words(source),
        target_words=_words(target),
        stacks=tuple(
            AttentionStack(
                kind, "full", [[head(kind) for _ in range(heads)] for _ in range(layers)]
            )
            for kind in STACK_KINDS
        ),
        alignment=[(n, n) for n in range(num_words)],
        alignment_layer=layers - 1,
        alignment_heads=(1,) if heads > 1 else None,
        contributions=rng.normal(0, 1.5, (len(target_pieces), num_words)).tolist(),
        contribution_reference="Against embeddings of zeros.",
    )  # fmt: skip


def _pieces(words: list[str]) -> list[str]:
    return [piece for word in words for piece in (f"▁{word[:2]}", word[2:] or "'")]


def _words(words: list[str]) -> tuple[Word, ...]:
    return tuple(Word(word, 2 * place, 2) for place, word in enumerate(words))


def _output(rng: np.random.Generator, piece: str) -> OutputPiece:
    probability = rng.random()
    others = [Alternative(piece, probability), Alternative("<other>", 1 - probability)]
    others.append(Alternative("<rare>", 1e-5))
    return OutputPiece(piece, probability, sorted(others, key=lambda one: -one.probability))


def _attention(
    rng: np.random.Generator, queries: int, keys: int, sharpness: float, *, is_causal: bool
) -> Matrix:
    strengths = np.exp(sharpness * rng.normal(size=(queries, keys)))
    if is_causal:
        strengths = np.tril(strengths)
    weights: Matrix = (strengths / strengths.sum(axis=1, keepdims=True)).tolist()
    return weights
