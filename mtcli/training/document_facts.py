"""How the model of a run reads documents."""

from __future__ import annotations

from mtcli.bundle.card import DocumentFacts
from mtcli.config.schema.root import TrainConfig


def document_facts(config: TrainConfig) -> DocumentFacts | None:
    """How the model reads documents; None if it reads sentences one by one."""
    documents = config.data.documents
    if documents is None:
        return None
    return DocumentFacts(max_pieces=documents.max_pieces, max_sentences=documents.max_sentences)
