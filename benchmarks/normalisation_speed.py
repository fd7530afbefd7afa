"""What normalizing text costs: translating and tokenizing, against another checkout.

    python benchmarks/normalisation_speed.py -m MODEL --base CHECKOUT [--base-model MODEL]
        [--src data/demo/train.en --tgt data/demo/train.de] [--lines 20000] [--repeats 9]

Two measures, each in fresh processes of this checkout and of CHECKOUT that take turns:

- `translate`: `mtcli translate --engine ctranslate2 --threads 1` of the first lines of --src, whole
  process; MODEL needs an export. CHECKOUT cannot read models of a newer format, so give it one of
  its own with --base-model; the outputs must be the same.
- `store`: building the tokenized store of the first lines of --src and --tgt, without imports.

Prints the CPU seconds (user and system) of every pair, and the median of their ratios, which is
below 1 where this checkout is faster.
"""

import argparse
import hashlib
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent.parent
TRANSLATE = [
    *(sys.executable, "-m", "mtcli", "translate", "-q"),
    *("--engine", "ctranslate2", "--threads", "1"),
]

STORE = """
import sys, time
from itertools import islice
from pathlib import Path
from mtcli.config.schema.data import DataConfig, TextSource
from mtcli.data.building import build_store
from mtcli.tokenizer import sentencepiece as ours
model, src, tgt, lines, out = sys.argv[1:]
paths = [Path(model) / name for name in ("tokenizer.src.model", "tokenizer.tgt.model")]
if not paths[0].exists():
    paths = [Path(model) / "tokenizer.model"] * 2
if hasattr(ours, "open_tokenizers"):
    tokenizers = ours.open_tokenizers(*paths)
else:
    tokenizers = tuple(map(ours.SentencePieceTokenizer, paths))
texts = [Path(p).read_text("utf-8").split("\\n")[:-1][: int(lines)] for p in (src, tgt)]
pairs = list(zip(*texts, strict=True))
config = DataConfig(train=[TextSource(src=Path(src), tgt=Path(tgt))])
started = time.process_time()
build_store(pairs, tokenizers=tokenizers, config=config, path=Path(out))
print(time.process_time() - started)
"""


def environment(tree):
    return {**os.environ, "PYTHONPATH": str(tree), "OMP_NUM_THREADS": "1"}


def translate_s(tree, model, arguments):
    """CPU seconds of one translation, and a hash of its output."""
    with arguments.src.open("rb") as file:
        text = b"".join(file.readline() for _ in range(arguments.lines))
    with tempfile.TemporaryFile() as source, tempfile.TemporaryFile() as output:
        source.write(text)
        source.seek(0)
        process = subprocess.Popen(
            [*TRANSLATE, "-m", str(model)],
            cwd=tree, env=environment(tree), stdin=source, stdout=output,
        )  # fmt: skip
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            sys.exit(f"translate in {tree} ended with code {process.returncode}")
        output.seek(0)
        digest = hashlib.file_digest(output, "sha256").hexdigest()
    return usage.ru_utime + usage.ru_stime, digest


def store_s(tree, model, arguments):
    """CPU seconds of building one store."""
    values = (model, arguments.src, arguments.tgt, arguments.lines)
    with tempfile.TemporaryDirectory() as folder:
        result = subprocess.run(
            [sys.executable, "-c", STORE, *map(str, values), f"{folder}/store"],
            cwd=tree, env=environment(tree), check=True, capture_output=True, text=True,
        )  # fmt: skip
    return float(result.stdout), ""


def compare(name, measure, arguments):
    """Print the pairs of a measure and the median of their ratios."""
    sides = ((HERE, arguments.model), (arguments.base, arguments.base_model or arguments.model))
    ratios = []
    for repeat in range(arguments.repeats):
        order = sides if repeat % 2 else sides[::-1]
        measured = {tree: measure(tree, model, arguments) for tree, model in order}
        (ours_s, ours), (base_s, base) = (measured[tree] for tree, _ in sides)
        ratios.append(ours_s / base_s)
        same = "" if ours == base else "  OTHER OUTPUT"
        print(f"{name}: {ours_s:.3f} s, base {base_s:.3f} s: {ratios[-1]:.3f}{same}", flush=True)
    print(f"{name}: median of {len(ratios)} ratios: {statistics.median(ratios):.3f}", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("-m", "--model", type=Path, required=True)
    parser.add_argument("--base", type=Path, required=True)
    parser.add_argument("--base-model", type=Path)
    parser.add_argument("--src", type=Path, default=HERE / "data/demo/train.en")
    parser.add_argument("--tgt", type=Path, default=HERE / "data/demo/train.de")
    parser.add_argument("--lines", type=int, default=20_000)
    parser.add_argument("--repeats", type=int, default=9)
    parser.add_argument("--only", choices=["translate", "store"])
    arguments = parser.parse_args()
    for path in ("model", "base", "base_model", "src", "tgt"):
        if getattr(arguments, path) is not None:
            setattr(arguments, path, getattr(arguments, path).resolve())
    for name, measure in (("store", store_s), ("translate", translate_s)):
        if arguments.only in (None, name):
            compare(name, measure, arguments)


if __name__ == "__main__":
    main()
