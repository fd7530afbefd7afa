"""`--set KEY=VALUE`: what it reaches, and how its mistakes are named."""

from __future__ import annotations

from pathlib import Path

import pytest

from mtcli.config.dump import dump_config
from mtcli.config.keys import root_section
from mtcli.config.overrides import parse_override, parse_values, sets_key
from mtcli.config.problems import dotted
from mtcli.config.schema.data import TextSource
from mtcli.config.schema.optimization import MuonConfig
from mtcli.errors import ConfigError


@pytest.mark.parametrize(
    ("override", "path", "value"),
    [
        ("seed=3", ("seed",), 3),
        ("optim.lr=3e-4", ("optim", "lr"), 3e-4),
        ("src_lang=no", ("src_lang",), "no"),
        ("data.train[0].src=a=b", ("data", "train", 0, "src"), "a=b"),
        ("data.train.0.src=a", ("data", "train", 0, "src"), "a"),
        ("a[1][2]=x", ("a", 1, 2), "x"),
        ("training.max_steps=null", ("training", "max_steps"), None),
        ("training.max_steps=", ("training", "max_steps"), None),
        ("optim.betas=[0.9, 0.98]", ("optim", "betas"), [0.9, 0.98]),
        ("optim={kind: muon, lr: 0.1}", ("optim",), {"kind": "muon", "lr": 0.1}),
        ("tgt_lang='1e3'", ("tgt_lang",), "1e3"),
    ],
)
def test_key_and_value(override, path, value):
    assert parse_override(override) == (path, value)


TEXTS = [
    "runs/model #3", "# x", "4711", "0042", "20261130_1530", "1_000", "12e45", "1e5", ".5", "1.0",
    "0x1f", "0o17", "true", "no", ">>deu<<", "| a", "> a", "- a", "? a", "! a", "!tag", "&a", "*a",
    "@a", "`a`", "%a", "a: b", "a:", "[a", "[a]", "{a: 1}", "a, b", "'a", "a'b'", "'a' b", '"a" b',
    "2026-11-30", "=", "<<", "...", "---", "--- a", "a\tb", "a\nb", "größe", "\u4f60\u597d", "~",
    " a", "a ", "a = b", "null and void", ".inf", ".nan", "-1", "+1", "1:30", "\\n",
]  # fmt: skip
"""What YAML would read as something else, or not at all."""


def text_keys(section, path=()):
    """The path of every key that holds one text, a list of them, or either in a section."""
    for name, key in section.keys.items():
        here = (*path, name)
        if key.is_text:
            yield here, key
        for variant in key.variants:
            yield from text_keys(variant, (*here, 0) if key.is_list else here)


TEXT_KEYS = dict(reversed(list(text_keys(root_section()))))
"""The first one where several sections have it, as `key_at` finds it."""


def test_there_are_keys_that_hold_text():
    assert {("run_dir",), ("data", "train", 0, "src"), ("src_lang",)} <= TEXT_KEYS.keys()
    assert ("tokenizer", "user_symbols") in TEXT_KEYS
    assert not {("model", "norm"), ("optim", "kind"), ("optim", "lr")} & TEXT_KEYS.keys()


@pytest.mark.parametrize("path", TEXT_KEYS, ids=dotted)
def test_a_text_or_a_path_is_that_text(path):
    if TEXT_KEYS[path].is_list:
        path = (*path, 0)
    for text in TEXTS:
        assert parse_override(f"{dotted(path)}={text}") == (path, text)


@pytest.mark.parametrize("path", TEXT_KEYS, ids=dotted)
def test_null_unsets_a_text_that_can_be_unset(path):
    key = TEXT_KEYS[path]
    if not key.is_list:
        assert parse_override(f"{dotted(path)}=") == (path, None)
        for null in ("null", "Null", "NULL"):
            value = None if key.is_nullable else null
            assert parse_override(f"{dotted(path)}={null}") == (path, value)


def test_texts_in_lists_and_sections_are_those_texts():
    override = "data.train=[{src: 0042, tgt: 1e5}, {kind: tsv, path: 1_0, src_column: 01}]"
    assert parse_override(override)[1] == [
        {"src": "0042", "tgt": "1e5"},
        {"kind": "tsv", "path": "1_0", "src_column": 1},
    ]
    for values, texts in [
        ("[>>deu<<, >>fra<<]", [">>deu<<", ">>fra<<"]),
        ("[007, 1e5, true, 1_0]", ["007", "1e5", "true", "1_0"]),
        ("['a, b', \"c\"]", ["a, b", "c"]),
        ("[a #b, c]", ["a #b", "c"]),
        ("[]", []),
        ("", None),
    ]:
        assert parse_override(f"tokenizer.user_symbols={values}")[1] == texts


def test_spaces_around_the_equals_sign_are_no_text():
    assert parse_override("run_dir = a b") == (("run_dir",), "a b")
    assert parse_override("seed = 3") == (("seed",), 3)


def test_values_to_vary():
    assert parse_values("training.precision", "fp32,bf16") == ["fp32", "bf16"]
    assert parse_values("optim.betas", "[0.9, 0.98],[0.9, 0.999]") == [[0.9, 0.98], [0.9, 0.999]]
    assert parse_values("src_lang", "no,1e5,>>deu<<") == ["no", "1e5", ">>deu<<"]
    assert parse_values("seed", "1,2") == [1, 2]
    with pytest.raises(ConfigError, match="not a key"):
        parse_values("a b", "1,2")


def test_a_text_reaches_the_config_and_its_dump(load, smallest, tmp_path):
    for text in TEXTS[::4]:
        if text != "~":
            config = load(smallest, f"run_dir={text}")
            assert config.run_dir == tmp_path / text
            assert load(dump_config(config)).run_dir == tmp_path / text


def test_a_home_that_nobody_knows_is_one_sentence_for_every_path(load, smallest, monkeypatch):
    monkeypatch.delenv("HOME")
    monkeypatch.setattr("pwd.getpwuid", lambda uid: {}[uid])
    for path in (
        "run_dir", "data.root", "data.cache_dir", "data.train[0].src", "data.train[0].tgt",
        "tokenizer.model", "training.init_from",
    ):  # fmt: skip
        with pytest.raises(ConfigError, match="hint: set `HOME`, or write the folder itself"):
            load(smallest, f"{path}=~/x")


def test_which_top_level_key_is_set():
    overrides = ["optim.lr=1", "data.train[0].src=run_dir=x", " seed =3"]
    assert sets_key(overrides, "seed")
    assert not sets_key(overrides, "run_dir")
    assert not sets_key(overrides, "optim")
    assert sets_key([*overrides, "run_dir=a"], "run_dir")


@pytest.mark.parametrize(
    "override",
    ["", "seed", "=3", ".a=3", "a.=3", "a..b=3", "a[x]=3", "a[]=3", "a b=3", "0=3", "é=3"],
)
def test_what_is_not_key_value(override):
    with pytest.raises(ConfigError) as error:
        parse_override(override)
    assert str(error.value) == "not `KEY=VALUE`; write for example `--set optim.lr=3e-4`"


def test_an_override_wins_over_the_file_and_a_later_one_over_an_earlier(load, smallest):
    text = smallest + "seed: 2\n"
    assert load(text, "seed=3").seed == 3
    assert load(text, "seed=3", "seed=4").seed == 4


def test_sections_are_made_on_the_way(load, smallest):
    assert load(smallest, "training.max_steps=7").training.max_steps == 7
    assert load(smallest + "training:\n", "training.max_steps=7").training.max_steps == 7


def test_null_unsets(load, smallest):
    text = smallest + "training:\n  max_steps: 7\n"
    assert load(text, "training.max_steps=null").training.max_steps is None


@pytest.mark.parametrize("key", ["data.train[0].src", "data.train.0.src"])
def test_an_entry_of_a_list(load, smallest, key, tmp_path):
    (source,) = load(smallest, f"{key}=x").data.train
    assert source == TextSource(src=tmp_path / "x", tgt=tmp_path / "train.en")


def test_one_past_the_last_entry_appends(load, smallest):
    config = load(smallest, "data.train[1].src=x", "data.train[1].tgt=y")
    assert len(config.data.train) == 2


def test_a_list_is_made_where_there_is_none(load, smallest, tmp_path):
    (source,) = load(smallest, "data.valid[0].src=x", "data.valid[0].tgt=y").data.valid
    assert source == TextSource(src=tmp_path / "x", tgt=tmp_path / "y")


def test_required_keys_may_come_from_overrides_alone(load):
    config = load(
        "seed: 3\n",
        "src_lang=de",
        "tgt_lang=en",
        "run_dir=r",
        "data.train=[{src: a, tgt: b}]",
    )
    assert config.seed == 3


def test_changing_the_kind_keeps_the_other_keys(load, smallest):
    text = smallest + "optim:\n  lr: 0.5\n"
    assert load(text, "optim.kind=muon").optim == MuonConfig(kind="muon", lr=0.5)


def test_keys_that_do_not_fit_the_new_kind_are_reported_where_they_are(problems, smallest):
    text = smallest + "schedule:\n  kind: cosine\n  final_ratio: 0.1\n"
    assert problems(text, "schedule.kind=inverse_sqrt") == [
        "line 10 schedule.final_ratio unknown key for kind inverse_sqrt;"
        " it belongs to cosine, linear or wsd"
    ]


@pytest.mark.parametrize(
    ("override", "problem"),
    [
        ("optim.lrr=1", "optim.lrr unknown key; did you mean `lr`?"),
        ("optim.lr=x", "optim.lr found 'x', must be a number, above 0"),
        ("optim={kind: muon, lr: x}", "optim.lr found 'x', must be a number, above 0"),
        (
            "optim.kind=adm",
            "optim.kind found 'adm', must be adamw, adam, sgd or muon; did you mean `adam`?",
        ),
        ("data.train[1].src=x", "data.train[1].tgt missing; must be a path"),
        ("data.train=null", "data.train found nothing, must be a list of sections, at least one"),
        ("model.norm={a: 1}", "model.norm found a section, must be layer or rms"),
        ("lr=1", "lr unknown key; did you mean `optim.lr`?"),
        ("nonsense", "not `KEY=VALUE`; write for example `--set optim.lr=3e-4`"),
        ("src_lang.x=1", "src_lang is a value, not a section"),
        ("src_lang[0]=1", "src_lang is not a list"),
        ("data[0]=1", "data is not a list"),
        (
            "data.train.src=x",
            "data.train is a list; name an entry, for example `data.train[0].src`",
        ),
        ("data.train[3].src=x", "the next entry of data.train is [1], not [3]"),
        ("data.valid[1].src=x", "the next entry of data.valid is [0], not [1]"),
        ("seed=[1", "'[1' is not a YAML value: while parsing a flow sequence expected ',' or ']'"),
        ("seed=%x", "'%x' is not a YAML value:"),
        ("seed=!x 3", "tag !x is not allowed"),
        ("optim={lr: 1, lr: 2}", "lr already set on line 1"),
        (
            "tokenizer.shared=false",
            "tokenizer.shared model.tied_embeddings: all needs tokenizer.shared: true;",
        ),
    ],
)
def test_mistakes_name_the_override_instead_of_a_line(problems, smallest, override, problem):
    (found,) = problems(smallest, override)
    assert found.startswith(f"--set {override} {problem}")


def test_the_line_is_named_of_what_an_override_left_alone(problems, smallest):
    text = smallest + "model:\n  d_model: 500\n  norm: 3\n"
    assert problems(text, "model.d_model=x") == [
        "line 10 model.norm found 3, must be layer or rms",
        "--set model.d_model=x model.d_model found 'x', must be a whole number, at least 1",
    ]


def test_a_key_that_is_missing_in_what_an_override_made_names_the_override(problems, smallest):
    assert problems(smallest, "data.valid=[{kind: tsv}]") == [
        "--set data.valid=[{kind: tsv}] data.valid[0].path missing; must be a path"
    ]


def test_overrides_leave_the_file_alone(load, smallest, tmp_path):
    load(smallest, "seed=9")
    assert (tmp_path / "c.yaml").read_bytes() == smallest.encode()


def test_a_path_may_hold_anything_that_yaml_can_quote(load, smallest):
    assert load(smallest, 'run_dir="/a: b#c\\n"').run_dir == Path("/a: b#c\n")
