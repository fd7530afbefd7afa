"""The whole `mtcli translate` on an export, against a bare loop over CTranslate2, and its start.

    python benchmarks/translate_speed.py -m MODEL --src FILE [--repeats 3]

MODEL holds an export. FILE is repeated up to 20,000 lines for beam 5 and 50,000 for greedy search.
Both sides have the same tokenizer, threads and longest output, and each its best batch size of 32,
64, 128 and 256, found on the first --trial-lines. The bare loop guards nothing: with --no-retry the
command, too, searches each line once. The loop's time is that of tokenizing, translating and
detokenizing; the command's is from its start to its end. The two take turns; medians are printed,
and the median, smallest and largest ratio of a turn.
"""

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import ctranslate2
import sentencepiece

from mtcli.bundle.export_record import CTRANSLATE2, read_export
from mtcli.bundle.model_folder import read_model
from mtcli.engines.choice import choose_split

CAP = 40
BATCH_SIZES = (32, 64, 128, 256)


class BareLoop:
    """Batches in the order of the file through `Translator.translate_batch`."""

    def __init__(self, model, beam_size):
        bundle = read_model(model)
        split = choose_split(read_export(bundle), None)
        self.split = split
        self.tokenizer = sentencepiece.SentencePieceProcessor(
            model_file=str(bundle.src_tokenizer_path)
        )
        self.translator = ctranslate2.Translator(
            str(model / CTRANSLATE2),
            inter_threads=split.inter_threads,
            intra_threads=split.intra_threads,
        )
        self.options = {
            "beam_size": beam_size,
            "length_penalty": bundle.generation.length_penalty,
            "max_decoding_length": CAP,
            "max_input_length": 0,
        }

    def seconds(self, lines, batch_size):
        begun_s = time.perf_counter()
        pieces = self.tokenizer.encode(lines, out_type=str)
        found = self.translator.translate_batch(pieces, max_batch_size=batch_size, **self.options)
        texts = self.tokenizer.decode([result.hypotheses[0] for result in found])
        assert len(texts) == len(lines)
        return time.perf_counter() - begun_s


def seconds_of_command(model, path, beam_size, batch_size, output, more):
    begun_s = time.perf_counter()
    subprocess.run(
        [sys.executable, "-m", "mtcli", "translate", "-m", model, "-i", path, "-o", output, "-q",
         "--engine", "ctranslate2", "--beam-size", beam_size, "--max-length", str(CAP),
         "--batch-size", batch_size, *more],
        check=True,
    )  # fmt: skip
    return time.perf_counter() - begun_s


def measure_throughput(arguments, beam_size, num_lines, folder):
    lines = [line for line in arguments.src.read_text("utf-8").split("\n") if line.strip()]
    lines = (lines * (num_lines // len(lines) + 1))[:num_lines]
    bare = BareLoop(arguments.model, beam_size)
    path = folder / "lines"

    def seconds(side, num_lines, size):
        if side == "bare loop":
            return bare.seconds(lines[:num_lines], size)
        path.write_text("".join(f"{line}\n" for line in lines[:num_lines]), "utf-8")
        of_command = [str(arguments.model), str(path), str(beam_size), str(size)]
        return seconds_of_command(
            *of_command, str(folder / "out"), ["--no-retry"] * arguments.no_retry
        )

    sides = ("bare loop", "mtcli translate")
    bare.seconds(lines[:50], 32)
    sizes = {
        side: min(BATCH_SIZES, key=lambda size: seconds(side, arguments.trial_lines, size))
        for side in sides
    }
    times = {side: [] for side in sides}
    for _ in range(arguments.repeats):
        for side in sides:
            times[side].append(seconds(side, len(lines), sizes[side]))
    for side in sides:
        rate = len(lines) / statistics.median(times[side])
        print(f"beam {beam_size}: {side} {rate:.0f} lines/s (batches of {sizes[side]})")
    ratios = sorted(b / m for b, m in zip(*(times[side] for side in sides), strict=True))
    print(
        f"beam {beam_size}, {len(lines)} lines, {bare.split.inter_threads} x"
        f" {bare.split.intra_threads} threads: {statistics.median(ratios):.3f} of the bare loop"
        f" ({ratios[0]:.3f} to {ratios[-1]:.3f})",
        flush=True,
    )


def measure_start(arguments):
    one_line = [sys.executable, "-m", "mtcli", "translate", "-m", str(arguments.model)]
    commands = {"mtcli": one_line, "bare": [sys.executable, "-c", "import sentencepiece"]}
    times = {name: [] for name in commands}
    for _ in range(arguments.starts):
        for name, command in commands.items():
            begun_s = time.perf_counter()
            subprocess.run(command, input=b"A dog runs .\n", capture_output=True, check=True)
            times[name].append(time.perf_counter() - begun_s)
    medians = {name: statistics.median(of_name) for name, of_name in times.items()}
    print(
        f"start: one line {medians['mtcli']:.3f} s, import sentencepiece {medians['bare']:.3f} s,"
        f" {medians['mtcli'] / medians['bare']:.2f} times",
        flush=True,
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-m", "--model", type=Path, required=True)
    parser.add_argument("--src", type=Path, required=True)
    parser.add_argument("--beam-lines", type=int, default=20_000)
    parser.add_argument("--greedy-lines", type=int, default=50_000)
    parser.add_argument("--trial-lines", type=int, default=4_000)
    parser.add_argument("--no-retry", action="store_true", help="an option of the command")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--starts", type=int, default=11)
    arguments = parser.parse_args()
    measure_start(arguments)
    with tempfile.TemporaryDirectory() as folder:
        for beam_size, num_lines in ((5, arguments.beam_lines), (1, arguments.greedy_lines)):
            measure_throughput(arguments, beam_size, num_lines, Path(folder))


if __name__ == "__main__":
    main()
