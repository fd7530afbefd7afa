"""What the page of a comparison says; tests/browser looks at how it is drawn."""

import pytest

from mtcli.errors import RunFolderError
from mtcli.reports import compare_page
from mtcli.reports.compare_page import check_comparison_page, comparison_page, write_comparison
from tests.support.compared import HYPOTHESES, REFERENCES, made_comparison
from tests.unit.reports.test_run_page import Reader, drawn_in


@pytest.fixture(scope="module")
def found():
    return made_comparison("old <b>", "new/run")


@pytest.fixture(scope="module")
def page(found):
    return comparison_page(found, "/* script */")


def test_figures_and_texts(found, page):
    reader = Reader(page)
    assert "A old <b>, the baseline B new/run" in reader.text
    first, second = found.scores["ter"]
    (test,) = found.comparisons["ter"]
    assert f"TER A {first.score:.2f} {first.low:.2f} to {first.high:.2f}" in reader.text
    assert (
        f"TER B {second.score:.2f} {second.low:.2f} to {second.high:.2f} {test.difference:+.2f}"
        f" {test.p_randomization:.4f} {test.p_bootstrap:.4f} significantly worse"
    ) in reader.text
    assert first.signature in reader.text
    assert "A 1 2 3 4 5 0.900 B 1 2 3 - 5 0.900" in reader.text
    assert "A 12.5 6.4 1,115,520 4.5" in reader.text
    assert "counted in train.en." in reader.text
    for buckets in found.buckets.values():
        for bucket in buckets:
            value = f"{bucket.differences[0].value:+.2f}"
            assert f"{bucket.label} {bucket.num_lines}" in reader.text
            assert value in reader.text
    worst = found.changes[0].worse[0].line
    assert f"line {worst + 1} {REFERENCES[worst]}" in reader.text
    assert HYPOTHESES[worst] in reader.text
    assert page.count("<mark>") > 1


def test_every_chart_has_its_place_and_its_rows(found, page):
    reader, charts = Reader(page), drawn_in(page)
    places = [a["id"] for tag, a in reader.tags if a.get("class") == "chart"]
    assert sorted(places) == sorted(chart["name"] for chart in charts)
    by_name = {chart["name"]: chart["spec"]["data"]["values"] for chart in charts}
    for number, buckets in enumerate(found.buckets.values()):
        rows = by_name[f"buckets-{number}"]
        assert [row["value"] for row in rows] == [one.differences[0].value for one in buckets]
    bars, changes = by_name["sentences"], found.changes[0]
    # no sentence is lost, and no bar has gains and losses
    assert sum(row["count"] for row in bars if row["to"] <= 0) == changes.num_better
    assert sum(row["count"] for row in bars if row["from"] >= 0) == changes.num_worse
    assert all(row["to"] <= 0 or row["from"] >= 0 for row in bars)


def test_systems_that_translate_alike_have_no_chart_of_changes(found):
    from dataclasses import replace

    changes = replace(found.changes[0], num_same=80, num_better=0, num_worse=0, differences=(0.0,))
    page = comparison_page(replace(found, changes=(changes,), training_text=None), "")
    assert "sentences" not in [chart["name"] for chart in drawn_in(page)]
    assert "no training text was known" in Reader(page).text


def test_a_page_that_cannot_be_written(found, tmp_path, monkeypatch):
    monkeypatch.setattr(compare_page, "drawing_script", lambda: "")
    for path in (tmp_path, tmp_path / "no/page.html"):
        with pytest.raises(RunFolderError):
            check_comparison_page(path)
    assert list(tmp_path.iterdir()) == []
    check_comparison_page(tmp_path / "page.html")
    write_comparison(found, tmp_path / "page.html")
    assert Reader((tmp_path / "page.html").read_text(encoding="utf-8")).text


def test_vega_lite_accepts_the_charts(page):
    vl_convert = pytest.importorskip("vl_convert")
    for chart in drawn_in(page):
        svg = vl_convert.vegalite_to_svg(chart["spec"] | {"width": 300})
        assert svg.count('aria-roledescription="') >= len(chart["spec"]["data"]["values"])
