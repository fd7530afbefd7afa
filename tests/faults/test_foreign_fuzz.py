"""Damaged models of other toolkits: `mtcli import` refuses them in a sentence, or makes a model.

All of it: `python -m tests.faults --all -- -k foreign_fuzz`.
"""

from __future__ import annotations

import json
import shutil
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file
from typer.testing import CliRunner

from mtcli.cli.app import app
from mtcli.errors import MtcliError
from mtcli.translating.translator import Translator
from tests.faults.foreign_damages import damage_huggingface, damage_marian
from tests.faults.fuzzing import digest, throw
from tests.support.foreign import write_foreign, write_foreign_m2m100
from tests.support.marian import write_marian
from tests.support.tokenizers import WORDS

pytestmark = pytest.mark.slow

NEEDED = (
    "mtcli.cli.import_model",
    "mtcli.engines.torch_loading",
    "mtcli.interchange.huggingface.source",
    "mtcli.interchange.importing",
    "mtcli.interchange.marian.source",
    "mtcli.model.positions",
    "pydantic",
    "ruamel.yaml",
)


@pytest.fixture(autouse=True, scope="module")
def needed():
    """Import once what each fork would import again."""
    for name in NEEDED:
        import_module(name)


def imported(source: Path, *options: str) -> str:
    """What a model translates that `mtcli import` made of a source.

    Raises:
        MtcliError: the import was refused, in a sentence, and left nothing behind.
    """
    before = set(source.parent.iterdir())
    output = source.parent / f"{source.name}.imported"
    result = CliRunner().invoke(app, ["import", str(source), "-o", str(output), *options])
    left = sorted(path.name for path in set(source.parent.iterdir()) - before - {output})
    assert not left, f"{left} was left behind"
    if result.exit_code == 0:
        translations = Translator.load(output, threads=1).translate([" ".join(WORDS[:4]), ""])
        shutil.rmtree(output)
        return digest(translations)
    if not isinstance(result.exception, SystemExit):
        raise result.exception
    lines = result.stderr.splitlines()
    assert result.exit_code == 2, result.stderr
    assert not output.exists()
    assert lines[0].startswith("error: "), result.stderr
    assert all("hint: " in line for line in lines[1:2]), result.stderr
    assert len(lines) <= 2, result.stderr
    raise MtcliError(result.stderr.strip())


@pytest.mark.parametrize("kind", ["one file", "several files", "M2M100", "NLLB"])
def test_foreign_fuzz_of_huggingface(tmp_path, kind):
    folder = tmp_path / "source" / "opus-mt-en-de"
    folder.parent.mkdir()
    is_multilingual = kind in ("M2M100", "NLLB")
    if is_multilingual:
        write_foreign_m2m100(folder, nllb=kind == "NLLB", max_length=20)
    else:
        write_foreign(folder)
    search = {"num_beams": 2, "max_length": 20, "bad_words_ids": None, "forced_eos_token_id": None}
    (folder / "generation_config.json").write_text(json.dumps(search), encoding="utf-8")
    if kind == "several files":
        split_weights(folder)
    tries = tmp_path / "tries"
    tries.mkdir()
    options = ("--src-lang", "en", "--tgt-lang", "de") if is_multilingual else ()
    throw(
        "Hugging Face folder", folder, lambda f: imported(f, *options), tries, quick=10, whole=125,
        has_manifest=False, damage=damage_huggingface,
    )  # fmt: skip


@pytest.mark.parametrize("kind", ["two vocabularies", "one vocabulary"])
def test_foreign_fuzz_of_marian(tmp_path, kind):
    folder = tmp_path / "source" / "marian"
    folder.parent.mkdir()
    is_one = kind == "one vocabulary"
    write_marian(folder, shared=is_one, norm_position="pre" if is_one else "post")
    names = ["vocab.spm"] * 2 if is_one else ["source.spm", "target.spm"]
    search = {"vocabs": names, "beam-size": 2, "normalize": 0.6, "word-penalty": 0, "models": []}
    (folder / "model.npz.decoder.yml").write_text(json.dumps(search), encoding="utf-8")
    tries = tmp_path / "tries"
    tries.mkdir()
    throw(
        "Marian npz", folder, lambda f: imported(f, "--src-lang", "en", "--tgt-lang", "de"), tries,
        quick=10, whole=250, has_manifest=False, damage=damage_marian,
    )  # fmt: skip


def split_weights(folder: Path) -> None:
    """Spread weights over two files with an index, and add tables of positions."""
    weights = load_file(folder / "model.safetensors")
    (folder / "model.safetensors").unlink()
    table = np.random.default_rng(0).normal(size=(48, 16)).astype(np.float32)
    for side in ("encoder", "decoder"):
        weights[f"model.{side}.embed_positions.weight"] = table
    weights["lm_head.weight"] = weights["model.shared.weight"]
    files = {name: f"model-{i % 2}.safetensors" for i, name in enumerate(sorted(weights))}
    for file in set(files.values()):
        save_file({name: weights[name] for name in files if files[name] == file}, folder / file)
    index = {"metadata": {"total_size": 1}, "weight_map": files}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index), encoding="utf-8")
