import json
from dataclasses import asdict, replace

import pytest

from mtcli.bundle.export_record import ExportRecord, ThreadSplit, read_export, weights_sha256
from mtcli.bundle.model_folder import read_model
from mtcli.decoding.options import SearchOptions
from mtcli.engines import choice
from mtcli.engines.choice import EngineOptions, choose_engine, choose_split
from mtcli.errors import ConfigError, ModelFolderError
from mtcli.folders import new_folder, write_json
from tests.support.model_folder import write_tiny_model
from tests.support.tokenizers import train_on_words

RECORD = ExportRecord(
    quantization="int8",
    weights_sha256="",
    engine_version="4.8.0",
    num_cores=4,
    beam_size=5,
    num_lines=100,
    agreement=0.9,
    torch_lines_per_s=10.0,
    splits=[
        ThreadSplit(inter_threads=2, intra_threads=2, lines_per_s=50.0),
        ThreadSplit(inter_threads=4, intra_threads=1, lines_per_s=40.0),
    ],
)


@pytest.fixture
def bundle(tmp_path):
    train_on_words(tmp_path / "tokenizer.model")
    write_tiny_model(tmp_path / "my model", tmp_path / "tokenizer.model")
    return read_model(tmp_path / "my model")


def put_export(bundle, **changes):
    record = replace(RECORD, weights_sha256=weights_sha256(bundle.path), **changes)
    with new_folder(bundle.path / "ctranslate2") as folder:
        write_json(folder / "mtcli.json", asdict(record))
        for name in ("model.bin", "shared_vocabulary.json", "README.md"):
            (folder / name).write_bytes(name.encode() * 10)
    return record


def test_without_an_export_there_is_nothing_to_choose(bundle):
    assert read_export(bundle) is None
    assert choose_engine([bundle], EngineOptions()) == (None, "")
    assert choose_engine([bundle], EngineOptions("torch")) == (None, "")
    with pytest.raises(ModelFolderError) as info:
        choose_engine([bundle], EngineOptions("ctranslate2"))
    assert str(info.value) == (
        f"{bundle.path} has no CTranslate2 export\n"
        f"hint: run `mtcli export -m '{bundle.path}' --to ctranslate2`, or use `--engine torch`"
    )
    with pytest.raises(
        ConfigError, match="must be one of `auto`, `torch`, `ctranslate2`, found `fai"
    ):
        EngineOptions("fairy")


def test_the_faster_one_is_taken(bundle, monkeypatch):
    monkeypatch.setattr(choice, "num_cores", lambda: 4)
    record = put_export(bundle)
    assert choose_engine([bundle], EngineOptions()) == (
        record, "engine ctranslate2 (int8, 2 x 2 threads)"
    )  # fmt: skip
    assert choose_engine([bundle], EngineOptions(threads=1)).reason == (
        "engine ctranslate2 (int8, 1 x 1 thread)"
    )
    assert choose_engine([bundle], EngineOptions("torch")).record is None


def test_a_slow_export_is_left(bundle):
    record = put_export(bundle, torch_lines_per_s=60.0)
    assert choose_engine([bundle], EngineOptions()) == (
        None, "engine torch, which was measured faster than the export"
    )  # fmt: skip
    assert choose_engine([bundle], EngineOptions("ctranslate2")).record == record


@pytest.mark.parametrize(
    ("how", "search", "only_torch", "why"),
    [
        (EngineOptions(device="cuda"), None, "", "exports run on the CPU, not on device cuda"),
        (
            EngineOptions(precision="bf16"),
            None,
            "",
            "exports have a precision of their own, not bf16",
        ),
        (
            EngineOptions(),
            SearchOptions(beam_size=2, normalization="none"),
            "",
            "exports do not support normalization none with length_penalty 1 under a beam",
        ),
        (EngineOptions(), None, "alignments", "exports do not support alignments"),
    ],
)
def test_what_it_cannot_do(bundle, how, search, only_torch, why):
    put_export(bundle)
    choice = choose_engine([bundle], how, search, only_torch)
    assert choice == (None, f"engine torch, because {why}")
    with pytest.raises(ConfigError) as info:
        choose_engine([bundle], replace(how, engine="ctranslate2"), search, only_torch)
    assert str(info.value) == (
        f"engine ctranslate2 cannot run: {why}\nhint: use `--engine torch` or `auto`"
    )


def test_ctranslate2_needs_a_thread(bundle, monkeypatch):
    put_export(bundle)
    monkeypatch.setattr(choice, "startable_threads", lambda wanted: 0)
    why = "it needs a thread of its own, and the system allows no more"
    assert choose_engine([bundle], EngineOptions()) == (None, f"engine torch, because {why}")
    with pytest.raises(ConfigError, match=f"engine ctranslate2 cannot run: {why}"):
        choose_engine([bundle], EngineOptions("ctranslate2"))
    monkeypatch.setattr(choice, "startable_threads", lambda wanted: min(wanted, 2))
    split = choose_split(RECORD, 8)
    assert split.inter_threads * split.intra_threads == 2


def test_an_export_is_no_ensemble(bundle):
    put_export(bundle)
    choice = choose_engine([bundle, bundle], EngineOptions())
    assert choice == (None, "engine torch, because an export is one model, not an ensemble")


def test_a_greedy_search_needs_no_penalty(bundle):
    put_export(bundle)
    greedy = SearchOptions(beam_size=1, normalization="gnmt")
    assert choose_engine([bundle], EngineOptions(), greedy).record is not None


def test_threads(monkeypatch):
    monkeypatch.setattr(choice, "num_cores", lambda: 8)
    for threads, expected in ((4, (2, 2)), (2, (2, 1)), (1, (1, 1)), (None, (8, 1))):
        split = choose_split(RECORD, threads)
        assert (split.inter_threads, split.intra_threads) == expected
    with pytest.raises(ConfigError, match="`threads` must be at least 1, found `0`"):
        EngineOptions(threads=0)


@pytest.mark.parametrize("name", ["model.bin", "shared_vocabulary.json", "mtcli.json"])
def test_one_changed_bit_of_an_export_is_found(bundle, name):
    """In `model.bin` it translated otherwise, in silence."""
    put_export(bundle)
    path = bundle.path / "ctranslate2" / name
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    sentence = f"{path} is damaged: its SHA-256 is not the one in `MANIFEST.json`"
    with pytest.raises(ModelFolderError) as info:
        choose_engine([bundle], EngineOptions("ctranslate2"))
    assert str(info.value) == sentence
    assert choose_engine([bundle], EngineOptions()) == (None, f"engine torch, because {sentence}")


def test_people_may_edit_the_readme_of_an_export(bundle):
    put_export(bundle)
    (bundle.path / "ctranslate2/README.md").write_text("Ours.")
    assert read_export(bundle) is not None


def test_a_damaged_record(bundle):
    put_export(bundle, splits=[])
    with pytest.raises(ModelFolderError, match="is damaged: it lists no thread split"):
        read_export(bundle)
    path = bundle.path / "ctranslate2/mtcli.json"
    found = json.loads(path.read_text("utf-8"))
    path.write_text(json.dumps(found), "utf-8")
    with pytest.raises(ModelFolderError, match=r"mtcli\.json is damaged: it has \d+ bytes"):
        read_export(bundle)
