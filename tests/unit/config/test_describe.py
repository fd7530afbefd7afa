"""The template loads, names every key, and says of each what the schema says."""

from __future__ import annotations

import dataclasses
import json
import re
from typing import get_args, get_type_hints

import pytest

from mtcli.config.describe import json_schema, template
from mtcli.config.keys import root_section
from mtcli.config.schema.data import DataConfig, TextSource
from mtcli.config.schema.optimization import MuonConfig
from mtcli.config.schema.root import TrainConfig

REQUIRED = (
    "src_lang=de",
    "tgt_lang=en",
    "run_dir=runs/a",
    "data.train[0].src=train.de",
    "data.train[0].tgt=train.en",
)


def keys_of(kind: str) -> str:
    """The template's lines of a kind that is not the default, without their #."""
    lines = template().split("\n")
    start = next(i for i, line in enumerate(lines) if re.match(rf" *#(- )?kind: {kind}\b", line))
    indent = lines[start].partition("#")[0]
    block = [lines[start]]
    for line in lines[start + 1 :]:
        if not line.startswith(f"{indent}#") or re.match(r" *#(- )?kind:", line):
            break
        block.append(line)
    bare = re.compile(r"^( *)#(?=[^ ]|  )")  # prose has one space behind its #
    return "".join(bare.sub(r"\1", line) + "\n" for line in block)


def test_once_filled_in_the_template_is_the_default_config(load, smallest):
    assert load(template(), *REQUIRED) == load(smallest)


def test_filled_in_by_hand_it_loads_as_well(load, smallest):
    text = template()
    for override in REQUIRED:
        key, _, value = override.partition("=")
        name = key.rpartition(".")[2]
        text, count = re.subn(rf"(?m)^([ -]*{name}:)  # REQUIRED", rf"\1 {value}  #", text, count=1)
        assert count == 1
    assert "REQUIRED:" not in re.sub(r"(?m)^ *#.*|^  train:.*", "", text)
    assert load(text) == load(smallest)


def test_not_filled_in_it_names_what_is_required(problems):
    assert [problem.split()[2] for problem in problems(template())] == [
        "src_lang",
        "tgt_lang",
        "run_dir",
        "data.train[0].src",
        "data.train[0].tgt",
    ]


@pytest.mark.parametrize("kind", ["muon"])
def test_the_keys_of_another_optimizer_load(load, smallest, kind):
    assert load(f"{smallest}optim:\n{keys_of(kind)}").optim == MuonConfig(kind="muon")


@pytest.mark.parametrize("kind", ["cosine", "linear", "wsd", "plateau"])
def test_the_keys_of_another_schedule_load(load, smallest, kind):
    schedule = load(f"{smallest}schedule:\n{keys_of(kind)}").schedule
    assert schedule == type(schedule)(kind=kind)


@pytest.mark.parametrize("kind", ["tsv", "xlsx", "tmx", "jsonl", "parquet", "hub"])
def test_the_keys_of_another_source_load(load, smallest, kind):
    filled = re.sub(r"(?m):  # REQUIRED", r": x  #", keys_of(kind))
    assert [source.kind for source in load(smallest + filled).data.train] == ["text", kind]


def test_every_key_of_every_section_is_in_the_template():
    lines = template().split("\n")
    names = {re.match(r"[ #-]*(\w+):", line)[1] for line in lines if re.match(r"[ #-]*\w+:", line)}

    def all_keys(section):
        for name, key in section.keys.items():
            yield name
            for variant in key.variants:
                yield from all_keys(variant)

    assert set(all_keys(root_section())) <= names


def test_lines_are_short_and_say_doc_type_and_default():
    text = template()
    assert all(len(line) <= 100 for line in text.split("\n"))
    assert (
        "  # Dropout on the output of every block before it joins the residual stream.\n"
        "  dropout: 0.1  # a number, at least 0 and below 1\n"
    ) in text
    assert "\nsrc_lang:  # REQUIRED: text, not empty\n" in text
    assert "\n# How the model is validated during training.\nvalidation:\n" in text
    assert "\n  norm: layer  # layer or rms\n" in text
    assert "\n  train:  # REQUIRED: a list of sections, at least one\n" in text
    assert "\n    #- kind: tsv  # tsv or csv\n" in text


def test_every_value_has_documentation():
    """Only a section may go without a line of its own: its class has one."""

    def undocumented(section, path):
        for name, key in section.keys.items():
            if not key.doc and not key.variants and name != "kind":
                yield f"{path}.{name}"
            for variant in key.variants:
                if not variant.doc:
                    yield f"{path}.{name}: {variant.kinds}"
                yield from undocumented(variant, f"{path}.{name}")

    assert list(undocumented(root_section(), "")) == []


def test_the_json_schema_knows_the_keys_and_their_documentation():
    schema = json.loads(json_schema())
    assert schema["$schema"].startswith("https://json-schema.org/")
    assert schema["required"] == ["src_lang", "tgt_lang", "run_dir", "data"]
    assert schema["additionalProperties"] is False
    assert list(schema["properties"]) == [field.name for field in dataclasses.fields(TrainConfig)]
    model = schema["$defs"]["ModelConfig"]["properties"]
    assert model["d_model"]["description"] == "Width of the residual stream."
    assert model["d_model"]["default"] == 512
    assert model["d_model"]["exclusiveMinimum"] == 0
    *sections, words = schema["properties"]["optim"]["anyOf"]
    assert len(sections) == 4
    assert words == {"enum": ["adamw", "adam", "sgd", "muon"]}
    assert model["encoder_attention"]["anyOf"][-1] == {"enum": ["full", "local", "low_rank"]}


def test_the_default_kind_is_the_one_whose_kind_may_be_absent():
    keys = root_section().keys
    assert keys["optim"].default_variant.kinds == ("adamw",)
    assert keys["schedule"].default_variant.kinds == ("inverse_sqrt",)
    assert keys["data"].variants[0].keys["train"].default_variant.kinds == ("text",)
    assert isinstance(TextSource.__dataclass_fields__["kind"].default, str)
    assert get_args(get_type_hints(TextSource)["kind"]) == ("text",)


@pytest.mark.parametrize(
    ("section", "key", "expected"),
    [
        ("data", "max_length", "a whole number, at least 1"),
        ("data", "max_length_ratio", "a number, at least 1, or null"),
        ("data", "root", "a path, or null"),
        ("data", "valid", "a list of sections, at least one, or null"),
        ("tokenizer", "character_coverage", "a number, above 0 and at most 1"),
        ("tokenizer", "user_symbols", "a list, each text"),
        (
            "decoding",
            "alignment_heads",
            "a list, of at least one, each a whole number, at least 0, or null",
        ),
        ("tokenizer", "shared", "true or false"),
        ("model", "tied_embeddings", "all, decoder or none"),
        ("optim", "betas", "a list of 2, each a number, at least 0 and below 1"),
        ("training", "ema_decay", "a number, above 0 and below 1, or null"),
        ("validation", "bleu_tokenize", "text, or null"),
    ],
)
def test_what_is_expected_in_words(section, key, expected):
    assert root_section().keys[section].default_variant.keys[key].expected == expected


def test_required_keys_are_those_without_a_default():
    keys = root_section().keys
    assert [name for name, key in keys.items() if key.is_required] == [
        "src_lang",
        "tgt_lang",
        "run_dir",
        "data",
    ]
    assert DataConfig.__dataclass_fields__["train"].default is dataclasses.MISSING
