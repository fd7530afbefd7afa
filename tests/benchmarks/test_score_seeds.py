"""benchmarks/score_seeds.py and learning_curves.py: what the published figures are taken from."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.score_seeds import score, single

BENCH = Path(__file__).parents[2] / "benchmarks"
SIGNATURE = "nrefs:1|case:mixed|eff:no|tok:none|smooth:exp|version:2.6.0"


def test_the_single_figure_is_chosen_by_valid_alone():
    assert single([(41.0, 45.0), (42.0, 40.0), (41.5, 43.0)]) == 40.0
    assert single([(42.0, 40.0), (42.0, 41.0)]) == 40.0


@pytest.fixture
def run(tmp_path):
    (tmp_path / "run/models/step_00000004").mkdir(parents=True)
    (tmp_path / "run/models/step_00000004/model.json").write_text("{}")
    (tmp_path / "run/best").symlink_to("models/step_00000004")
    kept = {
        "model": "step_00000004",
        "scores": [{"metric": "BLEU", "score": 12.5, "signature": SIGNATURE}],
    }
    (tmp_path / "run/test2016.json").write_text(json.dumps(kept))
    return tmp_path / "run"


def test_a_run_that_has_a_score_is_not_scored_again(run):
    assert score(run, Path("nowhere"), "none")["score"] == 12.5


def test_the_score_of_another_model_or_tokenization_is_refused(run):
    with pytest.raises(SystemExit, match=r"test2016.json is of step_00000004, nrefs:1"):
        score(run, Path("nowhere"), "13a")
    (run / "models/step_00000008").mkdir()
    (run / "models/step_00000008/model.json").write_text("{}")
    (run / "best").unlink()
    (run / "best").symlink_to("models/step_00000008")
    with pytest.raises(SystemExit, match=r"test2016.json is of step_00000004, nrefs:1"):
        score(run, Path("nowhere"), "none")


def test_when_a_run_came_to_a_score_lies_on_the_line_between_validations(tmp_path):
    def curve(name, points):
        path = tmp_path / name
        keys = ("step", "total_tgt_tokens_computed", "cpu_s", "bleu")
        same = {"kind": "validation", "loss_per_token": 2.0, "chrf": 40.0}
        rows = [{**same, **dict(zip(keys, point, strict=True))} for point in points]
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
        return f"{name}={path}"

    quick = curve("quick", [(1, 1e6, 100, 10.0), (2, 2e6, 300, 30.0), (3, 3e6, 500, 25.0)])
    slow = curve("slow", [(1, 4e6, 1000, 5.0), (2, 8e6, 2000, 20.0)])
    done = subprocess.run(
        [sys.executable, BENCH / "learning_curves.py", quick, slow, "--reach", "15",
         "--svg", tmp_path / "curves.svg", "--over", "cpu"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout.split("\n")[2:4] == [
        "| quick | 30.00 | 1.25 | 150 |",
        "| slow | 20.00 | 6.67 | 1667 |",
    ]
    assert "CPU seconds" in (tmp_path / "curves.svg").read_text()
    beyond = subprocess.run(
        [sys.executable, BENCH / "learning_curves.py", slow, quick, "--reach", "25"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert beyond.stdout.split("\n")[2] == "| slow | 20.00 | – | – |"
