"""Invariant 12 for imports: an imported M2M100 or NLLB model is the one of `transformers`."""

from copy import deepcopy
from importlib.util import find_spec

import pytest
import sentencepiece
import torch

from mtcli.bundle.languages import tags_of
from mtcli.bundle.model_folder import read_model
from mtcli.engines.choice import EngineOptions
from mtcli.engines.torch_loading import load_weights
from mtcli.interchange.foreign import Languages
from mtcli.interchange.importing import import_model
from mtcli.tokenizer.protocol import EOS_ID
from mtcli.translating.loaded_model import load_tokenizers
from mtcli.translating.request import TranslationRequest, open_translator
from tests.support.foreign import NLLB_LANGUAGES
from tests.support.huggingface import write_m2m100
from tests.support.tokenizers import sentences

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(find_spec("transformers") is None, reason="needs transformers"),
]

SHAPES: dict[str, dict[str, object]] = {
    "m2m100": {"seed": 1},
    "nllb": {"nllb": True},
    "nllb untied, not scaled, gelu": {
        "nllb": True, "tie_word_embeddings": False, "scale_embedding": False,
        "activation_function": "gelu",
    },
    "m2m100 deep, odd heads": {
        "encoder_layers": 6, "decoder_layers": 6, "encoder_attention_heads": 3, "d_model": 18,
        "decoder_attention_heads": 9,
    },
}  # fmt: skip
MAX_LENGTH = 22
"""Pieces that `max_length: 24` of transformers leaves, which counts the first one and the tag."""

TEXTS = [*sentences(30, seed=1), "ba", "ko tir unknown Ж ß"]


class Original:
    """The folder and the model of transformers, and its tokenizer."""

    def __init__(self, folder, shape):
        self.model = write_m2m100(folder, **shape)
        # transformers stopped reading NLLB's file without `protobuf`; ids are those of fairseq
        self._spm = sentencepiece.SentencePieceProcessor(
            model_file=str(folder / "sentencepiece.bpe.model")
        )
        self._m2m100 = None
        if not shape.get("nllb"):
            import transformers  # here, because that takes seconds, also where tests are listed

            self._m2m100 = transformers.M2M100Tokenizer.from_pretrained(folder)
        self.languages = ("en", "de") if self._m2m100 else ("eng_Latn", "deu_Latn")

    def tag_id(self, lang):
        if self._m2m100:
            return self._m2m100.get_lang_id(lang)
        return self._spm.vocab_size() + 1 + NLLB_LANGUAGES.index(lang)

    def encode(self, text, lang):
        if self._m2m100:
            self._m2m100.src_lang = lang
            return self._m2m100(text).input_ids
        return [self.tag_id(lang), *(i + 1 if i else 3 for i in self._spm.encode(text)), 2]

    def decode(self, ids):
        lowest_tag = self.tag_id("af" if self._m2m100 else "ace_Arab")
        text = [i for i in ids if 3 < i < lowest_tag]
        if self._m2m100:
            return self._m2m100.convert_tokens_to_string(self._m2m100.convert_ids_to_tokens(text))
        return self._spm.decode([i - 1 for i in text])

    def row_of(self, piece):
        """Their id of a piece of ours."""
        special = {"<s>": 0, "<pad>": 1, "</s>": 2, "<unk>": 3}
        if piece in special:
            return special[piece]
        if piece.startswith("<row "):
            return int(piece[5:-1])
        if self._m2m100:
            return self._m2m100.convert_tokens_to_ids(piece)
        if piece in NLLB_LANGUAGES:
            return self.tag_id(piece)
        return self._spm.piece_to_id(piece) + 1


@pytest.fixture(scope="module", params=SHAPES)
def pair(request, tmp_path_factory):
    """The original, and the imported folder."""
    folder = tmp_path_factory.mktemp("m2m100") / "original"
    original = Original(folder, SHAPES[request.param])
    imported = folder.parent / "imported"
    report = import_model(folder, imported, Languages(*original.languages))
    assert report.model.warnings == ()
    return original, imported


@torch.inference_mode()
def test_logits_are_equal(pair):
    original, imported = pair
    bundle = read_model(imported)
    # float64, because both round sums of float32 in an order of their own
    ours, theirs = load_weights(bundle).double().eval(), deepcopy(original.model).double()
    src, tgt = load_tokenizers(bundle)
    tags = tags_of(bundle.card)
    rows = [original.row_of(tgt.id_to_piece(i)) for i in range(tgt.vocab_size)]
    assert sorted(rows) == list(range(original.model.config.vocab_size))
    src_lang, tgt_lang = original.languages
    for text in TEXTS[-6:]:
        src_ids = torch.tensor([original.encode(text, src_lang)])
        labels = original.encode(text.upper(), tgt_lang)
        tgt_in = torch.tensor([[2, *labels[:-1]]])
        want = theirs(input_ids=src_ids, decoder_input_ids=tgt_in).logits[0]
        memory = ours.encode(torch.tensor([[*tags.src, *src.encode(text), EOS_ID]]), None)
        tgt_ids = torch.tensor([[EOS_ID, *tags.tgt, *tgt.encode(text.upper())]])
        found = ours.output_logits(ours.decode(tgt_ids, memory, None))[0]
        torch.testing.assert_close(found, want[:, rows], rtol=0, atol=5e-6)


@pytest.mark.parametrize("beam_size", [1, 4])
def test_translations_are_equal(pair, beam_size):
    original, imported = pair
    src_lang, tgt_lang = original.languages
    src_ids = torch.nn.utils.rnn.pad_sequence(
        [torch.tensor(original.encode(text, src_lang)) for text in TEXTS],
        batch_first=True, padding_value=1,
    )  # fmt: skip
    rows = original.model.generate(
        input_ids=src_ids,
        attention_mask=(src_ids != 1).long(),
        num_beams=beam_size,
        forced_bos_token_id=original.tag_id(tgt_lang),
        bad_words_ids=[[1], [3]],  # mtcli puts out neither padding nor unknown pieces
    ).tolist()
    want = [original.decode(row) for row in rows]
    request = TranslationRequest(
        models=(imported,),
        engine=EngineOptions("torch", device="cpu"),
        overrides={"beam_size": beam_size},
        retries=False,
    )
    answers = open_translator(request).begin(TEXTS).result()
    found = [answer.translations[0].text for answer in answers]
    ended = [2 in row[2:-1] for row in rows]
    if original.model.config.encoder_layers < 6:  # random layers lose the source
        assert sum(ended) >= 2
        assert len(set(want)) > 8
    assert [ours for ours, e in zip(found, ended, strict=True) if e] == [
        theirs for theirs, e in zip(want, ended, strict=True) if e
    ]
    if beam_size == 1:  # what reached the longest length is the same up to there
        assert found == want
