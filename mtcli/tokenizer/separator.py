"""The piece between the sentences of a document."""

from __future__ import annotations

from pathlib import Path

from mtcli.errors import TokenizerError
from mtcli.tokenizer.protocol import SEPARATOR, UNK_ID, Tokenizer


def separator_of(tokenizer: Tokenizer, path: Path, needed_by: str) -> int:
    """The id of SEPARATOR.

    Args:
        tokenizer: may have no such piece.
        path: its file.
        needed_by: the config key that needs it.

    Raises:
        TokenizerError: it has none.
    """
    piece_id = tokenizer.piece_to_id(SEPARATOR)
    if piece_id == UNK_ID:
        raise TokenizerError(
            f"the tokenizer {path} has no piece `{SEPARATOR}`, which stands between the sentences"
            " of a document",
            hint=f"let the run train its tokenizer on documents, or remove `{needed_by}`",
        )
    return piece_id
