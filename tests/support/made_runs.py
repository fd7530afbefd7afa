"""Run folders as training leaves them, written in milliseconds without any training."""

from __future__ import annotations

import json
import math
from dataclasses import asdict
from pathlib import Path

from mtcli.bundle.card import ModelScore, ScoreList
from mtcli.config.dump import dump_config
from mtcli.config.load import load_config
from mtcli.folders import write_json
from mtcli.runs.folder import RunFolder
from mtcli.runs.metrics import MetricsFile, StepMetrics, ValidationMetrics
from tests.support.small_run import write_run

SIGNATURE = "nrefs:1|case:mixed|eff:no|tok:13a|smooth:exp|version:2.6.0"
_WORDS = (
    "the miller counts his sacks while rain falls on an old roof".split()  # noqa: SIM905
)


def step_metrics(step: int, total_steps: int | None, every: int) -> StepMetrics:
    """A report as a run with a falling loss would make it."""
    warmed = min(1.0, step / 100)
    return StepMetrics(
        step=step,
        total_steps=total_steps,
        epoch=step // 500,
        loss_per_token=1.2 + 5 * math.exp(-step / 300) + 0.05 * math.sin(step),
        grad_norm=0.4 + 0.3 * abs(math.sin(step / 7)),
        lr=2e-2 * warmed,
        lr_of_groups={"hidden": 2e-2 * warmed},
        tgt_tokens_per_s=8000 + 500 * math.sin(step / 11),
        tgt_tokens_per_update=2000.0,
        cells_per_update=2200.0,
        data_wait_share=0.01,
        data_cpu_share=0.02,
        total_tgt_tokens=2000 * step,
        total_tgt_tokens_computed=2000 * step,
        elapsed_s=0.25 * step,
        cpu_s=0.4 * step,
        eta_s=None if total_steps is None else 0.25 * (total_steps - step),
    )


def validation_metrics(step: int, before: int | None) -> ValidationMetrics:
    """A validation whose score rises, and whose sample changes."""
    words = _WORDS[: 5 + step // 400 % 8]
    return ValidationMetrics(
        step=step,
        epoch=step // 500,
        loss_per_token=0.2 + 2 * math.exp(-step / 400),
        perplexity=math.exp(0.2 + 2 * math.exp(-step / 400)),
        bleu=95 * (1 - math.exp(-step / 700)),
        chrf=97 * (1 - math.exp(-step / 500)),
        bleu_signature=SIGNATURE,
        chrf_signature="nrefs:1|case:mixed|eff:yes|nc:6|nw:0|space:no|version:2.6.0",
        is_best=True,
        is_stop=False,
        best_by="bleu",
        best_score=95 * (1 - math.exp(-step / 700)),
        best_step=step,
        total_tgt_tokens=2000 * step,
        total_tgt_tokens_computed=2000 * step,
        elapsed_s=0.25 * step + 0.1,
        cpu_s=0.4 * step + 0.1,
        duration_s=1.5,
        sample_source=f"Source <b>{step}</b> & co",
        sample_hypothesis=" ".join(words),
        sample_reference=" ".join(_WORDS),
        training_loss_per_token=0.1 + 2 * math.exp(-step / 400),
        sample_before=None if before is None else " ".join(reversed(words)),
        scores={
            "bleu": 95 * (1 - math.exp(-step / 700)),
            "chrf": 97 * (1 - math.exp(-step / 500)),
        },
        signatures={"bleu": SIGNATURE, "chrf": SIGNATURE},
    )


def write_made_run(
    path: Path,
    *overrides: str,
    steps: int = 40,
    log_every: int = 10,
    validate_every: int = 20,
    total_steps: int | None = None,
) -> RunFolder:
    """A run that has made `steps` of `total_steps` (None: of `steps`), with all its text files.

    It has no weights. Its config is that of `tests.support.small_run`.
    """
    path.mkdir(parents=True)
    run, total = RunFolder(path), total_steps or steps
    corpus = path.parent / ".corpus"
    source = corpus / "config.yaml"
    if not source.exists():
        corpus.mkdir()
        write_run(corpus)
    config = load_config(source, [*overrides, f"run_dir={path}"], working_dir=corpus)
    run.config.write_text(dump_config(config), encoding="utf-8")
    metrics, before = MetricsFile(run.metrics), None
    for step in range(log_every, steps + 1, log_every):
        metrics.write("step", step_metrics(step, total, log_every))
        if step % validate_every == 0:
            metrics.write("validation", validation_metrics(step, before))
            before = step
    run.log.write_text("2026-11-29 18:31:13,475 INFO trained\n", encoding="utf-8")
    _write_reports(run)
    if before is not None:
        _write_saved(run, steps, total, before)
    return run


def _write_reports(run: RunFolder) -> None:
    write_json(
        run.path / "environment.json",
        {
            "format_version": 1,
            "written_at_s": 1795977074.25,
            "mtcli": "0.1.0",
            "python": "3.11.7",
            "packages": {"torch": "2.13.0", "sacrebleu": "2.6.0"},
            "platform": "Linux",
            "hostname": "host",
            "cpu": "A processor of some name",
            "num_cpus": 2,
            "git_revision": "85bbe608a285342b28c6abf05b73630ecea05647",
            "device": "cpu",
            "device_name": "cpu",
            "precision": "fp32",
            "num_processes": 1,
            "num_threads": 2,
            "num_parameters": 1115520,
            "seed": 1,
            "optimizer_groups": [],
        },
    )
    write_json(
        run.path / "data_report.json",
        {
            "format_version": 1,
            "num_read": 210,
            "num_pairs": 200,
            "drops": {"empty": 0, "too_long": 7, "duplicate": 3},
            "shard_sizes": [200],
            "num_src_tokens": 1400,
            "num_tgt_tokens": 1500,
            "longest_src": 21,
            "longest_tgt": 22,
            "max_length": 60,
            "length_counts": {"src": [[1, 40], [3, 100], [21, 60]], "tgt": [[2, 150], [22, 50]]},
            "examples": {"too_long": ["a <long> source", "a long target"]},
            "warnings": [],
            "num_blank_lines": 2,
            "hold_out": {"rule": "content", "num_pairs": 0, "num_same": 0},
        },
    )
    write_json(
        run.path / "tokenizer_report.json",
        {
            "format_version": 2,
            "reports": {
                side: {
                    "lang": lang,
                    "normalization": "nfc",
                    "num_sentences": 200,
                    "unknown_rate": 0.0,
                    "pieces_per_word": 1.2,
                    "round_trip_failures": 0,
                }
                for side, lang in (("src", "en"), ("tgt", "de"))
            },
        },
    )


def _write_saved(run: RunFolder, step: int, total: int, best_step: int) -> None:
    checkpoint = run.checkpoint(step)
    checkpoint.mkdir(parents=True)
    progress = {"step": step, "total_steps": total}
    write_json(
        checkpoint / "state.json",
        {"format_version": 2, "progress": progress, "best": {"num_worse": 0}},
    )
    run.point_last(checkpoint)
    model = run.model(best_step)
    model.mkdir(parents=True)
    write_json(model / "scores.json", asdict(ScoreList(scores=made_scores(best_step))))
    run.point_best(model)


def made_scores(step: int) -> list[ModelScore]:
    """What the model of a step has in its scores.json."""
    metrics = validation_metrics(step, None)
    values = (
        ("BLEU", metrics.bleu, metrics.bleu_signature, 1),
        ("chrF", metrics.chrf, metrics.chrf_signature, 1),
        ("loss", metrics.loss_per_token, "", None),
    )
    return [
        ModelScore(
            metric=metric,
            score=score,
            signature=signature,
            split="valid",
            beam_size=beam_size,
            num_pairs=500,
        )
        for metric, score, signature, beam_size in values
    ]


def append_metrics(run: RunFolder, **values: object) -> None:
    """Append a line that the newest report would be, with some other values."""
    last = json.loads(run.metrics.read_text(encoding="utf-8").splitlines()[-1])
    with run.metrics.open("a", encoding="utf-8") as file:
        file.write(json.dumps(last | values) + "\n")
