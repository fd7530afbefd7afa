"""Sentences a second of `mtcli translate --engine torch`, OpenNMT-py and Hugging Face `generate`.

Usage: PEERS_HOME=FOLDER python decode_against_rivals.py MODEL SRC PEERS_SCRIPTS [options]
MODEL is a model folder of shape `tiny` with shared embeddings; SRC a file of sources. All three run
the same weights on the same pieces in fp32 with 2 threads; no output has over 40 pieces. Each takes
its best batch size of 32 to 256, each tried twice on the same lines. Start-up is excluded: of the
two commands, the time for one line is subtracted; `generate` is timed around its loop. Interleaved
repeats, medians; and how many of the rivals' outputs are ours.
"""

import argparse
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

from mtcli.bundle.model_folder import read_model
from mtcli.model.positions import sinusoid_table
from mtcli.tokenizer.sentencepiece import SentencePieceTokenizer

ROOT = Path(__file__).parents[1]
CAP = 40
BATCH_SIZES = (32, 64, 128, 256)
RIVAL_SIDE = Path(__file__).with_name("rival_decoding.py")
THREADS = {"OMP_NUM_THREADS": "2", "MKL_NUM_THREADS": "2", "CUDA_VISIBLE_DEVICES": ""}
SAME_AS_OURS = "add_qkvbias: true;add_ffnbias: true;norm_eps: 1e-5;shared_layer_norm: false"


class Files:
    """What the rivals read."""

    def __init__(self, arguments, home):
        self.model, self.work = arguments.model, arguments.work
        self.home = home
        bundle = read_model(arguments.model)
        self.tokenizer = SentencePieceTokenizer(bundle.src_tokenizer_path, side="src")
        lines = arguments.src.read_text("utf-8").split("\n")[:-1]
        self.lines = (lines * (arguments.lines // len(lines) + 1))[: arguments.lines]
        weights = dict(bundle.weights())
        weights["positions"] = sinusoid_table(5000, weights["shared_embed.weight"].shape[1]).numpy()
        size = self.tokenizer.vocab_size
        weights["vocabulary"] = np.array([self.tokenizer.id_to_piece(i) for i in range(size)])
        self.weights = self.work / "weights.npz"
        np.savez(self.weights, **weights)
        self.checkpoint = self.work / "onmt.pt"
        self._make_checkpoint(arguments.scripts)

    def _make_checkpoint(self, scripts):
        """An OpenNMT-py checkpoint of one update, its weights replaced by ours."""
        (self.work / "data").unlink(missing_ok=True)
        (self.work / "data").symlink_to(self.home / "data")
        environment = os.environ | {"STEPS": "1", "SAVE": "1", "EXTRA": SAME_AS_OURS}
        made = subprocess.run(
            [self.home / "venv-base/bin/python", scripts / "configs.py", "onmt", "tiny", "fp32"],
            cwd=self.work, env=environment, check=True, capture_output=True, text=True,
        )  # fmt: skip
        config = made.stdout.split()[-1]
        onmt = self.home / "venv-onmt/bin"
        subprocess.run(
            [onmt / "onmt_train", "-config", config], cwd=self.work, check=True, capture_output=True
        )
        (saved,) = Path(config).parent.glob("model_step_1.pt")
        subprocess.run(
            [onmt / "python", RIVAL_SIDE, "onmt", saved, self.weights, self.checkpoint], check=True
        )

    def write(self, num_lines):
        """Files of texts, of pieces with EOS, and of pieces."""
        lines = self.lines[:num_lines]
        pieces = [" ".join(self.tokenizer.encode_pieces(line)) for line in lines]
        paths = [self.work / f"{kind}.{num_lines}" for kind in ("text", "ended", "pieces")]
        contents = [lines, [f"{line} </s>" for line in pieces], pieces]
        for path, content in zip(paths, contents, strict=True):
            path.write_text("".join(f"{line}\n" for line in content), "utf-8")
        return paths


def timed(command):
    begun_s = time.perf_counter()
    done = subprocess.run(
        list(map(str, command)), env=os.environ | THREADS | {"PYTHONPATH": str(ROOT),
        "TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD": "1"}, check=True, capture_output=True, text=True,
    )  # fmt: skip
    return time.perf_counter() - begun_s, done.stdout


def run(name, files, num_lines, beam_size, batch_size):
    """Seconds, and what was translated, as text."""
    text, ended, pieces = files.write(num_lines)
    out = files.work / f"out.{name}"
    if name == "mtcli":
        seconds, _ = timed(
            [sys.executable, "-m", "mtcli", "translate", "-m", files.model, "-i", text, "-o", out,
             "-q", "--engine", "torch", "--beam-size", beam_size, "--max-length", CAP,
             "--batch-size", batch_size, "--threads", 2, "--no-retry"]
        )  # fmt: skip
        return seconds, out.read_text("utf-8").split("\n")[:-1]
    if name == "onmt":
        seconds, _ = timed(
            [files.home / "venv-onmt/bin/onmt_translate", "-model", files.checkpoint, "-src", ended,
             "-output", out, "-beam_size", beam_size, "-batch_size", batch_size, "-batch_type",
             "sents", "-gpu", -1, "-max_length", CAP, "-max_length_ratio", 0,
             "-length_penalty", "avg"]
        )  # fmt: skip
        found = out.read_text("utf-8").split("\n")[:-1]
    else:
        python = files.home / "venv-hf/bin/python"
        _, printed = timed([python, RIVAL_SIDE, "hf", files.weights, pieces, beam_size, batch_size])
        *found, seconds = printed.rstrip("\n").split("\n")
        seconds = float(seconds)
    tokenizer = files.tokenizer
    ids = [[tokenizer.piece_to_id(piece) for piece in line.split()] for line in found]
    return seconds, [tokenizer.decode(row).strip() for row in ids]


def measure(files, beam_size, arguments):
    best, starts = {}, {"hf": 0.0}
    for name in arguments.names:
        if name != "hf":
            starts[name] = statistics.median(run(name, files, 1, 1, 1)[0] for _ in range(3))
        # the better of two, in turn: one is chance on a machine whose speed drifts
        tried = {size: [] for size in BATCH_SIZES}
        for _ in range(2):
            for size, seconds in tried.items():
                seconds.append(run(name, files, arguments.lines, beam_size, size)[0])
        best[name] = min(tried, key=lambda size: min(tried[size]))
    rates, outputs = {name: [] for name in arguments.names}, {}
    for _ in range(arguments.repeats):
        for name in arguments.names:
            seconds, outputs[name] = run(name, files, arguments.lines, beam_size, best[name])
            rates[name].append(arguments.lines / (seconds - starts[name]))
    for name in arguments.names:
        same = np.mean([a == b for a, b in zip(outputs[name], outputs["mtcli"], strict=True)])
        ratios = sorted(a / b for a, b in zip(rates["mtcli"], rates[name], strict=True))
        print(
            f"beam {beam_size}: {name:6s} {statistics.median(rates[name]):7.1f} sentences/s"
            f" (batches of {best[name]}), the same as ours {same:6.1%}, mtcli is"
            f" {statistics.median(ratios):.2f} times as fast ({ratios[0]:.2f} to {ratios[-1]:.2f})",
            flush=True,
        )


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", type=Path)
    parser.add_argument("src", type=Path)
    parser.add_argument("scripts", type=Path)
    parser.add_argument("--lines", type=int, default=2000)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--names", nargs="+", default=["mtcli", "onmt", "hf"])
    parser.add_argument("--work", type=Path, default=Path("/tmp/mtcli-decode"))
    arguments = parser.parse_args()
    arguments.scripts = arguments.scripts.resolve()
    arguments.work.mkdir(parents=True, exist_ok=True)
    files = Files(arguments, Path(os.environ["PEERS_HOME"]))
    for beam_size in (5, 1):
        measure(files, beam_size, arguments)


if __name__ == "__main__":
    main()
