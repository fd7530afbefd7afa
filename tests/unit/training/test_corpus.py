import json
import shutil
from dataclasses import dataclass, field, replace

import pytest

from mtcli.config.load import load_config
from mtcli.data import sources
from mtcli.data.holdout import hold_out
from mtcli.distributed.world import World
from mtcli.runs.folder import RunFolder
from mtcli.training.corpus import prepare_corpus
from mtcli.training.corpus_reports import hold_out_rule
from tests.support.small_run import write_run


def made_folder(config):
    """The folder of a run, as it is there before the corpus is prepared."""
    config.run_dir.mkdir(exist_ok=True)
    return RunFolder(config.run_dir)


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
        sources, "_read_source", lambda *args: (reads.append(args[0]), real(*args))[1]
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
    run = made_folder(config)
    main = MainProcess()
    first = contents(prepare_corpus(config, run, main))
    # twice for the held-out pairs, then for the tokenizer, its report, its losses and the store
    assert len(reads) == 6
    other = contents(prepare_corpus(config, run, OtherProcess(rank=1, sent=main.sent)))
    resumed = contents(prepare_corpus(config, run, World()))
    assert len(reads) == 6
    assert first == other == resumed
    assert len(first[1]) == 4


def test_pairs_with_a_side_of_a_held_out_one_leave_training_and_are_counted(tmp_path, caplog):
    path = write_run(tmp_path)
    config = load_config(path, ["data.valid=null"], working_dir=tmp_path)
    config = replace(config, data=replace(config.data, train=config.data.train * 2))
    run = made_folder(config)
    with caplog.at_level("INFO"):
        corpus = prepare_corpus(config, run, World())
    trained_on = {corpus.store.text(side, i) for side in ("src", "tgt") for i in range(380)}
    assert not trained_on.intersection(corpus.valid.src_texts)
    assert not trained_on.intersection(corpus.valid.tgt_texts)
    report = json.loads((run.path / "data_report.json").read_text())
    same = report["hold_out"].pop("num_same")
    assert report["hold_out"] == {"rule": "content", "num_pairs": 8}
    assert same >= 8
    assert report["num_read"] + 8 + same == 400
    (message,) = (text for text in caplog.messages if "more pairs" in text)
    assert message.startswith(
        f"{same} more pairs with the source or target of a held-out one are not trained on, such as"
    )


def test_a_resumed_run_finds_the_same_pairs_when_the_cache_is_gone(tmp_path):
    config = load_config(write_run(tmp_path), ["data.valid=null"], working_dir=tmp_path)
    config = replace(config, data=replace(config.data, train=config.data.train * 2))
    run = made_folder(config)
    first = contents(prepare_corpus(config, run, World()))
    run.checkpoint(5).mkdir(parents=True)
    shutil.rmtree(config.data.cache_dir)
    assert contents(prepare_corpus(config, run, World())) == first


def test_a_run_that_began_with_the_old_rule_goes_on_with_it(tmp_path, caplog):
    config = load_config(write_run(tmp_path), ["data.valid=null"], working_dir=tmp_path)
    run = made_folder(config)
    cache = config.data.cache_dir
    old = hold_out(config.data, config.seed, cache, "number")
    assert contents(prepare_corpus(config, run, World()))[1] != [src for src, _ in old.pairs]
    report = json.loads((run.path / "data_report.json").read_text())
    del report["hold_out"]  # as 0.1.0 wrote it
    (run.path / "data_report.json").write_text(json.dumps(report))
    assert hold_out_rule(run) == "content"  # nothing was trained yet
    run.checkpoint(5).mkdir(parents=True)
    for _ in range(2):
        caplog.clear()
        assert hold_out_rule(run) == "number"
        assert contents(prepare_corpus(config, run, World()))[1] == [src for src, _ in old.pairs]
        assert [text for text in caplog.messages if "by their number" in text] == [
            "this run began with an earlier mtcli, which held pairs out by their number: pairs that"
            " are repeated may be trained on as well"
        ]


@pytest.mark.parametrize(
    ("labels", "side"), [(("src", "tgt"), "target"), (("tgt", "src"), "source")]
)
def test_too_few_texts_to_hold_out_are_named(tmp_path, caplog, labels, side):
    config = load_config(write_run(tmp_path), ["data.valid=null"], working_dir=tmp_path)
    source = config.data.train[0]
    getattr(source, labels[0]).write_text(
        "".join(f"ba {'ce ' * (i // 9)}di{i}\n" for i in range(99))
    )
    getattr(source, labels[1]).write_text(
        "".join(f"{'GU' if i % 2 else 'HA'}\n" for i in range(99))
    )
    settings = replace(config, tokenizer=replace(config.tokenizer, vocab_size=40))
    prepare_corpus(settings, made_folder(config), World())
    (message,) = (text for text in caplog.messages if "too few" in text)
    assert message.startswith(
        f"too few {side}s differ: pairs with the {side} of a held-out one, such as '"
    )


def test_every_start_warns_of_validation_pairs_in_the_training_text(tmp_path, caplog, reads):
    config = load_config(write_run(tmp_path), working_dir=tmp_path)
    (train,), (valid,) = config.data.train, config.data.valid
    for of_train, of_valid in ((train.src, valid.src), (train.tgt, valid.tgt)):
        lines = of_train.read_text().splitlines()
        of_valid.write_text("\n".join(["ba 1", "ce 2", *lines[:3]]) + "\n")
    for _ in range(2):
        caplog.clear()
        reads.clear()
        prepare_corpus(config, made_folder(config), World())
        (message,) = (text for text in caplog.messages if "data.valid" in text)
        assert message.startswith("3 of 5 pairs of data.valid stand in the training text")
        assert "such as number 3, '" in message
        assert "remove them from data.train or data.valid" in message
    assert reads == [valid]


@pytest.mark.parametrize("is_listed_twice", [True, False])
def test_repetition_that_is_dropped_is_said(tmp_path, caplog, is_listed_twice):
    config = load_config(write_run(tmp_path), ["data.drop_duplicates=true"], working_dir=tmp_path)
    sources = config.data.train
    if not is_listed_twice:
        for path in (sources[0].src, sources[0].tgt):
            path.write_text(path.read_text() * 2)
    config = replace(config, data=replace(config.data, train=sources * (1 + is_listed_twice)))
    for _ in range(2):
        caplog.clear()
        with caplog.at_level("INFO"):
            prepare_corpus(config, made_folder(config), World())
        (record,) = (record for record in caplog.records if "to give them weight" in record.message)
        assert "of 400 training pairs that repeat an earlier one, such as '" in record.message
        assert record.levelname == ("WARNING" if is_listed_twice else "INFO")
        hint = "data.train lists a source twice, so set data.drop_duplicates to false"
        assert (hint in record.message) == is_listed_twice
    report = json.loads((config.run_dir / "data_report.json").read_text())
    assert report["drops"]["duplicate"] >= 200
    src, tgt = report["examples"]["duplicate"]
    assert tgt == " ".join(reversed(src.split())).upper()


def test_validation_sources_are_all_that_a_later_start_reads(tmp_path, reads):
    config = load_config(write_run(tmp_path), working_dir=tmp_path)
    run = made_folder(config)
    first = contents(prepare_corpus(config, run, World()))
    reads.clear()
    assert contents(prepare_corpus(config, run, World())) == first
    assert reads == config.data.valid
