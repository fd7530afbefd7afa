"""Folders of Hugging Face models with random weights, made without `transformers`."""

import io
import json
import random
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import sentencepiece
from safetensors.numpy import save_file

from mtcli.config.schema.architecture import ModelConfig
from mtcli.interchange.huggingface.layout import slots
from tests.support.tokenizers import sentences

MARIAN = {
    "d_model": 16,
    "encoder_layers": 2,
    "decoder_layers": 1,
    "encoder_attention_heads": 2,
    "decoder_attention_heads": 4,
    "encoder_ffn_dim": 20,
    "decoder_ffn_dim": 12,
    "activation_function": "swish",
    "scale_embedding": True,
    "max_position_embeddings": 48,
    "num_beams": 4,
    "max_length": 24,
}


def spm_file(path: Path, texts: list[str], kind: str = "unigram", size: int = 70) -> None:
    """Write a SentencePiece model as Marian trains it: EOS 0, unknown 1, no BOS."""
    content = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(texts), model_writer=content, vocab_size=size, model_type=kind,
        eos_id=0, unk_id=1, bos_id=-1, pad_id=-1, minloglevel=2, hard_vocab_limit=False,
    )  # fmt: skip
    path.write_bytes(content.getvalue())


def pieces_of(path: Path) -> list[str]:
    processor = sentencepiece.SentencePieceProcessor(model_file=str(path))
    return [processor.id_to_piece(i) for i in range(processor.vocab_size())]


def write_tokenizers(
    folder: Path,
    *,
    separate: bool = False,
    one_file: bool = False,
    texts: tuple[list[str], list[str]] | None = None,
    size: int = 70,
) -> list[int]:
    """Write the tokenizer files of a Marian model; returns the sizes of both vocabularies."""
    folder.mkdir(parents=True)
    src_texts, tgt_texts = texts or (
        sentences(200, seed=1),
        [text.upper() for text in sentences(200, seed=2)],
    )
    spm_file(folder / "source.spm", src_texts, size=size)
    spm_file(folder / "target.spm", src_texts if one_file else tgt_texts, size=size)
    sides = [pieces_of(folder / name) for name in ("source.spm", "target.spm")]
    if separate:
        vocabularies = [list(dict.fromkeys(["</s>", "<unk>", *side])) for side in sides]
    else:
        vocabularies = [list(dict.fromkeys(["</s>", "<unk>", *sides[0], *sides[1]]))]
    draw = random.Random(3)
    for pieces in vocabularies:
        others = pieces[2:]
        draw.shuffle(others)  # ids have nothing to do with the files
        pieces[2:] = others
    if separate:  # both have one id of padding
        least = min(map(len, vocabularies))
        vocabularies = [
            [*pieces[: least - 1], "<pad>", *pieces[least - 1 :]] for pieces in vocabularies
        ]
    else:
        vocabularies[0].append("<pad>")
    for name, pieces in zip(("vocab.json", "target_vocab.json"), vocabularies, strict=False):
        ids = {piece: i for i, piece in enumerate(pieces)}
        (folder / name).write_text(json.dumps(ids), "utf-8")
    settings = {"source_lang": "en", "target_lang": "de", "separate_vocabs": separate}
    (folder / "tokenizer_config.json").write_text(json.dumps(settings), "utf-8")
    sizes = [len(pieces) for pieces in vocabularies]
    return [sizes[0], sizes[-1]]


def write_foreign(folder: Path, *, tags: Sequence[str] = (), **changes: object) -> None:
    """Write a small folder of the class `MarianMTModel`.

    `tags` are languages with a word such as `>>deu<<`; `changes` are keys of its config.
    """
    size, _ = write_tokenizers(folder)
    if tags:
        path = folder / "vocab.json"
        ids = json.loads(path.read_text("utf-8"))
        pieces = [*list(ids)[:-1], *(f">>{tag}<<" for tag in tags), "<pad>"]
        path.write_text(json.dumps({piece: i for i, piece in enumerate(pieces)}), "utf-8")
        settings = {"source_lang": "en", "target_lang": "mul"}
        (folder / "tokenizer_config.json").write_text(json.dumps(settings), "utf-8")
        size = len(pieces)
    config = {
        **MARIAN,
        "model_type": "marian",
        "vocab_size": size,
        "pad_token_id": size - 1,
        "eos_token_id": 0,
        "decoder_start_token_id": size - 1,
    } | changes
    (folder / "config.json").write_text(json.dumps(config), "utf-8")
    architecture = ModelConfig(
        d_model=16, encoder_layers=2, decoder_layers=1, num_heads=2, d_ff=20, decoder_d_ff=12,
        norm_position="post", output_bias=True,
    )  # fmt: skip
    write_weights(folder, architecture, size)


M2M100 = {
    "model_type": "m2m_100",
    "d_model": 16,
    "encoder_layers": 2,
    "decoder_layers": 1,
    "encoder_attention_heads": 2,
    "decoder_attention_heads": 4,
    "encoder_ffn_dim": 20,
    "decoder_ffn_dim": 12,
    "activation_function": "relu",
    "max_position_embeddings": 48,
    "pad_token_id": 1,
    "bos_token_id": 0,
    "eos_token_id": 2,
    "decoder_start_token_id": 2,
}
NLLB_LANGUAGES = ("ace_Arab", "deu_Latn", "eng_Latn", "zho_Hans", "zho_Hant")


def write_fairseq_spm(folder: Path) -> list[str]:
    """Write the SentencePiece file of M2M100 and NLLB, and return its pieces."""
    folder.mkdir(parents=True)
    content = io.BytesIO()
    texts = [*sentences(200, seed=1), *(text.upper() for text in sentences(200, seed=2))]
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(texts), model_writer=content, vocab_size=90, model_type="bpe",
        unk_id=0, bos_id=1, eos_id=2, pad_id=-1, minloglevel=2, hard_vocab_limit=False,
    )  # fmt: skip
    path = folder / "sentencepiece.bpe.model"
    path.write_bytes(content.getvalue())
    return pieces_of(path)


def write_m2m100_tokenizer(folder: Path) -> int:
    """Write the tokenizer files of M2M100; returns the rows of the embedding, some of no piece."""
    pieces = ["<s>", "<pad>", "</s>", "<unk>", *write_fairseq_spm(folder)[3:]]
    others = pieces[4:]
    random.Random(3).shuffle(others)  # ids have nothing to do with the file
    ids = {piece: i for i, piece in enumerate([*pieces[:4], *others])}
    (folder / "vocab.json").write_text(json.dumps(ids), "utf-8")
    settings = {"tokenizer_class": "M2M100Tokenizer", "language_codes": "m2m100", "src_lang": "en"}
    (folder / "tokenizer_config.json").write_text(json.dumps(settings), "utf-8")
    return len(pieces) + 100 + 8


def write_nllb_tokenizer(folder: Path) -> int:
    """Write the tokenizer files of NLLB; returns the rows of the embedding, some of no piece."""
    num_pieces = len(write_fairseq_spm(folder))
    settings = {"tokenizer_class": "NllbTokenizer", "src_lang": None, "tgt_lang": None}
    (folder / "tokenizer_config.json").write_text(json.dumps(settings), "utf-8")
    tokens = {"additional_special_tokens": NLLB_LANGUAGES, "mask_token": "<mask>"}
    (folder / "special_tokens_map.json").write_text(json.dumps(tokens), "utf-8")
    return num_pieces + 1 + len(NLLB_LANGUAGES) + 3


def write_foreign_m2m100(folder: Path, *, nllb: bool = False, **changes: object) -> None:
    """Write a small folder of the class `M2M100ForConditionalGeneration`."""
    size = write_nllb_tokenizer(folder) if nllb else write_m2m100_tokenizer(folder)
    config = {**M2M100, "vocab_size": size} | changes
    (folder / "config.json").write_text(json.dumps(config), "utf-8")
    architecture = ModelConfig(
        d_model=16, encoder_layers=2, decoder_layers=1, num_heads=2, decoder_num_heads=4, d_ff=20,
        decoder_d_ff=12,
    )  # fmt: skip
    write_weights(folder, architecture, size)


def write_weights(folder: Path, architecture: ModelConfig, size: int) -> None:
    """Random weights of an architecture, with which outputs differ with the source."""
    draw = np.random.default_rng(1)
    weights = {}
    for slot in slots(architecture, size, size):
        name = slot.theirs[0]
        weight = draw.normal(size=slot.shape)
        if "norm" in name and name.endswith("weight"):
            weight = 1 + 0.2 * weight
        elif name.endswith("bias"):
            weight *= 0.1
        else:
            gain = 2.8 if "encoder_attn.v" in name or "encoder_attn.out" in name else 1.5
            weight *= gain * slot.shape[-1] ** -0.5
        weights[name] = weight.astype(np.float32)
    save_file(weights, folder / "model.safetensors")
