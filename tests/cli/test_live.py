"""The live panel, and the lines where there is no terminal."""

import io
import logging
import math
import re
import time
from dataclasses import replace

import pytest
from rich.cells import cell_len
from rich.console import Console, ConsoleDimensions, Group
from rich.text import Text

from mtcli.bundle.card import ModelScore
from mtcli.cli.closing_box import closing_box
from mtcli.cli.live import showing
from mtcli.cli.live_panel import LiveObserver, marked_changes
from mtcli.cli.live_region import Region
from mtcli.cli.sparkline import History, sparkline
from mtcli.config.load import load_config
from mtcli.runs.metrics import StepMetrics, ValidationMetrics
from mtcli.system.durations import describe_duration
from mtcli.training.observers.log_writer import describe_step, describe_validation
from mtcli.training.observers.protocol import Reading
from mtcli.training.outcome import Outcome
from tests.support.small_run import write_run

STEP = StepMetrics(
    step=150, total_steps=1000, epoch=2, loss_per_token=3.25, grad_norm=0.5, lr=2.5e-3,
    lr_of_groups={"all": 2.5e-3},
    tgt_tokens_per_s=4321.0, tgt_tokens_per_update=4000.0, cells_per_update=4400.0,
    data_wait_share=0.015, data_cpu_share=0.02,
    total_tgt_tokens=600_000, total_tgt_tokens_computed=600_000,
    cpu_s=1.5, elapsed_s=140.0, eta_s=3900.0,
)  # fmt: skip
VALIDATION = ValidationMetrics(
    step=150, epoch=2, loss_per_token=2.0, perplexity=7.39, bleu=21.5, chrf=44.4,
    bleu_signature="b", chrf_signature="c", is_best=False, is_stop=False,
    best_by="bleu", best_score=22.25, best_step=100,
    total_tgt_tokens=600_000, total_tgt_tokens_computed=600_000,
    cpu_s=1.5, elapsed_s=150.0, duration_s=3.0, sample_source="A dog runs.",
    sample_hypothesis="Ein Hund rennt.", sample_reference="Ein Hund läuft.",
    training_loss_per_token=2.11, sample_before="Ein Hund rannte.",
    scores={"bleu": 21.5, "chrf": 44.4}, signatures={"bleu": "b", "chrf": "c"},
)  # fmt: skip


READING = Reading(
    step=150, total_steps=1000, epoch=2, loss_per_token=3.25, is_smoothed=True, grad_norm=0.5,
    lr=2.5e-3, tgt_tokens_per_s=4321.0, elapsed_s=140.0, eta_s=3900.0, next_validation=200,
)  # fmt: skip


def observer_of_a_run(**settings) -> LiveObserver:
    """An observer that has been told of everything."""
    observer = LiveObserver(**settings)
    observer.entered("training")
    observer.stepped(150, 1000)
    observer.read(READING)
    observer.reported(STEP)
    observer.validated(VALIDATION)
    return observer


def rows_of(observer, width=80, height=24) -> list[str]:
    """What a terminal of that size shows."""
    console = Console(file=io.StringIO(), width=width, height=height, no_color=True)
    console.print(observer.content(console.size))
    return console.file.getvalue().splitlines()


def test_the_panel_shows_everything_that_one_wants_to_know():
    text = "\n".join(rows_of(observer_of_a_run()))
    for part in (
        "150 of 1000, epoch 3", "15%", "3.250, label-smoothed", "4,321", "2.50e-03", "1.5%",
        "norm 0.50", "elapsed        2 min 20 s", "left           1 h 05 min",
        "next at step 200", "BLEU         21.50 at step 150", "chrF           44.40",
        "best BLEU    22.25 at step 100", "2.000 plain, 2.110 in training", "7.39",
        "source       A dog runs.", "before       Ein Hund rannte.",
        "translation  Ein Hund rennt.", "reference    Ein Hund läuft.",
    ):  # fmt: skip
        assert part in text, part


@pytest.mark.parametrize(
    ("best_by", "scores", "parts"),
    [
        ("loss", {}, ["best loss    2.500 at step 100"]),
        ("accuracy", {"accuracy": 88.0},
         ["accuracy     88.00 at step 150", "best accuracy 2.50 at step 100"]),
        ("exact_match", {"bleu": 1.0, "exact_match": 5.0, "ter": 9.0},
         ["exact_match  5.00 at step 150", "BLEU           1.00", "best exact_match 2.50 at"]),
        ("comet", {"comet": 0.81234},
         ["COMET        0.8123 at step 150", "best COMET   2.5000 at step 100"]),
    ],
)  # fmt: skip
def test_the_panel_shows_the_metrics_of_the_run(best_by, scores, parts):
    observer = LiveObserver()
    observer.read(READING)
    observer.validated(replace(VALIDATION, best_by=best_by, best_score=2.5, scores=scores))
    text = "\n".join(rows_of(observer))
    for part in parts:
        assert part in text, text


@pytest.mark.parametrize("height", [2, 8, 16, 24, 50])
@pytest.mark.parametrize("width", [20, 60, 80, 100, 200])
def test_the_panel_fits_any_terminal(width, height):
    observer = observer_of_a_run()
    assert isinstance(observer.content(ConsoleDimensions(width, height)), Group)
    rows = rows_of(observer, width, height)
    assert 1 <= len(rows) < max(height, 2)
    assert max(map(cell_len, rows)) < min(width, 101)


def test_a_panel_of_80_by_24_leaves_room_for_log_lines():
    assert len(rows_of(observer_of_a_run())) <= 15


def test_each_phase_shows_how_far_it_is():
    observer = LiveObserver()
    assert rows_of(observer) == ["starting     0 s"]
    observer.entered("tokenizer")
    observer.advanced(12_000, None)
    assert rows_of(observer) == ["tokenizer    12,000 pairs read, 0 s"]
    observer.entered("store")
    observer.advanced(3_000, None)
    assert rows_of(observer) == ["store        3,000 pairs tokenized, 0 s"]
    observer.entered("training")
    observer.stepped(10, None)
    assert rows_of(observer)[0].startswith("training     until it is stopped")
    observer.entered("validating")
    observer.advanced(312, 1000)
    (row,) = rows_of(observer)
    assert (row.startswith("validating   ━━━━"), row.endswith("─ 312 of 1,000")) == (True, True)
    assert len(row) == 79


def test_without_unicode_the_panel_is_ascii_but_for_the_sample():
    rows = rows_of(observer_of_a_run(is_ascii=True), width=50)
    assert [row for row in rows if not row.isascii()] == ["reference    Ein Hund läuft."]


def test_what_a_terminal_would_obey_is_not_sent_to_it():
    observer = LiveObserver()
    observer.read(READING)
    observer.validated(replace(VALIDATION, sample_source="a\x1b[2Jb\x9bc\u200dd"))
    assert "source       a\ufffd[2Jb\ufffdc\u200dd" in rows_of(observer)


@pytest.mark.parametrize(
    ("before", "now", "changed"),
    [
        (None, "Ein Hund rennt.", []),
        ("Ein Hund rennt.", "Ein Hund rennt.", []),
        ("Ein Hund rannte.", "Ein Hund rennt.", ["rennt"]),
        ("Hund.", "Ein Hund.", ["Ein "]),
        ("一只狗跑了", "一只猫跑了", ["猫"]),
        ("", "neu", ["neu"]),
    ],
)
def test_what_changed_in_the_sample_is_marked(before, now, changed):
    text = marked_changes(now, before)
    assert text.plain == now
    assert [now[span.start : span.end] for span in text.spans] == changed


def test_curves():
    assert sparkline([1, 2, 3, 4, 5, 6, 7, 8], 20, is_ascii=False) == "▁▂▃▄▅▆▇█"
    assert sparkline([5, 5], 20, is_ascii=False) == "▁▁"
    assert sparkline([9, 1] * 50, 5, is_ascii=True) == "_____"
    assert sparkline([], 20, is_ascii=False) == sparkline([1], 0, is_ascii=False) == ""
    history = History()
    for value in range(10_000):
        history.add(value)
    assert len(history.values) <= 512
    assert history.values == sorted(history.values)
    assert history.values[-1] > 9_900


@pytest.mark.parametrize("loss", [math.nan, math.inf])
def test_a_loss_that_is_no_number_leaves_the_curve_alone(loss):
    observer = observer_of_a_run()
    observer.read(replace(READING, loss_per_token=loss))
    assert f"{loss:.3f}, label-smoothed" in "\n".join(rows_of(observer))


def test_the_panel_draws_in_a_small_part_of_a_second():
    observer = observer_of_a_run()
    for number in range(2000):
        observer.read(replace(READING, loss_per_token=float(number)))
    console = Console(file=io.StringIO(), width=100, height=30, force_terminal=True)
    started_s = time.thread_time()
    for _ in range(20):
        console.print(observer.content(console.size))
    assert (time.thread_time() - started_s) / 20 < 0.02  # 0.0015 on a quiet core


# ------------------------------------------------------------------------------------- the region


def drawing(content="content", **size):
    """A region that draws one line, and the text that its terminal gets."""
    console = Console(file=io.StringIO(), force_terminal=True, no_color=True, **size)
    return Region(console, lambda _: Text(content)), console


def test_lines_are_printed_above_the_content_and_stay():
    region, console = drawing(width=40, height=10)
    with region:
        region.print(Text("first"))
        region.print(Text("second"))
    last = console.file.getvalue().split("second")[-1]
    assert "first\n" in console.file.getvalue()
    assert last.rstrip("\n").endswith("\x1b[2K")  # the content is erased


def test_a_terminal_of_another_size_is_redrawn():
    region, console = drawing(width=40, height=6)
    with region:
        for number in range(9):
            region.print(Text(f"line {number}"))
        console.size = (20, 5)
        region.draw_soon()
        wait_until(lambda: "\x1b[2J" in console.file.getvalue())
    redrawn = console.file.getvalue().split("\x1b[2J")[1]
    lines = re.findall(r"line \d|content", redrawn)
    assert lines[:4] == ["line 6", "line 7", "line 8", "content"]


def test_what_must_not_wait_is_drawn_at_once():
    region, console = drawing(width=40, height=10)
    with region:
        num_drawn = console.file.getvalue().count("content")
        started_s = time.monotonic()
        region.draw_soon()
        wait_until(lambda: console.file.getvalue().count("content") > num_drawn)
        assert time.monotonic() - started_s < 0.2


def wait_until(is_so) -> None:
    """Wait for another thread, at most 5 seconds."""
    end_s = time.monotonic() + 5
    while not is_so():
        assert time.monotonic() < end_s
        time.sleep(0.005)


# ----------------------------------------------------------------------------------- the last box


def outcome_of(folder, **changes):
    scores = [
        ModelScore(metric="loss", score=2.0, signature="", split="valid", num_pairs=12),
        ModelScore(
            metric="chrF", score=44.4, signature="chrF2|v", split="valid", beam_size=1, num_pairs=12
        ),
        ModelScore(
            metric="BLEU", score=22.25, signature="b|v", split="valid", beam_size=1, num_pairs=12
        ),
    ]
    settings = {"is_finished": True, "reason": "reached step 9, the last one", "run_dir": folder}
    settings |= {"model": folder / "models/step_9", "scores": tuple(scores)}
    return Outcome(**(settings | changes))


def box_of(outcome, config, *arguments, width=80):
    console = Console(file=io.StringIO(), width=width)
    console.print(closing_box(outcome, config, 200.0, arguments))
    return console.file.getvalue()


@pytest.fixture
def config(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return load_config(write_run(tmp_path), working_dir=tmp_path)


def test_a_finished_run_ends_with_its_score_and_the_next_three_commands(config):
    text = box_of(outcome_of(config.run_dir), config)
    for part in (
        "╭─ run is finished ─", "BLEU   22.25 on 12 valid pairs, beam 1", "b|v", "3 min 20 s",
        "model  run/models/step_9", "next   mtcli translate -m run -i valid.en",
        "       mtcli eval -m run --src valid.en --ref valid.de", "       mtcli export -m run",
    ):  # fmt: skip
        assert part in text, part
    assert text.index("BLEU ") < text.index("chrF ")
    assert "loss" not in text
    assert max(map(len, text.splitlines())) <= 80


def test_a_stopped_run_says_how_to_resume_it(config):
    outcome = outcome_of(config.run_dir, is_finished=False, reason="signal SIGINT", model=None)
    text = box_of(outcome, config, "train", "--fresh", "my run.yaml", "--budget", "30m")
    assert "run is stopped" in text
    assert "next   mtcli train 'my run.yaml' --budget 30m " in text
    assert "mtcli export" not in text


# --------------------------------------------------------------------------------------- the log


def test_lines_of_the_log():
    line = describe_step(STEP)
    for part in ("step 150/1000, epoch 3", "loss 3.250", "4321 target tokens/s", "data wait 1.5%"):
        assert part in line
    assert "4000 tokens in 4400 cells an update" in line
    assert "best is 22.25 at step 100" in describe_validation(VALIDATION)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(3.4, "3 s"), (59.6, "1 min 00 s"), (200, "3 min 20 s"), (3900, "1 h 05 min")],
)
def test_durations(seconds, text):
    assert describe_duration(seconds) == text


def test_without_a_terminal_lines_go_to_stderr_and_quiet_keeps_warnings(capsys):
    logger = logging.getLogger("mtcli.training.loop")
    with showing(level=logging.INFO, is_live=False) as observer:
        assert observer is None
        logger.info("a line [with brackets]", extra={"is_progress": True})
    with showing(level=logging.WARNING, is_live=False):
        logger.info("not this")
        logger.warning("but this")
    out, err = capsys.readouterr()
    assert out == ""
    assert err == "a line [with brackets]\nwarning: but this\n"


def test_with_a_panel_progress_is_not_repeated_as_lines(capsys):
    with showing(level=logging.INFO, is_live=True) as observer:
        assert isinstance(observer, LiveObserver)
        logging.getLogger("mtcli").info("step line", extra={"is_progress": True})
        logging.getLogger("mtcli").info("other line")
    err = capsys.readouterr().err
    assert "other line" in err
    assert "step line" not in err
