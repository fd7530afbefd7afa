"""Read the validation pairs of a run, and say what is odd about their files."""

from __future__ import annotations

import logging

from mtcli.config.schema.root import TrainConfig
from mtcli.data.documents import documents_of, read_documents
from mtcli.data.dropped import Dropped
from mtcli.data.held_out_choice import HeldOut
from mtcli.data.holdout import read_validation
from mtcli.distributed.world import World

logger = logging.getLogger(__name__)


def read_valid_pairs(
    config: TrainConfig, held_out: HeldOut, world: World
) -> tuple[list[tuple[str, str]], list[int] | None]:
    """The validation pairs, and the number of each one's document if they stand in documents.

    What their files hold besides is named.

    Raises:
        DataError: as `read_pairs` and `read_documents`.
    """
    dropped, documents = Dropped(), None
    if config.data.documents is None or config.data.valid is None:
        pairs = read_validation(config.data, held_out, dropped)
    else:
        numbered = read_documents(config.data.valid, config.data.documents, dropped)
        pairs, documents = documents_of(numbered)
    if world.is_main:
        if dropped.num_blank:
            logger.warning("data.valid: dropped %d blank lines", dropped.num_blank)
        for sentence in dropped.warnings():
            logger.warning("data.valid: %s", sentence)
    most = config.validation.max_pairs
    return pairs[:most], documents and documents[:most]
