"""A run that diverges: nothing of it is saved, and it returns to a checkpoint if that is wanted."""

import json
import re

import pytest
import torch
from safetensors.torch import load_file, save_file

from mtcli.config.load import load_config
from mtcli.errors import CheckpointError, ConfigError, DivergedError, ExitCode
from mtcli.folders import sha256_of
from mtcli.training.finite import first_not_finite
from mtcli.training.observers.protocol import Observer
from mtcli.training.setup import train
from tests.invariants.test_resume import assert_same_run, stop_at
from tests.support.small_run import write_run

EVERY = "checkpoints={every_steps: 2, keep_last: 9}"
ROLLBACK = "training.on_divergence={action: rollback, lr_factor: 0.5, max_times: 2}"


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
@pytest.mark.parametrize("value", [torch.nan, torch.inf, -torch.inf])
def test_every_value_that_is_not_finite_is_found_wherever_it_is(dtype, value):
    largest = torch.finfo(dtype).max
    whole = {
        "extremes": torch.tensor([[largest, -largest], [0.0, -0.0]], dtype=dtype),
        "none": torch.zeros(0, dtype=dtype),
        "count": torch.tensor([3]),
        "last": torch.zeros(2, 3, 5, dtype=dtype),
    }
    assert first_not_finite(whole) is None
    for place in (0, 13, 29):
        bad = whole["last"].clone()
        bad.view(-1)[place] = value
        assert first_not_finite(whole | {"last": bad}) == "last"


def saved(folder):
    """What is in the run folder, without files that say nothing of the state."""
    kinds = ("checkpoints", "models", "stopped/checkpoints", "stopped/models")
    return {
        f"{kind}/{path.name}"
        for kind in kinds
        if (folder / "run" / kind).exists()
        for path in (folder / "run" / kind).iterdir()
    }


# The learning rate alone makes these: what overflows in the first update is the weights, or what
# is computed from them.
TOO_LARGE = {
    "weights that overflow": ("optim.lr=1e40", r"`\w+[\w.]*` is no longer finite at step {}"),
    "weights that make the loss overflow": (
        "optim.lr=1e30",
        "the loss of the validation is not a finite number at step {}",
    ),
}


@pytest.mark.parametrize(
    ("kind", "every_steps"),
    [*((kind, 1) for kind in TOO_LARGE), ("weights that overflow", 3)],
)
def test_divergence_saves_nothing_and_says_what_is_intact(tmp_path, kind, every_steps):
    """A validation right after, or a few updates later: then the loss itself was looked at."""
    path = write_run(tmp_path)
    config = load_config(path, ["training.max_steps=4"], working_dir=tmp_path)
    train(config)
    before = saved(tmp_path)
    lr, sentence = TOO_LARGE[kind]
    changed = load_config(
        path,
        [lr, f"validation.every_steps={4 + every_steps}", "training.log_every_steps=50"],
        working_dir=tmp_path,
    )
    with pytest.raises(DivergedError) as caught:
        train(changed)
    assert caught.value.exit_code == ExitCode.DIVERGED
    if every_steps > 1:
        sentence = "the loss or its gradient is not a finite number at step {}"
    end = r"; the checkpoint of step 4 is intact\nhint: try a lower `optim.lr`"
    assert re.match(sentence.format(4 + every_steps) + end, str(caught.value)), str(caught.value)
    assert saved(tmp_path) == before
    metrics = (tmp_path / "run/metrics.jsonl").read_text()
    assert "NaN" not in metrics
    assert "Infinity" not in metrics


@pytest.mark.parametrize("stop", ["signal", "budget"])
def test_a_stop_saves_nothing_of_a_run_that_has_diverged(tmp_path, stop):
    config = load_config(
        write_run(
            tmp_path, "optim.lr=1e40", "validation.every_steps=12", "training.log_every_steps=50"
        ),
        working_dir=tmp_path,
    )
    with pytest.raises(DivergedError, match="is no longer finite at step 3; no checkpoint exists"):
        stop_at(config, tmp_path, 3, stop)
    assert saved(tmp_path) == set()


def spoil(checkpoint, file, name, value):
    """Put a value into a tensor of a checkpoint, and make the manifest agree."""
    path, manifest = checkpoint / f"{file}.safetensors", checkpoint / "MANIFEST.json"
    tensors = load_file(path)
    tensors[name].view(-1)[-1] = value
    save_file(tensors, path)
    content = json.loads(manifest.read_text())
    content["files"][path.name] = {"size_bytes": path.stat().st_size, "sha256": sha256_of(path)}
    manifest.write_text(json.dumps(content))


def test_resuming_passes_over_checkpoints_that_are_not_finite(tmp_path, caplog):
    """Earlier versions saved them, and called them intact."""
    whole, spoiled = tmp_path / "whole", tmp_path / "spoiled"
    for folder in (whole, spoiled):
        folder.mkdir()
        path = write_run(folder, EVERY, "training.ema_decay=0.9")
        if folder == spoiled:
            train(load_config(path, ["training.max_steps=8"], working_dir=folder))
            run = folder / "run/checkpoints"
            weight = min(load_file(run / "step_00000008/model.safetensors"))
            spoil(run / "step_00000008", "model", weight, torch.inf)
            spoil(run / "step_00000006", "optimizer", f"exp_avg_sq/{weight}", torch.nan)
            spoil(run / "step_00000004", "ema", weight, -torch.inf)
        train(load_config(path, working_dir=folder))
    assert_same_run(whole / "run", spoiled / "run", 12)
    for step, name, part in (
        (8, weight, "model"),
        (6, f"exp_avg_sq/{weight}", "optimizer"),
        (4, weight, "ema"),
    ):
        assert (
            f"skipping a damaged checkpoint: {run / f'step_{step:08d}'} is not usable: `{name}` of"
            f" its part `{part}` is not finite, because the run had diverged"
        ) in caplog.text
    for step in (2, 4, 6, 8, 10, 12):
        spoil(run / f"step_{step:08d}", "model", weight, torch.nan)
    with pytest.raises(
        CheckpointError, match=r"(?s)is not finite.*hint: start over with `--fresh`"
    ):
        train(load_config(path, ["training.max_steps=20"], working_dir=folder))


# ------------------------------------------------------------------------------------- rollback


@pytest.fixture
def diverging(monkeypatch):
    """Updates that overflow at some steps while the learning rate is above a limit."""
    limits = {}

    def diverge(at):
        limits.clear()
        limits.update(at)

    import mtcli.training.loop as loop

    real = loop.train_step

    def train_step(parts, micro_batches, num_tokens, settings):
        stats = real(parts, micro_batches, num_tokens, settings)
        (lr, *_) = parts.optimizers.rates().values()
        steps = [int(s["step"]) for o in parts.optimizers.parts for s in o.state.values()]
        if steps and lr > limits.get(max(steps), 1.0):
            with torch.no_grad():
                next(parts.model.parameters()).view(-1)[0] = torch.inf
        return stats

    monkeypatch.setattr(loop, "train_step", train_step)
    return diverge


# inverse_sqrt with 5 steps of warm-up and a peak of 5e-3: 4.2e-3 at step 7, 3.5e-3 at step 10
ONCE = {7: 3e-3}
TWICE = {7: 3e-3, 10: 1e-3}


@pytest.fixture
def rolled_back(tmp_path, diverging):
    """A run that rolls back twice, uninterrupted."""
    diverging(TWICE)
    folder = tmp_path / "whole"
    folder.mkdir()
    config = load_config(write_run(folder, EVERY, ROLLBACK), working_dir=folder)
    assert train(config).is_finished
    return folder


def progress_of(folder, step):
    path = folder / f"run/checkpoints/step_{step:08d}/state.json"
    return json.loads(path.read_text())["progress"]


def test_a_rollback_lowers_the_rate_from_the_checkpoint_on_and_is_logged(rolled_back):
    log = (rolled_back / "run/train.log").read_text()
    for at, to, number, ratio in ((8, 6, 1, 0.5), (10, 8, 2, 0.25)):
        assert (
            f"rolled back from step {at} to step {to} ({number} of at most 2 times); the learning"
            f" rate is {ratio:g} of the schedule's from here"
        ) in log
    for step, number, ratio in ((6, 0, 1.0), (8, 1, 0.5), (10, 2, 0.25), (12, 2, 0.25)):
        progress = progress_of(rolled_back, step)
        assert (progress["num_rollbacks"], progress["lr_ratio"]) == (number, ratio)
    lines = (rolled_back / "run/metrics.jsonl").read_text().splitlines()
    reports = {m["step"]: m["lr"] for m in map(json.loads, lines) if m["kind"] == "step"}
    schedule = {step: 5e-3 * min(step / 5, (5 / step) ** 0.5) for step in reports}
    ratios = {step: reports[step] / schedule[step] for step in reports}
    assert ratios == pytest.approx({2: 1, 4: 1, 6: 1, 8: 0.5, 10: 0.25, 12: 0.25})
    assert len(lines) == len(reports) + 2  # the validations of steps 6 and 12, each once


class Kill(Observer):
    """Ends the process, so to say, after a number of updates: nothing is saved any more."""

    def __init__(self, after):
        self.left = after

    def stepped(self, step, total_steps):
        self.left -= 1
        if self.left == 0:
            raise KeyboardInterrupt


@pytest.mark.parametrize(
    "kills",
    [
        [8, 1, 3, 3],
        *(
            pytest.param(kills, marks=pytest.mark.slow)
            for kills in ([7], [8], [9], [11], [12], [13], [14], [3, 5, 4])
        ),
    ],
    ids=str,
)
def test_a_run_that_was_killed_around_rollbacks_ends_the_same(rolled_back, tmp_path, kills):
    """It makes 8 updates, 2 and 2 more until the second rollback, then 4."""
    folder = tmp_path / "killed"
    folder.mkdir()
    config = load_config(write_run(folder, EVERY, ROLLBACK), working_dir=folder)
    for after in kills:
        with pytest.raises(KeyboardInterrupt):
            train(config, observers=[Kill(after)])
    assert train(config).is_finished
    assert_same_run(rolled_back / "run", folder / "run", 12)


def test_a_run_that_was_stopped_around_rollbacks_ends_the_same(rolled_back, tmp_path):
    """From step 10 it returns to step 8, although the stop saved step 9."""
    folder = tmp_path / "stopped"
    folder.mkdir()
    config = load_config(write_run(folder, EVERY, ROLLBACK), working_dir=folder)
    for step, stop in ((5, "signal"), (9, "budget"), (11, "signal")):
        stop_at(config, folder, step, stop)
    assert train(config).is_finished
    assert_same_run(rolled_back / "run", folder / "run", 12)


def test_what_a_stop_saved_is_returned_to_if_there_is_nothing_else(tmp_path, diverging):
    diverging({5: 1e-3})
    config = load_config(write_run(tmp_path, ROLLBACK), working_dir=tmp_path)
    stop_at(config, tmp_path, 3)
    with pytest.raises(DivergedError, match="rolled back 2 times before"):
        train(config)
    log = (tmp_path / "run/train.log").read_text()
    assert log.count("to step 3 (") == 2


def test_after_so_many_times_it_is_over(tmp_path, diverging):
    diverging({7: 1e-9})
    config = load_config(write_run(tmp_path, EVERY, ROLLBACK), working_dir=tmp_path)
    with pytest.raises(DivergedError) as caught:
        train(config)
    assert "the run was rolled back 2 times before (`training.on_divergence.max_times`)" in str(
        caught.value
    )
    assert "the checkpoint of step 6 is intact" in str(caught.value)
    assert max(saved(tmp_path)) == "models/step_00000006"


def test_without_a_checkpoint_there_is_nothing_to_roll_back_to(tmp_path, diverging):
    diverging({3: 0.0})
    config = load_config(write_run(tmp_path, ROLLBACK), working_dir=tmp_path)
    with pytest.raises(
        DivergedError, match=r"(?s)no checkpoint exists.*hint: set `checkpoints\.ev"
    ):
        train(config)


def test_a_checkpoint_of_an_earlier_mtcli_can_be_rolled_back_to(tmp_path, diverging):
    """It does not know how often the run was."""
    diverging(ONCE)
    path = write_run(tmp_path, EVERY, ROLLBACK)
    train(load_config(path, ["training.max_steps=6"], working_dir=tmp_path))
    checkpoint = tmp_path / "run/checkpoints/step_00000006"
    state = json.loads((checkpoint / "state.json").read_text())
    del state["progress"]["num_rollbacks"], state["progress"]["lr_ratio"]
    (checkpoint / "state.json").write_text(json.dumps(state))
    manifest = json.loads((checkpoint / "MANIFEST.json").read_text())
    manifest["files"]["state.json"] = {
        "size_bytes": (checkpoint / "state.json").stat().st_size,
        "sha256": sha256_of(checkpoint / "state.json"),
    }
    (checkpoint / "MANIFEST.json").write_text(json.dumps(manifest))
    assert train(load_config(path, working_dir=tmp_path)).is_finished
    assert progress_of(tmp_path, 12)["lr_ratio"] == 0.5


@pytest.mark.parametrize("value", ["0", "1", "1.5", "-0.5"])
def test_a_factor_that_does_not_lower_the_rate_is_refused(tmp_path, value):
    with pytest.raises(ConfigError, match=r"training\.on_divergence\.lr_factor"):
        load_config(write_run(tmp_path), [f"training.on_divergence.lr_factor={value}"])
