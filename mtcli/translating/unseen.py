"""Find the characters of a source that the model never saw in training."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from mtcli.tokenizer.protocol import SPACE, UNK_ID, Tokenizer

_BYTE_PIECE = re.compile(r"<0x[0-9A-F]{2}>")


class UnseenCharacters:
    """Finds characters that were in no source of the training.

    Args:
        tokenizer: of the source side.
        seen: all characters of the training sources, as the tokenizer reads them; None if the
            model does not say: then those count as seen that have a piece.
    """

    def __init__(self, tokenizer: Tokenizer, seen: frozenset[str] | None) -> None:
        self._tokenizer, self._seen = tokenizer, seen
        # pieces that were looked at, because most texts need few of the vocabulary
        self._known_ids: set[int] = set()
        self._suspect_ids: set[int] = set()

    def find(self, text: str, ids_of_parts: Iterable[Sequence[int]]) -> str:
        """The unseen characters, each once, in the order of the text; mostly none.

        Args:
            text: what is translated.
            ids_of_parts: the pieces of its parts.
        """
        if not any(self._is_suspect(ids) for ids in ids_of_parts):
            return ""
        characters = dict.fromkeys(self._tokenizer.normalize(text))
        return "".join(filter(self._is_unseen, characters))

    def _is_suspect(self, ids: Sequence[int]) -> bool:
        """Whether a piece may stand for an unseen character; fast, as every text comes here."""
        for piece_id in set(ids).difference(self._known_ids):
            self._known_ids.add(piece_id)
            if self._may_be_unseen(piece_id):
                self._suspect_ids.add(piece_id)
        return not self._suspect_ids.isdisjoint(ids)

    def _may_be_unseen(self, piece_id: int) -> bool:
        piece = self._tokenizer.id_to_piece(piece_id)
        if piece_id == UNK_ID or _BYTE_PIECE.fullmatch(piece):
            return True
        return self._seen is not None and not self._seen.issuperset(piece.replace(SPACE, ""))

    def _is_unseen(self, character: str) -> bool:
        if character.isspace():
            return False
        if self._seen is not None:
            return character not in self._seen
        return self._tokenizer.piece_to_id(character) == UNK_ID
