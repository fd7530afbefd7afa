"""Configs that mtcli wrote are read as YAML reads them, and fast."""

from pathlib import Path

import pytest

from mtcli.config.document import parse_yaml
from mtcli.config.dump import dump_config
from mtcli.config.dumped import read_dumped
from mtcli.config.load import load_config
from mtcli.config.places import value_at, value_places
from mtcli.errors import ConfigError

CONFIGS = sorted((Path(__file__).parents[3] / "configs").glob("*.yaml"))
HARD = [
    "model_card.license=CC BY 4.0: a # b",
    "model_card.intended_use=two\nlines \x07 and “quotes” \\ back",
    "model_card.data=no",
    'tokenizer.user_symbols=["<a>", "b, c", "#", "12", "null"]',
    "data.root=/a folder/with, comma",
    "optim.lr=1e-9",
]


def as_yaml(text):
    document = parse_yaml(text)
    places = value_places(document).values()
    return {place: value_at(document.value, place) for place in places}


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_every_config_is_read_as_yaml_reads_it(path, monkeypatch):
    text = dump_config(load_config(path, HARD))
    expected = as_yaml(text)
    assert read_dumped(text) == expected
    assert len(expected) > 100


def test_reasons_are_no_part_of_a_value():
    text = 'a: 1  # auto: b\nb: "x  # y"  # auto: "c"\nc:\n  d: [1, "2"]  # auto: e\n'
    assert read_dumped(text) == {("a",): 1, ("b",): "x  # y", ("c", "d"): [1, "2"]}


def test_what_mtcli_wrote_needs_no_yaml(monkeypatch):
    text = dump_config(load_config(CONFIGS[0]))
    monkeypatch.setattr("mtcli.config.dumped.parse_yaml", None)
    assert read_dumped(text)[("seed",)] == 1


@pytest.mark.parametrize(
    "text",
    [
        "# a comment\nseed: 1\n",
        "seed: 1 # why\nsrc_lang: 'no'\n",
        "model: {d_model: 8, dropout: .1}\n",
        "data:\n- train\n- valid\n",
        "a: |\n  text\n  b: 1\n",
        'a: "\\x41"\n',
        "a: &x 1\nb: *x\n",
        "a: 0x10\nb: 1_000\nc: 1e3\nd: .inf\ne: 007\n",
        "a: two words\n",
        "a: True\nb: NULL\nc: ~\nd: no\n",
        "a: -1\nb: -0.5\nc: 1.0e-09\nd: +1\n",
        "",
    ],
)
def test_what_somebody_edited_is_read_as_yaml(text):
    assert read_dumped(text) == as_yaml(text)


def test_what_is_no_yaml_is_refused():
    with pytest.raises(ConfigError, match="line 2"):
        read_dumped("a: [1\n")


def test_a_number_of_ten_thousand_digits_is_read_as_yaml_reads_it():
    digits = "7" * 10_000
    assert read_dumped(f"seed: {digits}\n") == {("seed",): digits}
