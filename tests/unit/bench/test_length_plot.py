import re
import sys

import pytest

from mtcli.bench.length_plot import check_plot, write_plot
from mtcli.errors import MtcliError, RunFolderError

FIGURES = {"encode_s": 0.1, "train_step_s": 0.2, "peak_bytes": 2**20}


def config(label, *lengths, **changes):
    rows = [{"length": length, **FIGURES, **changes} for length in lengths]
    return {"label": label, "lengths": rows, "exponents": {"encode": 1.054, "train_step": 2.0}}


def test_each_panel_has_a_line_for_each_config_with_its_power(tmp_path):
    path = tmp_path / "plot.svg"
    write_plot([config("full", 64, 128), config("local", 64, 128)], path)
    plot = path.read_text(encoding="utf-8")
    texts = re.findall(r"<text[^>]*>([^<]+)<", plot)
    assert {"full: power 1.05", "local: power 2.00", "full"} < set(texts)
    assert texts.count("source pieces") == 3
    assert {"64", "128"} < set(texts)


def test_figures_that_have_no_logarithm_are_not_drawn(tmp_path):
    path = tmp_path / "plot.svg"
    write_plot([config("", 64, 128, encode_s=0.0)], path)
    assert path.read_text(encoding="utf-8").count("training step, seconds a sentence") >= 1


@pytest.mark.parametrize(
    ("name", "sentence"),
    [(".", "is a folder"), ("no/plot.svg", "cannot be written: the folder .*no does not exist")],
)
def test_a_place_where_no_file_can_be_is_refused(tmp_path, name, sentence):
    with pytest.raises(RunFolderError, match=sentence):
        check_plot(tmp_path / name)


def test_the_library_that_is_missing_is_named(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "vl_convert", None)
    with pytest.raises(MtcliError, match="`vl-convert-python`, which is not installed") as error:
        check_plot(tmp_path / "plot.svg")
    assert error.value.hint == "install it with `pip install 'vl-convert-python>=1.7,<2'`"
