"""The updates of a run: its plan, and the stream of batches that follows it."""

from __future__ import annotations

from mtcli.config.schema.root import TrainConfig
from mtcli.data.batches import BatchStream, Starts, Update
from mtcli.data.document_plan import DocumentPlan
from mtcli.data.drawing import DrawSettings
from mtcli.data.plan import Plan
from mtcli.data.prefetch import Prefetch
from mtcli.data.store import Store
from mtcli.distributed.world import World
from mtcli.tokenizer.protocol import start_id
from mtcli.training.corpus import Corpus


def make_plan(config: TrainConfig, store: Store) -> Plan | DocumentPlan:
    """The plan of the run: which pairs, or chunks of documents, make up which update."""
    if config.data.documents is not None and store.documents is not None:
        return DocumentPlan(
            store.documents,
            store.src_lengths,
            store.tgt_lengths,
            config.data.documents,
            tokens_per_update=config.batch.tokens_per_update,
            seed=config.seed,
        )
    return Plan(
        store.shard_sizes,
        store.src_lengths,
        store.tgt_lengths,
        tokens_per_update=config.batch.tokens_per_update,
        seed=config.seed,
    )


def open_stream(
    config: TrainConfig, corpus: Corpus, world: World, epoch: int, update: int
) -> Prefetch[Update]:
    """This process's share of the updates from `update` of `epoch` on, prepared ahead."""
    settings = config.tokenizer
    draws = DrawSettings(
        corpus.src_tokenizer,
        corpus.tgt_tokenizer,
        settings.sample_src,
        settings.sample_tgt,
        config.regularization,
    )
    stream = BatchStream(
        corpus.store,
        make_plan(config, corpus.store),
        max_tokens=config.batch.max_cells,
        rank=world.rank,
        world_size=world.size,
        draws=draws,
        separators=corpus.separators,
        starts=Starts(start_id(config.model.target_start), corpus.tags),
    )
    updates = stream.updates(epoch, update, max_epochs=config.training.max_epochs)
    return Prefetch(updates, config.data.prefetch_batches)
