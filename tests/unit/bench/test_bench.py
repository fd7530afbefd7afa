"""The bench with made-up measurements: turns, ratios, limits, the best batch size."""

import pytest

from mtcli.bench import bench as subject
from mtcli.bench.bench import BenchOptions, bench, spread_of
from mtcli.bench.variants import make_variants
from mtcli.config.load import load_config
from tests.support.small_run import write_run

LIMITS = {"fp32": [100.0, 130.0], "bf16": [400.0, 300.0]}
FACTS = {"device": "cpu"}
SPEEDS = {1: [10.0, 40.0, 30.0], 2: [15.0, 50.0, 60.0]}
"""Target tokens a second by number of processes, in each repeat."""


def training(rate):
    return {
        "device": "cpu", "device_name": "cpu", "num_devices": 0, "precision": "bf16",
        "num_processes": 1, "num_threads": 1, "num_parameters": 7, "steps": 2, "tgt_tokens": 30,
        "src_tokens": 20, "pairs": 3, "cells": 40, "tgt_tokens_per_s": rate,
        "tokens_per_s": 2 * rate, "seconds_per_step": 1 / rate, "flops_per_s": 4 * rate,
        "flops_per_tgt_token": 4.0, "data_wait_share": 0.0, "cpu_s_per_s": 1.0,
        "peak_cuda_bytes": None, "peak_pss_bytes": int(rate),
    }  # fmt: skip


def decoding(rates):
    return {
        "model": "random weights",
        "rates": [
            {"beam_size": beam, "batch_size": batch, "sentences_per_s": rate,
             "tgt_tokens_per_s": 5 * rate, "tgt_tokens_per_sentence": 5.0}
            for (beam, batch), rate in rates.items()
        ],
    }  # fmt: skip


@pytest.fixture
def jobs(monkeypatch):
    """Jobs as they are run; the results are made up."""
    seen = []

    def run_job(job, *, threads):
        earlier = [(old.kind, old.nproc) for old, _ in seen].count((job.kind, job.nproc))
        prepared = [old.kind for old, _ in seen].count("prepare")
        seen.append((job, threads))
        if job.kind == "prepare":
            return {**FACTS, "limit": {n: found[prepared] for n, found in LIMITS.items()}}
        if job.kind == "profile":
            return {"shares": {"matmul": 1.0}}
        if job.kind == "decoding":
            rates = {(1, 16): 8.0, (1, 64): 7.0, (5, 16): 1.0, (5, 64): 2.0}
            return decoding(rates)
        return training(SPEEDS[job.nproc][earlier])

    monkeypatch.setattr(subject, "run_job", run_job)
    return seen


def run(tmp_path, **options):
    return report(tmp_path, **options)["variants"]


def report(tmp_path, **options):
    path = write_run(tmp_path)
    variants = make_variants([path], [], ["nproc=1,2"], nproc=1, threads=3)
    return bench(variants, BenchOptions(repeats=3, **options))


def test_variants_take_turns_there_and_back_again(tmp_path, jobs):
    run(tmp_path, decodes=False)
    kinds = [(job.kind, job.nproc) for job, _ in jobs]
    assert kinds[:2] == [("prepare", 1), ("prepare", 1)]
    assert kinds[2:8] == [("training", nproc) for nproc in (1, 2, 2, 1, 1, 2)]
    assert kinds[8:] == [("profile", 1), ("profile", 2)]


def test_what_one_process_does_has_the_threads_of_all(tmp_path, jobs):
    run(tmp_path)
    assert {(job.kind, job.nproc, threads) for job, threads in jobs} == {
        ("prepare", 1, 3), ("prepare", 1, 6), ("training", 1, 3), ("training", 2, 3),
        ("decoding", 1, 3), ("decoding", 1, 6), ("profile", 1, 3), ("profile", 2, 3),
    }  # fmt: skip


def test_ratios_are_taken_within_a_repeat(tmp_path, jobs):
    one, two = run(tmp_path)
    assert one["ratio"] == {"median": 1.0, "min": 1.0, "max": 1.0}
    assert two["ratio"] == {"median": 1.5, "min": 1.25, "max": 2.0}
    assert two["training"]["tgt_tokens_per_s"] == {"median": 50.0, "min": 15.0, "max": 60.0}
    assert two["peak_pss_bytes"]["max"] == 60


def test_the_share_is_of_the_limit_of_the_precision(tmp_path, jobs):
    one, two = run(tmp_path)
    assert one["matmul_limit_flops_per_s"] == {"fp32": 100.0, "bf16": 400.0}  # 3 threads
    assert two["matmul_limit_flops_per_s"] == {"fp32": 130.0, "bf16": 300.0}  # 6 threads
    assert one["share_of_matmul_limit"] == 4 * 30.0 / 400.0
    assert two["share_of_matmul_limit"] == 4 * 50.0 / 300.0


def test_alike_shapes_have_the_best_limit_that_was_found(tmp_path, jobs):
    path = write_run(tmp_path)
    variants = make_variants([path], [], ["nproc=1,2"], nproc=1, threads=None)
    for found in bench(variants, BenchOptions(repeats=1))["variants"]:
        assert found["matmul_limit_flops_per_s"] == {"fp32": 130.0, "bf16": 400.0}


def test_the_best_batch_size_is_named_for_each_beam(tmp_path, jobs):
    greedy, beam = run(tmp_path)[0]["decoding"]
    assert (greedy["beam_size"], greedy["best_batch_size"]) == (1, 16)
    assert (beam["beam_size"], beam["best_batch_size"]) == (5, 64)
    assert beam["sentences_per_s"]["median"] == 2.0
    assert beam["sentences_per_s_by_batch_size"] == {16: 1.0, 64: 2.0}


def test_training_is_in_a_temporary_folder_with_the_tokenizer_of_the_run(tmp_path, jobs):
    path = write_run(tmp_path)
    tokenizers = tmp_path / "run/tokenizer"
    tokenizers.mkdir(parents=True)
    (tokenizers / "tokenizer.model").write_bytes(b"trained")
    config = load_config(path, working_dir=tmp_path)
    variant = subject.Variant("it", config)
    (tmp_path / "bench").mkdir()
    found = subject.VariantJobs(variant, tmp_path / "bench/0", BenchOptions())
    found.run("training")
    measured = load_config(tmp_path / "bench/0/config.yaml")
    assert measured.run_dir == tmp_path / "bench/0/run"
    assert (measured.run_dir / "tokenizer/tokenizer.model").read_bytes() == b"trained"
    assert measured.data.cache_dir == config.data.cache_dir  # the store is shared


@pytest.mark.parametrize(("device", "hints"), [("cpu", ["try it"]), ("cuda", [])])
def test_hints_are_for_the_cpu(tmp_path, jobs, monkeypatch, device, hints):
    monkeypatch.setitem(FACTS, "device", device)
    monkeypatch.setattr(subject, "memory_hints", lambda: ["try it"])
    assert report(tmp_path, decodes=False)["hints"] == hints


def test_a_spread():
    assert spread_of([3.0, 1.0, 2.0, 10.0]) == {"median": 2.5, "min": 1.0, "max": 10.0}
