"""Files of a run obey the umask, and a file that may not be read is named with mode and owner."""

import json
import os
import shutil
import stat
import tempfile
from pathlib import Path

import pytest

from mtcli.config.load import load_config
from mtcli.interchange.export import export
from mtcli.runs.folder import RunFolder
from mtcli.training.setup import train
from mtcli.workflows.average import Choice, average_models
from tests.support.nobody import UID, run_as_nobody, run_as_root
from tests.support.small_run import write_run

# Run by root: each command as another user in a fork of this process, with one file closed.
RUN_ALL = """\
import io, json, os, sys
from mtcli.cli.app import app, load_command, COMMANDS
from mtcli.cli.errors import user_errors
import mtcli.engines.torch_loading, mtcli.evaluation.metrics, mtcli.translating.translator

uid = int(sys.argv[1])
for closed, arguments in json.loads(sys.argv[2]):
    mode = os.stat(closed).st_mode
    os.chmod(closed, 0o700 if os.path.isdir(closed) else 0o600)
    reading, writing = os.pipe()
    if os.fork() == 0:
        os.setgroups([]); os.setgid(uid); os.setuid(uid)
        code = 0
        sys.stdout = io.TextIOWrapper(io.BytesIO())
        sys.stderr = io.StringIO()
        try:
            with user_errors():
                app(arguments, prog_name="mtcli")
        except SystemExit as end:
            code = end.code
        except BaseException as error:
            code = repr(error)
        os.write(writing, json.dumps([code, sys.stderr.getvalue()]).encode())
        os._exit(0)
    os.close(writing)
    with open(reading) as report:
        print(report.read(), flush=True)
    os.wait()
    os.chmod(closed, mode & 0o7777)
"""


@pytest.fixture(scope="module")
def place():
    """A folder that everybody may read, unlike pytest's, with a run of root's and its text."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        (folder / "open").mkdir()
        (folder / "open").chmod(0o777)
        (folder / "open" / "answers").touch()
        config = write_run(folder, "training.max_steps=6")
        train(load_config(config, working_dir=folder))
        export(folder / "run", sources=["ba ce di"], threshold=0.0)
        export(folder / "run", output=folder / "exported", sources=["ba ce di"], threshold=0.0)
        # a run that everybody may resume
        shutil.copytree(folder / "run", folder / "theirs", symlinks=True)
        for path in (folder / "theirs", *(folder / "theirs").rglob("*")):
            if not path.is_symlink():
                path.chmod(0o777 if path.is_dir() else 0o666)
        yield folder


def modes(folder):
    return {
        str(path.relative_to(folder)): stat.S_IMODE(path.lstat().st_mode)
        for path in folder.rglob("*")
        if not path.is_symlink()
    }


@pytest.mark.parametrize(
    "umask", [0o022, *(pytest.param(m, marks=pytest.mark.slow) for m in (0o027, 0o002, 0o077))]
)
def test_all_files_of_a_run_obey_the_umask(tmp_path, umask):
    path = write_run(tmp_path, "training.max_steps=4", "validation.every_steps=2")
    before = os.umask(umask)
    try:
        train(load_config(path, working_dir=tmp_path))
        run = RunFolder(tmp_path / "run")
        average_models(run.path, Choice(last=2), tmp_path / "averaged", validates=False)
        export(run.path, sources=["ba ce di"], threshold=0.0)
    finally:
        os.umask(before)
    for folder in (run.path, tmp_path / ".cache", tmp_path / "averaged"):
        found = modes(folder)
        assert any(name.endswith(".safetensors") for name in found)
        wrong = {
            name: oct(mode)
            for name, mode in found.items()
            if mode != ((0o777 if (folder / name).is_dir() else 0o666) & ~umask)
        }
        assert wrong == {}


def test_another_users_model_translates_with_a_home_that_cannot_be_written(place):
    for arguments in (["-m", "run"], ["-m", "run", "--engine", "torch"], ["-m", "run/best"]):
        done = run_as_nobody(
            ["-m", "mtcli", "translate", "-q", *arguments], folder=place, input="ba ce\ndi\n"
        )
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout.count("\n") == 2


MODEL = "run/models/step_00000006"


@pytest.mark.parametrize("is_folder", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_a_file_that_may_not_be_read_is_named_with_mode_and_owner(place, is_folder):
    """The file itself, or a folder that it is in."""
    translate = ["translate", "-m", "run", "--engine", "torch", "--input", "valid.en"]
    pairs = ["--src", "valid.en", "--ref", "valid.de"]
    langs = ["--src-lang", "en", "--tgt-lang", "de"]
    resumed = ["--set", "run_dir=theirs", "--set", "training.max_steps=7"]
    calls = [
        ("config.yaml", ["train", "config.yaml"]),
        ("config.yaml", ["config", "show", "config.yaml"]),
        ("config.yaml", ["tokenizer", "train", "config.yaml", "--output-dir", "open/t"]),
        ("config.yaml", ["bench", "config.yaml"]),
        ("train.en", ["train", "config.yaml", "--check"]),
        ("train.de", ["train", "config.yaml", "--set", "run_dir=new"]),
        ("valid.en", ["train", "config.yaml", "--set", "run_dir=new"]),
        ("train.en", ["tokenizer", "train", "config.yaml", "--output-dir", "open/t"]),
        ("valid.en", translate),
        ("valid.en", ["eval", "-m", "run", *pairs]),
        ("valid.de", ["eval", "-m", "run", *pairs]),
        ("valid.de", ["eval", "--hyp", "valid.de", "--ref", "valid.en"]),
        ("valid.de", ["eval", "--hyp", "valid.en", "--ref", "valid.de"]),
        ("valid.de", ["score", "-m", "run", "--src", "valid.en", "--tgt", "valid.de"]),
        ("run/tokenizer/tokenizer.model", ["tokenizer", "encode", "--model", "{}"]),
        *(
            (f"{MODEL}/{name}", call)
            for name in ("MANIFEST.json", "model.json", "tokenizer.model", "model.safetensors")
            for call in (
                translate,
                ["eval", "-m", "run", *pairs],
                ["score", "-m", "run", "--src", "valid.en", "--tgt", "valid.de"],
                ["export", "-m", "run", "--output", "e", "--verify-on", "valid.en"],
                ["average", "-m", "run", "--last", "1", "--output", "a"],
            )
        ),
        (
            f"{MODEL}/ctranslate2/model.bin",
            ["translate", "-m", "run", "--engine", "ctranslate2", "--input", "valid.en"],
        ),
        (
            "run/config.yaml",
            ["average", "-m", "run", "--last", "1", "--output", "a", "--validate"],
        ),
        (f"{MODEL}/generation.json", translate),
        (
            f"{MODEL}/ctranslate2/mtcli.json",
            ["translate", "-m", "run", "--engine", "ctranslate2", "--input", "valid.en"],
        ),
        ("exported/model.bin", ["translate", "-m", "exported", "--input", "valid.en"]),
        (
            "train.en",
            ["init", "--src", "train.en", "--tgt", "train.de", "-o", "open/c.yaml", *langs],
        ),
        ("valid.en", ["export", "-m", "run", "--output", "e", "--verify-on", "valid.en"]),
        (
            "run/metrics.jsonl",
            ["average", "-m", "run", "--last", "1", "--output", "a", "--validate"],
        ),
        ("open/answers", [*translate, "--output", "open/answers", "--resume"]),
        ("open/answers", [*translate, "--output", "open/answers"]),
        ("open/answers", ["eval", "-m", "run", *pairs, "--output", "open/answers"]),
        *(
            (f"theirs/{name}", ["train", "config.yaml", *resumed])
            for name in (
                "checkpoints/step_00000006/MANIFEST.json",
                "checkpoints/step_00000006/state.json",
                "checkpoints/step_00000006/model.safetensors",
                "metrics.jsonl",
            )
        ),
    ]
    requests = []
    for name, arguments in calls:
        closed = (place / name).parent if is_folder and "/" in name else place / name
        requests.append([str(closed), [argument.format(name) for argument in arguments]])
    done = run_as_root(["-c", RUN_ALL, str(UID), json.dumps(requests)], folder=place)
    ends = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(ends) == len(requests), done.stderr
    wrong = []
    for (closed, call), (code, text) in zip(requests, ends, strict=True):
        mode = "0700" if Path(closed).is_dir() else "0600"
        who = f"mode {mode}, owner root; you are nobody)"
        if code != 2 or who not in text or Path(closed).name not in text:
            wrong.append((closed, call, code, text))
    assert wrong == [], wrong[-1]
    assert not list(place.glob("[aet]"))
