"""Presets: what stands above them, and where each value comes from."""

from dataclasses import replace

import pytest

from mtcli.config.load import load_config
from mtcli.config.preset import PRESETS, preset_text, preset_values
from mtcli.config.provenance import explained_config
from mtcli.config.schema.compat import misfits
from mtcli.config.schema.optimization import AdamWConfig, MuonConfig


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_loads_and_every_value_arrives(load, smallest, name):
    config = load(smallest + f"preset: {name}\n")
    assert config.preset is None
    for section, keys in preset_values(name).items():
        for key, value in keys.items():
            got = getattr(getattr(config, section), key)
            want = tuple(value) if isinstance(got, tuple) else value
            if isinstance(value, dict):
                want = replace(got, **value)
            assert got == want, f"{section}.{key}"


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_names_its_sources(name):
    lines = preset_text(name).split("\n")
    values = [line for line in lines if line.startswith("  ") and line.rstrip()[-1] != ":"]
    assert [line for line in values if "#" not in line] == []


def test_the_file_stands_above_the_preset_and_set_above_both(load, smallest):
    text = smallest + "preset: tiny\nmodel:\n  dropout: 0.2\n  d_ff: 512\noptim:\n"
    config = load(text, "model.d_ff=128")
    assert (config.model.dropout, config.model.d_ff, config.model.d_model) == (0.2, 128, 128)
    assert config.optim == AdamWConfig(lr=5e-3, eps=1e-8, clip_norm=25.0)


def test_a_section_of_another_kind_takes_nothing_from_the_preset(load, smallest):
    text = smallest + "preset: tiny\noptim: {kind: muon}\n"
    assert load(text).optim == MuonConfig(kind="muon")
    assert load(smallest, "preset=tiny", "optim.kind=muon").optim == MuonConfig(kind="muon")


def test_the_preset_may_be_set_on_the_command_line(load, smallest):
    assert load(smallest, "preset=student").model.decoder_layers == 2
    assert load(smallest + "preset: tiny\n", "preset=big").model.d_model == 1024


def test_mistakes_have_the_lines_of_the_users_file(problems, smallest):
    assert problems(smallest + "preset: tinny\n") == [
        "line 8 preset found 'tinny', must be verses, small, tiny, low-resource, base, big or"
        " student, or null; did you mean `tiny`?"
    ]
    assert problems(smallest + "preset: tiny\nmodel:\n  num_heads: 3\n") == [
        "line 10 model.num_heads d_model (128) must be a multiple of num_heads (3), or set head_dim"
    ]


def comments(text):
    """The origin of each value, by the key's name."""
    lines = [line for line in text.split("\n") if "  # " in line]
    return {line.split(":")[0].strip(" -"): line.split("  # ")[1] for line in lines}


def test_every_value_says_where_it_comes_from(tmp_path, smallest):
    path = tmp_path / "my.yaml"
    path.write_text(
        smallest + "preset: tiny\nmodel:\n  dropout: 0.2\n  norm: layer\n", encoding="utf-8"
    )
    overrides = ["seed=4", "schedule={kind: inverse_sqrt, warmup_steps: 3}"]
    text = explained_config(path, overrides)
    found = comments(text)
    assert found["dropout"] == "my.yaml line 10"
    assert found["norm"] == "my.yaml line 11"
    assert found["src"] == "my.yaml line 6"
    assert found["d_ff"] == found["betas"] == found["patience"] == "preset tiny"
    assert found["seed"] == found["warmup_steps"] == "--set"
    assert found["norm_eps"] == found["cache_dir"] == found["drop_identical"] == "default"
    valued = [
        line
        for line in text.split("\n")
        if line and not line.split("  #")[0].rstrip().endswith(":")
    ]
    assert [line for line in valued if "  # " not in line] == []
    again = tmp_path / "again.yaml"
    again.write_text(text, encoding="utf-8")
    assert load_config(again) == load_config(path, overrides)


def test_local_files_of_a_hub_source_have_its_line(tmp_path):
    path = tmp_path / "hub.yaml"
    path.write_text(
        "src_lang: en\ntgt_lang: de\nrun_dir: r\ndata:\n  root: /tmp\n  train:\n"
        "    - {kind: hub, name: n, split: s, src_field: a, tgt_field: b, local_src: x,"
        " local_tgt: y}\n",
        encoding="utf-8",
    )
    found = comments(explained_config(path))
    assert found["src"] == found["tgt"] == "hub.yaml line 7"


@pytest.mark.parametrize("name", [*PRESETS, "auto", None])
def test_compat_stands_above_every_preset(load, smallest, name):
    text = smallest + ("" if name is None else f"preset: {name}\n")
    config = load(text + "compat: huggingface\n")
    assert list(misfits(config.model)) == []
    assert config.compat is None
    model = config.model
    assert (model.norm_position, model.positions, model.norm, model.bias, model.gated) == (
        "post", "sinusoidal", "layer", True, False,
    )  # fmt: skip


def test_what_fits_may_be_set_with_compat(load, smallest):
    text = smallest + "compat: huggingface\nmodel: {positions: learned, num_kv_heads: 8}\n"
    config = load(text)
    assert (config.model.positions, config.model.norm_position) == ("learned", "post")
    assert load(smallest, "compat=huggingface").model.norm_position == "post"
    pre = load(smallest, "compat=huggingface", "model.norm_position=pre").model
    assert (pre.positions, list(misfits(pre))) == ("sinusoidal_fairseq", [])
    assert load(smallest).model.norm_position == "pre"


def test_show_names_what_compat_has_set(tmp_path, smallest):
    path = tmp_path / "my.yaml"
    path.write_text(smallest + "preset: tiny\ncompat: huggingface\nmodel: {bias: true}\n", "utf-8")
    lines = {
        line.strip().partition(":")[0]: line.rpartition("  # ")[2]
        for line in explained_config(path).split("\n")
    }
    assert lines["norm_position"] == "compat huggingface"
    assert lines["bias"] == "my.yaml line 10"
    assert lines["d_ff"] == "preset tiny"
