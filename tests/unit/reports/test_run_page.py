"""What the page says; tests/browser looks at how it is drawn."""

import json
import re
import sys
from html.parser import HTMLParser

import pytest

from mtcli.config.load import load_config
from mtcli.config.provenance import value_origins
from mtcli.errors import MtcliError, RunFolderError
from mtcli.folders import write_json
from mtcli.reports import charts
from mtcli.reports.page import write_page
from mtcli.reports.run_curves import learning_curves
from mtcli.reports.run_facts import MOST_SAMPLES, read_facts
from mtcli.reports.run_page import report_page, write_report
from mtcli.runs.invocations import Invocation, read_invocations, record_invocation
from tests.support.made_runs import append_metrics, write_made_run

VOID = {"meta", "link", "input", "br"}


class Reader(HTMLParser):
    """The text of a page, and whether every element is closed."""

    def __init__(self, page):
        super().__init__()
        self.open, self.texts, self.tags = [], [], []
        self.feed(page)
        assert self.open == []
        self.text = " ".join(" ".join(self.texts).split())

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open[-1:] not in (["script"], ["style"]):
            self.texts.append(data)


def page_of(*runs):
    page = report_page([read_facts(run.path, run.path.name) for run in runs], "/* script */")
    return page, Reader(page)


def drawn_in(page):
    found = re.search(r'<script type="application/json" id="charts">(.*?)</script>', page)
    return json.loads(found[1])


def test_a_run(tmp_path):
    run = write_made_run(tmp_path / "demo", steps=60, validate_every=20)
    page, reader = page_of(run)
    for text in (
        "Report of demo",
        "7.80 BLEU at step 60 en to de languages 60 of 60 updates, finished 1,115,520 parameters"
        " 200 training pairs 120,000 target tokens 15 s of training",
        "BLEU 7.80 - 500 validation pairs, beam 1 nrefs:1|case:mixed",
        "200 of 210 read",
        "too long 7 3.33 % a <long> source → a long target",
        "duplicate 3 1.43 %",
        "train[0]",
        "source en nfc 1.20 0.0000 % 0 of 200",
        "step 60 Source <b>60</b> & co before",
        "model d_model 16 encoder_layers 2",
        "A processor of some name",
        "torch 2.13.0, sacrebleu 2.6.0",
        "2026-11-29 18:31 UTC",
        "0.01 CPU hours 0.00 GPU hours",
        "revision 85bbe608a285342b28c6abf05b73630ecea05647",
        "pip install torch==2.13.0 sacrebleu==2.6.0 OMP_NUM_THREADS=2 mtcli train"
        f" {run.config} --set run_dir={run.path}-again",
    ):
        assert text in reader.text
    assert ("mark", {}) in reader.tags
    names = [chart["name"] for chart in drawn_in(page)]
    assert names == ["loss", "scores", "rate", "norm", "speed", "lengths-0"]
    elements = [attrs.get("id") for tag, attrs in reader.tags if tag == "div"]
    assert set(names) <= set(elements)


def test_a_page_asks_nobody_for_anything(tmp_path):
    page, reader = page_of(write_made_run(tmp_path / "demo"))
    assert not re.findall(r"https?://", page)
    links = [v for _, attrs in reader.tags for k, v in attrs.items() if k in ("src", "href")]
    assert links == ["data:,"]


def test_curves_over_steps_tokens_and_time(tmp_path):
    page, _ = page_of(write_made_run(tmp_path / "a"))
    loss = drawn_in(page)[0]["series"]
    assert [one["kind"] for one in loss] == [
        "training, as optimized",
        "training pairs",
        "validation pairs",
    ]
    assert loss[0]["step"] == [10, 20, 30, 40]
    assert loss[0]["tokens"] == [20_000, 40_000, 60_000, 80_000]
    assert loss[0]["hours"] == pytest.approx([n / 1440 for n in (1, 2, 3, 4)], rel=1e-4)
    assert [one["kind"] for one in drawn_in(page)[1]["series"]] == ["BLEU", "chrF"]


def test_every_score_of_a_validation_is_drawn():
    validation = {"step": 5, "elapsed_s": 1.0, "total_tgt_tokens": 9, "bleu": 1.0, "chrf": None}
    scores = {"comet:a": 50.0, "bleu": 1.0}
    (chart,) = learning_curves({"a": ([], [validation, validation | {"scores": scores}])})
    drawn = {one.kind: one.columns["value"] for one in chart.series}
    assert drawn == {"BLEU": [1.0, 1.0], "COMET:a": [50.0]}


def test_several_runs_are_overlaid(tmp_path):
    runs = [write_made_run(tmp_path / name, f"seed={n}") for n, name in enumerate("ab")]
    page, reader = page_of(*runs)
    loss = drawn_in(page)[0]
    assert {one["run"] for one in loss["series"]} == {"a", "b"}
    assert loss["spec"]["encoding"]["color"]["scale"]["domain"] == ["a", "b"]
    dash = loss["spec"]["encoding"]["strokeDash"]
    assert (dash["field"], dash["legend"]["symbolStrokeColor"]) == ("kind", "currentColor")
    assert "Differences of the configs key a b seed 0 1" in reader.text
    assert "Samples of b" in reader.text
    assert "a en to de finished 40 of 40 BLEU 5.28 at step 40 1,115,520 200 80,000" in reader.text
    ids = [attrs["id"] for _, attrs in reader.tags if "id" in attrs]
    assert len(ids) == len(set(ids))


def test_a_run_has_one_colour_in_all_charts(tmp_path):
    runs = [write_made_run(tmp_path / "a", steps=10), write_made_run(tmp_path / "b")]
    page, _ = page_of(*runs)
    for chart in drawn_in(page):
        if chart["series"]:
            assert chart["spec"]["encoding"]["color"]["scale"]["domain"] == ["a", "b"]


def test_a_run_that_has_barely_begun(tmp_path):
    run = write_made_run(tmp_path / "a", steps=0, total_steps=100)
    for name in ("environment.json", "data_report.json", "tokenizer_report.json"):
        (run.path / name).unlink()
    page, reader = page_of(run)
    assert "No update has been reported yet." in reader.text
    assert "No validation has been made yet." in reader.text
    assert "This run has no report of its data." in reader.text
    assert "This run has no record of its environment." in reader.text
    assert 'id="charts"' not in page


def test_the_tokenizers_of_an_old_run_have_their_languages_as_names(tmp_path):
    run = write_made_run(tmp_path / "a")
    figures = {"num_sentences": 200, "unknown_rate": 0.0, "pieces_per_word": 1.2}
    report = {"format_version": 1, "reports": {"fi": figures | {"round_trip_failures": 0}}}
    (run.path / "tokenizer_report.json").write_text(json.dumps(report))
    _, reader = page_of(run)
    assert "fi fi not recorded 1.20" in reader.text


def test_what_is_damaged_is_named_on_the_page(tmp_path):
    run = write_made_run(tmp_path / "a")
    (run.path / "environment.json").write_text("{")
    run.config.write_text("a: [1\n")
    _, reader = page_of(run)
    assert "environment.json is damaged: line 1 is not JSON" in reader.text
    assert f"{run.config} cannot be read" in reader.text


def test_a_diverged_run_is_drawn_without_what_is_no_number(tmp_path):
    run = write_made_run(tmp_path / "a")
    append_metrics(run, kind="step", step=50, loss_per_token=float("nan"), grad_norm=float("inf"))
    page, reader = page_of(run)
    assert "NaN" not in page.split('id="charts">')[1].split("</script>")[0]
    assert "diverged" in reader.text


def test_text_of_the_data_cannot_become_markup_or_script(tmp_path):
    run = write_made_run(tmp_path / "a")
    evil = "</script><script>alert(1)</script><img src=x onerror=alert(1)>"
    append_metrics(run, kind="validation", step=60, sample_source=evil, sample_hypothesis=evil)
    page = report_page([read_facts(run.path, evil)], "")
    assert "<script>alert" not in page
    assert "<img" not in page
    Reader(page)


def test_intervals_are_shown_where_they_were_measured(tmp_path):
    run = write_made_run(tmp_path / "a")
    score = {"metric": "BLEU", "score": 30.0, "signature": "", "low": 28.5, "high": 31.25}
    write_json(run.model(40) / "scores.json", {"format_version": 1, "scores": [score]})
    _, reader = page_of(run)
    assert "BLEU 30.00 28.50 to 31.25" in reader.text
    assert "measured no intervals" not in reader.text


def test_samples_of_a_long_run_are_some_of_them(tmp_path):
    run = write_made_run(tmp_path / "a", steps=2000, log_every=10, validate_every=10)
    samples = read_facts(run.path, "a").samples
    assert (len(samples), samples[0].step, samples[-1].step) == (MOST_SAMPLES, 2000, 10)


def test_gpu_hours(tmp_path):
    run = write_made_run(tmp_path / "a", steps=14_400, log_every=14_400)
    assert read_facts(run.path, "a").gpu_hours is None
    environment = json.loads((run.path / "environment.json").read_text())
    environment |= {"device": "cuda:0", "num_processes": 4}
    write_json(run.path / "environment.json", environment)
    facts = read_facts(run.path, "a")
    assert facts.gpu_hours == pytest.approx(4.0, rel=1e-4)
    assert facts.reproduction[-1].endswith("--nproc 4")


def test_where_values_came_from(tmp_path):
    run = write_made_run(tmp_path / "a", "preset=small")
    corpus = tmp_path / ".corpus/config.yaml"
    overrides = ["preset=small", "optim.lr=0.25", "regularization.rdrop={value: 0.5}"]
    config = load_config(corpus, overrides, working_dir=corpus.parent)
    origins = value_origins(config, corpus, overrides)
    record_invocation(run, Invocation(["mtcli", "train", "a b.yaml"], origins, "/work dir", 5.0))
    text = run.config.read_text().replace("seed: 1\n", "seed: 1  # auto: because\n")
    run.config.write_text(text)
    facts = read_facts(run.path, "a")
    settings = {s.key: s.origin for section in facts.settings.values() for s in section}
    assert settings["optim.lr"] == "--set"
    assert settings["regularization.rdrop.value"] == "--set"
    assert settings["model.d_model"] == "config.yaml line 10"
    assert settings["training.label_smoothing"] == "preset small"
    assert settings["decoding.length_penalty"] == "default"
    assert settings["seed"] == "auto: because"
    assert facts.commands == ["cd '/work dir' && mtcli train 'a b.yaml'"]
    _, reader = page_of(run)
    assert "cd '/work dir' && mtcli train 'a b.yaml'" in reader.text
    assert "was not recorded" not in reader.text


def test_invocations_are_read_back_but_for_a_torn_line(tmp_path):
    run = write_made_run(tmp_path / "a")
    assert read_invocations(run) == []
    one = Invocation(["mtcli", "train", "ö.yaml"], {"a": "--set"}, "/", 1.5)
    record_invocation(run, one)
    with run.invocations.open("a") as file:
        file.write('{"command": ["mtc')
    assert read_invocations(run) == [one]


def test_an_invocation_that_cannot_be_written(tmp_path):
    run = write_made_run(tmp_path / "a")
    run.invocations.mkdir()
    with pytest.raises(RunFolderError, match=r"cannot write .*invocations\.jsonl: Is a directory"):
        record_invocation(run, Invocation([], {}))


@pytest.mark.parametrize("is_folder", [True, False])
def test_what_is_not_a_run_is_refused(tmp_path, is_folder):
    path = tmp_path if is_folder else tmp_path / "x"
    with pytest.raises(RunFolderError) as error:
        read_facts(path, "x")
    assert (
        error.value.sentence == f"{path} {'is not a run folder' if is_folder else 'does not exist'}"
    )
    assert error.value.hint == "give the `run_dir` of a training; `mtcli runs` lists them"


def test_a_page_cannot_be_a_folder(tmp_path):
    with pytest.raises(RunFolderError, match="is a folder") as error:
        write_page(tmp_path, "")
    assert error.value.hint == "give the name of a file, ending in .html"


@pytest.mark.parametrize("name", ["vl_convert", "jinja2"])
def test_a_library_that_is_missing_is_named(tmp_path, name, monkeypatch):
    monkeypatch.setitem(sys.modules, name, None)
    charts.drawing_script.cache_clear()
    if name == "jinja2":
        monkeypatch.setattr("mtcli.reports.run_page.drawing_script", str)
    run = write_made_run(tmp_path / "a")
    with pytest.raises(MtcliError, match="is not installed") as error:
        write_report([run.path], tmp_path / "page.html")
    package = {"vl_convert": "vl-convert-python>=1.7,<2", "jinja2": "jinja2>=3.1,<4"}[name]
    assert error.value.hint == f"install it with `pip install '{package}'`"


def test_vega_lite_accepts_the_charts(tmp_path):
    vl_convert = pytest.importorskip("vl_convert")
    page, _ = page_of(write_made_run(tmp_path / "a"))
    for chart in drawn_in(page):
        spec = chart["spec"]
        if chart["series"]:
            spec["data"] = {"values": [{"run": "a", "kind": "b", "x": 1, "value": 2}]}
        svg = vl_convert.vegalite_to_svg(spec | {"width": 300})
        assert "currentColor" in svg
