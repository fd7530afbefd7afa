"""What the page of explanations says; tests/browser looks at how it is drawn."""

import json
import re

import numpy as np
import pytest

from mtcli.errors import RunFolderError
from mtcli.reports import explain_page
from mtcli.reports.explain_page import (
    check_explanation_page,
    render_explanations,
    write_explanations,
)
from tests.support.explained import HOSTILE, made_explanation
from tests.unit.reports.test_run_page import Reader, drawn_in


@pytest.fixture(scope="module")
def found():
    return made_explanation(9)


@pytest.fixture(scope="module")
def page(found):
    return render_explanations([found], model_name="runs/<demo>", script="/* script */")


def attention_in(page):
    found = re.search(r'<script type="application/json" id="attention">(.*?)</script>', page)
    return json.loads(found[1])


def test_texts(found, page):
    reader = Reader(page)
    assert "Explanation of translations by runs/<demo>" in reader.text
    assert f"source {found.source} given translation {found.translation}" in reader.text
    for place, output in enumerate(found.output_pieces):
        others = [f"{o.piece} {percent(o.probability)}" for o in output.alternatives]
        shown = f"{place} {output.piece} {percent(output.probability)} {', '.join(others)}"
        assert shown in reader.text
    mean = np.exp(np.mean(np.log([output.probability for output in found.output_pieces])))
    assert f"A piece has {percent(mean)} on average" in reader.text
    assert "double a probability. Against embeddings of zeros." in reader.text
    assert "the cross-attention of layer 1, head 1." in reader.text


def percent(probability):
    if probability < 0.0005:
        return "<0.1 %"
    digits = 0 if 0.005 <= probability < 0.995 else 1
    return f"{100 * probability:.{digits}f} %"


def test_every_plot_says_how_to_read_it_and_what_it_does_not_show(page):
    reader = Reader(page)
    assert reader.text.count("How to read it, and what it does not show") == 5
    assert reader.text.count("Not shown:") == 5
    assert "Attention is not explanation:" in reader.text
    text, literature = page.split('<section id="literature"')
    cited = {
        int(number) for group in re.findall(r"\[([\d, ]+)\]", text) for number in group.split(", ")
    }
    assert cited == set(range(1, literature.count("<li>") + 1))


def test_texts_are_escaped(found, page):
    assert any(HOSTILE[3:] in output.piece for output in found.output_pieces)
    assert HOSTILE not in page
    assert "<i>" not in page
    assert "<b>miller" not in page


def test_every_chart_has_its_place(page):
    reader, charts = Reader(page), drawn_in(page)
    places = [a["id"] for _, a in reader.tags if "chart" in (a.get("class") or "").split()]
    assert places == [chart["name"] for chart in charts]
    assert places == ["contributions-0", "alignment-0", "attention-0", "heads-0"]


def test_charts_have_their_values(found, page):
    specs = {chart["name"]: chart["spec"] for chart in drawn_in(page)}
    grid = specs["contributions-0"]["data"][0]["values"][0]["grid"]
    values = np.reshape(grid["values"], (grid["height"], grid["width"]))
    np.testing.assert_allclose(values, found.contributions, rtol=0.005)
    grid = specs["alignment-0"]["data"][0]["values"][0]["grid"]
    assert np.reshape(grid["values"], (9, 9)).tolist() == np.eye(9).tolist()
    rows = specs["heads-0"]["data"]["values"]
    assert len(rows) == 3 * 2 * 4
    head = found.stacks[2].layers[1][3]
    assert rows[-1] == {
        "kind": "cross-attention",
        "layer": 1,
        "head": 3,
        "entropy": round(head.entropy, 5),
        "importance": round(head.importance, 5),
    }


def test_a_map_of_attention_names_what_looks_and_what_is_looked_at(found, page):
    encoder, decoder, cross = attention_in(page)["sentences"][0]
    source, output = list(found.source_pieces), [one.piece for one in found.output_pieces]
    assert (encoder["rows"], encoder["columns"]) == (source, source)
    assert (decoder["rows"], decoder["columns"]) == (output, ["<s>", *output[:-1]])
    assert (cross["rows"], cross["columns"]) == (output, source)
    assert decoder["axis_titles"]["column"] == "output before it"
    assert cross["shape"] == [8, 19, 19]
    assert cross["num_shared"] == [1, 1]
    head = found.stacks[2].layers[1][3]
    assert cross["entropy"][1][3] == round(head.entropy, 3)
    assert cross["importance"][1][3] == round(head.importance, 4)


def test_what_is_missing_is_not_drawn():
    several = [made_explanation(5, has_importance=False), made_explanation(0)]
    page = render_explanations(several, model_name="m", script="")
    names = [chart["name"] for chart in drawn_in(page)]
    assert names == ["contributions-0", "alignment-0", "attention-0", "attention-1", "heads-1"]
    assert "(empty line)" in Reader(page).text


@pytest.mark.parametrize("sharpness", [1.0, 3.0])
def test_the_page_of_a_long_sentence_is_light(sharpness):
    pytest.importorskip("vl_convert")
    long = made_explanation(60, layers=6, heads=8, sharpness=sharpness)
    script = explain_page.drawing_script()
    page = render_explanations([long], model_name="m", script=script)
    assert len(page.encode()) < 1_500_000


def test_a_page_that_cannot_be_written(found, tmp_path, monkeypatch):
    monkeypatch.setattr(explain_page, "drawing_script", lambda: "")
    for path in (tmp_path, tmp_path / "no/page.html"):
        with pytest.raises(RunFolderError):
            check_explanation_page(path)
    assert list(tmp_path.iterdir()) == []
    path = tmp_path / "page.html"
    check_explanation_page(path)
    write_explanations([found], path, model_name="m")
    assert Reader(path.read_text(encoding="utf-8")).text
