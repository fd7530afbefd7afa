"""Invariant 12 for imports: a `MarianMTModel` that was imported is the one of `transformers`."""

from copy import deepcopy

import pytest
import torch

from mtcli.bundle.model_folder import read_model
from mtcli.engines.choice import EngineOptions
from mtcli.engines.torch_loading import load_weights
from mtcli.interchange.importing import import_model
from mtcli.tokenizer.protocol import start_id
from mtcli.translating.loaded_model import load_tokenizers
from mtcli.translating.request import TranslationRequest, open_translator
from tests.support.huggingface import write_marian
from tests.support.tokenizers import sentences

pytestmark = [
    # `transformers` is one of the dev tools, with which CI runs the slow tests
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:Recommended. pip install sacremoses:UserWarning"),
]

SHAPES: dict[str, dict[str, object]] = {
    "opus": {"seed": 1},
    "separate vocabularies": {"separate": True},
    "untied": {"separate": True, "tie_word_embeddings": False},
    "shared but untied": {"tie_word_embeddings": False},
    "one tokenizer file": {"one_file": True},
    "real start": {"zero_start": False, "seed": 1},
    "no bias, not scaled, gelu": {
        "bias": False, "scale_embedding": False, "activation_function": "gelu", "seed": 2,
    },
    "deep, odd heads, relu": {
        "encoder_layers": 6, "decoder_layers": 6, "encoder_attention_heads": 3, "d_model": 18,
        "decoder_attention_heads": 9, "activation_function": "relu", "some_end": False,
    },
    "one layer": {"encoder_layers": 1, "decoder_layers": 1, "encoder_attention_heads": 1},
}  # fmt: skip
TRANSLATED = (
    "opus",
    "separate vocabularies",
    "no bias, not scaled, gelu",
    "deep, odd heads, relu",
)
"""Shapes that also translate, which takes most of the time."""

MAX_LENGTH = 23
"""Pieces that `max_length: 24` of transformers leaves, which counts the first one."""

TEXTS = [*sentences(30, seed=1), "ba", "ko tir unknown Ж ß"]


@pytest.fixture(scope="module")
def pair(request, tmp_path_factory):
    """The folder, the model of transformers, and the imported folder."""
    pytest.importorskip("transformers")
    folder = tmp_path_factory.mktemp("marian") / "opus-mt-en-de"
    some_end = {} if request.param in TRANSLATED else {"some_end": False}
    model = write_marian(folder, **SHAPES[request.param] | some_end)
    report = import_model(folder, folder.parent / "imported")
    assert report.model.warnings == ()
    return folder, model, folder.parent / "imported"


def their_tokenizer(folder):
    import transformers

    return transformers.MarianTokenizer.from_pretrained(folder)


@pytest.mark.parametrize("pair", SHAPES, indirect=True)
@torch.inference_mode()
def test_logits_are_equal(pair):
    folder, theirs, imported = pair
    bundle = read_model(imported)
    # float64, because both round sums of float32 in an order of their own
    ours, theirs = load_weights(bundle).double().eval(), deepcopy(theirs).double()
    src, tgt = load_tokenizers(bundle)
    tokenizer = their_tokenizer(folder)
    for text in TEXTS[-6:]:
        batch = tokenizer([text], return_tensors="pt")
        labels = tokenizer(text_target=[text.upper()], return_tensors="pt").input_ids
        start = torch.tensor([[theirs.config.decoder_start_token_id]])
        logits = theirs(**batch, decoder_input_ids=torch.cat([start, labels[:, :-1]], 1)).logits[0]
        memory = ours.encode(torch.tensor([[*src.encode(text), 3]]), None)
        tgt_ids = tgt.encode(text.upper())
        first = start_id(bundle.card.architecture.target_start)
        found = ours.output_logits(ours.decode(torch.tensor([[first, *tgt_ids]]), memory, None))[0]
        rows = [tokenizer.convert_tokens_to_ids(tgt.id_to_piece(i)) for i in range(tgt.vocab_size)]
        if tokenizer.separate_vocabs:
            rows = [tokenizer.target_encoder[tgt.id_to_piece(i)] for i in range(tgt.vocab_size)]
        assert sorted(rows) == list(range(logits.size(1)))
        torch.testing.assert_close(found, logits[:, rows], rtol=0, atol=5e-6)


@pytest.mark.parametrize("pair", TRANSLATED, indirect=True)
@pytest.mark.parametrize("beam_size", [1, 4])
def test_translations_are_equal(pair, beam_size):
    folder, theirs, imported = pair
    tokenizer = their_tokenizer(folder)
    batch = tokenizer(TEXTS, return_tensors="pt", padding=True)
    unknown = tokenizer.convert_tokens_to_ids("<unk>")
    found = theirs.generate(
        **batch,
        num_beams=beam_size,
        # mtcli puts out no unknown pieces
        bad_words_ids=[[theirs.config.pad_token_id], [unknown]],
        return_dict_in_generate=True,
        output_scores=True,
    )
    want = tokenizer.batch_decode(
        found.sequences, skip_special_tokens=True, use_source_tokenizer=False
    )
    request = TranslationRequest(
        models=(imported,),
        engine=EngineOptions("torch", device="cpu"),
        overrides={"beam_size": beam_size},
        retries=False,
    )
    answers = [answer.translations[0] for answer in open_translator(request).begin(TEXTS).result()]
    eos = theirs.config.eos_token_id
    rows = found.sequences[:, 1:].tolist()
    ended = [len(row) < MAX_LENGTH or eos in row[:-1] for row in rows]
    if theirs.config.encoder_layers < 6:  # random layers lose the source, one after the other
        assert sum(ended) >= 1
        assert len(set(want)) > 8
    same = [ours.text == theirs for ours, theirs in zip(answers, want, strict=True)]
    assert all(s for s, e in zip(same, ended, strict=True) if e)
    if beam_size == 1:  # what reached the longest length is the same up to there
        for ours, theirs in zip(answers, want, strict=True):
            shorter = min(len(ours.text), len(theirs)) - 12
            assert ours.text[:shorter] == theirs[:shorter]
