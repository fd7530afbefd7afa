"""dump_config and load_config are each other's inverse."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mtcli.config.dump import dump_config
from mtcli.config.load import load_config
from mtcli.config.schema.data import (
    DataConfig,
    DelimitedSource,
    HubSource,
    JsonLinesSource,
    SpreadsheetSource,
    TableSource,
    TextSource,
    TmxSource,
)
from mtcli.config.schema.optimization import (
    AdamWConfig,
    CosineConfig,
    InverseSqrtConfig,
    MuonConfig,
)
from mtcli.config.schema.root import TrainConfig
from mtcli.config.schema.tokenizer import TokenizerConfig

# fmt: off
_TRICKY_TEXTS = [
    "no", "NO", "y", "on", "null", "~", "1e3", "3", "0x1f", "true", "2024-01-01", "12:30:45", "",
    "a: b", "# a", " a ", "- a", "? a", "a,b", "=", "<<", "'", '"', "\\", "!x", "&a", "*a", "@",
    "%a", "{", "[a]", ">", "|", "`", "-", ":", "_", "1_0", ".", "...", "---", "a\n", "a \n b",
    "\r\n", "\t", "a\u2028b", "\x85", "\ufeff", "\x00\x07", "é", "中文", "\U0001f600",
]
# fmt: on
_TRICKY = st.sampled_from(_TRICKY_TEXTS)
# surrogates are no UTF-8
_TEXT = _TRICKY | st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
_NAME = _TEXT.filter(bool)
# what a path cannot hold, and what resolving changes
_PATH = _TEXT.filter(lambda text: "\0" not in text).map(lambda text: Path("/", f"p{text}"))
_PATH = _PATH.filter(lambda path: ".." not in path.parts)
_FRACTION = st.floats(0, 1, allow_subnormal=False)
_CHANCE = st.floats(0, 1, exclude_max=True, allow_subnormal=False)
_POSITIVE = st.floats(0, exclude_min=True, allow_nan=False, allow_infinity=False)

_SOURCE = st.one_of(
    st.builds(TextSource, src=_PATH, tgt=_PATH),
    st.builds(
        DelimitedSource,
        kind=st.sampled_from(["tsv", "csv"]),
        path=_PATH,
        src_column=st.integers(0, 9) | _TEXT,
        delimiter=st.sampled_from([None, "\t", ";", " ", "\x1f"]),
        quoting=st.sampled_from([None, True, False]),
        encoding=st.sampled_from(["utf-8", "utf-16", "Windows-1252"]),
        bad_lines=st.sampled_from(["refuse", "drop"]),
    ),
    st.builds(
        SpreadsheetSource,
        kind=st.just("xlsx"),
        path=_PATH,
        sheet=st.none() | _TEXT,
        tgt_column=st.integers(0, 9) | _TEXT,
    ),
    st.builds(TmxSource, kind=st.just("tmx"), path=_PATH, src_lang=_NAME, tgt_lang=_NAME),
    st.builds(JsonLinesSource, kind=st.just("jsonl"), path=_PATH, src_field=_TEXT, tgt_field=_TEXT),
    st.builds(
        TableSource,
        kind=st.sampled_from(["parquet", "arrow"]),
        path=_PATH,
        src_field=_TEXT,
        tgt_field=_TEXT,
    ),
    st.builds(
        HubSource,
        kind=st.just("hub"),
        name=_TEXT,
        split=_TEXT,
        src_field=_TEXT,
        tgt_field=_TEXT,
        subset=st.none() | _TEXT,
        revision=st.none() | _TEXT,
        local_src=st.none(),
        local_tgt=st.none(),
    ),
)
_CONFIG = st.builds(
    TrainConfig,
    src_lang=_NAME,
    tgt_lang=_NAME,
    run_dir=_PATH,
    seed=st.integers(0, 2**32 - 1),
    data=st.builds(
        DataConfig,
        root=st.none() | _PATH,
        train=st.lists(_SOURCE, min_size=1, max_size=3),
        valid=st.none() | st.lists(_SOURCE, min_size=1, max_size=2),
        cache_dir=_PATH,
        max_length=st.integers(1, 1000),
        max_length_ratio=st.none() | st.floats(1, 1e300),
    ),
    tokenizer=st.builds(
        TokenizerConfig, user_symbols=st.lists(_TEXT, max_size=4), shared=st.just(True),
        model=st.none() | _PATH, src_model=st.none(), tgt_model=st.none(),
    ),
    optim=st.one_of(
        st.builds(AdamWConfig, lr=_POSITIVE, betas=st.tuples(_CHANCE, _CHANCE)),
        st.builds(MuonConfig, kind=st.just("muon"), eps=_POSITIVE),
    ),
    schedule=st.one_of(
        st.builds(InverseSqrtConfig, warmup_steps=st.integers(1, 10**9)),
        st.builds(CosineConfig, kind=st.just("cosine"), final_ratio=_FRACTION),
    ),
)  # fmt: skip


@settings(
    max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)
@given(_CONFIG)
def test_what_is_dumped_loads_to_itself(tmp_path, config):
    path = tmp_path / "c.yaml"
    path.write_bytes(dump_config(config).encode("utf-8"))
    again = load_config(path, working_dir=Path("/"))
    assert again == config
    assert dump_config(again) == dump_config(config)


def test_texts_that_look_like_something_else_stay_texts(load, smallest):
    config = load(smallest)
    config = replace(config, tokenizer=replace(config.tokenizer, user_symbols=_TRICKY_TEXTS))
    assert load(dump_config(config)) == config


def test_every_key_is_written_even_where_it_is_the_default(load, smallest):
    lines = dump_config(load(smallest)).split("\n")
    assert "  root: null" in lines
    assert "  kind: adamw" in lines
    assert "  betas: [0.9, 0.98]" in lines
    assert "  user_symbols: []" in lines
    assert "    - kind: text" in lines
    assert lines[-1] == ""


def test_readers_of_yaml_1_1_understand_it_alike(load, smallest):
    """Norwegian is in quotes and floats have a point, for PyYAML's sake."""
    config = load(smallest, "src_lang=no", "optim.eps=1e-9")
    lines = dump_config(config).split("\n")
    assert 'src_lang: "no"' in lines
    assert "  eps: 1.0e-09" in lines


def test_long_texts_stay_on_one_line(load, smallest):
    name = "a " * 500 + "b"
    config = load(smallest)
    config = replace(config, run_dir=Path("/", name))
    assert f'run_dir: "/{name}"' in dump_config(config).split("\n")
