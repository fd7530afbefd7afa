"""`mtcli explain` on an untrained model."""

import json
import re

import pytest
from typer.testing import CliRunner

from mtcli.bundle.model_folder import read_model
from mtcli.cli.app import app
from mtcli.translating.translator import Translator
from tests.support.model_folder import write_tiny_model
from tests.support.tokenizers import train_on_words

LINES = "ralo teku minaro.\nsef\n"
GIVEN = "dolu pav\nralo erin\n"


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    folder = tmp_path_factory.mktemp("explain")
    train_on_words(folder / "tokenizer.model")
    write_tiny_model(folder / "model", folder / "tokenizer.model")
    return folder / "model"


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A working folder with files of lines."""
    monkeypatch.chdir(tmp_path)
    contents = {
        "src.txt": LINES,
        "tgt.txt": GIVEN,
        "one.txt": "sef\n",
        "empty.txt": "",
        "blank.txt": "sef\n \n",
        "long.txt": "ralo " * 40 + "\n",
        "many.txt": "sef\n" * 101,
        "gold.txt": "0-0 1-1\n0-0 0p1\n",
        "odd.txt": "0-0\n0-0 1:1\n",
        "beyond.txt": "0-0\n1-0\n",
    }
    for name, content in contents.items():
        (tmp_path / name).write_text(content, encoding="utf-8")
    return tmp_path


def run(*arguments, text=None):
    result = CliRunner().invoke(app, ["explain", *map(str, arguments)], input=text)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def test_a_page_about_lines_of_a_file_or_of_standard_input(model, here):
    piped = run("-m", model, "--html", "piped.html", text=LINES)
    assert piped.exit_code == 0, piped.stderr
    assert piped.stdout == "piped.html\n"
    for option in ("-i", "--input", "--src"):
        result = run("-m", model, option, "src.txt", "--html", "page.html")
        assert result.exit_code == 0
        assert (here / "page.html").read_bytes() == (here / "piped.html").read_bytes()
    page = (here / "piped.html").read_text(encoding="utf-8")
    translations = Translator.load(model, engine="torch").translate(LINES.splitlines())
    for text in (*LINES.splitlines(), *translations):
        assert text in page


def test_given_translations(model, here):
    result = run("-m", model, "-i", "src.txt", "--tgt", "tgt.txt", "--html", "page.html")
    assert result.exit_code == 0, result.stderr
    page = (here / "page.html").read_text(encoding="utf-8")
    assert all(text in page for text in GIVEN.splitlines())
    piped = run("-m", model, "-i", "src.txt", "--tgt", "-", "--html", "again.html", text=GIVEN)
    assert piped.exit_code == 0, piped.stderr
    assert (here / "again.html").read_bytes() == (here / "page.html").read_bytes()


def test_pictures_of_one_line_and_of_several(model, here):
    result = run("-m", model, "-i", "one.txt", "--svg", "one.svg", "--png", "one.png")
    assert result.exit_code == 0, result.stderr
    assert result.stdout == "one.svg\none.png\n"
    assert (here / "one.png").read_bytes().startswith(b"\x89PNG\r\n")
    assert "<svg" in (here / "one.svg").read_text(encoding="utf-8")
    several = run(
        "-m", model, "-i", "src.txt", "--svg", "pictures",
        "--stack", "decoder", "--layer", 1, "--head", 0,
    )  # fmt: skip
    assert several.exit_code == 0, several.stderr
    assert several.stdout == "pictures/1.svg\npictures/2.svg\n"
    assert "&lt;s&gt;" in (here / "pictures" / "2.svg").read_text(encoding="utf-8")


def test_the_attention_that_aligns_best(model, here):
    pairs = ["--src", "src.txt", "--tgt", "tgt.txt", "--gold", "gold.txt"]
    result = run("-m", model, "--choose-alignment", *pairs, "-o", "aligned")
    assert result.exit_code == 0, result.stderr
    first, present, best, *others, last = result.stdout.splitlines()
    assert first == "Alignment error rate on 2 pairs; 0 is perfect."
    assert re.fullmatch(r"\d\.\d{3}  as the model is: the default layer, all heads", present)
    assert len(others) == 4
    rate, place = best.split("  ")
    assert last == f"aligned: aligns words with {place}"
    generation = json.loads((here / "aligned" / "generation.json").read_text("utf-8"))
    layer, heads = generation["alignment_layer"], generation["alignment_heads"]
    assert place == f"layer {layer}, " + ("all heads" if heads is None else f"head {heads[0]}")
    again = run("-m", "aligned", "--choose-alignment", *pairs)
    assert again.stdout.splitlines()[1] == f"{rate}  as the model is: {place}"
    assert sorted(path.name for path in here.iterdir() if path.is_dir()) == ["aligned"]
    assert read_model(here / "aligned").generation.alignment_layer == layer


OUTPUTS = ["--html", "page.html"]
CHOICE = ["--choose-alignment", "--src", "src.txt", "--tgt", "tgt.txt", "--gold", "gold.txt"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "`mtcli explain` needs something to write\nhint: give for example `--html FILE`"),
        (["-i", "none.txt", *OUTPUTS], "none.txt does not exist"),
        (["-i", "empty.txt", *OUTPUTS], "empty.txt has no lines\nhint: give at least one sentence"),
        (["-i", "blank.txt", *OUTPUTS], "blank.txt, line 2 is blank: there is nothing to explain"),
        (["-i", "many.txt", *OUTPUTS], "many.txt has more than 100 lines, the most that one page"),
        (["-i", "long.txt", *OUTPUTS], r"long.txt, line 1 has \d+ pieces, more than 20, so it is"),
        (
            ["-i", "one.txt", "--tgt", "tgt.txt", *OUTPUTS],
            "one.txt has 1 lines, but tgt.txt has 2\nhint: line N of one file must belong to line",
        ),
        (
            ["-i", "one.txt", "--tgt", "long.txt", *OUTPUTS],
            r"long.txt, line 1 has \d+ pieces, more than 39, the most that the model takes",
        ),
        (["--tgt", "-", *OUTPUTS], "`--src` and `--tgt` cannot both be standard input"),
        (["-i", "a", "--src", "b", *OUTPUTS], "`--src` takes one value here, found"),
        (["-i", "one.txt", "--html", "no/page.html"], "no/page.html cannot be written: the folder"),
        (["-i", "one.txt", "--html", "one.txt"], "one.txt is both the input and the output"),
        (["-i", "src.txt", "--svg", "a.svg"], "`--svg a.svg` is one file, but there are 2 lines"),
        (["-i", "one.txt", "--png", "one.txt"], "one.txt is neither a folder nor a file that ends"),
        (["-i", "one.txt", "--png", "no/a.png"], "no/a.png cannot be written: the folder no does"),
        (
            ["-i", "one.txt", "--svg", "a.svg", "--layer", "2"],
            "`--layer` must be between 0 and 1, because the model has 2 decoder layers; found 2",
        ),
        (
            ["-i", "one.txt", "--svg", "a.svg", "--stack", "encoder", "--head", "2"],
            "`--head` must be between 0 and 1, because the model has 2 encoder heads; found 2",
        ),
        (["-i", "one.txt", *OUTPUTS, "--head", "0"], "`--head` chooses what `--svg` and `--png`"),
        (["-i", "one.txt", "--svg", "a.svg", "--stack", "x"], "`x` is not a valid value|.*must be"),
        (["-i", "one.txt", *OUTPUTS, "-o", "new"], "`--output` needs `--choose-alignment`\nhint:"),
        (["--gold", "gold.txt", *OUTPUTS], "`--gold` needs `--choose-alignment`\nhint: add it, or"),
        (CHOICE[:-2], "`--choose-alignment` needs pairs whose alignment is known\nhint: give"),
        ([*CHOICE, *OUTPUTS], "`--html` does not go with `--choose-alignment`\nhint: explain"),
        ([*CHOICE, "-o", "src.txt"], "src.txt already exists\nhint: give another folder to"),
        ([*CHOICE[:-1], "odd.txt"], "odd.txt, line 2: `1:1` is not a link between two words"),
        ([*CHOICE[:-1], "beyond.txt"], "beyond.txt, line 2 links word 1 of src.txt, which has 1"),
        ([*CHOICE[:-1], "empty.txt"], "src.txt has 2 lines, but empty.txt has 0"),
        ([*CHOICE[:2], "-", *CHOICE[3:-1], "-"], "only one file can be standard input\nhint: give"),
    ],
)
def test_refusals(model, here, arguments, message):
    before = sorted(path.name for path in here.iterdir())
    result = run("-m", model, *arguments, text="")
    assert result.exit_code == 2, result.stdout
    assert re.match(message, result.stderr.removeprefix("error: ")), result.stderr
    assert result.stdout == ""
    assert sorted(path.name for path in here.iterdir()) == before


def test_an_export_without_weights_is_refused_by_name(model, here):
    alone = here / "alone"
    alone.mkdir()
    for path in model.iterdir():
        if path.name != "model.safetensors":
            (alone / path.name).write_bytes(path.read_bytes())
    (alone / "mtcli.json").write_text("{}", encoding="utf-8")
    for arguments in (["-i", "one.txt", *OUTPUTS], CHOICE):
        result = run("-m", alone, *arguments)
        assert result.exit_code == 2
        assert result.stderr == (
            f"error: {alone} is an export: it translates with CTranslate2, and lacks the weights"
            " that everything else needs\n"
            "hint: give the model folder or run folder that it was exported from\n"
        )
    assert not (here / "page.html").exists()
