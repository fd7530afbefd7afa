"""benchmarks/faults: what the fuzzer starts from is read without a complaint."""

import sys
from contextlib import nullcontext
from importlib import import_module
from types import SimpleNamespace

from benchmarks.faults import fuzz_seeds


def test_every_reader_reads_its_seeds(tmp_path, monkeypatch):
    stub = SimpleNamespace(instrument_imports=lambda **_: nullcontext())
    monkeypatch.setitem(sys.modules, "atheris", stub)  # it is installed for fuzzing alone
    monkeypatch.setitem(sys.modules, "fuzz_seeds", fuzz_seeds)
    readers = import_module("benchmarks.faults.fuzz_readers").READERS
    fuzz_seeds.write_seeds(tmp_path / "seeds")
    assert {path.name for path in (tmp_path / "seeds").iterdir()} == set(readers)
    for name, read in readers.items():
        for number, seed in enumerate((tmp_path / "seeds" / name).iterdir()):
            folder = tmp_path / f"{name}-{number}"
            folder.mkdir()
            read(folder, seed.read_bytes())
