"""Fuzz the readers of strangers' files, guided by coverage.

    pip install atheris
    python benchmarks/faults/fuzz_seeds.py SEEDS
    python benchmarks/faults/fuzz_readers.py card --minutes 10 --corpus SEEDS/card

Readers: json, manifest, card, weights, export, tokenizer, rules, store, yaml. An input that ends in
anything but a sentence is written to `crash-...` here, and ends the fuzzing; so does one that takes
10 seconds or 1 GiB. Minutes and seconds are of CPU time, so a busy machine fuzzes as much as a
quiet one. What was found: benchmarks/LOG.md.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["mtcli", "json", "ruamel"]):
    from fuzz_seeds import CARD, PIECES

    from mtcli.bundle.card import ModelCard, check_card, read_checked
    from mtcli.bundle.weight_shapes import check_stored_weights
    from mtcli.config.load import load_config
    from mtcli.data.mapped import map_arrays
    from mtcli.engines.ctranslate2.stored import check_export, expected_config
    from mtcli.errors import DataError, ModelFolderError, MtcliError
    from mtcli.folders import parse_json, read_manifest
    from mtcli.tokenizer.model_file import parse_model, read_rules, user_symbols
    from mtcli.tokenizer.sentencepiece import SentencePieceTokenizer

LONGEST_S = 10
"""CPU seconds that one input may take."""


def _json(folder: Path, data: bytes) -> None:
    parse_json(data, "a file", ModelFolderError)


def _manifest(folder: Path, data: bytes) -> None:
    (folder / "MANIFEST.json").write_bytes(data)
    read_manifest(folder, ModelFolderError)


def _card(folder: Path, data: bytes) -> None:
    (folder / "model.json").write_bytes(data)
    check_card(folder / "model.json", read_checked(folder / "model.json", ModelCard))


def _weights(folder: Path, data: bytes) -> None:
    (folder / "model.safetensors").write_bytes(data)
    check_stored_weights(folder / "model.safetensors", CARD)


def _export(folder: Path, data: bytes) -> None:
    (folder / "shared_vocabulary.json").write_text(json.dumps(PIECES), encoding="utf-8")
    (folder / "config.json").write_text(json.dumps(expected_config(CARD, PIECES)), encoding="utf-8")
    (folder / "model.bin").write_bytes(data)
    check_export(folder, CARD)


def _tokenizer(folder: Path, data: bytes) -> None:
    (folder / "tokenizer.model").write_bytes(data)
    tokenizer = SentencePieceTokenizer(folder / "tokenizer.model")
    tokenizer.decode(tokenizer.encode("ralo teku"))


def _rules(folder: Path, data: bytes) -> None:
    try:
        parse_model(data)
        user_symbols(data)
        read_rules(data)
    except ValueError:  # what its callers turn into a sentence
        return


def _store(folder: Path, data: bytes) -> None:
    (folder / "shard.safetensors").write_bytes(data)
    map_arrays(folder / "shard.safetensors", DataError)


def _yaml(folder: Path, data: bytes) -> None:
    (folder / "config.yaml").write_bytes(data)
    load_config(folder / "config.yaml", working_dir=folder)


READERS: dict[str, Callable[[Path, bytes], None]] = {
    "json": _json,
    "manifest": _manifest,
    "card": _card,
    "weights": _weights,
    "export": _export,
    "tokenizer": _tokenizer,
    "rules": _rules,
    "store": _store,
    "yaml": _yaml,
}


def main() -> None:
    """Fuzz one reader until the time is over, or something is found."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("reader", choices=READERS)
    parser.add_argument("--minutes", type=float, default=10, help="of CPU time")
    parser.add_argument("--corpus", type=Path, help="folder of files to start from, and to add to")
    given = parser.parse_args()
    read = READERS[given.reader]
    place = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    folder = Path(tempfile.mkdtemp(dir=place))

    def test_one_input(data: bytes) -> None:
        if time.process_time() > given.minutes * 60:
            os.kill(os.getpid(), signal.SIGUSR1)  # libFuzzer prints what it did, and ends
        signal.setitimer(signal.ITIMER_PROF, LONGEST_S)
        try:
            read(folder, data)
        except MtcliError:
            return
        finally:
            signal.setitimer(signal.ITIMER_PROF, 0)

    def give_up(number: int, _frame: object) -> None:
        raise TimeoutError(f"{LONGEST_S} CPU seconds")

    signal.signal(signal.SIGPROF, give_up)
    for first in (b"", b"4", b":"):
        test_one_input(first)  # imports what is imported late, or the first inputs would time out
    options = [
        "-timeout=600",  # of wall time, for what hears no signal
        "-rss_limit_mb=1024",
        "-max_len=65536",
        "-print_final_stats=1",
    ]
    corpus = [str(given.corpus)] if given.corpus else []
    atheris.Setup([sys.argv[0], *options, *corpus], test_one_input)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
