from dataclasses import dataclass, field

import pytest

from mtcli.config.load import load_config
from mtcli.data import sources
from mtcli.distributed.world import World
from mtcli.runs.folder import RunFolder
from mtcli.training.corpus import prepare_corpus
from tests.support.small_run import write_run


@dataclass(frozen=True)
class MainProcess(World):
    """The main process of two, which remembers what it sends."""

    sent: list = field(default_factory=list)

    def broadcast_object(self, item):
        self.sent.append(item)
        return item


@dataclass(frozen=True)
class OtherProcess(World):
    """The other one, which receives it."""

    sent: list = field(default_factory=list)

    def broadcast_object(self, item):
        assert item is None
        return self.sent.pop(0)


@pytest.fixture
def reads(monkeypatch):
    """The sources that were read so far, once for each time."""
    reads = []
    real = sources._read_source
    monkeypatch.setattr(
        sources, "_read_source", lambda source: (reads.append(source), real(source))[1]
    )
    return reads


def contents(corpus):
    return (
        corpus.fingerprints(),
        corpus.valid.src_texts,
        corpus.valid.tgt_texts,
        corpus.store.path,
        corpus.store.num_pairs,
    )


def test_without_validation_sources_only_the_first_start_reads_the_corpus(tmp_path, reads):
    config = load_config(write_run(tmp_path), ["data.valid=null"], working_dir=tmp_path)
    run = RunFolder(config.run_dir)
    main = MainProcess()
    first = contents(prepare_corpus(config, run, main))
    # for the held-out pairs, the tokenizer, its report and the store
    assert len(reads) == 4
    other = contents(prepare_corpus(config, run, OtherProcess(rank=1, sent=main.sent)))
    resumed = contents(prepare_corpus(config, run, World()))
    assert len(reads) == 4
    assert first == other == resumed
    assert len(first[1]) == 4


def test_validation_sources_are_all_that_a_later_start_reads(tmp_path, reads):
    config = load_config(write_run(tmp_path), working_dir=tmp_path)
    run = RunFolder(config.run_dir)
    first = contents(prepare_corpus(config, run, World()))
    reads.clear()
    assert contents(prepare_corpus(config, run, World())) == first
    assert reads == config.data.valid
