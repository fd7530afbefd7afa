"""benchmarks/auto_preset.py: jobs, subsets, one short run and its result."""

import json
import sys
import time

from benchmarks import auto_preset
from benchmarks.auto_preset import Job, read_jobs, read_results, table, write_subset
from tests.support.small_run import write_corpus


def test_a_queue_has_a_job_a_line(tmp_path):
    queue = tmp_path / "jobs.txt"
    queue.write_text("# size preset seed\n1500 verses 1\n\n1500 small 2 optim.lr=0.01  # slower\n")
    first, second = read_jobs(queue)
    assert first == Job(1500, "verses", 1)
    assert (second.name, second.sets) == ("1500-small-2-optim.lr=0.01", ("optim.lr=0.01",))


def test_subsets_are_nested_and_line_up(tmp_path):
    write_corpus(tmp_path)
    for size in (10, 20):
        write_subset(tmp_path, tmp_path / str(size), size)
    for lang in ("en", "de"):
        whole = (tmp_path / f"train.{lang}").read_bytes()
        small, large = (tmp_path / size / f"train.{lang}" for size in ("10", "20"))
        assert large.read_bytes().startswith(small.read_bytes())
        assert whole.startswith(large.read_bytes())
        assert small.read_bytes().count(b"\n") == 10


def test_a_run_ends_by_its_cpu_time_and_appends_its_result(tmp_path, monkeypatch, capsys):
    write_corpus(tmp_path)
    out = tmp_path / "out"
    small = [
        "tokenizer.vocab_size=60", "tokenizer.byte_fallback=false", "model.d_model=16",
        "model.d_ff=16", "training.precision=fp32", "data.max_length=60",
    ]  # fmt: skip
    import mtcli.training.setup  # noqa: F401  # or importing torch would be most of the budget

    now = time.process_time()
    words = ["auto_preset.py", str(tmp_path), str(out), "50", "small", "1"]
    words += ["--cpu-seconds", str(now + 2)]
    for override in small:
        words += ["--set", override]
    monkeypatch.setattr(sys, "argv", words)
    auto_preset.main()
    (result,) = read_results(out)
    assert (result["size"], result["preset"], result["seed"]) == (50, "small", 1)
    assert result["steps"] == result["curve"][-1][0] > 0
    assert now < result["cpu_s"] < now + 20
    assert (out / "runs" / result["job"] / "best").exists()
    assert json.loads((out / "results.jsonl").read_text())["sets"] == small


def test_the_table_has_the_named_runs_alone():
    results = [
        {"size": 1500, "preset": "auto", "seed": seed, "sets": [], "bleu": bleu}
        for seed, bleu in ((2, 10.0), (1, 9.0))
    ]
    trial = {"size": 1500, "preset": "auto", "seed": 3, "sets": ["seed=3"], "bleu": 90.0}
    assert table([*results, trial]).splitlines()[2:] == ["| 1,500 | `auto` | 9.00, 10.00 | 9.50 |"]
