"""Checkpoints on disk: bit for bit, and what is said of those that do not fit."""

import math
import re

import pytest
import torch
from safetensors.torch import save_file

from mtcli.distributed.world import World
from mtcli.errors import CheckpointError
from mtcli.folders import new_folder, write_json
from mtcli.runs.folder import RunFolder
from mtcli.training.checkpoint import read_checkpoint, write_checkpoint
from mtcli.training.fingerprints import DataFingerprints
from mtcli.training.resuming import resume
from mtcli.training.state import RunState, Weights
from tests.support.models import tiny_model


class Part:
    def __init__(self, state=None):
        self.state = state

    def state_dict(self):
        return self.state

    def load_state_dict(self, state):
        self.state = state


def test_tensors_and_values_come_back_bit_for_bit(tmp_path):
    generator = torch.Generator().manual_seed(0)
    state = {
        "half": torch.randn(3, 2, generator=generator).bfloat16().mT,
        "count": torch.tensor(7),
        "third": 1 / 3,
        "tiny": math.ulp(0.0),
        "nested": {"list": [1, None, "ä"]},
    }
    write_checkpoint(tmp_path / "saved", 5, {"part": Part(state), "empty": Part({})}, World())
    checkpoint, part, empty = read_checkpoint(tmp_path / "saved"), Part(), Part()
    checkpoint.restore({"empty": empty, "part": part})
    assert (checkpoint.step, empty.state) == (5, {})
    assert part.state.keys() == state.keys()
    for name in ("half", "count"):
        assert torch.equal(part.state.pop(name), state.pop(name)), name
    assert part.state == state


def test_a_part_that_is_new_keeps_what_it_starts_with(tmp_path):
    write_checkpoint(tmp_path / "saved", 5, {"part": Part({})}, World())
    new = Part("initial")
    read_checkpoint(tmp_path / "saved").restore({"new": new})
    assert new.state == "initial"


def test_only_the_main_process_writes(tmp_path):
    class Second(World):
        is_main = False

    write_checkpoint(tmp_path / "saved", 5, {"part": Part({})}, Second())
    assert not (tmp_path / "saved").exists()


def test_names_of_the_header_are_no_names_of_parts(tmp_path):
    with pytest.raises(ValueError, match="no part may be called one of: format_version, step"):
        write_checkpoint(tmp_path / "saved", 5, {"step": Part({})}, World())
    assert not (tmp_path / "saved").exists()


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ({"format_version": 2}, "state.json: damaged, it has no format_version or step"),
        (
            {"format_version": 3, "step": 1},
            "has format_version 3, but this mtcli reads versions up to 2\n"
            "hint: upgrade mtcli; a newer version wrote this",
        ),
    ],
)
def test_a_header_that_is_damaged_or_newer(tmp_path, content, sentence):
    with new_folder(tmp_path / "saved") as folder:
        write_json(folder / "state.json", content)
    with pytest.raises(CheckpointError, match=re.escape(sentence)):
        read_checkpoint(tmp_path / "saved")


def test_tensors_that_cannot_be_read(tmp_path):
    with new_folder(tmp_path / "saved") as folder:
        write_json(folder / "state.json", {"format_version": 2, "step": 1})
        (folder / "model.safetensors").write_bytes(b"none")
    with pytest.raises(CheckpointError, match="saved: damaged, cannot be read"):
        read_checkpoint(tmp_path / "saved")


def test_weights_of_another_model_are_refused(tmp_path):
    model = tiny_model("pre-norm")
    state = Weights(model).state_dict()
    with new_folder(tmp_path / "saved") as folder:
        write_json(folder / "state.json", {"format_version": 2, "step": 4})
        save_file(state | {"extra": torch.zeros(1)}, folder / "model.safetensors")
    sentence = (
        "the checkpoint of step 4 does not fit this run: only the model of the checkpoint has the"
        " weight `extra`"
    )
    with pytest.raises(CheckpointError, match=sentence):
        read_checkpoint(tmp_path / "saved").restore({"model": Weights(model)})
    del state["shared_embed.weight"]
    with pytest.raises(CheckpointError, match="only the model of the config has the weight"):
        Weights(model).load_state_dict(state)


def test_every_process_reads_the_checkpoint_that_the_first_has_chosen(tmp_path):
    class Second(World):
        is_main = False

        def broadcast_object(self, item):
            return tmp_path / "run/checkpoints/step_00000004"

    with pytest.raises(CheckpointError, match=r"rank 0 cannot read .*step_00000004.*\nhint: put"):
        resume(RunFolder(tmp_path / "run"), RunState.__new__(RunState), Second())


def test_other_data_is_refused_and_other_validation_pairs_are_not(caplog):
    now = DataFingerprints({"the training pairs": "a" * 20, "the validation pairs": "b"})
    now.load_state_dict({"the training pairs": "a" * 20, "the validation pairs": "c"})
    assert "the validation pairs have changed: scores before and after cannot be" in caplog.text
    sentence = (
        f"the training pairs changed since then (fingerprint {'d' * 16} then, {'a' * 16} now)"
    )
    with pytest.raises(CheckpointError, match=re.escape(sentence)):
        now.load_state_dict({"the training pairs": "d" * 20})
