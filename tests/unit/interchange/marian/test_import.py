"""Marian's npz files: what is taken, what is told, and every refusal."""

import io
import os
import struct
import zipfile
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from mtcli.bundle.model_folder import read_model
from mtcli.cli.app import app
from mtcli.interchange.foreign import Languages
from mtcli.interchange.importing import import_model
from mtcli.interchange.marian.settings import IGNORED, MODEL_YML, ONLY
from mtcli.tokenizer.protocol import EOS_ID, PAD_ID, UNK_ID
from mtcli.translating.loaded_model import load_tokenizers
from tests.support.marian import as_array, write_marian


@pytest.fixture
def source(tmp_path):
    write_marian(tmp_path / "marian")
    return tmp_path / "marian"


def mtcli_import(source, *options):
    output = source.parent / "model"
    arguments = ["import", source, "-o", output, "--src-lang", "en", "--tgt-lang", "de", *options]
    return CliRunner().invoke(app, list(map(str, arguments)))


def problem_of(source):
    """What the command says of a source that it refuses, without the folder's name."""
    result = mtcli_import(source)
    assert (result.exit_code, result.stdout) == (2, ""), result.output
    assert not (source.parent / "model").exists()
    return result.stderr.replace(str(source), "DIR").removeprefix("error: ")


def change(source, edit):
    """Write the arrays of the model again, edited."""
    path = source / "model.npz"
    with np.load(path) as stored:
        arrays = dict(stored)
    edit(arrays)
    np.savez(path, **arrays)


def set_key(source, key, value):
    def edit(arrays):
        lines = arrays[MODEL_YML].tobytes().rstrip(b"\0").decode().splitlines()
        lines = [line for line in lines if not line.startswith(f"{key}:")]
        arrays[MODEL_YML] = as_array("\n".join([f"{key}: {value}", *lines]))

    change(source, edit)


# ----------------------------------------------------------------------------- what is taken


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"shared": True},
        {"tied_embeddings": "none", "activation": "relu"},
        {"norm_position": "pre", "shared": True},
    ],
    ids=["tied decoder", "one vocabulary", "untied relu", "pre-norm"],
)
def test_every_array_has_its_place_and_every_row_its_piece(tmp_path, changes):
    folder = tmp_path / "marian"
    write_marian(folder, **changes)
    report = import_model(folder, tmp_path / "model", Languages("en", "de"))
    told = ["a pre-norm model (`transformer-preprocess: n`)"] * ("norm_position" in changes)
    assert [warning[: len(told[0])] for warning in report.model.warnings] == told
    bundle = read_model(tmp_path / "model")
    weights, tokenizers = bundle.weights(), load_tokenizers(bundle)
    with np.load(folder / "model.npz") as stored:
        arrays = dict(stored)
    np.testing.assert_array_equal(
        weights["decoder.layers.0.cross_attn.k_proj.weight"],
        arrays["decoder_l1_context_Wk"].T,
    )
    norm = "_pre" if changes.get("norm_position") else ""
    np.testing.assert_array_equal(
        weights["encoder.layers.1.feed_forward_residual.norm.bias"],
        arrays[f"encoder_l2_ffn_ffn_ln_bias{norm}"][0],
    )
    tgt = tokenizers[1]
    bias = arrays["decoder_ff_logit_out_b"][0]
    spm = folder / ("vocab.spm" if changes.get("shared") else "target.spm")
    import sentencepiece

    processor = sentencepiece.SentencePieceProcessor(model_file=str(spm))
    for theirs in range(processor.vocab_size()):
        piece = processor.id_to_piece(theirs)
        ours = {"</s>": EOS_ID, "<unk>": UNK_ID}.get(piece, tgt.piece_to_id(piece))
        assert weights["output_bias"][ours] == bias[theirs], piece
    embeddings = [array for name, array in weights.items() if "embed" in name]
    assert all(not array[PAD_ID].any() for array in embeddings)
    assert weights["output_bias"][PAD_ID] == -100
    text = "badertir ko ostmel."
    assert tgt.decode(tgt.encode(text)) == processor.decode(processor.encode(text))


def test_every_key_is_used_ignored_with_a_reason_or_a_warning(source):
    set_key(source, "dim-strange", 3)
    result = mtcli_import(source)
    assert result.exit_code == 0, result.output
    assert "warning: `dim-strange` of model.npz is unknown, and was not used" in result.stderr
    assert "ignored: `dim-rnn`, because only recurrent models read it" in result.stderr
    assert not IGNORED.keys() & ONLY.keys()


def test_the_search_of_the_model_is_taken_and_names_of_paths_are_only_names(source):
    (source / "secret.spm").write_bytes(b"not a model")
    (source / "model.npz.decoder.yml").write_text(
        "models: [/home/x/model.npz]\nvocabs: [/home/x/source.spm, ../../y/target.spm]\n"
        "beam-size: 6\nnormalize: 0.6\nword-penalty: 0.2\nmini-batch: 16\n"
    )
    result = mtcli_import(source)
    assert result.exit_code == 0, result.output
    assert "warning: `word-penalty: 0.2` of model.npz.decoder.yml is not kept" in result.stderr
    assert "ignored: `mini-batch`, because batches are those of `mtcli" in result.stderr
    generation = read_model(source.parent / "model").generation
    found = (generation.beam_size, generation.normalization, generation.length_penalty)
    assert found == (6, "average", 0.6)


def test_a_list_of_pieces_beside_sentencepiece_files(source):
    import sentencepiece

    pieces = ["</s>", "<unk>"]
    for name in ("source.spm", "target.spm"):
        processor = sentencepiece.SentencePieceProcessor(model_file=str(source / name))
        pieces += [processor.id_to_piece(i) for i in range(2, processor.vocab_size())]
    pieces = list(dict.fromkeys(pieces))
    lines = [f'"{piece}": {i}\n' for i, piece in enumerate(pieces)]
    (source / "v.yml").write_text("".join(lines), "utf-8")
    (source / "decoder.yml").write_text("vocabs: [v.yml, v.yml]\n")
    assert f"has {len(pieces)} pieces, but `dim-vocabs` of" in problem_of(source)
    (source / "v.yml").write_text("".join([*lines, lines[3]]), "utf-8")
    assert f"line {len(lines) + 1} is not a new piece with its id" in problem_of(source)


# ----------------------------------------------------------------------------- what is refused


BILLION = "[&l0 [x], {}]".format(
    ", ".join(f"&l{i} [{', '.join([f'*l{i - 1}'] * 10)}]" for i in range(1, 10))
)
"""Aliases of aliases: a billion values, from one line."""


@pytest.mark.parametrize(
    ("key", "value", "told"),
    [
        ("type", "s2s", "`type` cannot be represented: only `transformer` can, found `s2s`"),
        ("transformer-decoder-autoreg", "rnn", "only `self-attention` can, found `rnn`"),
        ("transformer-ffn-activation", "gelu", "only `relu` or `swish` can, found `gelu`"),
        ("transformer-postprocess", "da", "cannot be represented: only `dan` alone"),
        ("transformer-train-position-embeddings", "true", "only `false` can, found `true`"),
        ("transformer-tied-layers", "[1, 1]", "`transformer-tied-layers` cannot be represented"),
        ("dim-emb", "x", "`dim-emb` must be a whole number, at least 1, found `x`"),
        ("dim-emb", 10**30, "`dim-emb` must be a whole number, at least 1"),
        ("enc-depth", 0, "`enc-depth` must be a whole number, at least 1, found `0`"),
        ("dim-vocabs", "[5]", "`dim-vocabs` must be two numbers of pieces"),
        ("transformer-heads", 3, "describes a model that cannot be represented"),
        ("tied-embeddings", "2", "`tied-embeddings` must be true or false"),
        ("enc-depth", 900, "lacks `encoder_l3_self_Wq`, which its settings ask for"),
        ("x", "!!python/object/apply:os.system [touch pwned]", "not valid YAML"),
        ("x", "[" * 3000, "not valid YAML"),
        ("x", "&a [*a, *a]", ""),
        (
            "dim-emb",
            BILLION,
            "`dim-emb` must be a whole number, at least 1, found `[['x'], [[...], [...],",
        ),
        ("tied-embeddings", BILLION, "`tied-embeddings` must be true or false, found `[['x'], ["),
        ("transformer-tied-layers", BILLION, "only `[]` can, found `[['x'], [[...],"),
    ],
)
def test_settings_that_cannot_be_represented(source, key, value, told):
    set_key(source, key, value)
    result = mtcli_import(source)
    if told:
        assert result.exit_code == 2
        assert told in result.stderr
        assert "Traceback" not in result.output
    assert not Path("pwned").exists()


def remove(name):
    return lambda arrays: arrays.pop(name)


def put(name, array):
    return lambda arrays: arrays.update({name: array})


ARRAYS = [
    (remove(MODEL_YML), "is not a model of Marian: it lacks `special:model.yml`"),
    (remove("encoder_l1_self_bk"), "lacks `encoder_l1_self_bk`, which its settings ask for"),
    (put("odd", np.zeros(3, np.float32)), "has `odd`, for which mtcli has no place"),
    (
        put("encoder_l1_self_bk", np.zeros((2, 16), np.float32)),
        "stores `encoder_l1_self_bk` as [2, 16], but its settings ask for [1, 16]",
    ),
    (
        put("encoder_l1_self_bk", np.zeros((1, 16), np.int8)),
        "in the type i1, but weights must be floating-point numbers\nhint: give the model that",
    ),
    (put(MODEL_YML, np.zeros(3, np.float32)), "`special:model.yml` is not a text"),
    (put(MODEL_YML, np.array([-1, -2], np.int8)), "`special:model.yml` is not UTF-8"),
    (put("encoder_l1_self_bk", np.full((1, 16), np.nan, np.float32)), "are not finite numbers"),
]


@pytest.mark.parametrize(("edit", "told"), ARRAYS, ids=[told[:40] for _, told in ARRAYS])
def test_arrays_that_do_not_fit(source, edit, told):
    change(source, edit)
    assert told in problem_of(source)


class _Attack:
    def __reduce__(self):
        return os.system, ("touch pwned",)


def npy(shape, dtype="<f4", body=b"", version=b"\x01\x00"):
    header = f"{{'descr': '{dtype}', 'fortran_order': False, 'shape': {shape}, }}\n".encode()
    return b"\x93NUMPY" + version + struct.pack("<H", len(header)) + header + body


def zipped(**files):
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, body in files.items():
            archive.writestr(name, body)
    return content.getvalue()


def pickled():
    content = io.BytesIO()
    np.savez(content, special=np.array([_Attack()], dtype=object))
    return content.getvalue()


BYTES = [
    (pickled(), "`special` is a pickle, which can run code"),
    (b"", "model.npz is damaged and cannot be read"),
    (b"PK\x03\x04" + b"x" * 50, "model.npz is damaged and cannot be read"),
    (zipped(**{"../../evil.npy": npy((1,), body=b"1234")}), "is not the name of an array"),
    (zipped(**{"/etc/passwd.npy": npy((1,), body=b"1234")}), "is not the name of an array"),
    (zipped(**{"a.txt": b"x"}), "'a.txt' is not the name of an array"),
    (zipped(**{"a.npy": npy((10**12,))}), "should have 4000000000000 bytes by its header"),
    (zipped(**{"a.npy": npy((-1,))}), "is damaged and cannot be read"),
    (zipped(**{"a.npy": npy((1,), version=b"\x07\x00")}), "is damaged and cannot be read"),
    (zipped(**{"a.npy": npy("__import__('os').system('touch pwned')")}), "is damaged and cannot"),
    (zipped(**{"a.npy": npy("(1,)" + " " * 20000)}), "is damaged and cannot be read"),
    (zipped(**{"a.npy": npy("(1,")}), "cannot be read (the header of `a`: "),
    (zipped(**{"a.npy": npy("(1,), [3]: 1")}), "cannot be read (the header of `a`: "),
    (zipped(**{"a.npy": npy("(1,), 'descr': ('<f4',)")}), "cannot be read (the header of `a`: "),
    (zipped(**{"a.npy": npy((2**28,), body=bytes(2**24))}), "bytes hold arrays of"),
    (zipped(**{f"a{i}.npy": b"" for i in range(20_001)}), "it has 20001 arrays"),
]


@pytest.mark.parametrize(("content", "told"), BYTES, ids=[told[:36] for _, told in BYTES])
def test_files_that_are_no_models(source, content, told):
    (source / "model.npz").write_bytes(content)
    problem = problem_of(source)
    assert told in problem
    assert problem.startswith("DIR/model.npz ")
    assert not Path("pwned").exists()


@pytest.mark.parametrize(
    ("edit", "told"),
    [
        (lambda s: (s / "source.spm").unlink(), "pieces, but `dim-vocabs` of"),
        (lambda s: [(s / n).unlink() for n in ("source.spm", "target.spm")], "has no vocabulary"),
        (lambda s: (s / "target.spm").write_bytes(b"spam"), "is not a SentencePiece model (4"),
        (lambda s: (s / "model.npz").rename(s / "model.bin"), "it has no `config.json` and no"),
        (lambda s: (s / "decoder.yml").write_text("vocabs: 3"), "`vocabs` must name two files"),
        (
            lambda s: (s / "decoder.yml").write_text(f"x: {BILLION}\nvocabs: [x, *l9]"),
            "`vocabs` must name",
        ),
        (
            lambda s: (s / "decoder.yml").write_text(f"vocabs: {BILLION}"),
            "of source and target, found `[['x'], [[...], [...],",
        ),
        (lambda s: (s / "decoder.yml").write_text("beam-size: 5000"), "must be at most 1000"),
        (lambda s: (s / "decoder.yml").write_text("normalize: 50"), "`normalize` must be at most"),
        (lambda s: (s / "decoder.yml").write_bytes(b"\xff"), "is damaged: it is not UTF-8"),
        (
            lambda s: (s / "decoder.yml").write_bytes(bytes(2**20 + 1)),
            "has more than 1048576 bytes",
        ),
        (lambda s: (s / "decoder.yml").write_text("[1"), "its settings are not valid YAML"),
        (lambda s: (s / "decoder.yml").write_text("- 1"), "its settings are not keys with values"),
    ],
)
def test_files_beside_the_model(source, edit, told):
    edit(source)
    assert told in problem_of(source)


def test_languages_and_formats_that_are_asked_for(source):
    result = CliRunner().invoke(app, ["import", str(source), "-o", str(source.parent / "m")])
    assert "does not say its source language\nhint: give `--src-lang` and" in result.stderr
    (source / "other.bin").write_bytes(b"x")
    assert "of Marian's models only npz files can" in problem_of(source / "other.bin")
    (source / "model.npz").rename(source / "a.npz")
    (source / "b.npz").write_bytes(b"")
    assert "DIR has 2 npz files: `a.npz`, `b.npz`\nhint: give the file" in problem_of(source)
