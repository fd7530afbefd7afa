"""Check that tied embeddings have one vocabulary, even in two files."""

from __future__ import annotations

from mtcli.config.schema.root import TrainConfig
from mtcli.errors import ConfigError
from mtcli.tokenizer.sentencepiece import SentencePieceTokenizer


def check_one_vocabulary(
    config: TrainConfig, src: SentencePieceTokenizer, tgt: SentencePieceTokenizer
) -> None:
    """Refuse to tie embeddings whose rows stand for different pieces.

    Raises:
        ConfigError: they do.
    """
    if config.tokenizer.shared or config.model.tied_embeddings != "all":
        return
    if src.vocab_size != tgt.vocab_size:
        problem = f"{src.path} has {src.vocab_size} pieces and {tgt.path} has {tgt.vocab_size}"
    else:
        pieces = ((side.id_to_piece(i) for side in (src, tgt)) for i in range(src.vocab_size))
        different = [i for i, (ours, theirs) in enumerate(pieces) if ours != theirs]
        if not different:
            return
        first = different[0]
        problem = (
            f"piece {first} is `{src.id_to_piece(first)}` in {src.path} and"
            f" `{tgt.id_to_piece(first)}` in {tgt.path}"
        )
    raise ConfigError(
        f"`model.tied_embeddings: all` needs the same pieces on both sides, but {problem}",
        hint="set `model.tied_embeddings` to `decoder` or `none`",
    )
