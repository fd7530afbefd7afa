"""The test scores of several seeds of one recipe, each taken once.

    python benchmarks/score_seeds.py DATA RUN [RUN ...] [--tokenize none] [--limit-tokens 28e6]

DATA holds test2016.en and test2016.de. The best model of each run translates with beam 5, and is
scored with `mtcli eval`; the score stays in RUN/test2016.json, and a run that has one is not scored
again: one of another model of the run, or of another --tokenize, is refused. Prints parameters,
target tokens (each pass counts, those of --teacher-tokens too), CPU seconds, best valid and test
BLEU, then their mean and the test score of the run best on valid. A run over --limit-tokens, or
with more parameters than --limit-parameters, is refused.
"""

import argparse
import json
import statistics
import subprocess
import sys
from pathlib import Path

from mtcli.bundle.model_folder import read_model
from mtcli.runs.metrics import read_validations
from mtcli.runs.resolve import resolve_model


def score(run, data, tokenize):
    kept, model = run / "test2016.json", resolve_model(run, "best").name
    if not kept.exists():
        done = subprocess.run(
            [sys.executable, "-m", "mtcli", "eval", "-m", run, "--src", data / "test2016.en",
             "--ref", data / "test2016.de", "--beam-size", "5", "--tokenize", tokenize, "--json",
             "--output", run / "test2016.hyp"],
            check=True, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        kept.write_text(json.dumps({"model": model, "scores": json.loads(done.stdout)}))
    found = json.loads(kept.read_text())
    bleu = next(s for s in found["scores"] if s["metric"] == "BLEU")
    if found["model"] != model or f"|tok:{tokenize}|" not in bleu["signature"]:
        sys.exit(f"error: {kept} is of {found['model']}, {bleu['signature']}")
    return bleu


def single(rows):
    """The test score of the run best on valid; of equal ones the first, which no test score moves.

    Args:
        rows: (valid, test) of each run.
    """
    return max(rows, key=lambda row: row[0])[1]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("runs", type=Path, nargs="+")
    parser.add_argument("--tokenize", default="none")
    parser.add_argument("--limit-tokens", type=float, default=28e6)
    parser.add_argument("--limit-parameters", type=float, default=2.61e6)
    parser.add_argument(
        "--teacher-tokens", type=float, default=0, help="of each run, for instance of distillation"
    )
    arguments = parser.parse_args()
    rows = []
    for run in arguments.runs:
        weights = read_model(resolve_model(run, "best")).weights()
        num_parameters = sum(array.size for array in weights.values())
        validations = read_validations(run / "metrics.jsonl")
        num_tokens = validations[-1]["total_tgt_tokens_computed"] + int(arguments.teacher_tokens)
        if num_tokens > arguments.limit_tokens or num_parameters > arguments.limit_parameters:
            sys.exit(f"error: {run}: {num_tokens} tokens, {num_parameters} parameters")
        valid = max(m["bleu"] for m in validations)
        test = score(run, arguments.data, arguments.tokenize)
        rows.append((valid, test["score"]))
        print(
            f"{run.name}: {num_parameters} parameters, {num_tokens} target tokens,"
            f" {validations[-1]['cpu_s']:.0f} CPU s, valid {valid:.2f}, test {test['score']:.2f}"
            f" {test['signature']}"
        )
    print(f"mean {statistics.mean(test for _, test in rows):.2f}, single {single(rows):.2f}")


if __name__ == "__main__":
    main()
