"""Schema of the default settings of translation."""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

from mtcli.config.schema.bounds import Bounds, NotNegative, Positive
from mtcli.config.schema.sections import section

MAX_LENGTH_PENALTY = 10
"""Largest exponent of the length penalty."""

MAX_BEAM_SIZE, MAX_BATCH_SIZE = 1000, 100_000
"""Largest that a model may ask for by itself: its folder may be a stranger's."""

Normalization: TypeAlias = Literal["average", "gnmt", "none"]
"""Form of the length penalty."""

Stop: TypeAlias = Literal["full", "optimal", "marian"]
"""When a beam search is done."""


@section
class DecodingConfig:
    """How the finished model translates by default."""

    beam_size: Annotated[int, Bounds(gt=0, le=MAX_BEAM_SIZE)] = 5
    """Width of the beam; 1 is greedy."""
    normalization: Normalization = "average"
    """Score of a hypothesis: log-probability / length**a (average), / ((5 + length) / 6)**a (gnmt;
    Wu et al. 2016, equation 14), or undivided (none)."""
    length_penalty: Annotated[float, Bounds(ge=0, le=MAX_LENGTH_PENALTY)] = 1.0
    """The exponent a above."""
    stop: Stop = "full"
    """When a beam search is done: once `beam_size` hypotheses have ended (full), once none that
    goes on can become better (optimal), or as Marian does (marian): its beam is narrower by one
    after each hypothesis that ends. CTranslate2 runs `full` alone."""
    max_length: Positive = 256
    """Longest output, in pieces."""
    batch_size: Annotated[int, Bounds(gt=0, le=MAX_BATCH_SIZE)] = 64
    """Sentences to translate at once."""
    alignment_layer: NotNegative | None = None
    """Decoder layer, counted from 0, whose attention to the source gives alignments; null takes the
    second-last (Garg et al. 2019), or the only one."""
    alignment_heads: Annotated[list[NotNegative], Bounds(min_length=1)] | None = None
    """Heads of that layer, counted from 0, whose attention is averaged; null takes all."""
