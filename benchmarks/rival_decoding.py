"""Runs under a rival's own python, with our weights; called by `decode_against_rivals.py`.

    onmt CHECKPOINT WEIGHTS.npz OUT      an OpenNMT-py checkpoint with these weights
    hf WEIGHTS.npz PIECES BEAM BATCH     translate by `generate`; prints the pieces, then seconds

WEIGHTS.npz holds the tensors of model.safetensors under their names, a sinusoid table `positions`
and the pieces `vocabulary`. Ids are ours: 0 pad, 1 unk, 2 BOS, 3 EOS.
"""

import sys
import time
from pathlib import Path

import numpy as np
import torch

CAP = 40


def onmt(checkpoint, weights, out):
    saved = torch.load(checkpoint, weights_only=False, map_location="cpu")
    arrays = dict(np.load(weights))
    vocabulary = arrays.pop("vocabulary").tolist()
    own, left = {name: torch.from_numpy(array) for name, array in arrays.items()}, {}
    blocks = {
        "self_attn.linear_query": "self_attn.q_proj", "self_attn.linear_keys": "self_attn.k_proj",
        "self_attn.linear_values": "self_attn.v_proj",
        "self_attn.final_linear": "self_attn.out_proj",
        "context_attn.linear_query": "cross_attn.q_proj",
        "context_attn.linear_keys": "cross_attn.k_proj",
        "context_attn.linear_values": "cross_attn.v_proj",
        "context_attn.final_linear": "cross_attn.out_proj",
        "feed_forward.w_1": "feed_forward.in_proj", "feed_forward.w_2": "feed_forward.out_proj",
        "feed_forward.layer_norm": "feed_forward_residual.norm",
        "layer_norm_1": "self_attn_residual.norm", "layer_norm_2": "cross_attn_residual.norm",
        "layer_norm": "self_attn_residual.norm",
    }  # fmt: skip
    for name, tensor in saved["model"].items():
        side, _, rest = name.partition(".")
        stem, _, kind = rest.rpartition(".")
        if rest == "embeddings.make_embedding.pe.pe":
            found = own["positions"][: len(tensor), None]
        elif rest.startswith("embeddings."):
            found = own["shared_embed.weight"]
        elif stem == "layer_norm":
            found = own[f"{side}.final_norm.{kind}"]
        else:
            _, layer, block = stem.split(".", 2)
            found = own[f"{side}.layers.{layer}.{blocks[block]}.{kind}"]
        assert found.shape == tensor.shape, (name, found.shape, tensor.shape)
        left[name] = found
    saved["model"] = left
    saved["generator"] = {
        "weight": own["shared_embed.weight"],
        "bias": torch.zeros(len(own["shared_embed.weight"])),
    }
    pieces = ["<blank>", "<unk>", "<s>", "</s>", *vocabulary[4:]]
    saved["vocab"]["src"] = saved["vocab"]["tgt"] = pieces
    torch.save(saved, out)


def hf(weights, path, beam_size, batch_size):
    from transformers import PegasusConfig, PegasusForConditionalGeneration

    arrays = np.load(weights)
    pieces = arrays["vocabulary"].tolist()
    own = {
        k: torch.from_numpy(v) for k, v in arrays.items() if k not in ("vocabulary", "positions")
    }
    vocab_size, d_model = own["shared_embed.weight"].shape
    num_layers = 1 + max(int(k.split(".")[2]) for k in own if k.startswith("encoder.layers."))
    d_ff = len(own["encoder.layers.0.feed_forward.in_proj.bias"])
    model = PegasusForConditionalGeneration(
        PegasusConfig(
            vocab_size=vocab_size, d_model=d_model, encoder_layers=num_layers,
            decoder_layers=num_layers, encoder_attention_heads=4, decoder_attention_heads=4,
            encoder_ffn_dim=d_ff, decoder_ffn_dim=d_ff, activation_function="relu",
            scale_embedding=True, max_position_embeddings=128, pad_token_id=0, eos_token_id=3,
            bos_token_id=2, decoder_start_token_id=2, forced_eos_token_id=None,
        )
    ).eval()  # fmt: skip
    names = {
        "shared_embed": "model.shared", ".final_norm": ".layer_norm",
        "cross_attn_residual.norm": "encoder_attn_layer_norm", "cross_attn.": "encoder_attn.",
        "self_attn_residual.norm": "self_attn_layer_norm",
        "feed_forward_residual.norm": "final_layer_norm",
        "feed_forward.in_proj": "fc1", "feed_forward.out_proj": "fc2",
    }  # fmt: skip
    state = {}
    for name, tensor in own.items():
        for ours, theirs in names.items():
            name = name.replace(ours, theirs)
        state[name if name.startswith("model.") else f"model.{name}"] = tensor
    missing, unexpected = model.load_state_dict(state, strict=False)
    tied = ("embed_tokens.weight", "lm_head.weight", "final_logits_bias", "embed_positions.weight")
    assert not unexpected, unexpected
    assert all(name.endswith(tied) for name in missing), missing
    ids_of = {piece: index for index, piece in enumerate(pieces)}
    lines = Path(path).read_text("utf-8").split("\n")[:-1]
    sources = [[ids_of[piece] for piece in line.split()] + [3] for line in lines]
    order = sorted(range(len(sources)), key=lambda i: -len(sources[i]))
    found = [""] * len(sources)
    with torch.inference_mode():
        for start_s in (None, time.perf_counter()):  # the first round warms up, on one batch
            for start in range(0, len(order), batch_size):
                rows = order[start : start + batch_size]
                longest = max(len(sources[i]) for i in rows)
                ids = torch.tensor([sources[i] + [0] * (longest - len(sources[i])) for i in rows])
                out = model.generate(
                    input_ids=ids, attention_mask=(ids != 0).long(), num_beams=beam_size,
                    do_sample=False, max_new_tokens=CAP, length_penalty=1.0,
                    early_stopping=beam_size > 1,
                )  # fmt: skip
                for i, row in zip(rows, out.tolist(), strict=True):
                    found[i] = " ".join(pieces[k] for k in row if k > 3)
                if start_s is None:
                    break
    print("\n".join(found))
    print(time.perf_counter() - start_s)


if __name__ == "__main__":
    if sys.argv[1] == "onmt":
        onmt(*sys.argv[2:])
    else:
        hf(sys.argv[2], sys.argv[3], int(sys.argv[4]), int(sys.argv[5]))
