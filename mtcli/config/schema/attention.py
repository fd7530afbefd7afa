"""Schema of self-attention: who sees whom in the encoder, and in the decoder."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal, TypeAlias

from mtcli.config.schema.bounds import Bounds, NotNegative, Positive
from mtcli.config.schema.sections import ByKind, section

EVERYWHERE: Literal["full"] = "full"
"""In `windows`: a layer without a window."""


@section
class FullAttentionConfig:
    """Every position sees every other (Vaswani et al. 2017); time grows with the square of the
    length.
    """

    kind: Literal["full"] = "full"
    sees_separators: ClassVar[bool] = False


@section
class LocalAttentionConfig:
    """Every position sees those around it (Beltagy et al. 2020); time grows with the length."""

    kind: Literal["local"]
    window: Positive = 64
    """Encoder: positions that are seen on each side. Decoder: the last positions that are seen, the
    current one included."""
    windows: Annotated[list[Positive | Literal["full"]], Bounds(min_length=1)] | None = None
    """A window for each layer, the first layer first, `full` for none; null: `window` in all."""
    global_tokens: NotNegative = 0
    """Positions at the start that all see; in the encoder they see all, too."""
    separators: bool = False
    """The separators between the sentences of a document are global, too. Time then grows with the
    length times their number."""

    @property
    def sees_separators(self) -> bool:
        """Whether separators between sentences are more than other pieces."""
        return self.separators

    def windows_of(self, num_layers: int) -> list[int | None]:
        """The window of each layer, None if it has none."""
        windows = [self.window] * num_layers if self.windows is None else self.windows
        return [None if window == EVERYWHERE else int(window) for window in windows]


@section
class LowRankAttentionConfig:
    """Every position sees means of neighbouring positions, as many as `rank` (Wang et al. 2020,
    with mean pooling); time grows with the length. For the encoder.
    """

    kind: Literal["low_rank"]
    rank: Positive = 64
    """Means that stand for a sentence; one of at most as many pieces is seen as it is."""
    sees_separators: ClassVar[bool] = False


Attention: TypeAlias = Annotated[
    FullAttentionConfig | LocalAttentionConfig | LowRankAttentionConfig, ByKind()
]
