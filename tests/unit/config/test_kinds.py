"""Kinds that are not spelled out: in the name of a file, or as a word where a section belongs."""

from __future__ import annotations

import pytest

from mtcli.config.kinds import fill_kinds, kind_of_name
from mtcli.config.schema.attention import LocalAttentionConfig
from mtcli.config.schema.optimization import AdamConfig


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("a.tsv", "tsv"), ("a.TAB", "tsv"), ("b/a.CSV", "csv"), ("a.jsonl", "jsonl"),
        ("a.json", "jsonl"), ("a.ndjson.zst", "jsonl"), ("a.tmx.gz", "tmx"), ("a.xlsx", "xlsx"),
        ("a.ods", "xlsx"), ("a.parquet", "parquet"), ("a.arrow", "arrow"), ("a.tsv.xz", "tsv"),
        ("a.txt", None), ("a", None), ("a.gz", None), (".csv", None), ("", None),
    ],
)  # fmt: skip
def test_names(name, kind):
    assert kind_of_name(name) == kind


def test_only_a_source_with_a_path_and_no_kind_gets_one(load, smallest):
    data = load(
        smallest
        + "    - {path: a.csv, src_column: en, tgt_column: de}\n"
        + "    - {path: a.csv, kind: tsv}\n"
        + "  valid:\n"
        + "    - {path: a.tmx}\n"
    ).data
    assert [source.kind for source in data.train] == ["text", "csv", "tsv"]
    assert [source.kind for source in data.valid] == ["tmx"]


def test_a_name_that_does_not_say_is_asked_about(problems, smallest):
    (problem,) = problems(smallest + "    - {path: a.txt}\n")
    assert problem.startswith("line 8 data.train[1].kind found nothing, must be text, tsv, csv,")


@pytest.mark.parametrize(
    "values", [{}, {"data": 3}, {"data": {"train": 3, "valid": [3, {"src": "a"}]}}]
)
def test_values_that_are_no_sources_are_left_alone(values):
    before = repr(values)
    fill_kinds(values)
    assert repr(values) == before


def test_languages_of_a_tmx_file_are_those_of_the_config(load, smallest):
    text = smallest + "    - {kind: tmx, path: p}\n    - {kind: tmx, path: p, tgt_lang: en-GB}\n"
    _, first, second = load(text).data.train
    assert (first.src_lang, first.tgt_lang) == ("de", "en")
    assert (second.src_lang, second.tgt_lang) == ("de", "en-GB")


def test_a_word_in_the_place_of_a_section_is_its_kind(load, smallest):
    text = (
        f"{smallest}optim: muon\nschedule: {{kind: cosine}}\nmodel:\n  encoder_attention: local\n"
    )
    config = load(text, "model.decoder_attention=local", "schedule=wsd")
    assert (config.optim.kind, config.schedule.kind) == ("muon", "wsd")
    assert config.model.encoder_attention == LocalAttentionConfig(kind="local")
    assert config.model.decoder_attention == config.model.encoder_attention
    assert load(f"{smallest}preset: tiny\noptim: adam\n").optim == AdamConfig(kind="adam")


@pytest.mark.parametrize("value", ["optim: mun", "optim: [muon]", "model: local", "optim: 7"])
def test_another_value_there_is_still_refused(problems, smallest, value):
    (problem,) = problems(f"{smallest}{value}\n")
    assert "must be" in problem
