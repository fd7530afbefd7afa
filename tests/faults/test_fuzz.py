"""Mutated files of a stranger: model folder, export, checkpoint, store, config, run folder.

All of it, 2,050 mutations: `python -m tests.faults --all -- -k test_fuzz`.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from mtcli.config.dump import dump_config
from mtcli.config.load import load_config
from mtcli.config.schema.data import DataConfig, TextSource
from mtcli.config.schema.optimization import AdamWConfig, InverseSqrtConfig
from mtcli.data.building import build_store
from mtcli.data.store import open_store
from mtcli.distributed.world import World
from mtcli.runs.folder import RunFolder
from mtcli.runs.nproc_choice import NprocChoice, read_choice, write_choice
from mtcli.runs.split import Split, read_split, write_split
from mtcli.training.averaging import ExponentialAverage
from mtcli.training.checkpoint import read_checkpoint, write_checkpoint
from mtcli.training.fingerprints import DataFingerprints
from mtcli.training.optim import build_optimizers
from mtcli.training.state import RunState
from mtcli.training.trained_model import TrainedModel
from mtcli.translating.translator import Translator
from tests.faults.fuzzing import digest, throw
from tests.support import warm
from tests.support.model_folder import untrained_model, write_tiny_model
from tests.support.small_run import write_run
from tests.support.tokenizers import WORDS, ToyTokenizer, train_on_words

pytestmark = pytest.mark.slow

LINES = [" ".join(WORDS[:4]), WORDS[5], ""]


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """A model folder of an untrained model."""
    folder = tmp_path_factory.mktemp("fuzz")
    train_on_words(folder / "tokenizer.model")
    write_tiny_model(folder / "model", folder / "tokenizer.model")
    return folder / "model"


def translated(folder: Path) -> str:
    """What a folder translates some lines to."""
    return digest(Translator.load(folder, threads=1).translate(LINES))


def test_fuzz_of_a_model_folder(model, tmp_path):
    throw("model folder", model, translated, tmp_path, quick=12, whole=500)


def test_fuzz_of_an_export(model, tmp_path):
    pytest.importorskip("ctranslate2")
    # by a process of its own: threads of arithmetic, which verifying starts, do not outlive a fork
    export = [*warm.PYTHON_M, "mtcli", "export", "-m", model, "--output", tmp_path / "export"]
    warm.run([*export, "--threshold", "0"], check=True)
    throw("export", tmp_path / "export", translated, tmp_path, quick=12, whole=500)


def state_of_a_run() -> RunState:
    """The state of a run with an optimizer and an average, before its first update."""
    model = untrained_model()
    optimizers = build_optimizers(model, AdamWConfig())
    average = ExponentialAverage(model, decay=0.9)
    fingerprints = DataFingerprints({"the training pairs": "a" * 64})
    scaler = torch.amp.GradScaler("cpu", enabled=True)
    trained = TrainedModel(model, model, average)
    return RunState(trained, optimizers, scaler, fingerprints, InverseSqrtConfig(), best_by="bleu")


def test_fuzz_of_a_checkpoint(tmp_path):
    state = state_of_a_run()
    for parameter in state.parts["model"].model.parameters():
        parameter.grad = torch.ones_like(parameter)
    state.parts["optimizer"].as_one.step()
    state.best.validated({"bleu": 1.5, "chrf": 2.5, "loss": 3.5}, step=1)
    state.progress.step = 1
    write_checkpoint(tmp_path / "saved", 1, state.parts, World())

    def restored(folder: Path) -> str:
        new = state_of_a_run()
        read_checkpoint(folder).restore(new.parts)
        content = {name: part.state_dict() for name, part in new.parts.items()}
        return digest(
            {
                name: {k: v.tolist() if isinstance(v, torch.Tensor) else v for k, v in part.items()}
                for name, part in content.items()
            },
            new.rates.jump(),
        )

    throw("checkpoint", tmp_path / "saved", restored, tmp_path, quick=10, whole=350)


def test_fuzz_of_a_store(tmp_path):
    tokenizer = ToyTokenizer(vocab_size=2**16)
    pairs = [(f"{a} {b}", f"{b} {a}") for a in WORDS for b in WORDS]
    config = DataConfig(train=[TextSource(src=Path("a"), tgt=Path("b"))])
    path = tmp_path / "store"
    build_store(pairs, tokenizers=(tokenizer, tokenizer), config=config, path=path, shard_size=30)

    def read(folder: Path) -> str:
        store = open_store(folder)
        all_pairs = np.arange(store.num_pairs)
        ids = [store.flat_ids(side, all_pairs).tolist() for side in ("src", "tgt")]
        return digest(ids, [store.text("src", pair) for pair in all_pairs], store.meta)

    throw("tokenized store", path, read, tmp_path, quick=10, whole=300)


def test_fuzz_of_a_config(tmp_path):
    config = load_config(write_run(tmp_path), working_dir=tmp_path)
    (tmp_path / "pristine").mkdir()
    (tmp_path / "pristine/config.yaml").write_text(dump_config(config), encoding="utf-8")

    def read(folder: Path) -> str:
        return digest(dump_config(load_config(folder / "config.yaml", working_dir=tmp_path)))

    where = tmp_path / "pristine"
    throw("config", where, read, tmp_path, quick=10, whole=250, has_manifest=False)


def test_fuzz_of_what_a_run_remembers(tmp_path):
    run = RunFolder(tmp_path / "run")
    (run.checkpoint(1)).mkdir(parents=True)
    write_split(run, Split(processes=2, threads=1))
    write_choice(run, NprocChoice(2, "2 is fastest", "a" * 64))
    run.point_last(run.checkpoint(1))

    def read(folder: Path) -> str:
        return digest(read_split(RunFolder(folder)), read_choice(RunFolder(folder)))

    throw("run folder", run.path, read, tmp_path, quick=6, whole=150, has_manifest=False)
