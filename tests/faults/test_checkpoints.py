"""Damage by file and kind: checkpoints, the other files of a run, model folders."""

import contextlib
import io
import random
import shutil
from itertools import product
from pathlib import Path

import pytest

from tests.faults.damages import DAMAGES, restore
from tests.faults.fault import fault
from tests.faults.small_training import STEPS, content_of, end_of, train

pytestmark = pytest.mark.slow
NEWEST = f"checkpoints/step_{STEPS:08d}"
CHECKPOINT_FILES = ("MANIFEST.json", "state.json", "model.safetensors", "optimizer.safetensors")
RUN_FILES = (
    "last",
    "best",
    "config.yaml",
    "metrics.jsonl",
    "split.json",
    "environment.json",
    "data_report.json",
    "tokenizer_report.json",
    "tokenizer/tokenizer.model",
    "train.log",
    ".lock",
)
MODEL_FILES = (
    "MANIFEST.json",
    "model.json",
    "generation.json",
    "scores.json",
    "tokenizer.model",
    "model.safetensors",
    "README.md",
)


def damage(path: Path, kind: str, what: str) -> None:
    DAMAGES[kind](path, random.Random(what))


def test_the_newest_checkpoint(undisturbed, tmp_path):
    with fault("damage to the newest checkpoint", codes={0}) as tries:
        for name, kind in tries.chosen(list(product(CHECKPOINT_FILES, DAMAGES)), quick=3):
            what = f"{name}: {kind}"
            folder = undisturbed.copy(tmp_path / "run", trained=True)
            damage(folder / "run" / NEWEST / name, kind, what)
            resumed = train(folder)
            is_said = "damaged" in resumed.stderr and NEWEST in resumed.stderr
            tries.note(
                what,
                codes=[resumed.returncode],
                said=resumed.stderr,
                is_exact=end_of(folder / "run") == undisturbed.end,
                lost="" if is_said else "the damage is not said",
            )
            shutil.rmtree(folder)


def test_all_checkpoints(undisturbed, tmp_path):
    """The run is refused and kept; put right, it is resumed."""
    with fault("damage to all checkpoints", codes={0, 2}) as tries:
        for name, kind in tries.chosen(list(product(CHECKPOINT_FILES, DAMAGES)), quick=1):
            what = f"{name}: {kind}"
            folder = undisturbed.copy(tmp_path / "run", trained=True)
            checkpoints = sorted((folder / "run/checkpoints").iterdir())
            for checkpoint in checkpoints:
                damage(checkpoint / name, kind, what)
            refused = train(folder)
            for checkpoint in checkpoints:
                original = undisturbed.folder / checkpoint.relative_to(folder) / name
                restore(checkpoint / name, original)
            resumed = train(folder)
            tries.note(
                what,
                codes=[refused.returncode, resumed.returncode],
                said=refused.stderr,
                is_exact=end_of(folder / "run") == undisturbed.end,
                lost="" if refused.returncode == 2 else "the damage is not said",
            )
            shutil.rmtree(folder)


def test_the_other_files_of_a_run(undisturbed, tmp_path):
    """Training goes on exactly, or says which file it is; put right, the run is exact."""
    with fault("damage to another file of a run", codes={0, 2}) as tries:
        for name, kind in tries.chosen(list(product(RUN_FILES, DAMAGES)), quick=4):
            what = f"{name}: {kind}"
            folder = undisturbed.copy(tmp_path / "run", trained=True)
            shutil.rmtree(folder / "run" / NEWEST)
            path = folder / "run" / name
            if path.is_symlink():
                path.unlink()
                path.write_bytes(b"was a link")
            damage(path, kind, what)
            first = train(folder)
            is_said = Path(name).name in first.stderr
            end, codes = end_of(folder / "run"), [first.returncode]
            if first.returncode == 2:
                restore(path, undisturbed.folder / "run" / name)
                codes.append(train(folder).returncode)
                end = end_of(folder / "run")
            tries.note(
                what,
                codes=codes,
                said=first.stderr,
                # scores that were damaged, and said to be, cannot come back
                is_exact=None if is_said and codes == [0] else end == undisturbed.end,
                lost="" if is_said or codes == [0] else "the file is not named",
            )
            shutil.rmtree(folder)


STRANGERS = {
    "macOS, on exFAT": ["{}/._model.safetensors", "{}/.DS_Store", "checkpoints/._x"],
    "Windows": ["{}/Thumbs.db", "{}/desktop.ini", "checkpoints/desktop.ini"],
    "a cloud drive": ["{}/model (1).safetensors", "{}/state (1).json", "metrics (1).jsonl"],
    "an editor": ["{}/state.json~", "{}/.state.json.swp", "config.yaml~"],
    "NFS": ["{}/.nfs0000000000000001", "checkpoints/.nfs1", "models/.nfs1"],
    "a user": ["{}/notes.txt", "checkpoints/old.zip", "models/keep_me", "notes.md"],
}


def test_files_of_other_programs(undisturbed, tmp_path):
    """They cost no checkpoint and no word."""
    with fault("files of other programs in a run", codes={0}) as tries:
        for program, names in tries.chosen(list(STRANGERS.items()), quick=2):
            folder = undisturbed.copy(tmp_path / "run", trained=True)
            shutil.rmtree(folder / "run" / NEWEST)
            for name in names:
                path = folder / "run" / name.format(NEWEST.replace("6", "5"))
                path.write_bytes(b"\x00\x05\x16\x07Mac OS X")
            resumed = train(folder)
            lost = "a checkpoint is passed over" if "damaged" in resumed.stderr else ""
            for name in names:
                if "{}" not in name:  # what is in a checkpoint goes with it
                    path = folder / "run" / name
                    lost = lost or ("" if path.exists() else f"{name} was removed")
                    path.unlink(missing_ok=True)
            tries.note(
                program,
                codes=[resumed.returncode],
                said=resumed.stderr,
                is_exact=end_of(folder / "run") == undisturbed.end,
                lost=lost,
            )
            shutil.rmtree(folder)


def call(arguments: list[str]) -> tuple[int, str]:
    """Exit code and standard error of `mtcli ARGUMENTS`, run in this process."""
    from mtcli.cli.app import app
    from mtcli.cli.errors import user_errors

    said = io.StringIO()
    with contextlib.redirect_stderr(said), contextlib.redirect_stdout(io.StringIO()):
        try:
            with user_errors():
                app(arguments, prog_name="mtcli")
        except SystemExit as end:
            return int(end.code or 0), said.getvalue()
    return 0, said.getvalue()


def test_a_model_folder(undisturbed, tmp_path):
    """It is refused, and the file named, or it translates as before."""
    model, output = tmp_path / "model", tmp_path / "out"
    original = undisturbed.folder / "run/models" / f"step_{STEPS:08d}"
    shutil.copytree(original, model)
    translate = ["translate", "-m", str(model), "-i", str(undisturbed.folder / "valid.en")]
    translate += ["-o", str(output), "--engine", "torch", "-q"]
    assert call(translate) == (0, "")
    wanted = output.read_bytes()
    with fault("damage to a model folder", codes={0, 2}) as tries:
        for name, kind in tries.chosen(list(product(MODEL_FILES, DAMAGES)), quick=10):
            output.unlink(missing_ok=True)
            damage(model / name, kind, f"{name}: {kind}")
            code, said = call(translate)
            restore(model / name, original / name)
            is_refused = code == 2 and not output.exists()
            tries.note(
                f"{name}: {kind}",
                codes=[code],
                said=said,
                is_exact=None if is_refused else content_of(output) == wanted,
                lost="" if code == 0 or name in said else f"{name} is not named: {said}",
            )
