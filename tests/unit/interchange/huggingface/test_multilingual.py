"""The tokenizers of M2M100 and NLLB, and the languages of OPUS-MT's; without `transformers`."""

import json
from shutil import copytree

import pytest

from mtcli.bundle.languages import tags_of, with_languages
from mtcli.bundle.model_folder import read_model
from mtcli.errors import MtcliError
from mtcli.interchange.foreign import Languages
from mtcli.interchange.importing import import_model
from mtcli.translating.loaded_model import load_tokenizers
from tests.support.foreign import (
    NLLB_LANGUAGES,
    pieces_of,
    spm_file,
    write_foreign,
    write_foreign_m2m100,
)
from tests.support.tokenizers import sentences


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("multilingual")
    write_foreign_m2m100(folder / "m2m100", max_length=24)
    write_foreign_m2m100(folder / "nllb", nllb=True)
    write_foreign(folder / "opus-mt-en-mul", tags=("deu", "fra"))
    return folder


@pytest.fixture
def source(request, made, tmp_path):
    return copytree(made / request.param, tmp_path / request.param)


def from_m2m100(function):
    return pytest.mark.parametrize("source", ["m2m100"], indirect=True)(function)


def from_nllb(function):
    return pytest.mark.parametrize("source", ["nllb"], indirect=True)(function)


def from_opus(function):
    return pytest.mark.parametrize("source", ["opus-mt-en-mul"], indirect=True)(function)


def imported(source, src=None, tgt=None):
    """The model folder, and the report."""
    report = import_model(source, source.parent / "model", Languages(src, tgt))
    return read_model(source.parent / "model"), report.model


def set_keys(source, name="tokenizer_config.json", **changes):
    path = source / name
    values = json.loads(path.read_text("utf-8")) if path.exists() else {}
    values |= changes
    path.write_text(json.dumps({k: v for k, v in values.items() if v != "REMOVED"}), "utf-8")


@from_m2m100
def test_m2m100_has_its_hundred_languages_behind_the_vocabulary(source):
    bundle, report = imported(source)
    card = bundle.card
    assert (card.src_lang, card.tgt_lang) == ("mul", "mul")
    assert list(card.languages.src)[:3] == ["af", "am", "ar"]
    assert len(card.languages.tgt) == 100
    tokenizer, _ = load_tokenizers(bundle)
    tags = tags_of(with_languages(source, card, "en", "zu"))
    pieces = [tokenizer.id_to_piece(i) for i in (*tags.src, *tags.tgt)]
    assert pieces == ["__en__", "__zu__"]
    assert tokenizer.encode("__en__")[0] not in tags.src  # text spells no tag
    assert tokenizer.decode([*tags.src, *tokenizer.encode("ba ko")]) == "ba ko"
    # max_length 24 counts the start and the tag; positions are those of source and tag
    assert bundle.generation.max_length == 22
    assert "languages: 100 to 100, chosen with `--src-lang` and `--tgt-lang`" in report.taken


@from_nllb
def test_nllb_is_numbered_by_fairseq(source):
    bundle, _ = imported(source, "en", "zh-Hant")
    card = bundle.card
    assert (card.src_lang, card.tgt_lang) == ("eng_Latn", "zho_Hant")
    assert tuple(card.languages.src) == NLLB_LANGUAGES
    tokenizer, _ = load_tokenizers(bundle)
    ours = [tokenizer.id_to_piece(i) for i in range(4, tokenizer.vocab_size)]
    spm_pieces = pieces_of(source / "sentencepiece.bpe.model")[3:]
    assert ours == [*spm_pieces, *NLLB_LANGUAGES, *(f"<row {len(ours) + i}>" for i in (1, 2, 3))]


@from_nllb
def test_ids_that_the_files_give_are_taken(source):
    first = len(pieces_of(source / "sentencepiece.bpe.model")) + 1
    tokens = {str(first): {"content": "deu_Latn"}, str(first + 4): {"content": "kab_Latn"}}
    set_keys(source, added_tokens_decoder=tokens | {"0": {"content": "<s>"}})
    (source / "added_tokens.json").write_text(json.dumps({"xyz_Latn": first + 5}), "utf-8")
    bundle, _ = imported(source)
    names = bundle.card.languages.src
    assert [names[name] - names["deu_Latn"] for name in names] == [0, 4, 5]


@from_m2m100
def test_a_forced_tag_is_the_default_target(source):
    size = json.loads((source / "config.json").read_text())["vocab_size"]
    set_keys(source, "generation_config.json", forced_bos_token_id=size - 9, max_new_tokens=9)
    bundle, report = imported(source)
    # the tokenizer's own source language holds if there is a target
    assert (bundle.card.src_lang, bundle.card.tgt_lang) == ("en", "zu")
    assert bundle.generation.max_length == 8
    assert "languages: 100 to 100, en-zu unless others are chosen" in report.taken


@from_m2m100
def test_the_languages_of_wmt21(source):
    set_keys(source, language_codes="wmt21")
    bundle, _ = imported(source)
    assert list(bundle.card.languages.src) == ["en", "ha", "is", "ja", "cs", "ru", "zh", "de"]


@from_opus
def test_a_word_before_the_source_is_the_tag_of_the_target(source):
    bundle, _ = imported(source)
    card = bundle.card
    assert (card.src_lang, card.tgt_lang, card.languages.tgt_side) == ("en", "mul", "src")
    assert list(card.languages.tgt) == ["deu", "fra"]
    assert not card.languages.src
    tags = tags_of(with_languages(source, card, None, "fr"))
    src, _ = load_tokenizers(bundle)
    assert [src.id_to_piece(i) for i in tags.src] == [">>fra<<"]
    assert tags.tgt == ()


@from_opus
def test_the_target_of_the_settings_is_the_default(source):
    set_keys(source, target_lang="de")
    assert imported(source)[0].card.tgt_lang == "deu"


def problem_of(source, *languages):
    with pytest.raises(MtcliError) as caught:
        imported(source, *languages)
    assert not (source.parent / "model").exists()
    assert type(caught.value).exit_code == 2
    return str(caught.value).replace(str(source), "DIR")


def settings(**changes):
    return lambda source: set_keys(source, **changes)


def config(**changes):
    return lambda source: set_keys(source, "config.json", **changes)


def remove(name):
    return lambda source: (source / name).unlink()


def only_tokenizer_json(source):
    (source / "sentencepiece.bpe.model").rename(source / "tokenizer.json")


def rename_piece(name):
    return lambda source: (source / "vocab.json").write_text(
        (source / "vocab.json").read_text("utf-8").replace(f'"{name}"', '"odd"'), "utf-8"
    )


M2M100 = [
    (settings(tokenizer_class="SMALL100Tokenizer"), "the tokenizer `SMALL100Tokenizer` cannot be"),
    (settings(language_codes="all"), "`language_codes` must be one of `m2m100`, `wmt21`, found"),
    (settings(language_codes=["en"]), "`language_codes` must be one of"),
    (settings(added_tokens_decoder={"9": {"content": "__xx__"}}), "the tag `__xx__` and the piece"),
    (settings(added_tokens_decoder={"999": {"content": "__xx__"}}), "has the id 999, but the"),
    (settings(added_tokens_decoder={"198": {"content": "__de__"}}), "the tag `__de__` has two ids"),
    (config(pad_token_id=5), "`pad_token_id` must be 1, because positions are counted from behind"),
    (config(forced_bos_token_id=7), "`forced_bos_token_id` must be the tag of a target"),
    (config(forced_bos_token_id="x"), "`forced_bos_token_id` must be a whole number"),
    (config(vocab_size=120), "but config.json asks for [120, 16]"),
    (remove("sentencepiece.bpe.model"), "DIR has no `sentencepiece.bpe.model`"),
    (only_tokenizer_json, "DIR/tokenizer.json cannot be imported without the SentencePiece file"),
    (remove("vocab.json"), "DIR/vocab.json"),
    (rename_piece("<s>"), "DIR/vocab.json has no `<s>`"),
    (rename_piece("<unk>"), "DIR/vocab.json has no `<unk>`"),
    (
        config(eos_token_id=0, decoder_start_token_id=0),
        "have the same id: padding 1, unknown 3, EOS 0, BOS 0",
    ),
]  # fmt: skip
NLLB = [
    (settings(legacy_behaviour=True), "`legacy_behaviour: true`, which puts the tag of the source"),
    (remove("special_tokens_map.json"), "DIR does not name its languages: neither tokenizer_conf"),
    (settings(additional_special_tokens=[f"aa{c}_Latn" for c in "abcdefghi"]), "has the id"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("source", "change", "problem"),
    [("m2m100", *case) for case in M2M100] + [("nllb", *case) for case in NLLB],
    indirect=["source"],
)
def test_what_cannot_be_represented_is_refused_by_name(source, change, problem):
    change(source)
    assert problem in problem_of(source)


@from_nllb
def test_a_file_of_another_kind_is_refused(source):
    spm_file(source / "sentencepiece.bpe.model", sentences(200, seed=1))
    assert "is not a file of NLLB: its first pieces must be `<unk>`" in problem_of(source)


@from_m2m100
def test_a_language_that_the_model_does_not_know_is_refused(source):
    assert "DIR does not translate into `xx`" in problem_of(source, "en", "xx")
