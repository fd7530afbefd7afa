"""`mtcli import`: what it tells, and what it refuses; none of it needs `transformers`."""

import json
import os
import struct
from pathlib import Path
from shutil import copytree

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file
from typer.testing import CliRunner

from mtcli.bundle.model_folder import read_model
from mtcli.cli.app import app
from mtcli.interchange.huggingface import stored
from mtcli.interchange.huggingface.stored import conversion
from tests.support.foreign import write_foreign


def mtcli(*arguments):
    return CliRunner().invoke(app, list(map(str, arguments)))


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    folder = tmp_path_factory.mktemp("import") / "opus-mt-en-de"
    write_foreign(folder, init_std=0.02, shoe_size=43)
    return folder


@pytest.fixture
def source(whole, tmp_path):
    return copytree(whole, tmp_path / whole.name)


def problem_of(source, *options):
    """The one sentence with which an import is refused; nothing is left behind."""
    output = source.parent / "model"
    result = mtcli("import", source, "-o", output, *options)
    assert result.exit_code == 2, result.output
    assert not output.exists()
    lines = result.stderr.splitlines()
    assert lines[0].startswith("error: ")
    assert len(lines) <= 2
    assert lines[1:] == [line for line in lines[1:] if "hint: " in line]
    return result.stderr.replace(str(source), "DIR").removeprefix("error: ")


def set_keys(source, name="config.json", **changes):
    path = source / name
    values = json.loads(path.read_text("utf-8")) if path.exists() else {}
    values |= changes
    path.write_text(json.dumps({k: v for k, v in values.items() if v != "REMOVED"}), "utf-8")


def change_weights(source, change):
    weights = load_file(source / "model.safetensors")
    change(weights)
    save_file(weights, source / "model.safetensors")


def test_what_was_taken_from_where_is_told(source, tmp_path):
    result = mtcli("import", source, "-o", tmp_path / "model")
    assert result.exit_code == 0, result.output
    told = result.stderr.splitlines()
    assert "warning: `shoe_size` of config.json is unknown, and was not used" in told
    assert "ignored: `init_std`, because only training over there uses it" in told
    assert any(line.startswith("weights: 60 tensors from model.safetensors") for line in told)
    assert result.stdout.startswith(
        f"{source} (Hugging Face (MarianMTModel)) -> {tmp_path / 'model'}: en-de, "
    )
    bundle = read_model(tmp_path / "model")
    assert bundle.generation.beam_size == 4
    assert bundle.generation.max_length == 23
    assert mtcli("translate", "-m", tmp_path / "model", "--engine", "torch").exit_code == 0


def test_json_has_all_of_it(source, tmp_path):
    result = mtcli("import", source, "-o", tmp_path / "m", "--json", "--tgt-lang", "nl")
    report = json.loads(result.stdout)
    assert (report["src_lang"], report["tgt_lang"]) == ("en", "nl")
    assert report["ignored"] == {"init_std": "only training over there uses it"}
    assert report["warnings"] == ["`shoe_size` of config.json is unknown, and was not used"]
    assert report["num_weights"] == sum(
        a.size for a in read_model(tmp_path / "m").weights().values()
    )


def test_an_output_that_exists_is_not_touched(source, tmp_path):
    (tmp_path / "model").mkdir()
    result = mtcli("import", source, "-o", tmp_path / "model")
    assert result.exit_code == 2
    assert "already exists" in result.stderr


SETTINGS = [
    ({"model_type": "t5"}, "DIR is a model of the type `t5`, which cannot be imported"),
    ({"model_type": "REMOVED"}, "DIR is a model of the type `None`, which cannot be imported"),
    ({"quantization_config": {"bits": 4}}, "quantized weights (`quantization_config`)"),
    (
        {"d_model": "16"},
        "DIR/config.json: `d_model` must be a whole number, at least 1, found `16`",
    ),
    ({"d_model": "REMOVED"}, "`d_model` must be a whole number, at least 1, found nothing"),
    ({"d_model": True}, "`d_model` must be a whole number"),
    ({"d_model": 2**40}, "`d_model` must be a whole number"),
    ({"encoder_layers": 10**6}, "describes a model that cannot be represented"),
    ({"encoder_attention_heads": 5}, "describes a model that cannot be represented"),
    ({"activation_function": "gelu_new"}, "`activation_function` must be one of `relu`, `gelu`"),
    ({"scale_embedding": 1}, "`scale_embedding` must be true or false, found `1`"),
    ({"dropout": -1}, "`dropout` must be a number, at least 0, found `-1`"),
    ({"dropout": 3}, "describes a model that cannot be represented"),
    ({"eos_token_id": [0, 1]}, "`eos_token_id` must be one id, found `[0, 1]`"),
    ({"pad_token_id": 0}, "`decoder_start_token_id` must be `pad_token_id`"),
    ({"pad_token_id": 0, "decoder_start_token_id": 0}, "are the same, 0"),
    ({"decoder_start_token_id": 5}, "`decoder_start_token_id` must be `pad_token_id`"),
    ({"bad_words_ids": [[3]]}, "`bad_words_ids` cannot be represented: only"),
    ({"forced_eos_token_id": 3}, "`forced_eos_token_id` cannot be represented: only `0` can"),
    ({"num_beams": 0}, "`num_beams` must be a whole number, at least 1, found `0`"),
    ({"num_beams": 10**6}, "`num_beams` must be at most 1000"),
    ({"length_penalty": 11}, "`length_penalty` must be at most 10"),
    ({"max_length": "long"}, "`max_length` must be a whole number"),
    ({"vocab_size": 50}, "but config.json asks for [50, 16]"),
    ({"vocab_size": 10**9}, "but config.json asks for [1000000000, 16]"),
    ({"encoder_layers": 3}, "lacks `model.encoder.layers.2.self_attn.q_proj.weight`"),
    (
        {"encoder_layers": 1},
        "has `model.encoder.layers.1.encoder",
    ),
    ({"encoder_ffn_dim": 21}, "as [20, 16], but config.json asks for [21, 16]"),
]


@pytest.mark.parametrize(("changes", "problem"), SETTINGS, ids=[str(c) for c, _ in SETTINGS])
def test_settings_that_cannot_be_represented_are_refused_by_name(source, changes, problem):
    set_keys(source, **changes)
    if changes == {"encoder_layers": 1}:
        problem = "has `model.encoder.layers.1."
    assert problem in problem_of(source)


ODD = "a\nb\r\x1b[31m\x9b\u2028\ud800"


@pytest.mark.parametrize("key", ["model_type", "activation_function", "d_model"])
def test_what_is_quoted_of_the_config_stays_in_one_line(source, key):
    set_keys(source, **{key: ODD})
    assert r"a\nb\r\x1b[31m\x9b\u2028\ud800" in problem_of(source)


def test_what_is_quoted_of_other_files_stays_in_one_line(source, tmp_path):
    set_keys(source, **{ODD: 0, "num_beam_groups": ODD})
    warned = mtcli("import", source, "-o", tmp_path / "out").stderr
    assert warned.count(r"a\nb\r\x1b[31m\x9b\u2028\ud800") == 2
    set_keys(source, "tokenizer_config.json", unk_token=ODD)
    assert r"has no `a\nb\r" in problem_of(source)
    set_keys(source, "vocab.json", **{ODD: -1})
    set_keys(source, "tokenizer_config.json", unk_token="<unk>")
    assert r"the id of `a\nb\r" in problem_of(source)


@pytest.mark.parametrize("name", ["config.json", "generation_config.json"])
def test_settings_have_a_thousand_keys_at_most(source, name):
    set_keys(source, name, **{f"key{i}": 0 for i in range(1001)})
    assert f"DIR/{name} is damaged: it has 10" in problem_of(source)


@pytest.mark.parametrize("language", [ODD, "../x", "x" * 1000, "en de"], ids=ascii)
def test_a_language_must_be_a_tag(source, language):
    set_keys(source, "tokenizer_config.json", source_lang=language)
    told = problem_of(source.rename(source.parent / "model-of-mine"))
    assert "is not a language tag\nhint: give `--src-lang`" in told


def test_an_embedding_has_at_most_twice_as_many_rows_as_pieces(source):
    def lengthen(weights):
        rows = np.zeros((3000, 16), np.float32)
        weights["model.shared.weight"] = rows
        weights["final_logits_bias"] = rows[None, :, 0].copy()

    change_weights(source, lengthen)
    set_keys(source, vocab_size=3000)
    num_pieces = len(json.loads((source / "vocab.json").read_bytes()))
    told = f"DIR/vocab.json has {num_pieces} pieces, but the embedding has 3000 rows"
    assert told in problem_of(source)


def test_a_search_with_other_ids_than_the_model_is_refused(source):
    set_keys(source, "generation_config.json", eos_token_id=3)
    assert "`eos_token_id` must be 0, as in config.json, found `3`" in problem_of(source)


def test_a_search_that_a_model_folder_has_no_default_for_is_a_warning(source, tmp_path):
    set_keys(source, "generation_config.json", no_repeat_ngram_size=3, do_sample=False)
    result = mtcli("import", source, "-o", tmp_path / "model")
    assert (
        "warning: `no_repeat_ngram_size: 3` of generation_config.json is not kept: a model folder"
        " has no such default"
    ) in result.stderr
    assert "do_sample" not in result.stderr


def rename(name, other):
    return lambda weights: weights.update({other: weights.pop(name)})


def replace_weight(name, make):
    return lambda weights: weights.update({name: make(weights[name])})


NAME = "model.decoder.layers.0.fc1.weight"
WEIGHTS = [
    (rename(NAME, "other"), f"lacks `{NAME}`, which config.json asks for"),
    (lambda w: w.update(extra=np.ones(3, np.float32)), "has `extra`, for which mtcli has no place"),
    (replace_weight(NAME, np.transpose), f"stores `{NAME}` as [16, 12], but"),
    (replace_weight(NAME, lambda a: a.astype(np.int8)), f"stores `{NAME}` in the type I8"),
    (
        replace_weight(NAME, lambda a: a * np.float32(np.nan)),
        f"DIR/model.safetensors cannot be imported: 192 of 192 values of `{NAME}` are not finite",
    ),
    (
        replace_weight(NAME, lambda a: a.astype(np.float64) * 1e300),
        f"192 of 192 values of `{NAME}` are not finite numbers in float32",
    ),
    (
        lambda w: w.update({"lm_head.weight": w["model.shared.weight"] + 1}),
        "has different values in `model.shared.weight` and `lm_head.weight`",
    ),
    (
        replace_weight("final_logits_bias", lambda a: a[:, 1:].copy()),
        "stores `final_logits_bias` as",
    ),
]


@pytest.mark.parametrize(("change", "problem"), WEIGHTS, ids=[p for _, p in WEIGHTS])
def test_weights_that_do_not_fit_are_refused_by_name(source, change, problem):
    change_weights(source, change)
    assert problem in problem_of(source)


def test_half_precision_and_copies_of_tied_weights_are_read(source, tmp_path):
    def halve(weights):
        for name in list(weights):
            weights[name] = weights[name].astype(np.float16)
        weights["lm_head.weight"] = weights["model.shared.weight"].copy()

    change_weights(source, halve)
    assert mtcli("import", source, "-o", tmp_path / "model").exit_code == 0
    assert {a.dtype.name for a in read_model(tmp_path / "model").weights().values()} == {"float32"}


def test_positions_that_are_no_sinusoids_are_learned_ones(source, tmp_path):
    table = np.random.default_rng(0).normal(size=(48, 16)).astype(np.float32)
    names = [f"model.{side}.embed_positions.weight" for side in ("encoder", "decoder")]
    change_weights(source, lambda weights: weights.update(dict.fromkeys(names, table)))
    assert mtcli("import", source, "-o", tmp_path / "model").exit_code == 0
    bundle = read_model(tmp_path / "model")
    assert bundle.card.architecture.positions == "learned"
    np.testing.assert_array_equal(bundle.weights()["tgt_positions.table_PD"], table)


def test_a_pickle_is_refused_with_the_line_that_converts_it(source):
    (source / "model.safetensors").unlink()
    (source / "pytorch_model.bin").write_bytes(b"\x80\x04cos\nsystem\n(S'touch pwned'\ntR.")
    told = problem_of(source)
    assert told.startswith(
        "DIR/pytorch_model.bin cannot be imported: it is a pickle, which can run code\n"
        "hint: convert it with `transformers`: python -c "
    )
    assert "t.MarianMTModel.from_pretrained" in told
    assert conversion(source, "MarianMTModel").startswith("python -c ")


def test_files_may_not_have_tensors_without_end(source, monkeypatch):
    monkeypatch.setattr(stored, "_MOST_TENSORS", 59)
    assert "is damaged: with it, there are too many tensors" in problem_of(source)
    (source / "model.safetensors").write_bytes(struct.pack("<Q", 2**23 + 1) + bytes(100))
    assert "cannot be read (its header has 8388609 bytes)" in problem_of(source)


def remove(name):
    return lambda source: (source / name).unlink()


def overwrite(name, content):
    return lambda source: (source / name).write_bytes(content)


def with_index(files):
    def change(source):
        (source / "model.safetensors").unlink()
        overwrite("model.safetensors.index.json", json.dumps({"weight_map": files}).encode())(
            source
        )

    return change


def only_tokenizer_json(source):
    (source / "source.spm").unlink()
    (source / "tokenizer.json").write_text("{}", "utf-8")


def sparse(name):
    """A file of 8 GiB, of which the disk holds next to nothing."""
    return lambda source: os.truncate(source / name, 8 * 2**30)


HUGE = struct.pack("<Q", 2**40) + b"{}"
FILES = [
    (remove("model.safetensors"), "DIR has no `model.safetensors`"),
    (remove("vocab.json"), "DIR/vocab.json"),
    (remove("source.spm"), "DIR has no `source.spm`"),
    (only_tokenizer_json, "DIR/tokenizer.json cannot be imported without the SentencePiece file"),
    (overwrite("model.safetensors", b""), "DIR/model.safetensors is damaged and cannot be read"),
    (overwrite("model.safetensors", HUGE), "DIR/model.safetensors is damaged and cannot be read"),
    (overwrite("config.json", b"[1]"), "DIR/config.json is damaged: it is not an object"),
    (overwrite("config.json", b"[" * 10**5), "DIR/config.json"),
    (overwrite("config.json", b'{"a": 1e999}'), "DIR/config.json"),
    (overwrite("tokenizer_config.json", b"3"), "DIR/tokenizer_config.json is damaged"),
    (overwrite("vocab.json", b"{}"), "is damaged: it is not an object of ids by piece"),
    (overwrite("vocab.json", b'{"a": 0}'), "DIR/vocab.json has no `<unk>`"),
    (overwrite("vocab.json", b'{"a": 0, "b": 0}'), "`a` and `b` have the same id, 0"),
    (overwrite("vocab.json", b'{"a": -1}'), "the id of `a` must be a number below"),
    (overwrite("vocab.json", b'{"a": 9999}'), "the rows of the embedding; found `9999`"),
    (overwrite("source.spm", b"spam"), "DIR/source.spm is not a SentencePiece model (4 bytes)"),
    (sparse("config.json"), "DIR/config.json is damaged: it has more than 4 MiB"),
    (sparse("tokenizer_config.json"), "tokenizer_config.json is damaged: it has more than 4 MiB"),
    (sparse("vocab.json"), "DIR/vocab.json is damaged: it has more than 16 MiB"),
    (sparse("target.spm"), "DIR/target.spm is not a SentencePiece model: it has more than 32 MiB"),
    (sparse("model.safetensors"), "DIR/model.safetensors is damaged and cannot be read"),
    (with_index({"a": "../../secret.safetensors"}), "'../../secret.safetensors' is not the name"),
    (with_index({"a": "/etc/passwd"}), "'/etc/passwd' is not the name of a file"),
    (with_index({"a": "x\0.safetensors"}), "is not the name of a file"),
    (with_index({"a": 3}), "3 is not the name of a file"),
    (with_index({}), "is damaged: it has no `weight_map`"),
    (with_index({"a": "missing.safetensors"}), "DIR/missing.safetensors"),
    (
        remove("config.json"),
        "DIR is not a model that can be imported: it has no `config.json` and no `.npz`",
    ),
]


@pytest.mark.parametrize(("change", "problem"), FILES, ids=[p for _, p in FILES])
def test_missing_and_damaged_files_are_one_sentence(source, change, problem):
    change(source)
    assert problem in problem_of(source)


def test_several_weight_files_are_read_as_one(source, tmp_path):
    weights = load_file(source / "model.safetensors")
    (source / "model.safetensors").unlink()
    names = sorted(weights)
    files = {name: f"model-{i % 2}.safetensors" for i, name in enumerate(names)}
    for file in set(files.values()):
        save_file({n: weights[n] for n in names if files[n] == file}, source / file)
    index = {"metadata": {}, "weight_map": files}
    (source / "model.safetensors.index.json").write_text(json.dumps(index), "utf-8")
    result = mtcli("import", source, "-o", tmp_path / "model")
    assert result.exit_code == 0, result.output
    assert "60 tensors from model-0.safetensors, model-1.safetensors" in result.stderr


def test_a_model_that_does_not_say_its_languages_needs_them(source):
    (source / "tokenizer_config.json").unlink()
    other = source.rename(source.parent / "model-of-mine")
    assert problem_of(other) == (
        "DIR does not say its source language\n"
        "hint: give `--src-lang` and `--tgt-lang`, for example `en` and `de`\n"
    )
    assert mtcli("import", other, "-o", other.parent / "m", "--src-lang", "en", "--tgt-lang", "de"
    ).exit_code == 0  # fmt: skip


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
@pytest.mark.parametrize("name", ["config.json", "vocab.json", "source.spm", "model.safetensors"])
def test_a_pipe_in_the_place_of_a_file_is_refused(source, name):
    (source / name).unlink()
    os.mkfifo(source / name)
    problem_of(source)


@pytest.mark.parametrize("name", ["shared_vocabulary.json", "source_vocabulary.txt"])
def test_a_folder_of_ctranslate2_is_refused_by_name(tmp_path, name):
    source = tmp_path / "converted"
    source.mkdir()
    for file in ("config.json", "model.bin", name):
        (source / file).write_text("{}", "utf-8")
    assert problem_of(source) == (
        "DIR is a model of CTranslate2, which cannot be imported: its weights are laid out for its"
        " engine, and mostly rounded\nhint: give the model that it was converted from\n"
    )


def test_no_such_source(tmp_path: Path):
    assert problem_of(tmp_path / "none") == "DIR does not exist\n"
