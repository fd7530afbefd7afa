"""Every page in headless Chromium, wide and narrow, light and dark."""

import pytest

from mtcli.reports.compare_page import write_comparison
from mtcli.reports.explain_page import write_explanations
from mtcli.reports.run_page import write_report
from tests.support.browser import CHROMIUM, SIZES, browser, opened
from tests.support.compared import made_comparison
from tests.support.explained import made_explanation
from tests.support.made_runs import write_made_run

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium"),
]

CURVES = {"loss", "scores", "rate", "norm", "speed"}
BUCKETS = {f"buckets-{number}" for number in range(6)}
MAPS = {"contributions-0", "alignment-0", "attention-0"}


@pytest.fixture(scope="module")
def chromium():
    pytest.importorskip("playwright")
    with browser() as found:
        yield found


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pages")
    one = write_made_run(folder / "one", steps=3000, log_every=2, validate_every=150)
    two = write_made_run(folder / ("long-" * 20 + "name"), "seed=2", steps=400)
    begun = write_made_run(folder / "begun", steps=0)
    write_report([one.path], folder / "one.html")
    write_report([one.path, two.path], folder / "two.html")
    write_report([begun.path], folder / "begun.html")
    write_comparison(made_comparison("a", "runs/b", metrics=("bleu", "chrf")), folder / "ab.html")
    names = ["a", "long-" * 20 + "name", "c"]
    write_comparison(made_comparison(*names), folder / "abc.html")
    sentence = made_explanation(8)
    write_explanations([sentence], folder / "sentence.html", model_name="runs/demo")
    several = [made_explanation(70, has_importance=False), made_explanation(0), sentence]
    write_explanations(several, folder / "sentences.html", model_name=names[1])
    return folder


@pytest.mark.parametrize(("width", "scheme"), SIZES)
@pytest.mark.parametrize(
    ("name", "charts"),
    [
        ("one", CURVES | {"lengths-0"}),
        ("two", CURVES | {"lengths-0", "lengths-1"}),
        ("begun", {"lengths-0"}),
        ("ab", {"score-0", "score-1", "sentences"} | BUCKETS),
        ("abc", {"score-0", "sentences"} | BUCKETS),
        ("sentence", MAPS | {"heads-0"}),
        (
            "sentences",
            MAPS | {"attention-1", "heads-1"} | {f"{m[:-1]}2" for m in MAPS} | {"heads-2"},
        ),
    ],
)
def test_a_page_is_whole(chromium, folder, name, charts, width, scheme):
    with opened(chromium, folder / f"{name}.html", width, scheme) as shown:
        assert shown.complaints == []
        assert shown.requests == []
        assert shown.overflow == []
        assert set(shown.charts) == charts
        assert all(number > 0 for number in shown.charts.values())
        light = shown.page.evaluate("getComputedStyle(document.body).backgroundColor")
        assert (light == "rgb(255, 255, 255)") == (scheme == "light")


def test_curves_can_be_drawn_over_tokens_and_time(chromium, folder):
    with opened(chromium, folder / "one.html", 1280, "light") as shown:
        for value, title in (("tokens", "target tokens"), ("hours", "hours of training")):
            shown.page.check(f"input[value={value}]")
            shown.page.wait_for_function(f"document.documentElement.dataset.drawn === '{value}'")
            assert title in shown.page.text_content("#loss svg.marks")
        assert shown.complaints == []


def test_any_head_can_be_chosen(chromium, folder):
    with opened(chromium, folder / "sentence.html", 1280, "light") as shown:
        page = shown.page
        pixels = "document.querySelector('#attention-0 image').getAttribute('href')"
        seen = set()  # pictures of all heads, which differ
        for stack in ("encoder self-attention", "decoder self-attention", "cross-attention"):
            page.select_option("#stack-0", label=f"{stack} (full)")
            for layer in range(2):
                page.select_option("#layer-0", str(layer))
                for head in range(4):
                    page.select_option("#head-0", str(head))
                    title = f"{stack}, layer {layer}, head {head}"
                    page.wait_for_function(
                        "([title, seen]) => document.querySelector('#attention-0-title')"
                        f".textContent === title && !seen.includes({pixels})",
                        arg=[title, list(seen)],
                    )
                    seen.add(page.evaluate(pixels))
        assert len(seen) == 3 * 2 * 4
        assert page.locator(".small image").count() == 4
        page.locator(".small").nth(2).focus()
        page.keyboard.press("Enter")
        page.wait_for_function("document.querySelector('#head-0').value === '2'")
        assert page.locator(".small[aria-pressed=true]").count() == 1
        assert shown.complaints == []


def test_quick_choices_do_not_draw_into_each_others_maps(chromium, folder):
    with opened(chromium, folder / "sentence.html", 1280, "light") as shown:
        shown.page.evaluate("""() => {
          for (const [name, value] of [["stack", 1], ["layer", 1], ["stack", 0], ["layer", 0]]) {
            const select = document.getElementById(`${name}-0`);
            select.value = value;
            select.dispatchEvent(new Event("change"));
          }
        }""")
        shown.page.evaluate("drawing")
        assert shown.page.locator(".small image").count() == 4
        title = shown.page.text_content("#attention-0-title")
        assert title == "encoder self-attention, layer 0, head 0"
        assert shown.complaints == []


def test_cells_say_what_they_are_to_keyboard_and_pointer(chromium, folder):
    sentence = made_explanation(8)
    with opened(chromium, folder / "sentence.html", 400, "light") as shown:
        page = shown.page
        page.focus("#contributions-0")
        page.keyboard.press("ArrowDown")
        first = sentence.contributions[0][0]
        piece, word = sentence.output_pieces[0].piece, sentence.source_words[0].text
        assert page.text_content("#contributions-0-cell") == f"{piece} ← {word}: {_two(first)} nats"
        page.hover("#alignment-0 image", position={"x": 17 * 1.5, "y": 17 * 0.5})
        row, column = sentence.target_words[0].text, sentence.source_words[1].text
        page.wait_for_function(
            "text => document.querySelector('#alignment-0-cell').textContent === text",
            arg=f"{row} ← {column}: not aligned",
        )
        assert shown.complaints == []


def _two(value):
    """As JavaScript writes two digits of a number between 0.01 and 10."""
    digits = 1 if abs(value) >= 1 else 2 if abs(value) >= 0.1 else 3
    return f"{float(f'{value:.3g}'):+.{digits}f}"


def test_a_page_that_overflows_or_complains_would_be_noticed(chromium, tmp_path):
    path = tmp_path / "bad.html"
    path.write_text(
        "<!doctype html><div style='width: 3000px'>x</div>"
        "<script>console.log('hello'); fetch('http://localhost:9/x').catch(() => 0)</script>"
    )
    with opened(chromium, path, 400, "light") as shown:
        shown.page.wait_for_timeout(200)
        assert "hello" in shown.complaints
        assert shown.requests == ["http://localhost:9/x"]
        assert len(shown.overflow) == 1
