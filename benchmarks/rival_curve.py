"""OpenNMT-py on the published Adam recipe: valid BLEU over target tokens and CPU seconds.

    PEERS_HOME=FOLDER python benchmarks/rival_curve.py RUN DATA PEERS_SCRIPTS OUT.jsonl [options]

RUN is a mtcli run on the same data, whose pieces are taken, and whose way of scoring; DATA holds
train.en, train.de, valid.en, valid.de. Shape, smoothing, Adam and its schedule are those of
PEERS_SCRIPTS/configs.py (Transformer-Tiny, field-notes 2a), with two batches of 4096 an update
unless --accumulate and --warmup say otherwise. Every --every updates a checkpoint; valid is
translated greedily with it, and with its average with the --average - 1 before it, as the recipe
says: early on that average lags, so the better of the two counts. OUT gets an object for each, as
learning_curves.py reads it; CPU seconds (user and system) are those of the training alone.
"""

import argparse
import itertools
import json
import os
import subprocess
from pathlib import Path

from mtcli.bundle.model_folder import read_model
from mtcli.config.load import load_config
from mtcli.evaluation.metrics import bleu
from mtcli.runs.resolve import resolve_model
from mtcli.tokenizer.sentencepiece import SentencePieceTokenizer

CAP = 128
D_MODEL, PEAK_LR = 128, 0.005


def environment(threads):
    return os.environ | {
        "OMP_NUM_THREADS": str(threads), "MKL_NUM_THREADS": str(threads),
        "CUDA_VISIBLE_DEVICES": "", "TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD": "1",
    }  # fmt: skip


def read_lines(path):
    return path.read_text("utf-8").split("\n")[:-1]


def write_data(tokenizer, data, folder):
    """Pieces of both sides and the vocabulary, under the names that configs.py expects."""
    folder.mkdir(parents=True, exist_ok=True)
    for split, language in itertools.product(("train", "valid"), ("en", "de")):
        pieces = map(tokenizer.encode_pieces, read_lines(data / f"{split}.{language}"))
        text = "".join(f"{' '.join(of_line)}\n" for of_line in pieces)
        (folder / f"{split}.sp.{language}").write_text(text, "utf-8")
    own = [tokenizer.id_to_piece(i) for i in range(4, tokenizer.vocab_size)]
    (folder / "onmt.vocab").write_text("".join(f"{piece}\n" for piece in own), "utf-8")


def write_config(work, home, scripts, arguments):
    updates, every = arguments.updates, arguments.every
    # one more, so that its start says what the last cost
    made = subprocess.run(
        [home / "venv-base/bin/python", scripts / "configs.py", "onmt", "tiny", "fp32"],
        cwd=work, env=os.environ | {"STEPS": str(updates + 1), "SAVE": str(every)}, check=True,
        capture_output=True, text=True,
    )  # fmt: skip
    path = Path(made.stdout.split()[-1])
    recipe = {
        "accum_count": f"[{arguments.accumulate}]", "max_grad_norm": "25",
        "keep_checkpoint": "1000", "warmup_steps": str(arguments.warmup),
        # noam's peak is this, times (D_MODEL warmup) ** -0.5
        "learning_rate": f"{PEAK_LR * (D_MODEL * arguments.warmup) ** 0.5:.4f}",
    }  # fmt: skip
    lines = [line for line in path.read_text().split("\n") if line.partition(":")[0] not in recipe]
    path.write_text("\n".join(lines + [f"{key}: {value}" for key, value in recipe.items()]) + "\n")
    return path


def train(work, home, scripts, config, updates, threads):
    """For each update the target tokens before it, and the CPU seconds."""
    log = work / "updates.jsonl"
    subprocess.run(
        [home / "venv-onmt/bin/python", scripts / "hook.py", "onmt", "-config", config],
        cwd=work, check=True, capture_output=True,
        env=environment(threads) | {"BENCH_LOG": str(log), "BENCH_MAX": str(updates + 1)},
    )  # fmt: skip
    rows = [json.loads(line) for line in log.read_text().split("\n") if line]
    tokens = [0, *itertools.accumulate(row["tgt"] for row in rows)]
    return tokens, [row["own"] for row in rows]


def translate(work, home, models, threads):
    """Valid in pieces, by the mean of `models`, greedily."""
    averaged, found = work / "averaged.pt", work / "valid.found"
    binaries, threads = home / "venv-onmt/bin", environment(threads)
    subprocess.run(
        [binaries / "onmt_average_models", "-models", *models, "-output", averaged],
        check=True, capture_output=True, env=threads,
    )  # fmt: skip
    subprocess.run(
        [binaries / "onmt_translate", "-model", averaged, "-src", work / "data/valid.sp.en",
         "-output", found, "-beam_size", "1", "-batch_size", "64", "-batch_type", "sents",
         "-gpu", "-1", "-max_length", str(CAP)],
        check=True, capture_output=True, env=threads,
    )  # fmt: skip
    return [line.split() for line in read_lines(found)]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", type=Path)
    parser.add_argument("data", type=Path)
    parser.add_argument("scripts", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--updates", type=int, default=1584)
    parser.add_argument("--every", type=int, default=48, help="updates; an epoch has about 48")
    parser.add_argument("--average", type=int, default=10)
    parser.add_argument("--accumulate", type=int, default=2, help="batches of 4096 an update")
    parser.add_argument("--warmup", type=int, default=2000, help="updates")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--work", type=Path, default=Path("/tmp/mtcli-rival-curve"))
    arguments = parser.parse_args()
    home, work = Path(os.environ["PEERS_HOME"]), arguments.work.resolve()
    scripts = arguments.scripts.resolve()
    tokenizer = SentencePieceTokenizer(
        read_model(resolve_model(arguments.run, "best")).src_tokenizer_path
    )
    scoring = load_config(arguments.run / "config.yaml").validation
    references = read_lines(arguments.data / "valid.de")
    write_data(tokenizer, arguments.data, work / "data")
    config = write_config(work, home, scripts, arguments)
    tokens, cpu_s = train(work, home, scripts, config, arguments.updates, arguments.threads)
    steps = range(arguments.every, arguments.updates + 1, arguments.every)
    saved = {step: config.parent / f"model_step_{step}.pt" for step in steps}

    def score(models):
        found = translate(work, home, models, arguments.threads)
        return bleu(
            [tokenizer.decode([tokenizer.piece_to_id(p) for p in line]) for line in found],
            references, tgt_lang="de", tokenize=scoring.bleu_tokenize,
            lowercase=scoring.lowercase,
        ).score  # fmt: skip

    arguments.out.write_text("")
    for place, step in enumerate(steps):
        own = [saved[each] for each in steps[max(0, place + 1 - arguments.average) : place + 1]]
        averaged = score(own)
        plain = averaged if len(own) == 1 else score(own[-1:])
        metrics = {
            "kind": "validation", "step": step, "bleu": max(averaged, plain),
            "bleu_of_average": averaged, "bleu_of_last": plain, "cpu_s": cpu_s[step],
            "total_tgt_tokens_computed": tokens[step],
        }  # fmt: skip
        with arguments.out.open("a") as out:
            out.write(json.dumps(metrics) + "\n")
        print(
            f"step {step}: {tokens[step]} tokens, {cpu_s[step]:.0f} CPU s, "
            f"{averaged:.2f} averaged, {plain:.2f} by itself"
        )


if __name__ == "__main__":
    main()
