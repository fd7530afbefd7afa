"""One batch through an engine."""

from collections.abc import Sequence

from mtcli.decoding.options import Hypothesis, SearchOptions
from mtcli.engines.protocol import Engine, EngineBatch


def translate(
    engine: Engine,
    src_ids: Sequence[Sequence[int]],
    max_lengths: Sequence[int],
    options: SearchOptions,
    prefix_ids: Sequence[Sequence[int]] = (),
) -> list[list[Hypothesis]]:
    """The hypotheses of each sentence of one batch."""
    (hypotheses,) = engine.begin([EngineBatch(src_ids, max_lengths, prefix_ids)], options).result()
    return hypotheses
