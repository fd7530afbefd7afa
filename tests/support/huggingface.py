"""Folders of Hugging Face models with random weights, made by `transformers`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from tests.support.foreign import (
    M2M100,
    MARIAN,
    write_m2m100_tokenizer,
    write_nllb_tokenizer,
    write_tokenizers,
)
from tests.support.tokenizers import sentences

if TYPE_CHECKING:
    import transformers


def write_marian(
    folder: Path,
    *,
    seed: int = 0,
    separate: bool = False,
    one_file: bool = False,
    zero_start: bool = True,
    bias: bool = True,
    some_end: bool = True,
    texts: tuple[list[str], list[str]] | None = None,
    pieces: int = 70,
    **changes: object,
) -> transformers.MarianMTModel:
    """Write a `MarianMTModel` whose translations end now and then by themselves."""
    import transformers  # here, because that takes seconds, also where tests are only listed

    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    sizes = write_tokenizers(folder, separate=separate, one_file=one_file, texts=texts, size=pieces)
    vocabulary = json.loads((folder / "vocab.json").read_text("utf-8"))
    pad = vocabulary["<pad>"]
    values = {
        **MARIAN,
        "vocab_size": sizes[0],
        "decoder_vocab_size": sizes[1],
        "pad_token_id": pad,
        "eos_token_id": 0,
        "forced_eos_token_id": 0,
        "bos_token_id": None,
        "decoder_start_token_id": pad,
        "share_encoder_decoder_embeddings": not separate,
    } | changes
    search = {key: values.pop(key) for key in ("num_beams", "max_length")}
    torch.manual_seed(seed)
    model = transformers.MarianMTModel(transformers.MarianConfig(**values)).eval()
    fill(model, pad=pad, eos=0, zero_start=zero_start)
    if bias:
        model.final_logits_bias.normal_(0.0, 0.3)
    model.generation_config.update(
        **search, bad_words_ids=[[pad]], forced_eos_token_id=0, early_stopping=True
    )
    if some_end:
        make_some_end(model, folder, bias=bias)
    model.save_pretrained(folder)
    return model


@torch.no_grad()
def make_some_end(model: transformers.MarianMTModel, folder: Path, *, bias: bool) -> None:
    """Make EOS likelier until some translations end by themselves, but not all at once."""
    import transformers

    tokenizer = transformers.MarianTokenizer.from_pretrained(folder)
    batch = tokenizer(sentences(16, seed=1), return_tensors="pt", padding=True)
    row = model.lm_head.weight[0].clone()
    for step in range(1, 17):
        if bias:
            model.final_logits_bias[0, 0] = step / 4
        else:
            model.lm_head.weight[0] = row * (1 + step / 4)
        rows = model.generate(**batch, num_beams=1, max_length=24)[:, 2:]
        if sum(0 in ids[:-1] for ids in rows.tolist()) >= 5:
            return
    raise AssertionError("no translation ends by itself")


@torch.no_grad()
def fill(model: transformers.PreTrainedModel, *, pad: int, eos: int, zero_start: bool) -> None:
    """Draw weights with which outputs differ with the source, and some end.

    No bias is 0 and no norm 1, else a forgotten one would not show.
    """
    for name, weight in model.named_parameters():
        if "embed_positions" in name:
            continue
        if "norm" in name and name.endswith("weight"):
            weight.normal_(1.0, 0.2)
        elif name.endswith("bias"):
            weight.normal_(0.0, 0.1)
        else:
            gain = 1.0
            if "encoder_attn.v" in name or "encoder_attn.out" in name:
                gain = 2.8  # else outputs say little of the source
            elif "q_proj" in name or "k_proj" in name:
                gain = 2.0
            weight.normal_(0.0, 1.2 * gain * weight.size(-1) ** -0.5)
    model.lm_head.weight[eos] *= 2
    if zero_start:
        for embedding in (model.get_encoder().embed_tokens, model.get_decoder().embed_tokens):
            embedding.weight[pad] = 0


def write_m2m100(
    folder: Path, *, nllb: bool = False, seed: int = 0, **changes: object
) -> transformers.M2M100ForConditionalGeneration:
    """Write an `M2M100ForConditionalGeneration` whose translations end now and then."""
    import transformers

    size = write_nllb_tokenizer(folder) if nllb else write_m2m100_tokenizer(folder)
    torch.manual_seed(seed)
    values = {**M2M100, "vocab_size": size} | changes
    values.pop("model_type")
    model = transformers.M2M100ForConditionalGeneration(transformers.M2M100Config(**values)).eval()
    fill(model, pad=1, eos=2, zero_start=False)
    last_tag = size - (4 if nllb else 9)
    model.generation_config.update(
        num_beams=4, max_length=24, early_stopping=True, forced_bos_token_id=last_tag
    )
    model.save_pretrained(folder)
    return model
