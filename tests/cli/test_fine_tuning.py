"""The route of a user: import a model, tune it, evaluate it, export it, translate with each."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from mtcli.bundle.model_folder import read_model
from mtcli.cli.app import app
from tests.support.huggingface import write_marian

DEMO = Path(__file__).parents[2] / "data/demo"
NUM_PAIRS = 500

CONFIG = """\
preset: auto
src_lang: en
tgt_lang: de
run_dir: tuned
data:
  train: [{src: train.en, tgt: train.de}]
  valid: [{src: valid.en, tgt: valid.de}]
training:
  init_from: imported
  freeze: [embeddings]
  max_steps: 30
  device: cpu
  precision: fp32
validation: {every_steps: 30}
regularization: {l2_to_start: 0.001}
decoding: {beam_size: 4, max_length: 24}
"""


def invoke(*arguments, lines=()):
    given = "".join(f"{line}\n" for line in lines)
    result = CliRunner().invoke(app, list(map(str, arguments)), input=given)
    assert result.exit_code == 0, result.output
    return result


@pytest.fixture
def folder(tmp_path, monkeypatch):
    for split, size in (("train", NUM_PAIRS), ("valid", 12), ("test", 12)):
        for lang in ("en", "de"):
            lines = (DEMO / f"{split}.{lang}").read_text("utf-8").split("\n")[:size]
            (tmp_path / f"{split}.{lang}").write_text("\n".join(lines) + "\n", "utf-8")
    (tmp_path / "tune.yaml").write_text(CONFIG, "utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:Recommended. pip install sacremoses:UserWarning")
def test_an_imported_model_is_tuned_and_translates_alike_everywhere(folder):
    transformers = pytest.importorskip("transformers")
    pytest.importorskip("ctranslate2")
    texts = tuple(
        (folder / f"train.{lang}").read_text("utf-8").splitlines() for lang in ["en", "de"]
    )
    write_marian(
        folder / "opus-mt-en-de", texts=texts, pieces=200, d_model=32, max_position_embeddings=256,
        some_end=False,
    )  # fmt: skip

    # 1. Import it, and tune it.
    invoke("import", "opus-mt-en-de", "-o", "imported")
    told = invoke("train", "tune.yaml").output
    start, tuned = read_model(folder / "imported"), read_model(folder / "tuned/best")
    assert f"training.init_from: starting from {start.path} (en-de, of unknown training)" in told
    assert "as in the model that the run starts from" in told
    assert tuned.card.architecture == start.card.architecture
    before, after = start.weights(), tuned.weights()
    same = {name for name in before if (before[name] == after[name]).all()}
    assert same == {"shared_embed.weight", "output_bias"}

    # 2. Evaluate it, and go half the way.
    scores = json.loads(
        invoke("eval", "-m", "tuned", "--src", "test.en", "--ref", "test.de", "--json").stdout
    )
    assert scores
    invoke("average", "-m", "imported", "-m", "tuned", "--weights", "0.6,0.4", "--output", "half")

    # 3. Export it, and translate with each.
    invoke("export", "-m", "tuned", "--quantize", "float32", "--verify-on", "test.en")
    report = json.loads(
        invoke(
            "export", "-m", "tuned", "--to", "huggingface", "--output", "given",
            "--verify-on", "test.en", "--json",
        ).stdout
    )  # fmt: skip
    assert report["agreement"]["num_alike"] == report["agreement"]["num_lines"]
    lines = (folder / "test.en").read_text("utf-8").splitlines()
    by_torch = invoke("translate", "-m", "tuned", "--engine", "torch", lines=lines).stdout
    by_ctranslate2 = invoke(
        "translate", "-m", "tuned", "--engine", "ctranslate2", lines=lines
    ).stdout
    tokenizer = transformers.MarianTokenizer.from_pretrained("given")
    model = transformers.MarianMTModel.from_pretrained("given")
    made = model.generate(**tokenizer(lines, return_tensors="pt", padding=True))
    by_transformers = tokenizer.batch_decode(made, skip_special_tokens=True)
    assert len(set(by_transformers)) > 6
    assert by_torch.splitlines() == by_transformers
    assert by_ctranslate2.splitlines() == by_transformers

    # 4. What was given back can be taken again.
    invoke("import", "given", "-o", "again")
    assert invoke("translate", "-m", "again", lines=lines).stdout == by_torch
