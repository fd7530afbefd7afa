"""`mtcli train`: what it leaves behind, and what it says when something is wrong."""

import io
import json
import os
import pty
import resource
import select
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from typer.testing import CliRunner

from mtcli.cli.app import app
from mtcli.cli.train import parse_duration
from mtcli.errors import ConfigError
from mtcli.runs.folder import RunFolder
from mtcli.runs.invocations import read_invocations
from tests.support.small_run import write_corpus, write_run
from tests.support.warm import WarmProcess

runner = CliRunner()
COMMAND = [sys.executable, "-m", "mtcli", "train", "config.yaml"]
FOREVER = "training.max_steps=100000"


@pytest.fixture
def folder(tmp_path, monkeypatch):
    write_run(tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def invoke(*arguments):
    return runner.invoke(app, ["train", "config.yaml", *arguments])


def refusal(*arguments, code=2):
    result = invoke(*arguments)
    assert result.exit_code == code, result.output
    assert "Traceback" not in result.output
    return " ".join(result.stderr.split())


def keys_of(value):
    """The keys of a decoded JSON value, at any depth."""
    if isinstance(value, dict):
        return {key: keys_of(item) for key, item in value.items()}
    return [keys_of(item) for item in value] if isinstance(value, list) else type(value).__name__


@pytest.mark.parametrize("shared", ["true", "false"])
def test_from_a_language_to_itself_nothing_is_lost(folder, shared):
    """Whatever a run writes has the same keys as between two languages."""
    settings = ["training.max_steps=2", f"tokenizer.shared={shared}", "tokenizer.vocab_size=50"]
    settings += ["model.tied_embeddings=decoder", "validation.every_steps=2"]
    keys = {}
    for lang in ("de", "en"):
        arguments = [f"run_dir={lang}", f"tgt_lang={lang}", *settings]
        result = invoke(*(f"--set={setting}" for setting in arguments))
        assert result.exit_code == 0, result.output
        keys[lang] = {
            path.relative_to(lang): keys_of(json.loads(path.read_text()))
            for path in Path(lang).rglob("*.json")
            if path.name != "environment.json"
        }
    assert keys["en"] == keys["de"]
    reports = json.loads(Path("en/tokenizer_report.json").read_text())["reports"]
    assert [(side, report["lang"]) for side, report in reports.items()] == [
        ("src", "en"),
        ("tgt", "en"),
    ]
    log = Path("en/train.log").read_text()
    assert "200 source sentences (en)" in log
    assert "200 target sentences (en)" in log


def test_a_run_leaves_everything_that_the_architecture_names(folder):
    result = invoke()
    assert result.exit_code == 0, result.output
    run = folder / "run"
    for name in (
        "config.yaml", "metrics.jsonl", "train.log", "environment.json", "data_report.json",
        "tokenizer_report.json", "tokenizer/tokenizer.model",
        "last/model.safetensors", "last/optimizer.safetensors", "last/state.json",
        "last/MANIFEST.json", "best/model.safetensors", "best/model.json", "best/scores.json",
        "best/generation.json", "best/tokenizer.model", "best/README.md", "best/MANIFEST.json",
    ):  # fmt: skip
        assert (run / name).exists(), name
    assert not list(run.rglob("*.tmp-*"))
    assert not list(run.rglob("*.pkl")) + list(run.rglob("*.pt"))
    sources = (folder / "train.en").read_text()
    card = json.loads((run / "best/model.json").read_text())
    assert card["src_characters"] == "".join(sorted({*sources} - {"\n"}))
    data_report = json.loads((run / "data_report.json").read_text())
    assert "src_characters" not in data_report
    for counts, num_tokens in (
        (data_report["length_counts"][side], data_report[f"num_{side}_tokens"])
        for side in ("src", "tgt")
    ):
        assert sum(count for _, count in counts) == 200
        assert sum(length * count for length, count in counts) == num_tokens
    (invocation,) = read_invocations(RunFolder(run))
    assert invocation.command[0] == "mtcli"
    assert invocation.working_dir == str(folder)
    assert invocation.origins["model.d_model"] == "config.yaml line 10"
    assert "model.num_kv_heads" not in invocation.origins
    environment = json.loads((run / "environment.json").read_text())
    assert environment["packages"]["torch"]
    assert environment["num_parameters"] > 1000
    scores = json.loads((run / "best/scores.json").read_text())["scores"]
    assert {s["metric"] for s in scores} == {"BLEU", "chrF", "loss", "low_confidence"}
    assert -20 < next(s["score"] for s in scores if s["metric"] == "low_confidence") < 0
    assert any("tok:13a" in s["signature"] for s in scores)
    for score in scores:
        if score["metric"] in ("BLEU", "chrF"):
            assert 0 <= score["low"] <= score["high"] <= 100
        else:
            assert score["low"] is score["high"] is None
    lines = (run / "metrics.jsonl").read_text().split("\n")[:-1]
    kinds = [json.loads(line)["kind"] for line in lines]
    assert kinds == ["step"] * 3 + ["validation"] + ["step"] * 3 + ["validation"]


def test_reverse_trains_the_other_direction_in_a_folder_of_its_own(folder):
    steps = ("--set", "training.max_steps=2", "--set", "schedule.warmup_steps=1")
    assert invoke("-q", "--reverse", *steps).exit_code == 0
    card = json.loads((folder / "run-reverse/best/model.json").read_text())
    assert (card["src_lang"], card["tgt_lang"]) == ("de", "en")
    metrics = (folder / "run-reverse/metrics.jsonl").read_text().splitlines()
    sample = json.loads(metrics[-1])["sample_source"]
    assert sample.isupper()  # the target of the corpus is in capitals
    assert not (folder / "run").exists()
    resumed = invoke("--reverse", *steps)
    assert "already" in resumed.stderr
    assert resumed.exit_code == 0


def test_quiet_is_quiet_and_the_log_is_kept(folder):
    result = invoke("-q", "--set", "training.max_steps=2", "--set", "schedule.warmup_steps=1")
    assert result.exit_code == 0
    assert result.output == ""
    assert "validation at step 2" in (folder / "run/train.log").read_text()


def test_check_says_what_a_run_would_be_and_leaves_nothing(folder):
    before = sorted(folder.iterdir())
    result = invoke("--check")
    assert result.exit_code == 0, result.output
    for text in (
        "config: en to de", "device: cpu, precision fp32", "training pairs: 200 of 200",
        "validation pairs: 12", "vocabulary: 60 source, 60 target", "parameters: ",
        "longest batch: ", "peak memory: ",
    ):  # fmt: skip
        assert text in result.stdout, text
    assert sorted(folder.iterdir()) == before


def test_targets_that_can_never_be_written_are_counted(folder):
    path = folder / "train.de"
    lines = path.read_text(encoding="utf-8").splitlines()
    lines[150] = "BA，BA"
    path.write_text("\n".join(lines), encoding="utf-8")
    nfc = invoke("--check")
    assert "normalization: source nmt_nfkc, target nfc\n" in nfc.stdout
    assert "cannot come back" not in nfc.output
    sets = ["--set", "tokenizer.tgt_normalization=nmt_nfkc"]
    sentence = (
        "1 of the first 200 target sentences cannot come back as they are written, because the"
        " normalization `nmt_nfkc` changes them; lost: FULLWIDTH COMMA (U+FF0C), 1 times;"
        " for example 'BA，BA' becomes 'BA,BA'; set `tokenizer.tgt_normalization: nfc` to keep them"
    )
    assert sentence in invoke("--check", *sets).output
    few = ["--set", "training.max_steps=2", "--set", "schedule.warmup_steps=1"]
    assert invoke(*few, *sets).exit_code == 0
    assert sentence in (folder / "run/train.log").read_text(encoding="utf-8")
    report = json.loads((folder / "run/tokenizer_report.json").read_text(encoding="utf-8"))
    assert report["reports"]["src"]["normalization"] == "nmt_nfkc"
    assert report["target_losses"] == {
        "num_sentences": 200, "num_changed": 1, "num_only_invisible": 0,
        "characters": [
            {"character": "，", "name": "FULLWIDTH COMMA (U+FF0C)", "count": 1}
        ],
    }  # fmt: skip
    card = json.loads((folder / "run/best/model.json").read_text(encoding="utf-8"))
    assert (card["src_normalization"], card["tgt_normalization"]) == ("nmt_nfkc", "nmt_nfkc")


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (
            "schedule={kind: cosine}\ntraining.max_steps=null",
            "`schedule.kind: cosine` falls until the last step, but nothing says",
        ),
        (
            "schedule={kind: cosine, fit: budget}\ntraining.max_steps=null",
            "finds the last step from the time available, but there is no `--budget`",
        ),
        ("validation.bleu_tokenize=words", "words"),
        ("data.valid[0].src=typo", "typo does not exist"),
    ],
)
def test_check_finds_what_would_stop_the_run_later(folder, change, sentence):
    sets = [part for each in change.split("\n") for part in ("--set", each)]
    result = invoke("--check", *sets)
    assert result.exit_code == 2, result.output
    assert sentence in result.output


@pytest.mark.parametrize(
    ("text", "seconds"), [("30m", 1800), ("1h30m", 5400), ("90s", 90), ("90", 90), ("2d", 172800)]
)
def test_durations(text, seconds):
    assert parse_duration(text) == seconds


@pytest.mark.parametrize("text", ["", "0m", "m", "3x", "-5m"])
def test_no_durations(text):
    with pytest.raises(ConfigError) as error:
        parse_duration(text)
    assert error.value.sentence == f"`{text}` is not a valid duration for `--budget`"
    assert error.value.hint == "use for example `30m`, `1h30m` or `90s`"


def test_a_missing_config(folder):
    (folder / "config.yaml").unlink()
    assert "cannot read the config config.yaml: No such file" in refusal()


def test_a_missing_corpus_file(folder):
    (folder / "train.de").unlink()
    assert "train.de" in refusal()


def test_unequal_line_counts_name_both_files_and_counts(folder):
    with (folder / "train.en").open("a") as file:
        file.write("ba\n")
    text = refusal()
    assert "train.en" in text
    assert "train.de" in text
    assert "201" in text
    assert "200" in text


def test_invalid_utf8_names_file_and_line(folder):
    lines = (folder / "train.de").read_bytes().split(b"\n")
    lines[41] = b"\xff\xfe"
    (folder / "train.de").write_bytes(b"\n".join(lines))
    text = refusal()
    assert "train.de" in text
    assert "line 42" in text


def test_an_empty_corpus(folder):
    for lang in ("en", "de"):
        (folder / f"train.{lang}").write_bytes(b"")
    assert "train.en" in refusal()


def test_a_vocabulary_that_the_corpus_does_not_give(folder):
    text = refusal("--set", "tokenizer.vocab_size=5000")
    assert "5000" in text


def test_a_device_that_is_not_there(folder):
    assert "device `cuda` is not available" in refusal("--set", "training.device=cuda")


def test_an_unknown_device(folder):
    assert "training.device" in refusal("--set", "training.device=gpu")


def test_a_schedule_without_an_end(folder):
    text = refusal(
        "--set", "schedule={kind: cosine, warmup_steps: 5}", "--set", "training.max_steps=null"
    )
    assert "`schedule.kind: cosine` falls until the last step, but nothing says which" in text
    assert "hint: set `training.max_steps` or" in text


def test_a_run_dir_with_something_else_in_it(folder):
    (folder / "run").mkdir()
    (folder / "run/thesis.tex").write_text("x")
    assert "is not empty and holds no run (found thesis.tex)" in refusal()
    assert (folder / "run/thesis.tex").read_text() == "x"


@pytest.mark.parametrize("name", ["train.log", ".lock"])
def test_a_folder_in_the_place_of_a_file_of_the_run(folder, name):
    (folder / "run" / name).mkdir(parents=True)
    (folder / "run/config.yaml").write_bytes((folder / "config.yaml").read_bytes())
    assert str(folder / "run" / name) in refusal()


def test_a_run_whose_files_are_gone_or_folders(folder):
    assert invoke("--set", "training.max_steps=1").exit_code == 0
    metrics = folder / "run/metrics.jsonl"
    metrics.unlink()
    metrics.mkdir()
    assert f"error: cannot open {metrics}: Is a directory" in refusal()
    (folder / "run/config.yaml").unlink()
    text = refusal()
    assert "has checkpoints, but" in text
    assert "config.yaml is missing" in text


def test_an_unwritable_run_dir(folder):
    (folder / "run").write_text("a file")
    assert "run" in refusal()


def test_filters_that_leave_nothing(folder):
    (folder / "train.de").write_text((folder / "train.en").read_text().replace("\n", " \n"))
    text = refusal("--set", "data.drop_identical=true", "--set", "tokenizer.vocab_size=30")
    assert "all 200 training pairs were dropped: 200 identical" in text


def test_a_loss_that_is_no_number_stops_with_3_and_keeps_the_checkpoint(folder):
    assert invoke("--set", "training.max_steps=6").exit_code == 0
    text = refusal("--set", "optim.lr=1e30", "--set", "optim.clip_norm=0", code=3)
    assert "not a finite number" in text
    assert "the checkpoint of step 6 is intact" in text
    assert (folder / "run/last/model.safetensors").exists()


def test_a_budget_validates_saves_and_exits_75(folder):
    result = invoke("--budget", "1s", "--set", "training.max_steps=100000")
    assert result.exit_code == 75, result.output
    assert "the time budget is used up" in result.output
    assert (folder / "run/best").exists()
    assert (folder / "run/last").exists()


def test_fit_budget_fixes_the_number_of_steps(folder, monkeypatch):
    monkeypatch.setattr("mtcli.training.loop.STEPS_TO_MEASURE", 10)
    options = ["--set", "schedule={kind: linear, warmup_steps: 5, fit: budget}",
               "--set", "training.max_steps=null", "--set", "validation.every_steps=100000",
               "--set", "training.log_every_steps=50"]  # fmt: skip
    result = invoke("--budget", "4s", *options)
    assert "the time budget allows" in result.output, result.output
    state = json.loads((folder / "run/last/state.json").read_text())
    assert state["progress"]["total_steps"] > 10
    assert result.exit_code in (0, 75)


@pytest.mark.parametrize("budget", [(), ("--budget", "1h")])
def test_fit_budget_ends_at_max_steps_at_the_latest(folder, budget):
    fit = "schedule={kind: linear, warmup_steps: 2, fit: budget}"
    result = invoke(*budget, "--set", fit, "--set", "training.log_every_steps=1")
    assert result.exit_code == 0, result.output
    metrics = map(json.loads, (folder / "run/metrics.jsonl").read_text().split("\n")[:-1])
    rates = [m["lr"] for m in metrics if m["kind"] == "step"]
    assert len(rates) == 12
    assert rates[-1] == pytest.approx(5e-3 / 11)


def test_what_ended_a_run_is_named(folder):
    both = ["--set", "training.max_epochs=1", "--set", "training.max_steps=100"]
    invoke(*both)
    assert "already at step 11 of 11; raise training.max_epochs to continue" in invoke(*both).output
    longer = ["--set", "training.max_epochs=2", "--set", "training.max_steps=13"]
    invoke(*longer)
    assert "already at step 13 of 13; raise training.max_steps to continue, and" in (
        invoke(*longer).output
    )


def test_a_run_that_ends_before_its_warmup_is_refused_before_anything_is_made(folder):
    for check in ((), ("--check",)):
        text = refusal("--set", "schedule.warmup_steps=12", *check)
        assert "rises until step 12 (`schedule.warmup_steps`), but the run ends at step 12" in text
        assert "hint: set `schedule.warmup_steps` to 1, a tenth of the run" in text
    assert not (folder / "run").exists()


def test_epochs_that_end_before_the_warmup_are_refused_once_they_are_steps(folder):
    epochs = ("--set", "training={max_epochs: 2}", "--set", "schedule.warmup_steps=100")
    for check in ((), ("--check",)):
        assert "rises until step 100 (`schedule.warmup_steps`), but the run" in refusal(
            *epochs, *check
        )


def test_a_budget_shortens_the_warmup_of_a_preset_to_a_tenth_and_keeps_that(folder):
    options = ["--set", "schedule={warmup_steps: 2000, max_warmup_ratio: 0.1}"]
    options += ["--set", "training.log_every_steps=1"]
    result = invoke("--budget", "1h", *options, "--set", "training.max_steps=40")
    assert result.exit_code == 0, result.output
    told = "the learning rate rises until step 4 instead of 2000: a tenth of the 40 steps"
    assert told in " ".join(result.output.split())
    metrics = map(json.loads, (folder / "run/metrics.jsonl").read_text().split("\n")[:-1])
    rates = {m["step"]: m["lr"] for m in metrics if m["kind"] == "step"}
    assert rates[10] == pytest.approx(5e-3 * 10 / 2000)
    assert rates[11] == pytest.approx(5e-3 * (4 / 11) ** 0.5)
    assert invoke(*options, "--set", "training.max_steps=44").exit_code == 0
    metrics = map(json.loads, (folder / "run/metrics.jsonl").read_text().split("\n")[:-1])
    rates = {m["step"]: m["lr"] for m in metrics if m["kind"] == "step"}
    assert rates[44] == pytest.approx(5e-3 * (4 / 44) ** 0.5)


def test_a_budget_that_ends_in_the_warmup_is_refused_when_that_shows(folder, monkeypatch):
    monkeypatch.setattr("mtcli.training.loop.STEPS_TO_MEASURE", 10)
    long = ["--set", "schedule.warmup_steps=90000", "--set", "training.max_steps=100000"]
    text = refusal("--budget", "20s", *long)
    assert "rises until step 90000 (`schedule.warmup_steps`), but the time budget allows" in text


def start(folder, *options):
    return WarmProcess([*COMMAND, *options], cwd=folder, stderr=subprocess.PIPE, text=True)


def wait_for(path, process, timeout_s=60):
    deadline = time.monotonic() + timeout_s
    while not path.exists():
        assert process.poll() is None, process.stderr.read()
        assert time.monotonic() < deadline
        time.sleep(0.05)


def stopped(folder, number, *, once):
    """What a training says that gets the signal once a file is there, and exits with 75."""
    process = start(folder)
    wait_for(folder / once, process)
    process.send_signal(number)
    _, stderr = process.communicate(timeout=60)
    assert process.returncode == 75, stderr
    return stderr


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGUSR1, signal.SIGHUP])
def test_a_signal_saves_and_exits_75(tmp_path, number):
    write_run(tmp_path, FOREVER)
    stderr = stopped(tmp_path, number, once="run/metrics.jsonl")
    assert f"signal {number.name}" in stderr
    assert "saved and resumable" in stderr
    assert (tmp_path / "run/last/state.json").exists()


def on_a_terminal_that_is_closed(folder, *, hears_of_it):
    """Exit code of a training whose terminal is closed once it has begun."""
    child, terminal = pty.fork()
    if child == 0:
        os.chdir(folder)
        signal.signal(signal.SIGHUP, signal.SIG_DFL if hears_of_it else signal.SIG_IGN)
        os.execv(COMMAND[0], COMMAND)
    deadline = time.monotonic() + 60
    while not (folder / "run/metrics.jsonl").exists():
        assert time.monotonic() < deadline
        if select.select([terminal], [], [], 0.05)[0]:
            os.read(terminal, 10_000)
    os.close(terminal)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def test_a_closed_terminal_saves_and_exits_75(tmp_path):
    write_run(tmp_path, FOREVER)
    assert on_a_terminal_that_is_closed(tmp_path, hears_of_it=True) == 75
    assert (tmp_path / "run/last/state.json").exists()
    assert "signal SIGHUP; stopped at step" in (tmp_path / "run/train.log").read_text()


def test_without_its_terminal_a_run_goes_on_where_sighup_is_ignored(tmp_path):
    write_run(tmp_path, "training.max_steps=60", "validation.every_steps=60")
    assert on_a_terminal_that_is_closed(tmp_path, hears_of_it=False) == 0
    assert "reached step 60, the last one" in (tmp_path / "run/train.log").read_text()


def test_a_run_does_not_need_standard_error(tmp_path):
    write_run(tmp_path)
    command = ["sh", "-c", '"$0" "$@" 2>&-', *COMMAND]
    assert subprocess.run(command, cwd=tmp_path, check=False).returncode == 0
    assert "reached step 12, the last one" in (tmp_path / "run/train.log").read_text()


def test_a_run_goes_on_when_standard_error_is_full(tmp_path):
    write_run(tmp_path)
    with Path("/dev/full").open("w") as full:
        assert WarmProcess(COMMAND, cwd=tmp_path, stderr=full).wait(timeout=60) == 0
    assert "reached step 12, the last one" in (tmp_path / "run/train.log").read_text()


def test_a_run_goes_on_when_the_reader_of_standard_error_ends(tmp_path):
    write_run(tmp_path)
    process = start(tmp_path)
    assert process.stderr.readline().endswith("\n")
    process.stderr.close()
    assert process.wait(timeout=60) == 0
    assert "reached step 12, the last one" in (tmp_path / "run/train.log").read_text()


def test_a_signal_saves_although_nobody_reads_what_is_said(tmp_path):
    write_run(tmp_path, FOREVER)
    process = start(tmp_path)
    wait_for(tmp_path / "run/metrics.jsonl", process)
    process.stderr.close()
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=60) == 75
    assert (tmp_path / "run/last/state.json").exists()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGUSR1])
def test_a_signal_before_the_first_update_exits_75(tmp_path, number):
    write_run(tmp_path)
    # a tokenizer that is trained on this takes a while
    write_corpus(tmp_path, num_pairs=60_000)
    stderr = stopped(tmp_path, number, once="run/train.log")
    assert f"signal {number.name} before the first update; run the same command again" in stderr
    assert not (tmp_path / "run/metrics.jsonl").exists()


def test_a_signal_during_a_check_leaves_nothing(tmp_path):
    write_run(tmp_path)
    write_corpus(tmp_path, num_pairs=60_000)
    (tmp_path / "temporary").mkdir()
    process = WarmProcess(
        [*COMMAND, "--check"],
        cwd=tmp_path,
        env={**os.environ, "TMPDIR": str(tmp_path / "temporary")},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    while not list((tmp_path / "temporary").glob("*/*")):
        assert process.poll() is None
        time.sleep(0.05)
    process.terminate()
    assert process.wait(timeout=60) == 128 + signal.SIGTERM
    assert list((tmp_path / "temporary").iterdir()) == []


def test_metrics_that_cannot_be_written_are_the_user_s(folder):
    invoke("--set", "training.max_steps=6")
    metrics = folder / "run/metrics.jsonl"
    metrics.unlink()
    metrics.symlink_to("/nowhere/metrics.jsonl")
    assert f"cannot write {metrics}: No such file or directory" in refusal()


def test_the_config_of_a_run_that_was_moved(folder):
    invoke("--set", "training.max_steps=6")
    (folder / "run").rename(folder / "moved")
    result = runner.invoke(app, ["train", "moved/config.yaml"])
    assert result.exit_code == 2
    assert "hint: give `--set run_dir=moved` to resume that run" in " ".join(result.stderr.split())
    assert not (folder / "run").exists()
    result = runner.invoke(app, ["train", "moved/config.yaml", "--set", "run_dir=moved"])
    assert result.exit_code == 0, result.output
    assert "already at step 6 of 6" in " ".join(result.stderr.split())


def test_too_little_memory_is_one_sentence(folder, monkeypatch):
    def fail(*_):
        raise RuntimeError("[enforce] . DefaultCPUAllocator: can't allocate memory: you tried ...")

    monkeypatch.setattr("mtcli.training.loop.train_step", fail)
    hint = "hint: lower `batch.max_tokens`; the updates stay the same"
    assert f"cpu has too little memory for update 1 {hint}" in refusal()
    monkeypatch.setattr("mtcli.training.check_step.train_step", fail)
    assert f"cpu has too little memory for 5 pairs of 23 pieces {hint}" in refusal("--check")


def test_a_full_disk_stops_with_one_sentence_and_keeps_earlier_checkpoints(folder):
    assert invoke("-q").exit_code == 0
    allowed = resource.getrlimit(resource.RLIMIT_FSIZE)
    # this process ignores SIGXFSZ, as every Python does, so writes beyond the limit fail
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, allowed[1]))
    try:
        message = refusal("-q", "--set", "training.max_steps=14")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, allowed)
    assert "cannot write" in message
    names = sorted(path.name for path in (folder / "run/checkpoints").iterdir())
    assert names == ["step_00000006", "step_00000012"]
    assert (folder / "run/best/model.safetensors").exists()


@pytest.mark.parametrize("text", ["0", "two", "-1", "1.5", "Auto"])
def test_a_wrong_number_of_processes(folder, text):
    message = f"`--nproc` must be a whole number, at least 1, or `auto`, found `{text}`"
    assert message in refusal("--nproc", text)


@pytest.mark.slow
def test_nproc_auto_measures_once_and_says_so(folder):
    command = [*COMMAND, "--nproc", "auto", "--set", "training.max_steps=2"]
    first = subprocess.run(command, capture_output=True, text=True, check=False)
    assert first.returncode == 0, first.stderr
    found = json.loads((folder / "run/nproc.json").read_text())
    assert f"--nproc auto: {found['why']}" in first.stderr
    assert "target tokens/s" in found["why"]
    log = (folder / "run/train.log").read_text()
    assert f"measured for --nproc auto: {found['why']}" in log
    environment = json.loads((folder / "run/environment.json").read_text())
    assert environment["num_processes"] == found["nproc"]
    again = subprocess.run([*command, "--fresh"], capture_output=True, text=True, check=False)
    assert again.returncode == 0, again.stderr
    assert f"--nproc auto: {found['nproc']}, as measured before" in again.stderr
    assert json.loads((folder / "run/nproc.json").read_text()) == found
    assert (folder / "run.1/config.yaml").exists()


def test_a_worker_ends_as_soon_as_it_has_said_its_error(folder, monkeypatch):
    """What torch does on the way out may take long where the network is gone."""
    from mtcli.distributed import worker, world
    from mtcli.distributed.meeting import MeetingError

    def meet(*_):
        raise MeetingError("rank 1 of 2 did not join within 600 s")

    def leave(code):
        assert "did not join" in stderr.getvalue()
        codes.append(code)

    codes, stderr = [], io.StringIO()
    monkeypatch.setattr(world, "meet", meet)
    monkeypatch.setattr(worker, "leave", leave)
    monkeypatch.setattr("sys.stderr", stderr)
    place = {"RANK": "0", "LOCAL_RANK": "0", "WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1"}
    for name, value in (place | {"MASTER_PORT": "1"}).items():
        monkeypatch.setenv(name, value)
    with pytest.raises(SystemExit):
        app(["train", "config.yaml"], standalone_mode=False)
    assert codes == [2]


def test_torchrun_restarts_a_fresh_run_where_it_was(folder, monkeypatch):
    """Its command is the same, but `--fresh` has had its effect at the first attempt."""
    few = ["--fresh", "--set", "schedule.warmup_steps=1", "--set"]
    assert invoke(*few, "training.max_steps=2").exit_code == 0
    monkeypatch.setenv("TORCHELASTIC_RESTART_COUNT", "1")
    assert invoke(*few, "training.max_steps=3").exit_code == 0
    assert not (folder / "run.1").exists()
    log = (folder / "run/train.log").read_text(encoding="utf-8")
    assert "resuming from the checkpoint of step 2" in log
    monkeypatch.setenv("TORCHELASTIC_RESTART_COUNT", "0")
    assert invoke(*few, "training.max_steps=2").exit_code == 0
    assert (folder / "run.1").exists()


def test_how_a_run_ended_as_json(folder):
    few = ["--set", "training.max_steps=2", "--set", "schedule.warmup_steps=1", "--json"]
    stopped = invoke(*few, "--budget", "1s", "--set", "training.max_steps=100000")
    assert stopped.exit_code == 75
    assert json.loads(stopped.stdout)["is_finished"] is False
    result = invoke(*few, "--fresh")
    assert result.exit_code == 0, result.output
    outcome = json.loads(result.stdout)
    assert outcome.keys() == {"is_finished", "reason", "run_dir", "model", "scores"}
    assert outcome["is_finished"] is True
    assert outcome["run_dir"] == str(folder / "run")
    assert outcome["model"] == str(folder / "run/models/step_00000002")
    bleu = next(score for score in outcome["scores"] if score["metric"] == "BLEU")
    assert "tok:13a" in bleu["signature"]
