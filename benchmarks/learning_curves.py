"""Valid BLEU over target tokens of several runs in one picture, and when each came to a score.

    python benchmarks/learning_curves.py NAME=RUN [NAME=RUN ...] [--reach BLEU]
           [--svg FILE] [--over tokens|cpu]

RUN is a run folder (its metrics.jsonl is read) or a file of the same form: an object a line with
`kind` "validation", `bleu`, `total_tgt_tokens_computed` and `cpu_s`. For each run: its best score,
and the target tokens and CPU seconds at which it came to --reach (the best score of the first run,
if left out), on a straight line between validations. The picture is --over target tokens or CPU
seconds.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from line_chart import Series, line_chart

from mtcli.runs.metrics import read_validations


def read_curve(path: Path) -> list[tuple[float, float, float]]:
    """(target tokens, CPU seconds, BLEU) of each validation; each pass of a token counts."""
    file = path / "metrics.jsonl" if path.is_dir() else path
    return [(m["total_tgt_tokens_computed"], m["cpu_s"], m["bleu"]) for m in read_validations(file)]


def reached(curve: list[tuple[float, float, float]], score: float) -> tuple[float, float] | None:
    """Tokens and CPU seconds at which a curve first comes to a score."""
    last = (0.0, 0.0, 0.0)
    for point in curve:
        if point[2] >= score:
            share = (score - last[2]) / (point[2] - last[2])
            tokens, cpu_s = (a + share * (b - a) for a, b in zip(last[:2], point[:2], strict=True))
            return tokens, cpu_s
        last = point
    return None


def main() -> None:
    """Print the table, write the picture."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("runs", nargs="+", metavar="NAME=RUN")
    parser.add_argument("--reach", type=float)
    parser.add_argument("--svg", type=Path)
    parser.add_argument("--over", choices=("tokens", "cpu"), default="tokens")
    args = parser.parse_args()
    named = [run.partition("=") for run in args.runs]
    curves = {name: read_curve(Path(path)) for name, _, path in named}
    target = args.reach or max(bleu for *_, bleu in next(iter(curves.values())))
    print(f"| run | best valid BLEU | million tokens to {target:.2f} | CPU seconds to it |")
    print("|---|---|---|---|")
    for name, curve in curves.items():
        found = reached(curve, target)
        at = "– | –" if found is None else f"{found[0] / 1e6:.2f} | {found[1]:.0f}"
        print(f"| {name} | {max(bleu for *_, bleu in curve):.2f} | {at} |")
    if args.svg:
        column, scale, unit, over = {
            "tokens": (0, 1e6, " M", "target tokens in millions"),
            "cpu": (1, 1e3, " k", "CPU seconds in thousands"),
        }[args.over]
        lines = [
            Series(name, [(point[column] / scale, point[2]) for point in curve])
            for name, curve in curves.items()
        ]
        title = f"BLEU of the validation set, greedy, over {over}"
        args.svg.write_text(line_chart(title, lines, unit), encoding="utf-8")


if __name__ == "__main__":
    main()
