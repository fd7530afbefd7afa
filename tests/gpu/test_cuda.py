"""What only a CUDA device can show. Skipped where there is none; the README says where it ran."""

import json
import math
import subprocess
import sys
from functools import partial

import pytest
import torch
from safetensors.torch import load_file

from mtcli.config.load import load_config
from mtcli.device.precision import choose_numerics
from mtcli.model.attention import local
from mtcli.model.dropout import dropout
from mtcli.training.setup import train
from mtcli.translating.translator import Translator
from tests.support.models import ATTENTION_VARIANTS, random_batch, tiny_model
from tests.support.small_run import write_run

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device"),
]
ON_CUDA = "training.device=cuda"


def on_cuda(batch):
    return batch._make(None if t is None else t.cuda() for t in batch)


def test_the_loss_on_cuda_is_that_on_cpu():
    model, batch = tiny_model("rms silu gated"), random_batch([(7, 4), (3, 9)])
    want = model(batch, 0.1)
    got = model.cuda()(on_cuda(batch), 0.1)
    torch.testing.assert_close(got.cpu(), want, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("worth", [0.0, math.inf], ids=["masked", "blocks"])
@pytest.mark.parametrize("variant", ATTENTION_VARIANTS)
def test_the_loss_and_gradients_of_every_attention_on_cuda_are_those_on_cpu(
    monkeypatch, variant, worth
):
    monkeypatch.setattr(local, "_SMALLEST_BLOCK", 1)
    monkeypatch.setattr(local, "_WORTH_CUTTING", worth)
    model, batch = tiny_model(variant), random_batch([(7, 4), (30, 9), (1, 6)])
    found = []
    for device in ("cpu", "cuda"):
        model = model.to(device)
        model.zero_grad()
        loss = model(batch._make(None if t is None else t.to(device) for t in batch), 0.1)
        loss.backward()
        found.append([loss.detach().cpu(), *(p.grad.cpu().clone() for p in model.parameters())])
    torch.testing.assert_close(found[1], found[0], rtol=1e-9, atol=1e-9)


@torch.no_grad()
@pytest.mark.parametrize("variant", ATTENTION_VARIANTS)
@pytest.mark.parametrize("beam_size", [1, 3])
def test_steps_of_every_attention_on_cuda_are_those_on_cpu(variant, beam_size):
    """With separators among what is fed, and longer than the windows."""
    model, batch = tiny_model(variant), random_batch([(7, 4), (3, 9)])
    fed = torch.randint(4, 10, (36, 2 * beam_size), generator=torch.Generator().manual_seed(0))
    found = []
    for device in ("cpu", "cuda"):
        model, keep = model.to(device), batch.src_keep_BS.to(device)
        memory = model.encode(batch.src_ids_BS.to(device), keep)
        state = model.start(memory, keep, beam_size=beam_size, max_length=36)
        steps = [model.step(ids[: 2 * state.num_fed].to(device), state).cpu() for ids in fed]
        found.append(torch.cat(steps))
    torch.testing.assert_close(found[1], found[0], rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("precision", [torch.bfloat16, torch.float16])
@pytest.mark.parametrize("variant", ATTENTION_VARIANTS)
def test_every_attention_under_autocast_on_cuda_is_near_the_exact_one(variant, precision):
    model, batch = tiny_model(variant).float().cuda(), on_cuda(random_batch([(7, 4), (30, 9)]))
    exact = model(batch, 0.1)
    with torch.autocast("cuda", precision):
        low = model(batch, 0.1)
    low.backward()
    assert abs(low.item() / exact.item() - 1) < 0.02
    assert all(p.grad.isfinite().all() for p in model.parameters())


def test_dropout_keeps_the_mean():
    out = dropout(torch.ones(1_000_000, device="cuda"), 0.3, training=True)
    assert abs(out.mean().item() - 1) < 0.005


@pytest.mark.parametrize("precision", ["fp32", "bf16", "fp16"])
def test_training_and_translating(tmp_path, precision):
    path = write_run(tmp_path, ON_CUDA, f"training.precision={precision}")
    config = load_config(path, working_dir=tmp_path)
    assert train(config).is_finished
    lines = (tmp_path / "run/metrics.jsonl").read_text().split("\n")[:-1]
    losses = [m["loss_per_token"] for m in map(json.loads, lines) if m["kind"] == "step"]
    assert losses[-1] < losses[0]
    on_gpu = Translator.load(tmp_path / "run", device="cuda").translate(["ba ce di"])
    on_cpu = Translator.load(tmp_path / "run", device="cpu").translate(["ba ce di"])
    assert on_gpu == on_cpu


def test_updates_that_overflow_in_fp16_are_skipped_and_the_scale_falls(tmp_path, monkeypatch):
    scale = 2.0**24  # the largest fp16 is 65504, so the first gradients are infinite
    monkeypatch.setattr(torch.amp, "GradScaler", partial(torch.amp.GradScaler, init_scale=scale))
    overrides = ("training.precision=fp16", "training.max_steps=40", "validation.every_steps=40")
    config = load_config(write_run(tmp_path, ON_CUDA, *overrides), working_dir=tmp_path)
    assert train(config).is_finished
    checkpoint = tmp_path / "run/checkpoints/step_00000040"
    assert 1 <= json.loads((checkpoint / "state.json").read_text())["scaler"]["scale"] < scale
    assert all(
        weight.isfinite().all() for weight in load_file(checkpoint / "model.safetensors").values()
    )


def test_resuming_on_cuda(tmp_path):
    path = write_run(tmp_path, ON_CUDA)
    train(load_config(path, ["training.max_steps=6"], working_dir=tmp_path))
    outcome = train(load_config(path, working_dir=tmp_path))
    assert outcome.is_finished


@pytest.mark.skipif(torch.cuda.device_count() < 2, reason="fewer than two CUDA devices")
@pytest.mark.parametrize("parallel", ["ddp", "fsdp"])
@pytest.mark.parametrize("precision", ["fp32", "bf16", "fp16"])
def test_two_gpus_over_nccl(tmp_path, parallel, precision):
    write_run(tmp_path, ON_CUDA, f"training.precision={precision}")
    command = [sys.executable, "-m", "mtcli", "train", "config.yaml", "--nproc", "2"]
    command += ["--set", f"training.parallel={parallel}"]
    result = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=300)
    assert result.returncode == 0, result.stderr


def test_attention_builds_no_plan_for_each_shape():
    """cuDNN would, for half a second each; every batch has another shape."""
    torch.backends.cuda.enable_cudnn_sdp(True)
    choose_numerics(torch.device("cuda", 0), "bf16")
    assert not torch.backends.cuda.cudnn_sdp_enabled()
    assert torch.get_float32_matmul_precision() == "high"
