"""Sharded over two processes: the updates of one, its checkpoints, and a scaler that all obey."""

import json
import runpy
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file as load_arrays
from safetensors.torch import load_file

from mtcli.config.load import load_config
from mtcli.distributed.fsdp import gather, gather_on_main, scatter
from mtcli.distributed.world import World
from mtcli.model.seq2seq import PassSettings
from mtcli.training.setup import train
from tests.support.small_run import write_run
from tests.support.warm import PYTHON_M, run_ranks

PROGRAM = Path(__file__).parent / "workers" / "fsdp_program.py"
KINDS = ["adamw", "adam", "sgd", "muon", "tuned"]
# A large eps: where the gradient is rounding error (biases of keys), Adam would follow its sign.
NO_DROPOUT = ("model.dropout=0.0", "optim.eps=0.01", "training.ema_decay=0.9")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """What two sharded processes have written."""
    folder = tmp_path_factory.mktemp("fsdp")
    ranks = run_ranks([*PYTHON_M, "tests.distributed.workers.fsdp_program", folder], 2)
    assert [rank.returncode for rank in ranks] == [0, 0], [rank.stderr for rank in ranks]
    return folder


@pytest.fixture(scope="module")
def updates():
    """(kind, settings) -> what one process has after the same updates."""
    found = runpy.run_path(str(PROGRAM), run_name="imported")["updates"]
    return lambda kind, settings=PassSettings(): found(kind, World(), settings)


# --------------------------------------------------------------------------------------- updates


@pytest.mark.parametrize("kind", KINDS)
def test_the_updates_are_those_of_one_process(folder, updates, kind):
    """Accumulated, on uneven ranks, one micro-batch empty; averages and optimizer state, too."""
    alone = updates(kind)
    for rank in range(2):
        together = load_file(folder / f"{kind}.{rank}.safetensors")
        assert together.keys() == alone.keys()
        for name, tensor in alone.items():
            torch.testing.assert_close(together[name], tensor, rtol=1e-6, atol=1e-9, msg=name)


def test_two_passes_are_those_of_one_process(folder, updates):
    alone = updates("adamw", PassSettings(rdrop_alpha=2.0))
    together = load_file(folder / "rdrop.0.safetensors")
    for name, tensor in alone.items():
        torch.testing.assert_close(together[name], tensor, rtol=1e-6, atol=1e-9, msg=name)


def test_layers_that_are_recomputed_give_the_same_updates(folder):
    kept, recomputed = (
        load_file(folder / f"{name}.0.safetensors") for name in ("adamw", "recomputed")
    )
    for name, tensor in kept.items():
        torch.testing.assert_close(recomputed[name], tensor, rtol=0, atol=0, msg=name)


def test_each_process_may_skip_other_layers(folder):
    """All gather all layers, or one would wait for ever for a part that never comes."""
    one, other = (load_file(folder / f"skipped.{rank}.safetensors") for rank in range(2))
    assert all(torch.equal(one[name], other[name]) for name in one)
    assert all(torch.isfinite(tensor).all() for tensor in one.values())


@pytest.fixture(scope="module")
def results(folder):
    return [json.loads((folder / f"{rank}.json").read_text()) for rank in range(2)]


def test_each_process_holds_half(results):
    one, other = (result["held"] for result in results)
    assert one["num_weights"] + other["num_weights"] == one["num_weights_of_all"]
    assert 0.4 < one["num_weights"] / one["num_weights_of_all"] < 0.6
    assert one["on_main"] > 0
    assert other["on_main"] == 0


def test_gradients_stay_local_until_the_last_micro_batch(results):
    for result in results:
        assert result["held"]["has_local_gradients_only"]
        assert result["held"]["has_gradients"]


@pytest.mark.parametrize("what", ["restored", "started_from"])
def test_whole_weights_and_optimizer_state_are_taken_over(results, what):
    assert [result[what] for result in results] == [True, True]


def test_an_infinity_in_one_shard_is_noticed_by_all(results):
    """No weight moves anywhere, and the loss scale falls everywhere."""
    assert results[0]["scaled"] == results[1]["scaled"]
    (scale, num_unmoved, _), (later_scale, num_unmoved_later, num_all) = results[0]["scaled"]
    assert (scale, num_unmoved) == (4.0, 0)
    assert (later_scale, num_unmoved_later) == (2.0, num_all)


def test_what_is_not_sharded_is_left_as_it_is():
    plain, whole = torch.zeros(3), torch.ones(3)
    assert gather(plain) is plain
    assert scatter(whole, like=plain) is whole
    assert gather_on_main({"a": plain}, World())["a"] is plain
    assert gather_on_main({"a": plain}, World(rank=1, size=2)) == {}


# ------------------------------------------------------------------------------------------- runs


def train_sharded(folder, max_steps):
    overrides = ["training.parallel=fsdp", f"training.max_steps={max_steps}"]
    command = [*PYTHON_M, "mtcli", "train", "config.yaml", "--nproc", "2"]
    command += [part for override in overrides for part in ("--set", override)]
    main, other = run_ranks(command, 2, cwd=folder)
    assert (main.returncode, other.returncode) == (0, 0), main.stderr + other.stderr
    return main.stderr


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """One run on one process, one that is sharded but for a part on one process in between."""
    whole, changing = (tmp_path_factory.mktemp(name) for name in ("whole", "changing"))
    train(load_config(write_run(whole, *NO_DROPOUT), working_dir=whole))
    path = write_run(changing, *NO_DROPOUT)
    logs = [train_sharded(changing, 5)]
    train(load_config(path, ["training.max_steps=9"], working_dir=changing))
    logs.append(train_sharded(changing, 12))
    return whole, changing, logs


def test_a_run_may_change_between_sharded_and_whole(runs):
    """Weights, averages and optimizer state have the names, shapes and values of one process."""
    whole, changing, logs = runs
    assert "are sharded over 2" in logs[0]
    assert "resuming from the checkpoint of step 9" in logs[1]
    for file in ("model", "optimizer", "ema"):
        want, got = (
            load_arrays(f / f"run/checkpoints/step_00000012/{file}.safetensors")
            for f in (whole, changing)
        )
        assert {k: a.shape for k, a in got.items()} == {k: a.shape for k, a in want.items()}
        for name, array in want.items():
            np.testing.assert_allclose(got[name], array, rtol=2e-3, atol=2e-5, err_msg=name)


def test_the_model_of_a_sharded_run_is_its_average(runs):
    _, changing, _ = runs
    average = load_arrays(changing / "run/checkpoints/step_00000012/ema.safetensors")
    model = load_arrays(changing / "run/models/step_00000012/model.safetensors")
    assert model.keys() == average.keys()
    assert all(np.array_equal(model[name], average[name]) for name in model)


def test_one_process_shares_nothing(runs, tmp_path):
    whole, _, _ = runs
    overrides = ["training.parallel=fsdp"]
    train(load_config(write_run(tmp_path, *NO_DROPOUT), overrides, working_dir=tmp_path))
    want, got = (
        load_arrays(f / "run/checkpoints/step_00000012/model.safetensors")
        for f in (whole, tmp_path)
    )
    assert all(np.array_equal(got[name], want[name]) for name in want)
