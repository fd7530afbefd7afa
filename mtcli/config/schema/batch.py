"""Schema of the size of an update, and of the micro-batches that it is computed in."""

from __future__ import annotations

from typing import Literal

from mtcli.config.schema.bounds import Positive
from mtcli.config.schema.sections import section


@section
class BatchConfig:
    """Size of an update, and of the micro-batches that it is computed in."""

    tokens_per_update: Positive = 4096
    """Non-padding target tokens of one optimizer update, EOS included, over all processes."""
    max_tokens: Positive | Literal["auto"] = 4096
    """Padded cells of the longer side in a micro-batch: sentences times longest length. Limits
    memory; a larger update is accumulated over several micro-batches. auto measures, when a run
    starts, how many fit: on a CPU into half of the memory that is available."""

    @property
    def max_cells(self) -> int:
        """`max_tokens` of a config whose open keys are settled."""
        if self.max_tokens == "auto":
            raise ValueError("batch.max_tokens is auto: the config was not settled")
        return self.max_tokens
