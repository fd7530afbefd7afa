import builtins
import json
import os
import shutil
import subprocess
import sys
from dataclasses import replace

import pytest
from typer.testing import CliRunner

from mtcli.bundle.model_folder import read_model, write_model
from mtcli.cli.app import app
from mtcli.config.schema.decoding import DecodingConfig
from mtcli.engines.ctranslate2.engine import CTranslate2Engine
from mtcli.interchange import verification
from mtcli.interchange.ctranslate2.export import export_ctranslate2
from mtcli.interchange.huggingface import verification as huggingface_verification
from mtcli.interchange.marian import verification as marian_verification
from mtcli.translating.translator import Translator
from tests.support.manifests import fix_manifest
from tests.support.model_folder import card_of, untrained_model, write_tiny_model
from tests.support.tokenizers import train_on_words

LINES_FILE = object()
"""Stands for the file of the lines below."""

LINES = "ralo teku minaro.\nsef dolu\n\npav erin kostu ralo.\n"


def mtcli(*arguments, input_bytes=b""):
    return CliRunner().invoke(app, list(map(str, arguments)), input=input_bytes)


def without_tone(text):
    return " ".join(text.split())


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    """A model folder with an export in float32, and what the command said."""
    folder = tmp_path_factory.mktemp("export")
    train_on_words(folder / "tokenizer.model")
    write_tiny_model(folder / "model", folder / "tokenizer.model")
    (folder / "src").write_text(LINES, "utf-8")
    result = mtcli(
        "export", "-m", folder / "model", "--to", "ctranslate2", "--quantize", "float32",
        "--verify-on", folder / "src", "--ref", folder / "src",
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    # timing is luck on a busy machine: whatever was measured, the export is the faster one
    record = folder / "model/ctranslate2/mtcli.json"
    found = json.loads(record.read_text("utf-8"))
    text = json.dumps({**found, "torch_lines_per_s": 0.5})
    record.write_text(text, "utf-8")
    fix_manifest(record.parent, record.name)
    return folder / "model", result.stdout, found


@pytest.fixture
def model(exported):
    return exported[0]


def test_what_is_reported(exported):
    model, stdout, record = exported
    lines = stdout.splitlines()
    assert lines[0] == f"{model} -> {model / 'ctranslate2'} (float32)"
    assert lines[1].startswith("size: ")
    assert lines[2] == "agreement: 100.0% of 4 lines translated alike (beam 3)"
    assert lines[3].startswith("log-probability: differs by at most ")
    assert lines[4].startswith("BLEU: ")
    assert "|tok:13a|" in lines[4]
    speeds = [line for line in lines if line.startswith("speed: ")]
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    splits = [(n, cores // n) for n in range(1, cores + 1) if cores % n == 0]
    assert len(speeds) == 1 + len(splits)
    assert record["quantization"] == "float32"
    measured = [(s["inter_threads"], s["intra_threads"]) for s in record["splits"]]
    assert sorted(measured) == splits
    rates = [s["lines_per_s"] for s in record["splits"]]
    assert rates == sorted(rates, reverse=True)
    names = {path.name for path in (model / "ctranslate2").iterdir()}
    assert names == {
        "model.bin", "config.json", "shared_vocabulary.json", "mtcli.json", "MANIFEST.json",
        "README.md", "model.json", "tokenizer.model", "generation.json", "scores.json",
    }  # fmt: skip


def test_translate_takes_the_export_and_says_so(model):
    by_export = mtcli("translate", "-m", model, input_bytes=LINES.encode())
    assert by_export.exit_code == 0
    assert "engine ctranslate2 (float32, " in by_export.stderr
    by_torch = mtcli("translate", "-m", model, "--engine", "torch", input_bytes=LINES.encode())
    assert by_torch.stdout_bytes == by_export.stdout_bytes
    assert "engine" not in by_torch.stderr
    quiet = mtcli("translate", "-m", model, "-q", input_bytes=LINES.encode())
    assert quiet.stderr == ""
    assert quiet.stdout_bytes == by_torch.stdout_bytes


def test_n_best_lists_are_those_of_torch(model):
    found, expected = (
        mtcli("translate", "-m", model, "-q", "--n-best", 3, "--engine", engine,
              input_bytes=LINES.encode())
        for engine in ("ctranslate2", "torch")
    )  # fmt: skip
    assert found.stdout.count("|||") == 3 * 10
    for ours, theirs in zip(found.stdout.split("\n"), expected.stdout.split("\n"), strict=True):
        if ours:
            ours, theirs = ours.split(" ||| "), theirs.split(" ||| ")
            assert ours[:2] == theirs[:2]
            for a, b in zip(ours[2:], theirs[2:], strict=True):
                assert float(a.split()[-1]) == pytest.approx(float(b.split()[-1]), abs=2e-4)


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (
            ["--normalization", "gnmt"],
            "exports do not support normalization gnmt with",
        ),
        (
            ["--length-penalty", "0"],
            "exports do not support normalization average with",
        ),
        (["--precision", "bf16"], "exports have a precision of their own, not bf16"),
    ],
)
def test_what_the_export_cannot_do_exactly_goes_to_torch(model, arguments, why):
    result = mtcli("translate", "-m", model, *arguments, input_bytes=b"sef dolu\n")
    assert result.exit_code == 0
    assert f"engine torch, because {why}" in result.stderr
    refused = mtcli("translate", "-m", model, "--engine", "ctranslate2", *arguments)
    assert refused.exit_code == 2
    assert f"error: engine ctranslate2 cannot run: {why}" in refused.stderr


def test_from_python_the_export_falls_back_to_torch(model):
    texts = ["ralo teku minaro.", "sef dolu"]
    auto = Translator.load(model, threads=1)
    only_torch = Translator.load(model, device="cpu", engine="torch")
    for options in ({}, {"normalization": "gnmt"}, {"beam_size": 1, "normalization": "none"}):
        assert auto.translate(texts, **options) == only_torch.translate(texts, **options)


def test_no_torch_no_numpy_no_pydantic(model):
    script = (
        "import sys; from mtcli.cli.app import main\n"
        f"sys.argv = ['mtcli', 'translate', '-m', {str(model)!r}]\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "heavy = {'torch', 'numpy', 'pydantic', 'datasets', 'sacrebleu', 'rich'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], input="sef dolu\n", capture_output=True, text=True
    )
    assert "engine ctranslate2" in done.stderr
    assert done.stdout.splitlines()[1:] == ["[]"]


def test_another_folder_and_quantization(model, tmp_path):
    # an untrained model, which small changes move most: 28 % alike on a CPU whose sums run over
    result = mtcli(
        "export", "-m", model, "--quantize", "int8", "--output", tmp_path / "small",
        "--threshold", "0.5",
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    assert "32 lines of random pieces" in result.stdout
    small, large = (tmp_path / "small/model.bin"), model / "ctranslate2/model.bin"
    assert small.stat().st_size < large.stat().st_size


@pytest.mark.parametrize("cores", [1, 4])
def test_every_core_has_batches_where_speeds_are_compared(model, tmp_path, monkeypatch, cores):
    searches = []

    class Spy(CTranslate2Engine):
        def begin(self, batches, options, *others):
            searches.append([len(batch.src_ids) for batch in batches])
            return super().begin(batches, options, *others)

    monkeypatch.setattr(verification, "num_cores", lambda: cores)
    monkeypatch.setattr(verification, "CTranslate2Engine", Spy)
    export_ctranslate2(model, output=tmp_path / "e", quantization="float32")
    assert {sum(sizes) for sizes in searches} == {32}
    assert min(map(len, searches)) >= 2 * cores


def test_the_report_as_json(model, tmp_path):
    src = model.parent / "src"
    result = mtcli(
        "export", "-m", model, "--quantize", "float32", "--output", tmp_path / "e", "--json",
        "--verify-on", src, "--ref", src,
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    report = json.loads(result.stdout)
    assert (report["model"], report["folder"]) == (str(model), str(tmp_path / "e"))
    assert (report["quantization"], report["is_made_up"]) == ("float32", False)
    comparison = report["comparison"]
    assert (comparison["num_lines"], comparison["agreement"]) == (4, 1.0)
    assert comparison["model_bleu"] == comparison["export_bleu"]
    assert comparison["splits"][0].keys() == {"inter_threads", "intra_threads", "lines_per_s"}


def test_a_variable_chooses_the_device_unless_the_option_does(model, monkeypatch):
    monkeypatch.setenv("MTCLI_DEVICE", "tpu")
    result = mtcli("translate", "-m", model, input_bytes=b"ralo\n")
    assert result.exit_code == 2
    assert "`--device` must be one of `auto`, `cpu`, `cuda`, `mps`, found `tpu`" in result.output
    assert mtcli("translate", "-m", model, "--device", "cpu", input_bytes=b"ralo\n").exit_code == 0
    monkeypatch.setenv("MTCLI_DEVICE", "cpu")
    assert mtcli("translate", "-m", model, input_bytes=b"ralo\n").exit_code == 0


@pytest.fixture(scope="module")
def alone(exported, tmp_path_factory):
    """A folder of `--output`, moved to where there is nothing else."""
    folder = tmp_path_factory.mktemp("alone")
    result = mtcli(
        "export", "-m", exported[0], "--quantize", "float32", "--output", folder / "there"
    )
    assert result.exit_code == 0, result.output
    return (folder / "there").rename(folder / "here")


@pytest.mark.parametrize("engine", [[], ["--engine", "auto"], ["--engine", "ctranslate2"]])
def test_an_exported_folder_translates_by_itself(exported, alone, engine):
    want = mtcli("translate", "-m", exported[0], "--engine", "torch", input_bytes=LINES.encode())
    got = mtcli("translate", "-m", alone, *engine, input_bytes=LINES.encode())
    assert (got.exit_code, got.stdout_bytes) == (0, want.stdout_bytes), got.output
    assert Translator.load(alone).translate(["ralo teku"]) == Translator.load(
        exported[0]
    ).translate(["ralo teku"])


def test_an_exported_folder_holds_all_but_the_weights(exported, alone):
    names = {path.name for path in exported[0].iterdir() if path.is_file()}
    engine = {"model.bin", "config.json", "shared_vocabulary.json", "mtcli.json"}
    assert {path.name for path in alone.iterdir()} == (names - {"model.safetensors"}) | engine


def test_the_export_in_a_model_folder_translates_by_itself_too(model, tmp_path):
    want = mtcli("translate", "-m", model, input_bytes=LINES.encode())
    copy = shutil.copytree(model / "ctranslate2", tmp_path / "copied")
    for folder in (model / "ctranslate2", copy):
        got = mtcli("translate", "-m", folder, input_bytes=LINES.encode())
        assert (got.exit_code, got.stdout_bytes) == (0, want.stdout_bytes), got.output
    facts = json.loads((copy / "mtcli.json").read_bytes())
    assert {"agreement", "num_lines", "weights_sha256"} <= facts.keys()
    tokenizer = copy / "tokenizer.model"
    tokenizer.write_bytes(tokenizer.read_bytes()[:-1] + b"x")
    changed = mtcli("translate", "-m", copy, input_bytes=b"ralo\n")
    assert (changed.exit_code, changed.stdout) == (2, "")
    assert f"{copy / 'tokenizer.model'}" in changed.stderr


@pytest.mark.parametrize(
    "call",
    [
        ["translate", "--engine", "torch"],
        ["eval", "--src", "{src}", "--ref", "{src}"],
        ["score", "--src", "{src}", "--tgt", "{src}"],
        ["export", "--output", "{src}.export"],
    ],
)
def test_what_needs_the_weights_says_so(exported, alone, call):
    src = exported[0].parent / "src"
    arguments = [argument.format(src=src) for argument in call]
    result = mtcli(*arguments, "-m", alone, input_bytes=b"ralo\n")
    assert result.exit_code == 2
    assert result.stderr.splitlines()[-2:] == [
        f"error: {alone} is an export: it translates with CTranslate2, and lacks the weights that"
        " everything else needs",
        "hint: give the model folder or run folder that it was exported from",
    ]


def test_what_an_export_cannot_do_by_itself_is_named(alone):
    result = mtcli("translate", "-m", alone, "--sample", input_bytes=b"ralo\n")
    assert result.exit_code == 2
    assert "engine ctranslate2 cannot run: exports do not support sampling" in result.stderr
    assert "hint: give the model that this was exported from" in result.stderr


def test_a_model_that_never_ends_is_verified_soon_and_not_in_silence(exported, tmp_path):
    """Made-up lines have short translations, none of them repeated."""
    counts = []
    bundle = read_model(exported[0])
    endless = replace(bundle, generation=replace(bundle.generation, max_length=250))
    lines = verification.made_up_sentences(endless)
    assert lines.is_made_up
    assert verification._request(endless, is_made_up=True).overrides == {
        "stop": "full",
        "max_length": 48,
    }
    assert verification._request(bundle, is_made_up=True).overrides["max_length"] == 12
    assert not verification._request(endless, is_made_up=True).retries
    assert verification._request(endless, is_made_up=False).retries
    clock = iter(range(0, 10_000, 10))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(verification.time, "perf_counter", lambda: float(next(clock)))
        speeds = verification._speeds([lambda: counts.append(1)] * 2, 5, lambda *_: None)
    assert speeds == [0.5, 0.5]
    assert len(counts) == 2  # 15 s are over, so each is measured once
    result = mtcli("export", "-m", exported[0], "--output", tmp_path / "e")
    assert result.stderr.splitlines() == [
        "verifying: torch translates (32 lines)",
        "verifying: ctranslate2 translates (32 lines)",
        "measuring the speed of ctranslate2 (3 times)",
    ]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ([], "/ctranslate2 already exists hint: remove it, or give another `--output`"),
        (["--to", "onnx"], "`--to` must be one of `ctranslate2`, `huggingface`, `marian`, found"),
        (["--to", "marian"], "`--to marian` needs `--output` hint: give the folder to"),
        (
            ["--to", "marian", "--output", "x"],
            "cannot be exported to marian, which has no `model.norm_position: pre` instead of post",
        ),
        (["--to", "huggingface"], "`--to huggingface` needs `--output` hint: give the folder to"),
        (
            ["--to", "huggingface", "--output", "x", "--quantize", "int8"],
            "`--quantize` does not go with `--to huggingface` hint: remove `--quantize`",
        ),
        (
            [
                "--to",
                "huggingface",
                "--output",
                "x",
                "--verify-on",
                LINES_FILE,
                "--ref",
                LINES_FILE,
            ],
            "`--ref` does not go with `--to huggingface`",
        ),
        (
            ["--to", "huggingface", "--output", "x"],
            "cannot be exported to huggingface: `M2M100ForConditionalGeneration` has no `model.pos",
        ),
        (["--quantize", "int4"], "`--quantize` must be one of `float32`, `int8`, `int8_float32`,"),
        (["--ref", "x"], "`--ref` needs `--verify-on`, the lines that it translates"),
        (["--verify-on", os.devnull], f"{os.devnull} is empty: there is nothing to translate"),
    ],
)
def test_mistakes(model, arguments, sentence):
    arguments = [
        model.parent / "src" if argument is LINES_FILE else argument for argument in arguments
    ]
    result = mtcli("export", "-m", model, *arguments)
    assert result.exit_code == 2
    assert sentence in without_tone(result.stderr)


def test_a_model_of_the_classic_shape_goes_to_hugging_face(exported, tmp_path, monkeypatch):
    monkeypatch.setattr(huggingface_verification, "find_spec", lambda _: None)
    tiny = untrained_model(norm_position="post")
    weights = {name: tensor.numpy() for name, tensor in tiny.state_dict().items()}
    files = {"tokenizer.model": exported[0] / "tokenizer.model"}
    write_model(tmp_path / "model", weights, card_of(tiny), files, DecodingConfig())
    result = mtcli(
        "export", "-m", tmp_path / "model", "--to", "huggingface", "--output", tmp_path / "hf"
    )
    assert result.exit_code == 0, result.output
    lines = result.stdout.splitlines()
    assert lines[0] == f"{tmp_path / 'model'} -> {tmp_path / 'hf'} (Hugging Face (MarianMTModel))"
    assert lines[2] == "read back: all weights and pieces are the model's"
    assert result.stderr.endswith(
        "not verified with the other toolkit: the package `transformers` is not installed\n"
        "hint: pip install 'transformers>=5.20,<6'\n"
    )
    report = json.loads(
        mtcli(
            "export", "-m", tmp_path / "model", "--to", "huggingface", "--output", tmp_path / "hf2",
            "--json",
        ).stdout
    )  # fmt: skip
    assert (report["agreement"], report["verified_with"]) == (None, None)
    assert {path.name for path in (tmp_path / "hf").iterdir()} == {
        "config.json", "generation_config.json", "model.safetensors", "source.spm", "target.spm",
        "tokenizer_config.json", "vocab.json",
    }  # fmt: skip


def test_an_export_that_differs_is_not_kept(model, tmp_path, monkeypatch):
    from mtcli.interchange.ctranslate2 import export, spec

    def fill_wrongly(*arguments):
        built = spec.build_spec(*arguments)
        built.decoder.layer[0].ffn.linear_1.weight.array *= -1
        return built

    monkeypatch.setattr(export, "build_spec", fill_wrongly)
    result = mtcli(
        "export", "-m", model, "--quantize", "float32", "--output", tmp_path / "out",
        "--threshold", "1.0",
    )  # fmt: skip
    assert result.exit_code == 2
    assert "/out was not kept: in float32 it translates " in result.stderr
    assert "of 32 lines as the model does, which is below the threshold of 100.0%" in result.stderr
    assert list(tmp_path.iterdir()) == []


def test_without_the_package(model, tmp_path, monkeypatch):
    real_import = builtins.__import__

    def without(name, *args, **kwargs):
        if name.split(".")[0] == "ctranslate2":
            raise ModuleNotFoundError(name=name)
        return real_import(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without)
    result = mtcli("export", "-m", model, "--output", tmp_path / "out")
    assert result.exit_code == 2
    assert (
        "error: cannot export to ctranslate2: the package `ctranslate2` is not installed\n"
        "hint: pip install 'ctranslate2>=4.7.1,<5'"
    ) in result.stderr
    monkeypatch.setattr("mtcli.engines.choice.find_spec", lambda name: None)
    result = mtcli("translate", "-m", model, input_bytes=b"sef\n")
    assert result.exit_code == 0
    assert "engine torch, because the package `ctranslate2` is not installed" in result.stderr


def test_an_export_of_other_weights(model, tmp_path):
    import shutil

    copy = tmp_path / "model"
    write_tiny_model(copy, model / "tokenizer.model", seed=5)
    result = mtcli("translate", "-m", copy, "--engine", "ctranslate2")
    assert result.exit_code == 2
    assert f"{copy} has no CTranslate2 export\nhint: run `mtcli export -m {copy} " in result.stderr
    shutil.copytree(model / "ctranslate2", copy / "ctranslate2")
    result = mtcli("translate", "-m", copy, "--engine", "ctranslate2")
    assert result.exit_code == 2
    assert f"{copy / 'ctranslate2'} was exported from other weights than" in result.stderr
    result = mtcli("translate", "-m", copy, input_bytes=b"sef\n")
    assert result.exit_code == 0
    assert "engine torch, because " in result.stderr
    (copy / "ctranslate2/model.bin").write_bytes(b"cut")
    result = mtcli("translate", "-m", copy, "--engine", "ctranslate2")
    assert result.exit_code == 2
    assert "model.bin is damaged: it has 3 bytes" in result.stderr


def test_a_model_with_the_positions_of_marian_goes_to_marian(exported, tmp_path, monkeypatch):
    monkeypatch.setattr(marian_verification, "find_spec", lambda _: None)
    tiny = untrained_model(norm_position="post", positions="sinusoidal_marian", norm_eps=1e-6)
    weights = {name: tensor.numpy() for name, tensor in tiny.state_dict().items()}
    files = {"tokenizer.model": exported[0] / "tokenizer.model"}
    write_model(tmp_path / "model", weights, card_of(tiny), files, DecodingConfig(beam_size=2))
    (tmp_path / "lines").write_text("ba\nba ko\n")
    result = mtcli(
        "export", "-m", tmp_path / "model", "--to", "marian", "--output", tmp_path / "marian",
        "--verify-on", tmp_path / "lines",
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    lines = result.stdout.splitlines()
    assert lines[0] == f"{tmp_path / 'model'} -> {tmp_path / 'marian'} (Marian (npz))"
    assert lines[2] == (
        "agreement: 100.0% of 2 lines translated alike (by mtcli, which read the export again)"
    )
    assert result.stderr.endswith(
        "not verified with the other toolkit: the package `pymarian` is not installed\n"
        "hint: pip install 'pymarian>=1.12.42,<2'\n"
    )
    assert {path.name for path in (tmp_path / "marian").iterdir()} == {
        "decoder.yml", "model.npz", "vocab.spm",
    }  # fmt: skip
