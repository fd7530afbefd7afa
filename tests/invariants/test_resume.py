"""Invariant 5: resumed equals uninterrupted, bit for bit, wherever it was interrupted."""

import json
import shutil
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

from mtcli.config.load import load_config
from mtcli.errors import CheckpointError, ConfigError, DataError, MtcliError, RunFolderError
from mtcli.folders import sha256_of
from mtcli.runs.folder import RunFolder
from mtcli.runs.lock import locked
from mtcli.tokenizer.sentencepiece import SentencePieceTokenizer
from mtcli.training.checkpoint import write_checkpoint
from mtcli.training.observers.protocol import Observer
from mtcli.training.setup import train
from tests.support import warm
from tests.support.small_run import write_run

# All that has a state or draws: accumulation (micro-batches of 120 cells), two optimizers, an
# average, sampling on both sides, and every regularization, most of them on a schedule; see
# docs/guides/better-models.md.
FULL = (
    "tokenizer.sample_src=0.1",
    "tokenizer.sample_tgt=0.2",
    "optim.kind=muon",
    "training.ema_decay=0.9",
    "regularization.rdrop={value: 5.0, start: 1.0, to_epoch: 1.2}",
    "regularization.layer_dropout={value: 0.0, start: 0.3, from_epoch: 0.5, to_epoch: 1.5}",
    "regularization.src_word_dropout={value: 0.1}",
    "regularization.tgt_word_dropout={value: 0.2, start: 0.0, to_epoch: 1}",
    "regularization.case_noise={value: 0.3}",
    "regularization.punctuation_noise={value: 0.3}",
    "regularization.typo_noise={value: 0.2}",
    "regularization.subword_sampling={value: 0.5}",
)


def final_files(run: Path, step: int) -> dict[str, np.ndarray]:
    """All arrays of a checkpoint and of the model of the same step."""
    folder = run / "checkpoints" / f"step_{step:08d}"
    arrays = {}
    for path in sorted(folder.glob("*.safetensors")):
        arrays |= {f"{path.name}:{name}": array for name, array in load_file(path).items()}
    model = run / "models" / f"step_{step:08d}" / "model.safetensors"
    arrays |= {f"model:{name}": array for name, array in load_file(model).items()}
    return arrays


def assert_same_run(run: Path, other: Path, step: int) -> None:
    want, got = final_files(run, step), final_files(other, step)
    assert want.keys() == got.keys()
    assert [name for name in want if not np.array_equal(want[name], got[name])] == []
    states = [
        json.loads((r / "checkpoints" / f"step_{step:08d}" / "state.json").read_text())
        for r in (run, other)
    ]
    for state in states:
        del state["progress"]["elapsed_s"], state["progress"]["cpu_s"]
    assert states[0] == states[1]
    metrics = [
        [
            (m["kind"], m["step"], m["loss_per_token"], m.get("bleu"))
            for m in map(json.loads, (r / "metrics.jsonl").read_text().split("\n")[:-1])
            if m["kind"] == "validation" and not m["is_stop"]
        ]
        for r in (run, other)
    ]
    assert metrics[0] == metrics[1]


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory):
    folder = tmp_path_factory.mktemp("whole")
    config = load_config(write_run(folder, *FULL), working_dir=folder)
    train(config)
    return folder


def test_stopping_at_any_step_and_going_on_changes_nothing(uninterrupted, tmp_path):
    """In steps of 5, 4 and 3, mid-epoch (an epoch has about 7 updates)."""
    path = write_run(tmp_path, *FULL)
    for steps in (5, 9, 12):
        config = load_config(path, [f"training.max_steps={steps}"], working_dir=tmp_path)
        # stop by a request, not by the last step, which would validate
        if steps < 12:
            stop_at(config, tmp_path, steps)
        else:
            train(config)
    assert_same_run(uninterrupted / "run", tmp_path / "run", 12)


@pytest.mark.parametrize(
    "overrides",
    [
        ["optim.kind=adamw"],
        ["optim.kind=adam"],
        ["optim.kind=sgd"],
        [*FULL, "tokenizer.algorithm=unigram"],
    ],
    ids=["adamw", "adam", "sgd", "all, unigram"],
)
def test_every_optimizer_and_algorithm_goes_on_exactly(tmp_path, overrides):
    whole, parted = tmp_path / "whole", tmp_path / "parted"
    for folder in (whole, parted):
        folder.mkdir()
        config = load_config(write_run(folder, *overrides), working_dir=folder)
        if folder == parted:
            stop_at(config, folder, 5)
        train(config)
    assert_same_run(whole / "run", parted / "run", 12)


def edit_state(checkpoint, change):
    """Change what a checkpoint's state.json says, and its manifest with it."""
    file, manifest = checkpoint / "state.json", checkpoint / "MANIFEST.json"
    state = json.loads(file.read_text())
    change(state)
    file.write_text(json.dumps(state))
    entries = json.loads(manifest.read_text())
    entries["files"]["state.json"] = {
        "size_bytes": file.stat().st_size,
        "sha256": sha256_of(file),
    }
    manifest.write_text(json.dumps(entries))


def to_format_1(run, step):
    """Lay out what a stop saved as mtcli did before checkpoints had format_version 2."""

    def change(state):
        assert state["format_version"] == 2
        state |= {"format_version": 1, "is_stop": True}
        state["average_steps"] = state.pop("ema")["num_steps"]

    name = f"step_{step:08d}"
    edit_state(run / "stopped/checkpoints" / name, change)
    for kind, link in (("checkpoints", "last"), ("models", "best")):
        (run / kind).mkdir(exist_ok=True)
        (run / "stopped" / kind / name).rename(run / kind / name)
        (run / link).unlink()
        (run / link).symlink_to(f"{kind}/{name}")
    shutil.rmtree(run / "stopped")


def test_checkpoints_of_format_1_are_resumed_exactly(uninterrupted, tmp_path):
    """Made by a stop: then, too, it changes nothing of the run."""
    config = load_config(write_run(tmp_path, *FULL), working_dir=tmp_path)
    run = tmp_path / "run"
    stop_at(config, tmp_path, 5, "budget")
    to_format_1(run, 5)
    assert not train(config, budget_s=0.0).is_finished  # the budget is over before a step is made
    assert (run / "best").resolve() == run / "stopped/models/step_00000005"
    train(config)
    assert_same_run(uninterrupted / "run", run, 12)
    assert "resuming from the checkpoint of step 5" in (run / "train.log").read_text()
    kept = [
        sorted(path.name for path in (run / kind).iterdir()) for kind in ("checkpoints", "models")
    ]
    assert kept == [["step_00000006", "step_00000012"]] * 2
    assert not (run / "stopped").exists()


def test_a_checkpoint_of_a_newer_mtcli_is_refused(tmp_path):
    path = write_run(tmp_path)
    train(load_config(path, ["training.max_steps=6"], working_dir=tmp_path))
    checkpoint = tmp_path / "run/checkpoints/step_00000006"
    edit_state(checkpoint, lambda state: state.update(format_version=9))
    with pytest.raises(
        CheckpointError, match=r"has format_version 9, but this mtcli reads versions up to 2"
    ):
        train(load_config(path, working_dir=tmp_path))


WITH_A_NEW_PART = """\
import json, os, signal, sys
from pathlib import Path

import torch

from mtcli.config.load import load_config
from mtcli.training import state
from mtcli.training.observers.protocol import Observer
from mtcli.training.setup import train


class Sums(Observer):
    count, sums = 0, torch.zeros(3)

    def stepped(self, step, total):
        self.count, self.sums = self.count + 1, self.sums + step / 3
        if step == int(sys.argv[1]):
            os.kill(os.getpid(), signal.SIGKILL)

    def state_dict(self):
        return {"count": self.count, "third": self.count / 3, "sums": self.sums}

    def load_state_dict(self, state):
        assert state["third"] == state["count"] / 3
        self.count, self.sums = state["count"], state["sums"]


class WithSums(state.RunState):
    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.parts["sums"] = sums


sums = Sums()
import mtcli.training.building as building
building.RunState = WithSums
train(load_config(Path("config.yaml"), working_dir=Path.cwd()), observers=[sums])
Path("sums.json").write_text(json.dumps([sums.count, sums.sums.tolist()]))
"""


def test_a_new_part_of_the_state_survives_kill_9(tmp_path):
    """One entry in `RunState.parts`: it is saved and restored, tensor and number, bit for bit."""
    ends = []
    for name, kills in (("whole", []), ("killed", [3, 7])):
        folder = tmp_path / name
        folder.mkdir()
        write_run(folder, "checkpoints.every_steps=2")
        for kill_at in (*kills, 0):
            command = [sys.executable, "-c", WITH_A_NEW_PART, str(kill_at)]
            process = warm.run(command, cwd=folder)
            assert process.returncode == (-signal.SIGKILL if kill_at else 0)
        ends.append(json.loads((folder / "sums.json").read_text()))
    assert ends[0] == ends[1]
    assert ends[0][0] == 12
    assert_same_run(tmp_path / "whole/run", tmp_path / "killed/run", 12)


def test_the_average_takes_in_the_weights_after_each_step(tmp_path):
    path = write_run(
        tmp_path,
        "training.ema_decay=0.9",
        "training.max_steps=5",
        "checkpoints={every_steps: 1, keep_last: 20}",
    )
    train(load_config(path, working_dir=tmp_path))

    def stored(step, name):
        return load_file(tmp_path / f"run/checkpoints/step_{step:08d}" / f"{name}.safetensors")

    want = stored(1, "ema")
    for num_before in (1, 2, 3, 4):
        weights, got = stored(num_before + 1, "model"), stored(num_before + 1, "ema")
        decay = (1 + num_before) / (10 + num_before)
        want = {name: decay * want[name] + (1 - decay) * weights[name] for name in want}
        for name, array in want.items():
            np.testing.assert_allclose(got[name], array, rtol=1e-5, atol=1e-7, err_msg=name)
            assert not np.array_equal(got[name], weights[name])


def test_the_log_says_what_moves_which_weights(uninterrupted):
    log = (uninterrupted / "run/train.log").read_text()
    groups = json.loads((uninterrupted / "run/environment.json").read_text())["optimizer_groups"]
    assert [group["name"] for group in groups] == [
        "hidden matrices (muon)", "embeddings, norms, biases (adamw)"
    ]  # fmt: skip
    for group in groups:
        assert (
            f"{group['name']}: {len(group['names'])} tensors, {group['num_weights']} weights,"
            f" lr {group['lr']:g}, weight decay 0\n"
        ) in log


def test_tokens_computed_count_the_second_pass_of_rdrop(uninterrupted):
    lines = (uninterrupted / "run/metrics.jsonl").read_text().split("\n")[:-1]
    metrics = [json.loads(line) for line in lines]
    assert all(m["total_tgt_tokens_computed"] == 2 * m["total_tgt_tokens"] for m in metrics)
    cpu_s = [m["cpu_s"] for m in metrics]
    assert cpu_s == sorted(cpu_s)
    assert cpu_s[0] > 0


@pytest.mark.parametrize("stop", ["signal", "budget"])
def test_stops_between_validations_move_no_average_nor_patience(tmp_path, stop):
    """A stop's checkpoint is in no average, its validation in no judgement of the run."""
    overrides = (
        *FULL,
        "training.ema_decay=null",
        "schedule={kind: plateau, warmup_steps: 5, patience: 1, factor: 0.5}",
        "validation={every_steps: 3, patience: 50}",
        "checkpoints.average_last=3",
    )
    whole, parted = tmp_path / "whole", tmp_path / "parted"
    for folder in (whole, parted):
        folder.mkdir()
        config = load_config(write_run(folder, *overrides), working_dir=folder)
        if folder == parted:
            for step in (4, 5, 8, 11):
                stop_at(config, folder, step, stop)
                models = RunFolder(folder / "run").stopped.models
                assert (models / f"step_{step:08d}").exists() is (stop == "budget")
        train(config)
    assert_same_run(whole / "run", parted / "run", 12)
    kept = sorted(path.name for path in (parted / "run/checkpoints").iterdir())
    assert kept == ["step_00000006", "step_00000009", "step_00000012"]
    state = json.loads((parted / "run/last/state.json").read_text())
    assert state["plateau"]["ratio"] < 1, "no validation was worse: the test shows nothing"


def test_what_a_stop_has_found_stays_until_the_run_comes_further(tmp_path):
    config = load_config(write_run(tmp_path), working_dir=tmp_path)
    run = tmp_path / "run"
    stop_at(config, tmp_path, 4, "budget")
    found = run / "stopped/models/step_00000004"
    assert (run / "best").resolve() == found
    assert not train(config, budget_s=0.0).is_finished  # the budget is over before a step is made
    assert (run / "best").resolve() == found
    ended = load_config(tmp_path / "config.yaml", ["training.max_steps=4"], working_dir=tmp_path)
    assert train(ended).is_finished
    assert (run / "best").resolve() == found
    train(config)
    assert not found.exists()
    assert (run / "best").resolve() in (run / "models").iterdir()


def test_a_run_that_ends_where_a_signal_stopped_it_has_a_model(tmp_path):
    config = load_config(write_run(tmp_path), working_dir=tmp_path)
    stop_at(config, tmp_path, 4)
    assert not (tmp_path / "run/best").exists()
    ended = load_config(tmp_path / "config.yaml", ["training.max_steps=4"], working_dir=tmp_path)
    assert train(ended).is_finished
    assert (tmp_path / "run/best").resolve() == tmp_path / "run/stopped/models/step_00000004"


def test_stops_by_signals_keep_the_model_of_a_budgets_end(tmp_path):
    config = load_config(write_run(tmp_path), working_dir=tmp_path)
    for step, stop in ((2, "budget"), (3, "signal"), (4, "signal"), (5, "signal")):
        stop_at(config, tmp_path, step, stop)
        assert (tmp_path / "run/best").resolve() == tmp_path / "run/stopped/models/step_00000002"


def test_a_run_that_has_ended_keeps_its_best_however_often_it_is_called(tmp_path):
    config = load_config(write_run(tmp_path, "checkpoints.every_steps=3"), working_dir=tmp_path)
    stop_at(config, tmp_path, 3)
    ended = load_config(tmp_path / "config.yaml", ["training.max_steps=3"], working_dir=tmp_path)
    for _ in range(3):
        assert train(ended).is_finished
        assert (tmp_path / "run/best").resolve() == tmp_path / "run/stopped/models/step_00000003"


def test_a_second_signal_does_not_end_the_saving(tmp_path, monkeypatch):
    def fall(*_):
        raise AssertionError("nobody listened")

    def interrupted(*arguments):
        signal.raise_signal(signal.SIGUSR1)
        write_checkpoint(*arguments)

    config = load_config(write_run(tmp_path), working_dir=tmp_path)
    monkeypatch.setattr("mtcli.training.validate_and_save.write_checkpoint", interrupted)
    before = signal.signal(signal.SIGUSR1, fall)
    try:
        stop_at(config, tmp_path, 4)
    finally:
        signal.signal(signal.SIGUSR1, before)
    assert (tmp_path / "run/stopped/checkpoints/step_00000004").exists()


def test_a_run_whose_checkpoints_are_gone_is_not_begun_again(tmp_path):
    config = load_config(write_run(tmp_path), working_dir=tmp_path)
    train(config)
    shutil.rmtree(tmp_path / "run/checkpoints")
    with pytest.raises(RunFolderError, match=r"(?s)the checkpoints of .* are missing, .*--fresh"):
        train(config)
    assert (tmp_path / "run/best/model.safetensors").exists()


def test_fresh_does_not_move_a_run_that_is_in_use(tmp_path):
    config = load_config(write_run(tmp_path), working_dir=tmp_path)
    with (
        locked(tmp_path / "run"),
        pytest.raises(RunFolderError, match="is in use by another mtcli"),
    ):
        train(config, fresh=True)
    assert not (tmp_path / "run.1").exists()


def test_a_stop_pushes_no_model_out(tmp_path):
    """Even where what it saves is the best of all."""
    overrides = (
        "validation={every_steps: 2, best_by: loss}",
        "checkpoints={keep_best: 2, keep_last: 1}",
    )
    whole, parted = tmp_path / "whole", tmp_path / "parted"
    for folder in (whole, parted):
        folder.mkdir()
        config = load_config(write_run(folder, *overrides), working_dir=folder)
        if folder == parted:
            for step in (5, 7, 9, 11):
                stop_at(config, folder, step, "budget")
        train(config)
    kept = [sorted(p.name for p in (f / "run/models").iterdir()) for f in (whole, parted)]
    assert kept[0] == kept[1]


def test_a_run_killed_before_its_first_checkpoint_begins_anew(tmp_path, monkeypatch):
    def die(*arguments):
        raise KeyboardInterrupt

    config = load_config(write_run(tmp_path), working_dir=tmp_path)
    monkeypatch.setattr("mtcli.training.validate_and_save.write_checkpoint", die)
    with pytest.raises(KeyboardInterrupt):
        train(config)
    monkeypatch.undo()
    with (tmp_path / "run/metrics.jsonl").open("a") as metrics:
        metrics.write('{"kind": "st')
    assert train(config).is_finished
    assert (tmp_path / "run/models.1/step_00000006").exists()
    lines = (tmp_path / "run/metrics.jsonl").read_text().split("\n")[:-1]
    assert [json.loads(line)["step"] for line in lines] == [2, 4, 6, 6, 8, 10, 12, 12]


def test_an_average_of_checkpoints_is_their_mean(tmp_path):
    path = write_run(tmp_path, "validation.every_steps=3", "checkpoints.average_last=3")
    train(load_config(path, working_dir=tmp_path))
    checkpoints = [
        load_file(tmp_path / f"run/checkpoints/step_{step:08d}/model.safetensors")
        for step in (6, 9, 12)
    ]
    for name, got in load_file(tmp_path / "run/models/step_00000012/model.safetensors").items():
        want = sum(weights[name].astype(np.float64) for weights in checkpoints) / 3
        np.testing.assert_allclose(got, want, rtol=0, atol=1e-6)
        assert not np.array_equal(got, checkpoints[-1][name])


def test_an_update_without_rdrop_has_one_pass(tmp_path):
    """Half an epoch with it, then none; an epoch has 11 updates."""
    path = write_run(
        tmp_path,
        "training.log_every_steps=1",
        "regularization.rdrop={value: 0, start: 5, from_epoch: 0.5, to_epoch: 0.5}",
    )
    train(load_config(path, working_dir=tmp_path))
    lines = (tmp_path / "run/metrics.jsonl").read_text().split("\n")[:-1]
    steps = [m for m in map(json.loads, lines) if m["kind"] == "step"]
    seen = [(m["total_tgt_tokens"], m["total_tgt_tokens_computed"]) for m in steps]
    passes = [(b[1] - a[1]) / (b[0] - a[0]) for a, b in pairwise([(0, 0), *seen])]
    assert passes[:5] == [2.0] * 5
    assert passes[6:] == [1.0] * 6


def stop_at(config, folder, step, stop="signal"):
    """Train until the step, as if a signal came during it, or the budget were used up."""
    from mtcli.training import setup

    class Interrupt(Observer):
        def stepped(self, done, total):
            if done == step and stop == "signal":
                requests[0].signal_name = "SIGTERM"
            elif done == step:
                requests[0].budget_s = 0.0

    requests = []
    original = setup.StopRequest

    def remember(*arguments):
        requests.append(original(*arguments))
        return requests[0]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(setup, "StopRequest", remember)
        full = load_config(config.run_dir.parent / "config.yaml", working_dir=folder)
        outcome = train(full, observers=[Interrupt()])
    assert not outcome.is_finished
    assert f"stopped at step {step}" in outcome.reason


@pytest.mark.slow
@pytest.mark.parametrize(("nproc", "parallel"), [(1, "ddp"), (2, "ddp"), (2, "fsdp")])
def test_kill_9_at_random_moments_and_resuming_changes_nothing(tmp_path, nproc, parallel):
    """The process (and its workers) die without a word; the same command is run again."""
    long = (
        *FULL,
        "training.max_steps=60",
        "validation.every_steps=15",
        "checkpoints.every_steps=4",
        f"training.parallel={parallel}",
    )
    generator = np.random.default_rng(nproc)
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    for folder in (whole, killed):
        folder.mkdir()
        write_run(folder, *long)
    command = [sys.executable, "-m", "mtcli", "train", "config.yaml", "--nproc", str(nproc), "-q"]
    subprocess.run(command, cwd=whole, check=True, timeout=120)
    kills = 0
    for _ in range(40):
        process = subprocess.Popen(command, cwd=killed)
        checkpoints = killed / "run" / "checkpoints"
        seen = set(checkpoints.glob("step_*"))
        deadline = time.monotonic() + 60
        while process.poll() is None and time.monotonic() < deadline:
            if kills < 4 and set(checkpoints.glob("step_*")) - seen:
                time.sleep(generator.uniform(0, 0.3))
                process.send_signal(signal.SIGKILL)
                kills += 1
                break
            time.sleep(0.02)
        if process.wait(timeout=60) == 0:
            break
    assert kills >= 2
    assert_same_run(whole / "run", killed / "run", 60)


def test_a_damaged_checkpoint_is_passed_over(tmp_path, caplog):
    path = write_run(tmp_path)
    config = load_config(path, working_dir=tmp_path)
    train(config)
    newest = tmp_path / "run/checkpoints/step_00000012/optimizer.safetensors"
    newest.write_bytes(newest.read_bytes()[:-1])
    want = load_file(tmp_path / "run/models/step_00000012/model.safetensors")
    train(config)
    assert "skipping a damaged checkpoint" in caplog.text
    assert "resuming from the checkpoint of step 6" in (tmp_path / "run/train.log").read_text()
    got = load_file(tmp_path / "run/models/step_00000012/model.safetensors")
    assert all(np.array_equal(want[name], got[name]) for name in want)


def test_files_of_other_programs_do_not_damage_a_checkpoint(tmp_path, caplog):
    """macOS writes `._NAME` beside each file on exFAT and SMB; cloud drives write copies."""
    config = load_config(write_run(tmp_path, "training.max_steps=6"), working_dir=tmp_path)
    train(config)
    for name in ("._model.safetensors", "model (1).safetensors", ".DS_Store"):
        (tmp_path / "run/checkpoints/step_00000006" / name).write_bytes(b"Mac OS X")
    assert "already at step 6" in train(config).reason
    assert "damaged" not in caplog.text


def test_what_a_killed_process_did_not_come_to_remove_goes_at_the_next_start(tmp_path):
    """Killed after its last checkpoint, before it removed the oldest."""
    path = write_run(tmp_path, "checkpoints={every_steps: 3, keep_last: 2}")
    config, saved = load_config(path, working_dir=tmp_path), tmp_path / "run/checkpoints"
    train(config)
    names = sorted(item.name for item in saved.iterdir())
    assert names == ["step_00000009", "step_00000012"]
    shutil.copytree(saved / names[0], saved / "step_00000006")
    assert train(config).is_finished
    assert sorted(item.name for item in saved.iterdir()) == names


def test_when_all_are_damaged_nothing_is_overwritten(tmp_path):
    config = load_config(write_run(tmp_path), working_dir=tmp_path)
    train(config)
    for file in (tmp_path / "run/checkpoints").glob("*/state.json"):
        file.write_text("{}")
    with pytest.raises(CheckpointError, match=r"state.json is damaged"):
        train(config)
    assert len(list((tmp_path / "run/checkpoints").glob("step_*"))) == 2


def test_a_finished_run_says_so(uninterrupted):
    config = load_config(uninterrupted / "config.yaml", working_dir=uninterrupted)
    outcome = train(config)
    assert outcome.is_finished
    assert outcome.reason == "already at step 12 of 12; raise training.max_steps to continue"


def test_another_identity_is_refused_and_a_free_key_is_logged(tmp_path):
    path = write_run(tmp_path)
    train(load_config(path, ["training.max_steps=6"], working_dir=tmp_path))
    with pytest.raises(RunFolderError, match=r"(?s)holds another run: .*seed.*--fresh"):
        train(load_config(path, ["seed=7"], working_dir=tmp_path))
    train(load_config(path, ["training.max_steps=7"], working_dir=tmp_path))
    assert "training.max_steps" in (tmp_path / "run/train.log").read_text()


def fail_once_tokenizers_are_there(monkeypatch, config):
    def fail(*_, **__):
        raise DataError("no")

    with monkeypatch.context() as patch:
        patch.setattr("mtcli.training.corpus.open_or_build", fail)
        with pytest.raises(DataError):
            train(config)


def test_a_first_try_that_failed_does_not_stand_in_the_way(tmp_path, monkeypatch):
    path = write_run(tmp_path)
    fail_once_tokenizers_are_there(monkeypatch, load_config(path, working_dir=tmp_path))
    assert (tmp_path / "run/tokenizer").exists()
    changed = ["tokenizer.vocab_size=40", "training.max_steps=2"]
    assert train(load_config(path, changed, working_dir=tmp_path)).is_finished
    assert (
        "since the last invocation: tokenizer.vocab_size\n"
        in (tmp_path / "run/train.log").read_text()
    )
    assert load_config(tmp_path / "run/config.yaml").tokenizer.vocab_size == 40
    (trained,) = (tmp_path / "run/tokenizer").glob("*.model")
    assert SentencePieceTokenizer(trained).vocab_size == 40


def test_a_tokenizer_that_a_first_try_has_trained_may_be_named(tmp_path, monkeypatch):
    path = write_run(tmp_path)
    fail_once_tokenizers_are_there(monkeypatch, load_config(path, working_dir=tmp_path))
    (trained,) = (tmp_path / "run/tokenizer").glob("*.model")
    named = [f"tokenizer.model={trained}", "training.max_steps=2"]
    assert train(load_config(path, named, working_dir=tmp_path)).is_finished


def test_other_contents_under_the_same_names_are_refused(tmp_path):
    config = load_config(write_run(tmp_path), ["training.max_steps=6"], working_dir=tmp_path)
    train(config)
    longer = load_config(tmp_path / "config.yaml", working_dir=tmp_path)
    environment = (tmp_path / "run/environment.json").read_text()
    text = (tmp_path / "train.de").read_text()
    (tmp_path / "train.de").write_text(text.replace("BA", "CE", 1))
    with pytest.raises(
        CheckpointError, match=r"(?s)step 6 .*: the training pairs changed .*--fresh"
    ):
        train(longer)
    assert (tmp_path / "run/environment.json").read_text() == environment
    (tmp_path / "train.de").write_text(text)
    tokenizer = tmp_path / "run/tokenizer/tokenizer.model"
    pieces = tokenizer.read_bytes()
    train(
        load_config(
            tmp_path / "config.yaml",
            ["tokenizer.vocab_size=50", "run_dir=other"],
            working_dir=tmp_path,
        )
    )
    shutil.copy(tmp_path / "other/tokenizer/tokenizer.model", tokenizer)
    with pytest.raises(CheckpointError, match=r"step 6 .*: the tokenizer tokenizer.model changed"):
        train(longer)
    tokenizer.write_bytes(pieces)
    assert train(longer).is_finished


def test_other_validation_pairs_are_warned_of(tmp_path, caplog):
    train(load_config(write_run(tmp_path), ["training.max_steps=6"], working_dir=tmp_path))
    text = (tmp_path / "valid.de").read_text()
    (tmp_path / "valid.de").write_text(text.replace("BA", "CE", 1))
    assert train(load_config(tmp_path / "config.yaml", working_dir=tmp_path)).is_finished
    assert "the validation pairs have changed: scores before and after cannot be compared" in (
        caplog.text
    )


def test_checkpoints_that_do_not_tell_their_data_are_gone_on_with(tmp_path):
    train(load_config(write_run(tmp_path), ["training.max_steps=6"], working_dir=tmp_path))
    run = RunFolder(tmp_path / "run")
    edit_state(run.checkpoint(6), lambda state: state.pop("data"))
    assert train(load_config(tmp_path / "config.yaml", working_dir=tmp_path)).is_finished


@pytest.mark.parametrize(
    "mistake",
    ["data.valid[0].tgt=typo", "tokenizer.model=typo", "training.init_from=typo"],
)
def test_fresh_moves_nothing_for_a_mistyped_name(tmp_path, mistake):
    path = write_run(tmp_path)
    train(load_config(path, ["training.max_steps=2"], working_dir=tmp_path))
    with pytest.raises(MtcliError, match="typo"):
        train(load_config(path, [mistake], working_dir=tmp_path), fresh=True)
    assert (tmp_path / "run/best").exists()
    assert not (tmp_path / "run.1").exists()


def test_fresh_does_not_move_away_what_the_new_run_starts_from(tmp_path):
    path = write_run(tmp_path)
    train(load_config(path, ["training.max_steps=2"], working_dir=tmp_path))
    itself = load_config(path, ["training.init_from=run"], working_dir=tmp_path)
    with pytest.raises(
        ConfigError, match=r"step_00000002 is in the run folder that `--fresh` renames"
    ):
        train(itself, fresh=True)
    assert (tmp_path / "run/best").exists()
    assert not (tmp_path / "run.1").exists()


def test_a_mistyped_name_begins_no_run(tmp_path):
    with pytest.raises(DataError, match="typo does not exist"):
        train(load_config(write_run(tmp_path), ["data.valid[0].tgt=typo"], working_dir=tmp_path))
    assert not (tmp_path / "run").exists()


def test_a_copy_that_followed_the_links_resumes_exactly(uninterrupted, tmp_path):
    path = write_run(tmp_path, *FULL)
    train(load_config(path, ["training.max_steps=6"], working_dir=tmp_path))
    shutil.copytree(tmp_path / "run", tmp_path / "copy")  # follows links
    assert not (tmp_path / "copy/last").is_symlink()
    train(load_config(path, ["run_dir=copy"], working_dir=tmp_path))
    assert_same_run(uninterrupted / "run", tmp_path / "copy", 12)
    assert (tmp_path / "copy/last").readlink() == Path("checkpoints/step_00000012")
    assert (tmp_path / "copy/best").is_symlink()
    assert "it is a link again" in (tmp_path / "copy/train.log").read_text()


def test_training_in_another_thread(tmp_path):
    config = load_config(write_run(tmp_path), ["training.max_steps=2"], working_dir=tmp_path)
    with ThreadPoolExecutor() as threads:
        assert threads.submit(train, config).result().is_finished


def test_fresh_moves_the_old_run_aside_and_deletes_nothing(tmp_path):
    path = write_run(tmp_path)
    config = load_config(path, ["training.max_steps=6"], working_dir=tmp_path)
    train(config)
    old = sorted(p.name for p in (tmp_path / "run").rglob("*"))
    train(config, fresh=True)
    assert sorted(p.name for p in (tmp_path / "run.1").rglob("*")) == old
    assert (tmp_path / "run/best").exists()


def test_metrics_are_cut_back_to_the_checkpoint(tmp_path):
    path = write_run(tmp_path)
    train(load_config(path, ["training.max_steps=6"], working_dir=tmp_path))
    with (tmp_path / "run/metrics.jsonl").open("a") as file:
        file.write('{"kind": "step", "step": 8}\n{"kind": "st')  # a killed run's last words
    train(load_config(path, ["training.max_steps=8"], working_dir=tmp_path))
    lines = (tmp_path / "run/metrics.jsonl").read_text().split("\n")[:-1]
    steps = [json.loads(line)["step"] for line in lines]
    assert steps == [2, 4, 6, 6, 8, 8]


def test_the_best_model_outlives_newer_ones(tmp_path):
    path = write_run(
        tmp_path,
        "validation={every_steps: 2, best_by: loss}",
        "checkpoints.keep_last=1",
        "optim.lr=0.3",  # gets worse
    )
    train(load_config(path, working_dir=tmp_path))
    run = tmp_path / "run"
    assert [p.name for p in sorted((run / "checkpoints").glob("step_*"))] == ["step_00000012"]
    lines = map(json.loads, (run / "metrics.jsonl").read_text().split("\n")[:-1])
    losses = {m["step"]: m["loss_per_token"] for m in lines if m["kind"] == "validation"}
    best = min(losses, key=losses.get)
    assert best != 12
    assert (run / "best").readlink().name == f"step_{best:08d}"
    assert (run / "best" / "model.safetensors").exists()
    kept = {p.name for p in (run / "models").glob("step_*")}
    assert kept == {f"step_{best:08d}", "step_00000012"}


def test_two_runs_in_one_folder_are_refused(tmp_path):

    config = load_config(write_run(tmp_path), working_dir=tmp_path)
    with (
        locked(config.run_dir),
        pytest.raises(RunFolderError, match=r"is in use by another mtcli \(process \d+\)"),
    ):
        train(config)
