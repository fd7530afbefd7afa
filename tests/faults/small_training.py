"""A small training to throw faults at: six updates, a checkpoint after each, two validations."""

import hashlib
import json
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.support import warm
from tests.support.small_run import write_corpus, write_run

STEPS = 6
OVERRIDES = (
    f"training.max_steps={STEPS}",
    "validation.every_steps=3",
    "checkpoints={every_steps: 1, keep_last: 3}",
    "data.cache_dir=cache",
    "decoding.max_length=10",  # six updates do not teach it to end
)
MTCLI = [sys.executable, "-m", "mtcli"]
TRAIN = ["train", "config.yaml", "-q"]

_CLOCKS = {"elapsed_s", "cpu_s", "duration_s"}


@dataclass(frozen=True)
class Undisturbed:
    """What the training becomes when nobody disturbs it."""

    template: Path
    """A folder with the corpus and the config, not trained."""
    folder: Path
    """Its twin, trained."""
    end: str
    """`end_of` that."""

    def copy(self, folder: Path, *, trained: bool = False) -> Path:
        """A new folder with the corpus, the config and, if asked for, the run and its cache."""
        shutil.copytree(self.folder if trained else self.template, folder, symlinks=True)
        return folder


def run(command: Sequence[str], folder: Path) -> subprocess.CompletedProcess:
    """Run `python -m MODULE ...` or `python -c CODE ...` in a folder, in a warm process.

    The time allowed is for a machine that is busy with other work.
    """
    return warm.run(command, cwd=folder, text=True, capture_output=True, timeout=600)


def mtcli(folder: Path, *arguments: str) -> subprocess.CompletedProcess:
    """Run `mtcli ARGUMENTS` in a folder."""
    return run([*MTCLI, *arguments], folder)


def train(folder: Path, *arguments: str) -> subprocess.CompletedProcess:
    """Train in a folder, or resume."""
    return mtcli(folder, *TRAIN, *arguments)


def train_undisturbed(folder: Path, overrides: Sequence[str] = OVERRIDES) -> Undisturbed:
    """Make the template and its twin below `folder`.

    Both read one corpus under its whole path, so that a copy of the twin is the same run.
    """
    template, twin, corpus = (folder / name for name in ("template", "twin", "corpus"))
    for new in (template, corpus):
        new.mkdir(parents=True)
    write_corpus(corpus)
    data = [
        f"data.{split}=[{{src: {corpus / split}.en, tgt: {corpus / split}.de}}]"
        for split in ("train", "valid")
    ]
    write_run(template, *overrides, *data)
    shutil.copytree(template, twin)
    done = train(twin)
    assert done.returncode == 0, done.stderr
    return Undisturbed(template, twin, end_of(twin / "run"))


def end_of(run: Path) -> str:
    """A hash of all that a run became: last state, models, best, validations; clocks left out.

    A run without a complete end gives a sentence about it, which equals no hash.
    """
    try:
        return _end_of(run)
    except (OSError, ValueError, KeyError, TypeError) as error:
        return f"no complete end: {error!r}"


def _end_of(run: Path) -> str:
    step = f"step_{STEPS:08d}"
    checkpoint, model = run / "checkpoints" / step, run / "models" / step
    for folder in (checkpoint, model):
        (folder / "MANIFEST.json").stat()
    digest = hashlib.sha256()
    for path in (*sorted(checkpoint.glob("*.safetensors")), *sorted(model.glob("*.safetensors"))):
        digest.update(path.name.encode() + path.read_bytes())
    digest.update(_text(json.loads((checkpoint / "state.json").read_bytes())))
    for line in (run / "metrics.jsonl").read_text(encoding="utf-8").splitlines():
        record = json.loads(line)
        if record["kind"] == "validation" and not record["is_stop"]:
            kept = {key: record[key] for key in ("step", "loss_per_token", "bleu") if key in record}
            digest.update(_text(kept))
    kept = [sorted(p.name for p in (run / kind).iterdir()) for kind in ("checkpoints", "models")]
    links = [(run / name).resolve().name for name in ("last", "best")]
    digest.update(_text([kept, links]))
    return digest.hexdigest()


def content_of(path: Path) -> bytes | None:
    """What a file holds; None if it is not there."""
    return path.read_bytes() if path.is_file() else None


def leftovers(folder: Path) -> str:
    """What of mtcli's temporary files and folders is left below a folder; empty if nothing is."""
    return ", ".join(str(path.relative_to(folder)) for path in folder.rglob(".*.tmp-*"))


def _text(value: object) -> bytes:
    return json.dumps(_without_clocks(value), sort_keys=True).encode()


def _without_clocks(value):
    if isinstance(value, dict):
        return {k: _without_clocks(v) for k, v in value.items() if k not in _CLOCKS}
    return value
