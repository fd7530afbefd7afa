"""The notebook of the guides runs from its first cell to its last."""

import json
from pathlib import Path

import pytest

NOTEBOOK = Path(__file__).parents[2] / "docs" / "guides" / "notebook.ipynb"


@pytest.mark.slow
def test_the_notebook_runs(tmp_path, monkeypatch):
    """In a folder that has the demo corpus, as a clone has."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data").symlink_to(NOTEBOOK.parents[2] / "data")
    names: dict[str, object] = {}
    for cell in json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"]:
        if cell["cell_type"] == "code":
            exec(compile("".join(cell["source"]), cell["id"], "exec"), names)
    assert names["outcome"].is_finished
    assert {score.metric for score in names["outcome"].scores} >= {"BLEU", "chrF", "loss"}
    assert names["outcome"].model.parent == tmp_path / "runs" / "notebook" / "models"
    assert len(names["links"]) > 3


def test_the_notebook_shows_what_its_cells_gave():
    cells = json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"]
    shown = "".join(json.dumps(cell.get("outputs", [])) for cell in cells)
    assert "best so far" in shown
    assert "error" not in {out["output_type"] for cell in cells for out in cell.get("outputs", [])}
    assert "/home/" not in shown
