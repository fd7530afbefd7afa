"""`mtcli eval --metric comet` with the real program, where `MTCLI_COMET` names one."""

import json
import os
import re
import subprocess
from pathlib import Path

import pytest
from typer.testing import CliRunner

from mtcli.cli.app import app

PROGRAM = Path(os.environ.get("MTCLI_COMET", ""))
"""Read before tests take the variable away."""
MAKER = Path(__file__).parents[1] / "support/tiny_comet.py"
SENTENCES = [f"The {a} cat sees {b} dogs ." for a in ("old", "big", "red") for b in range(9)]
"""Enough of them to make pieces of."""


@pytest.mark.slow
@pytest.mark.skipif(PROGRAM.name != "comet-score", reason="`MTCLI_COMET` names no comet-score")
def test_the_real_program_with_a_checkpoint_of_random_weights(tmp_path, monkeypatch):
    for name, value in {"MTCLI_COMET": str(PROGRAM), "HF_HUB_OFFLINE": "1"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    src, hyp, ref = (tmp_path / name for name in ("src", "hyp", "ref"))
    src.write_text("".join(f"{line}\n" for line in SENTENCES))
    hyp.write_text("Ein Hund .\n" * len(SENTENCES))
    ref.write_text("".join(f"{line}\n" for line in reversed(SENTENCES)))
    maker = [PROGRAM.parent / "python", "-P", MAKER]
    subprocess.run([*maker, tmp_path / "model", src, hyp], check=True, capture_output=True)
    model = tmp_path / "model/checkpoints/model.ckpt"
    files = ["--hyp", str(hyp), "--src", str(src), "--ref", str(ref)]
    result = CliRunner().invoke(app, ["eval", *files, "--metric", f"comet:{model}", "--json"])
    assert result.exit_code == 0, result.output
    (found,) = json.loads(result.stdout)
    by_hand = subprocess.run(
        [PROGRAM, "-s", src, "-t", hyp, "-r", ref, "--model", model, "--gpus", "0", "--quiet"],
        check=True,
        capture_output=True,
        text=True,
    )
    (score,) = re.findall(r"\tscore: (\S+)", by_hand.stdout.splitlines()[-1])
    assert f"{found['score']:.4f}" == score
