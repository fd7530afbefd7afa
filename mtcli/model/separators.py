# Shape suffixes: B sentences, S source length, T target length.
"""Where the separators between the sentences of a document stand, for attention that sees them."""

from __future__ import annotations

from torch import Tensor

from mtcli.config.schema.architecture import ModelConfig


class GlobalSeparators:
    """The pieces that a model's attention sees from everywhere.

    Args:
        config: says in which stacks separators are global.
        ids: the piece between the sentences of a document, of source and target; None if no piece
            is one.
    """

    def __init__(self, config: ModelConfig, ids: tuple[int, int] | None) -> None:
        src, tgt = ids or (None, None)
        self._src = src if config.encoder_attention.sees_separators else None
        self._tgt = tgt if config.decoder_attention.sees_separators else None

    def in_source(self, src_ids_BS: Tensor) -> Tensor | None:
        """True at separators, BS; None unless they are global in the encoder."""
        return None if self._src is None else src_ids_BS == self._src

    def in_target(self, tgt_ids_BT: Tensor) -> Tensor | None:
        """True at separators, BT; None unless they are global in the decoder."""
        return None if self._tgt is None else tgt_ids_BT == self._tgt
