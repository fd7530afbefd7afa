"""Loading: what is lenient, what is strict, and how each mistake is named."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from types import MappingProxyType

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mtcli.config.diagnosis import problems_in
from mtcli.config.load import load_config, read_values
from mtcli.config.problems import Problem
from mtcli.config.schema.data import (
    DelimitedSource,
    HubSource,
    SpreadsheetSource,
    TableSource,
    TextSource,
    TmxSource,
)
from mtcli.config.schema.optimization import (
    AdamWConfig,
    CosineConfig,
    InverseSqrtConfig,
    MuonConfig,
)
from mtcli.config.schema.root import TrainConfig
from mtcli.config.schema.tokenizer import TokenizerConfig
from mtcli.errors import ConfigError
from tests.support.packings import ENCODINGS

# ------------------------------------------------------------------------------- what is accepted


def test_the_smallest_config_gets_all_defaults(load, smallest):
    config = load(smallest)
    assert isinstance(config, TrainConfig)
    assert (config.src_lang, config.tgt_lang, config.seed) == ("de", "en", 1)
    assert config.tokenizer == TokenizerConfig()
    assert config.optim == AdamWConfig()
    assert config.schedule == InverseSqrtConfig()
    assert [type(source) for source in config.data.train] == [TextSource]


def test_no_is_norwegian_and_3e_4_a_number(load, smallest):
    config = load(smallest.replace("de\n", "no\n", 1) + "optim:\n  lr: 3e-4\n")
    assert config.src_lang == "no"
    assert config.optim.lr == 3e-4


def test_a_whole_number_is_a_number_and_a_list_a_pair(load, smallest):
    config = load(smallest + "optim:\n  lr: 1\n  betas: [0, 0.98]\n")
    assert isinstance(config.optim, AdamWConfig)
    assert isinstance(config.optim.lr, float)
    assert config.optim.betas == (0.0, 0.98)


def test_the_path_may_be_text(tmp_path, smallest):
    path = tmp_path / "config.yaml"
    path.write_text(smallest)
    assert load_config(str(path)) == load_config(path)


def test_a_config_may_be_text_or_a_dict(tmp_path, smallest):
    path = tmp_path / "config.yaml"
    path.write_text(smallest)
    values, _, _ = read_values(path)
    values["run_dir"] = Path(values["run_dir"])
    before = repr(values)
    assert load_config(smallest) == load_config(values) == load_config(path)
    assert load_config(MappingProxyType(values), ["seed=7"]).seed == 7
    assert repr(values) == before


def test_problems_of_a_dict_have_no_lines(smallest):
    with pytest.raises(ConfigError) as caught:
        load_config({"src_lang": "de", "sed": 3}, ["seed=x"])
    lines = str(caught.value).splitlines()
    assert lines[0] == "5 problems in the config"
    assert "                sed                   unknown key; did you mean `seed`?" in lines
    assert lines[-1].startswith("  --set seed=x  seed                  found 'x', must be")
    with pytest.raises(ConfigError) as caught:
        load_config("src_lang: de\nsed: 3\n")
    assert "  line   2  sed                   unknown key; did you mean `seed`?" in str(
        caught.value
    )


def test_a_value_that_yaml_has_not_is_refused():
    with pytest.raises(ConfigError) as caught:
        load_config({"seed": 1j})
    assert str(caught.value) == (
        "the config holds a value of type `complex`: 1j\n"
        "hint: use text, numbers, True, False, None, lists and dicts"
    )


def test_kind_chooses_the_section(load, smallest):
    text = smallest + (
        "    - {kind: tsv, path: p}\n"
        "    - {kind: csv, path: p, src_field: a, tgt_field: b}\n"
        "    - {kind: xlsx, path: p, tgt_column: a}\n"
        "    - {kind: tmx, path: p}\n"
        "    - {kind: arrow, path: p, src_field: a, tgt_field: b}\n"
        "    - {kind: hub, name: n, split: s, src_field: a, tgt_field: b}\n"
        "optim: {kind: muon}\n"
        "schedule: {kind: cosine, final_ratio: 0.1}\n"
    )
    config = load(text)
    kinds = [type(source) for source in config.data.train]
    delimited = [DelimitedSource, DelimitedSource]
    assert kinds == [TextSource, *delimited, SpreadsheetSource, TmxSource, TableSource, HubSource]
    assert [source.kind for source in config.data.train][2:4] == ["csv", "xlsx"]
    assert config.optim == MuonConfig(kind="muon")
    assert config.schedule == CosineConfig(kind="cosine", final_ratio=0.1)


def test_a_section_whose_keys_are_all_commented_out_means_defaults(load, smallest):
    assert load(smallest + "optim:\n  # lr: 3\nmodel:\n") == load(smallest)


def test_a_byte_order_mark_and_crlf_change_nothing(load, smallest):
    assert load("\ufeff" + smallest.replace("\n", "\r\n")) == load(smallest)


# ----------------------------------------------------------------------------------- each mistake


@pytest.mark.parametrize(
    ("addition", "problem"),
    [
        ("modle: {}", "line 8 modle unknown key; did you mean `model`?"),
        (
            "training:\n  max_step: 3",
            "line 9 training.max_step unknown key; did you mean `max_steps`?",
        ),
        ("lr: 3", "line 8 lr unknown key; did you mean `optim.lr`?"),
        (
            "optim:\n  warmup_step: 3",
            "line 9 optim.warmup_step unknown key; did you mean `schedule.warmup_steps`?",
        ),
        (
            "model:\n  beam_size: 3",
            "line 9 model.beam_size unknown key;"
            " did you mean `validation.beam_size` or `decoding.beam_size`?",
        ),
        (
            "batch:\n  qqqq: 3",
            "line 9 batch.qqqq unknown key; known keys: tokens_per_update, max_tokens",
        ),
        (
            "optim:\n  momentum: 0.9",
            "line 9 optim.momentum unknown key for kind adamw; it belongs to sgd or muon",
        ),
        (
            "schedule:\n  final_ratio: 0.1",
            "line 9 schedule.final_ratio unknown key for kind inverse_sqrt;"
            " it belongs to cosine, linear or wsd",
        ),
        (
            "optim.lr: 3",
            "line 8 optim.lr unknown key; write `lr` indented under `optim`,"
            " dots are for `--set` only",
        ),
        ("model:\n  num_heads: '8'", "found '8', must be a whole number, at least 1"),
        ("model:\n  num_heads: eight", "found 'eight', must be a whole number, at least 1"),
        ("model:\n  num_heads: 8.5", "found 8.5, must be a whole number, at least 1"),
        (
            "training:\n  max_steps: 1e5",
            "line 9 training.max_steps found 100000.0, must be a whole number, at least 1,"
            " or null; write `100000`",
        ),
        ("model:\n  num_heads: true", "found true, must be a whole number, at least 1"),
        ("model:\n  num_heads: 0", "found 0, must be a whole number, at least 1"),
        ("model:\n  num_heads: null", "found nothing, must be a whole number, at least 1"),
        ("model:\n  num_heads: [8]", "found [8], must be a whole number, at least 1"),
        ("model:\n  num_heads: {a: 8}", "found a section, must be a whole number, at least 1"),
        ("model:\n  dropout: 1", "found 1, must be a number, at least 0 and below 1"),
        ("model:\n  dropout: '.1'", "found '.1', must be a number, at least 0 and below 1"),
        ("optim:\n  lr: .inf", "found inf, must be a finite number, above 0"),
        ("optim:\n  lr: .nan", "found nan, must be a finite number, above 0"),
        ("optim:\n  lr: -0.0", "found -0.0, must be a number, above 0"),
        ("model:\n  gated: yes", "line 9 model.gated found 'yes', must be true or false"),
        ("model:\n  gated: 1", "line 9 model.gated found 1, must be true or false"),
        (
            "model:\n  norm: layernorm",
            "line 9 model.norm found 'layernorm', must be layer or rms; did you mean `layer`?",
        ),
        (
            "training:\n  device: gpu",
            "line 9 training.device found 'gpu', must be auto, cpu, cuda or mps;"
            " did you mean `cpu`?",
        ),
        ("training:\n  device: 3", "found 3, must be auto, cpu, cuda or mps"),
        ("tokenizer:\n  model: 3", "line 9 tokenizer.model found 3, must be a path, or null"),
        (
            "tokenizer:\n  user_symbols: a",
            "line 9 tokenizer.user_symbols found 'a', must be a list, each text",
        ),
        (
            "tokenizer:\n  user_symbols:\n    - a\n    - 3",
            "line 11 tokenizer.user_symbols[1] found 3, must be text",
        ),
        (
            "optim:\n  betas: [0.9]",
            "line 9 optim.betas found [0.9], must be a list of 2, each a number, at least 0 and"
            " below 1",
        ),
        ("optim:\n  betas: [0.9, 0.9, 0.9]", "optim.betas found [0.9, 0.9, 0.9], must be a list"),
        ("optim:\n  betas: 0.9", "line 9 optim.betas found 0.9, must be a list of 2, each"),
        ("optim:\n  betas: [0.9, 1]", "optim.betas[1] found 1, must be a number, at least 0 and"),
        ("optim:\n  betas: [[1], 0.5]", "optim.betas[0] found [1], must be a number, at least 0"),
        (
            "optim:\n  betas: [0.9,\n    2]",
            "line 10 optim.betas[1] found 2, must be a number, at least 0 and below 1",
        ),
        ("model: 3", "line 8 model found 3, must be a section"),
        ("optim: 7", "line 8 optim found 7, must be a section"),
        ("optim: [a, {b: 3}]", "line 8 optim found a list, must be a section"),
        (
            "optim:\n  lr: 1\n  kind: adm",
            "line 10 optim.kind found 'adm', must be adamw, adam, sgd or muon;"
            " did you mean `adam`?",
        ),
        ("optim:\n  kind: 3", "line 9 optim.kind found 3, must be adamw, adam, sgd or muon"),
        ("optim:\n  kind:", "line 9 optim.kind found nothing, must be adamw, adam, sgd or muon"),
        (
            "schedule:\n  kind: cos",
            "schedule.kind found 'cos', must be inverse_sqrt, cosine, linear, wsd or plateau;"
            " did you mean `cosine`?",
        ),
        ("seed: 1\nseed: 2", "line 9 seed already set on line 8"),
        ("seed: !x 1", "line 8 seed tag !x is not allowed"),
        (
            "model:\n  num_heads: 7",
            "line 9 model.num_heads d_model (512) must be a multiple of num_heads (7), or set"
            " head_dim",
        ),
        (
            "model:\n  d_model: 9\n  num_heads: 3\n  positions: rotary",
            "line 11 model.positions rotary positions need an even head_dim, not 3:"
            " d_model / num_heads",
        ),
        (
            "model:\n  d_model: 9\n  num_heads: 3",
            "line 9 model.d_model sinusoidal positions need an even d_model, not 9",
        ),
        (
            "model:\n  d_model: 2\n  num_heads: 1\n  positions: sinusoidal_fairseq",
            "line 9 model.d_model sinusoidal positions of fairseq need a d_model of at least 4,"
            " not 2",
        ),
        (
            "model:\n  num_kv_heads: 3",
            "line 9 model.num_kv_heads num_heads (8) must be a multiple of num_kv_heads (3)",
        ),
        (
            "tokenizer:\n  model: a\n  shared: false\nmodel:\n  tied_embeddings: none",
            "line 9 tokenizer.model model needs shared: true; with shared: false give src_model"
            " and tgt_model",
        ),
        (
            "tokenizer:\n  src_model: a\n  tgt_model: b",
            "line 9 tokenizer.src_model src_model and tgt_model need shared: false; with"
            " shared: true give model",
        ),
        (
            "tokenizer:\n  tgt_model: a\n  shared: false\nmodel:\n  tied_embeddings: none",
            "line 9 tokenizer.tgt_model src_model and tgt_model go together: give both or neither",
        ),
        (
            "tokenizer:\n  shared: false",
            "line 9 tokenizer.shared model.tied_embeddings: all needs tokenizer.shared: true;"
            " set it to decoder or none",
        ),
        (
            "tokenizer:\n  shared: false\ntraining: {init_from: m, init_tokenizer: any}",
            "line 9 tokenizer.shared model.tied_embeddings: all needs tokenizer.shared: true;"
            " set it to decoder or none",
        ),
        (
            "compat: huggingface\nmodel:\n  positions: rotary",
            "line 10 model.positions compat: huggingface needs model.positions: sinusoidal,"
            " sinusoidal_marian or learned, found rotary",
        ),
        (
            "compat: huggingface\nmodel:\n  decoder_attention: {kind: local, window: 4}",
            "line 10 model.decoder_attention compat: huggingface needs"
            " model.decoder_attention: full, found local",
        ),
        (
            "compat: huggingface\ndecoding: {normalization: gnmt}",
            "line 9 decoding.normalization compat: huggingface needs"
            " decoding.normalization: average or none, found gnmt",
        ),
        ("compat: marian", "line 8 compat found 'marian', must be huggingface, or null"),
        (
            "batch:\n  max_tokens: 256",
            "line 9 batch.max_tokens batch.max_tokens (256) must be at least data.max_length + 1"
            " (257), or one pair may not fit",
        ),
        (
            "batch:\n  tokens_per_update: 256",
            "line 9 batch.tokens_per_update batch.tokens_per_update (256) must be at least"
            " data.max_length + 1 (257), or one pair may not fit",
        ),
        (
            "model:\n  max_positions: 256",
            "line 9 model.max_positions model.max_positions (256) must be at least"
            " data.max_length + 1 (257)",
        ),
        (
            "model:\n  decoder_layers: 3\ndecoding:\n  alignment_layer: 3",
            "line 11 decoding.alignment_layer decoding.alignment_layer (3) must be below"
            " model.decoder_layers (3): layers are counted from 0",
        ),
        (
            "model:\n  num_heads: 4\ndecoding:\n  alignment_heads: [0, 4]",
            "line 11 decoding.alignment_heads decoding.alignment_heads ([0, 4]) must be numbers"
            " below the decoder's 4 heads: heads are counted from 0",
        ),
        (
            "checkpoints:\n  average_last: 2\ntraining:\n  ema_decay: 0.9",
            "line 9 checkpoints.average_last training.ema_decay and checkpoints.average_last are"
            " two ways to average; choose one",
        ),
        (
            "training:\n  compile: true\nregularization:\n"
            "  layer_dropout: {start: 0.2, to_epoch: 1}",
            "line 9 training.compile training.compile does not go with"
            " regularization.layer_dropout; choose one",
        ),
        (
            "training:\n  compile: true\n  parallel: fsdp",
            "line 9 training.compile compile does not go with parallel: fsdp; choose one",
        ),
        (
            "training:\n  compile: true\n  activation_checkpointing: layers",
            "line 9 training.compile compile does not go with activation_checkpointing; choose one",
        ),
    ],
)
def test_a_mistake_is_named_with_line_key_and_remedy(problems, smallest, addition, problem):
    (found,) = problems(f"{smallest}{addition}\n")
    assert problem in found
    assert found.startswith("line ")


@pytest.mark.parametrize(
    ("entry", "problem"),
    [
        (
            "{src: a}",
            "line 8 data.train[1].tgt missing; must be a path",
        ),
        ("{kind: tsv}", "line 8 data.train[1].path missing; must be a path"),
        ("{kind: tsv, path: p, sep: x}", "line 8 data.train[1].sep unknown key"),
        (
            "{kind: tmx, path: p, src_field: x}",
            "data.train[1].src_field unknown key for kind tmx; it belongs to tsv, csv, jsonl,"
            " parquet, arrow or hub",
        ),
        ("{kind: tvs, path: p}", "data.train[1].kind found 'tvs', must be text, tsv, csv, xlsx,"),
        ("{kind: tvs, path: p}", "did you mean `tsv`?"),
        ("file.txt", "line 8 data.train[1] found 'file.txt', must be a section"),
        (
            "{kind: hub, name: n, split: s, src_field: a, tgt_field: b, local_src: x}",
            "line 8 data.train[1].local_src local_src and local_tgt go together: give both or"
            " neither",
        ),
        (
            "{kind: csv, path: p, src_field: 3, tgt_field: b}",
            "data.train[1].src_field found 3, must be text, or null",
        ),
        (
            "{kind: csv, path: p, src_column: -3}",
            "data.train[1].src_column found -3, must be a whole number, at least 0, or text",
        ),
        (
            "{kind: csv, path: p, tgt_column: [a]}",
            'data.train[1].tgt_column found ["a"], must be a whole number, at least 0, or text',
        ),
        (
            "{kind: tsv, path: p, delimiter: '::'}",
            "data.train[1].delimiter found '::', must be one character, not a quote or a line"
            ' break; a tab is "\\t" in double quotes',
        ),
        (
            "{kind: tsv, path: p, encoding: utf-80}",
            "data.train[1].encoding `utf-80` is not an encoding that Python knows; write for"
            " example utf-16, windows-1252 or gb18030",
        ),
        (
            "{src: a, tgt: b, encoding: base64}",
            "data.train[1].encoding `base64` is not an encoding",
        ),
        (
            "{kind: jsonl, path: p, src_field: a, tgt_field: b, encoding: ''}",
            "data.train[1].encoding `` is not an encoding",
        ),
        (
            "{kind: tsv, path: p, src_column: en, header: false}",
            "data.train[1].src_column `en` is a name, but `header: false` says that columns have"
            " none; count them from 0, or remove `header`",
        ),
        (
            "{kind: csv, path: p, tgt_field: de, header: false}",
            "data.train[1].tgt_field `de` is a name, but `header: false`",
        ),
        (
            "{kind: xlsx, path: p, tgt_column: B, header: false}",
            "data.train[1].tgt_column `B` is a name, but `header: false`",
        ),
        (
            "{kind: tsv, path: p, bad_lines: ignore}",
            "data.train[1].bad_lines found 'ignore', must be refuse or drop",
        ),
    ],
)
def test_a_mistake_in_a_list_is_named_by_its_place(problems, smallest, entry, problem):
    (found,) = problems(f"{smallest}    - {entry}\n")
    assert problem in found
    assert found.startswith("line 8 data.train[1]")


def test_required_keys_are_named_at_their_section(problems):
    assert problems("# nothing yet\nseed: 1\n\ndata:\n  root: x\n") == [
        "line 2 src_lang missing; must be text, not empty",
        "line 2 tgt_lang missing; must be text, not empty",
        "line 2 run_dir missing; must be a path",
        "line 4 data.train missing; must be a list of sections, at least one",
    ]


def test_a_section_that_is_missing_is_looked_into(problems):
    assert problems("{src_lang: a, tgt_lang: b, run_dir: c}\n") == [
        "line 1 data.train missing; must be a list of sections, at least one"
    ]


def test_empty_values(problems, smallest):
    text = smallest.replace("src_lang: de", "src_lang: ''").replace("run_dir: runs/a", "run_dir:")
    assert problems(text + "  valid: []\n") == [
        "line 1 src_lang found '', must be text, not empty",
        "line 3 run_dir found nothing, must be a path",
        "line 8 data.valid found [], must be a list of sections, at least one, or null",
    ]


def test_long_values_are_cut(problems, smallest):
    (found,) = problems(smallest + f"model: {'x' * 100}\n")
    assert found == f"line 8 model found '{'x' * 57}...', must be a section"


def test_every_problem_is_reported_at_once_in_the_order_of_lines(problems, smallest):
    text = (
        smallest
        + """\
  max_length: 5000
optim:
  kind: cosine
  lr: x
model:
  norm: layr
  bias: 3
batch:
  max_tokens: 3
  max_tokens: 4
checkpoints:
  average_last: 3
training:
  ema_decay: 0.5
tokenizer:
  shared: false
  model: m
  src_model: s
"""
    )
    assert problems(text, "seed=-1", "nonsense", "data.max_lenght=3") == [
        "line 10 optim.kind found 'cosine', must be adamw, adam, sgd or muon",
        "line 13 model.norm found 'layr', must be layer or rms; did you mean `layer`?",
        "line 14 model.bias found 3, must be true or false",
        "line 17 batch.max_tokens already set on line 16",
        "line 19 checkpoints.average_last training.ema_decay and checkpoints.average_last are"
        " two ways to average; choose one",
        "line 24 tokenizer.model model needs shared: true; with shared: false give src_model and"
        " tgt_model",
        "line 25 tokenizer.src_model src_model and tgt_model go together: give both or neither",
        "--set seed=-1 seed found -1, must be a whole number, at least 0 and below 4294967296",
        "--set nonsense not `KEY=VALUE`; write for example `--set optim.lr=3e-4`",
        "--set data.max_lenght=3 data.max_lenght unknown key; did you mean `max_length`?",
    ]


def test_checks_across_sound_sections_are_run_though_another_is_wrong(problems, smallest):
    text = smallest + "  max_length: 5000\nmodel:\n  norm: 3\ntokenizer:\n  shared: false\n"
    assert problems(text + "batch:\n  max_tokens: 7\n") == [
        "line 8 data.max_length batch.tokens_per_update (4096) must be at least"
        " data.max_length + 1 (5001), or one pair may not fit",
        "line 10 model.norm found 3, must be layer or rms",
        "line 14 batch.max_tokens batch.max_tokens (7) must be at least data.max_length + 1"
        " (5001), or one pair may not fit",
    ]


def test_checks_across_sections_are_not_run_on_a_section_that_is_wrong(problems, smallest):
    text = smallest.replace("train:\n", "max_length: 5000\n  train:\n")
    assert problems(text + "model:\n  max_position: 6000\nbatch: {max_tokens: x}\n") == [
        "line 10 model.max_position unknown key; did you mean `max_positions`?",
        "line 11 batch.max_tokens found 'x', must be a whole number, at least 1, or `auto`",
    ]


def test_checks_across_sections_are_not_run_on_a_section_whose_name_is_misspelt(problems, smallest):
    text = smallest + "modle:\n  tied_embeddings: none\ntokenizer:\n  shared: false\n"
    assert problems(text) == ["line 8 modle unknown key; did you mean `model`?"]


def test_columns_are_aligned(load, smallest):
    with pytest.raises(ConfigError) as error:
        load(smallest + "model:\n  norm: 3\n", "optim.lrr=1", "seed=x")
    lines = str(error.value).split("\n")[1:]
    assert lines[0] == ("  line   9           model.norm            found 3, must be layer or rms")
    assert lines[1].startswith("  --set optim.lrr=1  optim.lrr             unknown key; did you")


def test_any_value_error_of_a_section_is_told_at_its_line():
    details = {"type": "value_error", "loc": ("model",), "ctx": {"error": ValueError("no good")}}
    assert problems_in(details, {("model",): 7}) == [Problem(7, "model", "no good")]


# -------------------------------------------------------------------------------------- the file


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(ConfigError, match=r"^cannot read the config .*nope\.yaml: No such file"):
        load_config(tmp_path / "nope.yaml")


def test_a_folder(tmp_path):
    with pytest.raises(ConfigError) as error:
        load_config(tmp_path)
    assert str(error.value) == f"{tmp_path} is a folder, but a config is a YAML file"


def test_a_run_folder_is_pointed_to_its_config(tmp_path):
    (tmp_path / "config.yaml").write_bytes(b"")
    with pytest.raises(ConfigError) as error:
        load_config(tmp_path)
    assert str(error.value) == (
        f"{tmp_path} is a folder, but a config is a YAML file\n"
        f"hint: did you mean {tmp_path / 'config.yaml'}?"
    )


@pytest.mark.parametrize("name", ENCODINGS)
def test_other_encodings_are_refused_by_name(tmp_path, name):
    path = tmp_path / "c.yaml"
    path.write_bytes("src_lang: de\n".encode(ENCODINGS[name]))
    with pytest.raises(ConfigError) as error:
        load_config(path)
    assert str(error.value) == (
        f"{path} is in {name}, not UTF-8\nhint: convert it with `iconv -f {name} -t UTF-8`"
    )


def test_bytes_that_are_not_utf_8(tmp_path):
    path = tmp_path / "c.yaml"
    path.write_bytes(b"src_lang: de\ntgt_lang: \xe9n\n")
    with pytest.raises(ConfigError) as error:
        load_config(path)
    assert (
        str(error.value) == f"{path}, line 2: byte 0xe9 is not UTF-8\nhint: save the file as UTF-8"
    )


@pytest.mark.parametrize("text", ["", "\n\n", "# only a comment\n", "---\n", "null\n"])
def test_an_empty_file(load, text, tmp_path):
    with pytest.raises(ConfigError) as error:
        load(text)
    assert str(error.value) == (
        f"{tmp_path / 'c.yaml'} is empty\nhint: `mtcli config template` prints a config to fill in"
    )


@pytest.mark.parametrize("text", ["- a\n- b\n", "src_lang\n", "3\n"])
def test_a_file_that_is_no_mapping(load, text, tmp_path):
    with pytest.raises(ConfigError) as error:
        load(text)
    assert str(error.value) == (
        f"{tmp_path / 'c.yaml'} must hold `KEY: VALUE` lines, not a list or a single value"
    )


def test_a_file_that_is_not_yaml(load, tmp_path):
    with pytest.raises(ConfigError) as error:
        load("src_lang: de\ntgt_lang: a: b\n")
    assert str(error.value) == (
        f"{tmp_path / 'c.yaml'} is not valid YAML, line 2: mapping values are not allowed here"
    )


_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-3, 10**6)
    | st.floats()
    | st.sampled_from(["x", "", "muon", "cosine", "all", "hub", "cpu", "8"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["kind", "lr", "src", "model"]), inner, max_size=3)
    ),
    max_leaves=4,
)
_KEYS = st.sampled_from(
    [
        "src_lang",
        "seed",
        "data.train",
        "data.train[0]",
        "data.train[0].src",
        "data.train[1].kind",
        "data.valid",
        "optim",
        "optim.kind",
        "optim.betas",
        "model",
        "model.d_model",
        "model.positions",
        "tokenizer.shared",
        "tokenizer.user_symbols",
        "batch.max_tokens",
        "schedule.kind",
        "qqq",
        "training.qqq",
    ]
)


@settings(
    max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)
@given(st.dictionaries(_KEYS, _VALUES, max_size=4))
def test_whatever_is_set_it_loads_or_is_a_config_error(load, smallest, values):
    overrides = [f"{key}={json.dumps(value)}" for key, value in values.items()]
    try:
        outcome = load(smallest, *overrides)
    except ConfigError as error:
        outcome = str(error)
    assert isinstance(outcome, TrainConfig) or " problem" in outcome


# ---------------------------------------------------------------------------------- import weight


def test_importing_the_config_room_imports_nothing_heavy():
    code = (
        "import sys, mtcli.config.load, mtcli.config.describe, mtcli.config.schema.root\n"
        "heavy = {'pydantic', 'ruamel.yaml', 'torch', 'numpy', 'datasets', 'sentencepiece',"
        " 'sacrebleu', 'typer'}\n"
        "sys.exit(', '.join(heavy & set(sys.modules)) or 0)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=Path.cwd()
    )
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(("country", "language"), [("cn", "zh"), ("jp_JP", "ja"), ("kr", "ko")])
def test_a_country_instead_of_the_target_language(country, language, smallest, problems, load):
    text = smallest.replace("tgt_lang: en", f"tgt_lang: {country}")
    problem = f"`{country[:2]}` is a country code, not a language; use `{language}`"
    assert problems(text) == [f"line 2 tgt_lang {problem}"]
    assert problems(text + "seed: -1\n") == [
        f"line 2 tgt_lang {problem}",
        "line 8 seed found -1, must be a whole number, at least 0 and below 4294967296",
    ]
    # a run that an earlier mtcli began can be resumed
    assert load(text, "validation.bleu_tokenize=13a").tgt_lang == country
