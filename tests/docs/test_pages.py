"""The pages hold together: links, headings, generated pages, a newcomer's questions."""

import ast
import re
import subprocess
import sys
from pathlib import Path
from urllib.parse import unquote

import pytest
from ruamel.yaml import YAML

import mtcli
from mtcli.config.keys import root_section
from mtcli.config.schema.sections import KIND

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")),
    ROOT / "benchmarks" / "LOG.md",
    *sorted(DOCS.glob("**/*.md")),
]
IDS = [str(path.relative_to(ROOT)) for path in PAGES]
FENCE = re.compile(r"^\s*```.*?^\s*```\s*$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")

QUESTIONS = {
    "How do I install mtcli?": "guides/getting-started.md#install",
    "How do I train on my own files?": "guides/train.md#prepare-two-files",
    "Which preset fits my corpus?": "guides/configs.md#choose-a-preset",
    "How do I read TSV, JSON lines, Parquet or the Hugging Face hub?": (
        "guides/configs.md#data-formats"
    ),
    "How do I choose the vocabulary size?": "guides/tokenizer.md#choose-a-vocabulary-size",
    "When does training end?": "guides/train.md#when-training-ends",
    "How do I resume a run?": "guides/resume.md#resume-a-run",
    "How do I start over?": "guides/resume.md#start-over",
    "What does exit code 75 mean?": "reference/exit-codes.md#75-stopped-early-and-resumable",
    "How do I train with a time limit, in a job queue?": ("guides/resume.md#train-in-a-job-queue"),
    "How do I use a GPU?": "guides/gpus.md#use-one-gpu",
    "How do I use several GPUs?": "guides/gpus.md#use-several-gpus",
    "What do I do when memory runs out?": "guides/gpus.md#when-memory-runs-out",
    "How do I fine-tune a model?": "guides/fine-tune.md",
    "How do I translate a file?": "guides/translate.md#translate-a-file",
    "How do I translate from Python?": "guides/python.md#translate",
    "How do I translate paragraphs?": "guides/translate.md#translate-paragraphs",
    "How do I make translating faster?": "guides/export.md",
    "How is BLEU computed, and why do my scores differ?": (
        "guides/evaluate.md#how-bleu-is-computed"
    ),
    "What do I copy to use a model on another machine?": "reference/files.md#the-model-folder",
}
"""Twenty usual questions of a newcomer, and where the answer is."""


def prose(path: Path) -> str:
    """A page without its code blocks."""
    return FENCE.sub("", path.read_text(encoding="utf-8"))


def headings(path: Path) -> list[tuple[int, str]]:
    """Level and text of each heading."""
    found = re.findall(r"^(#{1,6}) (.+?)\s*$", prose(path), re.MULTILINE)
    return [(len(marks), text) for marks, text in found]


def anchor(heading: str) -> str:
    """What GitHub and MkDocs make of a heading."""
    text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).replace("`", "").lower()
    return re.sub(r"[^\w\- ]", "", text).strip().replace(" ", "-")


def problem_with(page: Path, link: str) -> str | None:
    """Why a link leads nowhere; None if it leads somewhere."""
    if re.match(r"https?://|mailto:", link):
        return None
    name, _, fragment = unquote(link).partition("#")
    target = (page.parent / name).resolve() if name else page
    if not target.exists():
        return f"{link}: no such file"
    if fragment and fragment not in {anchor(text) for _, text in headings(target)}:
        return f"{link}: no such heading"
    return None


def python_blocks(path: Path) -> list[str]:
    return re.findall(r"^```python\n(.*?)^```", path.read_text("utf-8"), re.MULTILINE | re.DOTALL)


# ------------------------------------------------------------------------------------------ pages


@pytest.mark.parametrize("page", PAGES, ids=IDS)
def test_links_lead_somewhere(page):
    problems = [problem_with(page, link) for link in LINK.findall(prose(page))]
    assert list(filter(None, problems)) == []


def test_a_broken_link_would_be_noticed():
    assert problem_with(DOCS / "index.md", "guides/nowhere.md") is not None
    assert problem_with(DOCS / "index.md", "guides/train.md#nowhere") is not None
    assert problem_with(DOCS / "index.md", "guides/train.md#train") is None


@pytest.mark.parametrize("page", PAGES, ids=IDS)
def test_a_page_has_one_title(page):
    levels = [level for level, _ in headings(page)]
    assert levels.count(1) == 1
    assert levels[0] == 1


@pytest.mark.parametrize("page", PAGES, ids=IDS)
def test_headings_of_a_page_differ(page):
    """Or their anchors would not."""
    if page.name == "CHANGELOG.md":
        return
    anchors = [anchor(text) for _, text in headings(page)]
    assert len(anchors) == len(set(anchors))
    assert not [name for name in anchors if "--" in name]  # GitHub and MkDocs differ there


@pytest.mark.parametrize("page", PAGES, ids=IDS)
def test_prose_is_wrapped(page):
    """Tables and links cannot be."""
    long = [
        line
        for line in prose(page).split("\n")
        if len(line) > 100 and "|" not in line and "](" not in line
    ]
    assert long == []


def test_every_page_is_found_from_the_front_page():
    linked = {
        (DOCS / link.partition("#")[0]).resolve() for link in LINK.findall(prose(DOCS / "index.md"))
    }
    assert {path for path in DOCS.glob("**/*.md") if path.name != "index.md"} <= linked


def test_the_readme_leads_to_the_front_page():
    assert "docs/index.md" in LINK.findall(prose(ROOT / "README.md"))


# -------------------------------------------------------------------------------------- questions


def test_there_are_twenty_questions():
    assert len(QUESTIONS) == 20


@pytest.mark.parametrize("question", QUESTIONS)
def test_a_question_is_answered_from_the_front_page(question):
    text = " ".join((DOCS / "index.md").read_text(encoding="utf-8").split())
    assert f"[{question}]({QUESTIONS[question]})" in text
    assert problem_with(DOCS / "index.md", QUESTIONS[question]) is None


# --------------------------------------------------------------------------------------- the code


@pytest.mark.parametrize("script", ["reference.py", "architecture.py"])
def test_generated_pages_are_current(script):
    """Otherwise run the script, which writes them."""
    checked = subprocess.run(
        [sys.executable, str(ROOT / "scripts" / script), "--check"],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr


@pytest.mark.parametrize("page", [p for p in PAGES if python_blocks(p)], ids=str)
def test_python_examples_use_the_public_api_only(page):
    for block in python_blocks(page):
        for node in ast.walk(ast.parse(block)):
            if isinstance(node, ast.ImportFrom) and str(node.module).startswith("mtcli"):
                assert node.module == "mtcli"
                assert {alias.name for alias in node.names} <= set(mtcli.__all__)
            if isinstance(node, ast.Import):
                assert not any(alias.name.startswith("mtcli") for alias in node.names)


QUICK_EXAMPLES = [
    (f"{page.relative_to(ROOT)}:{number}", block)
    for page in PAGES
    for number, block in enumerate(python_blocks(page))
    if "runs/" not in block
]


@pytest.mark.parametrize(
    ("name", "block"), QUICK_EXAMPLES, ids=[name for name, _ in QUICK_EXAMPLES]
)
def test_a_python_example_that_needs_no_model_runs(name, block, capsys):
    exec(compile(block, name, "exec"), {})
    assert capsys.readouterr().out


def test_the_hooks_run_what_scripts_check_runs():
    hooks = YAML(typ="safe").load(ROOT / ".pre-commit-config.yaml")["repos"][0]["hooks"]
    check = (ROOT / "scripts" / "check").read_text(encoding="utf-8")
    for hook in hooks:
        tool = hook["entry"].split()[-1 if hook["entry"] == "lint-imports" else 2]
        assert tool in check or hook["id"] == "generated-pages"
        assert hook["language"] == "system"


def test_hosted_ci_runs_the_local_script():
    steps = YAML(typ="safe").load(ROOT / ".github" / "workflows" / "ci.yml")["jobs"]["ci"]["steps"]
    assert [step["run"] for step in steps if "run" in step] == ["bash .ci/run"]


def test_the_citation_names_the_version():
    citation = YAML(typ="safe").load(ROOT / "CITATION.cff")
    assert str(citation["version"]) == mtcli.__version__
    assert citation["license"] == "Apache-2.0"


MODULE = re.compile(r"`((?:mtcli/)?[a-z_0-9]+(?:/[a-z_0-9]+)+\.(?:py|yaml))`")


@pytest.mark.parametrize("page", PAGES, ids=IDS)
def test_modules_that_a_page_names_exist(page):
    """By their path in the repository, or in the package."""
    named = set(MODULE.findall(prose(page)))
    assert {n for n in named if not any((r / n).exists() for r in (ROOT, ROOT / "mtcli"))} == set()


def test_every_key_of_every_kind_is_in_the_reference():
    text = (DOCS / "reference" / "config.md").read_text(encoding="utf-8")

    def missing(section, prefix):
        for name, key in section.keys.items():
            headings = (f"### {prefix}{name}\n", f"## {prefix}{name}\n", f"- `{name}`:")
            if name != KIND and not any(heading in text for heading in headings):
                yield f"{prefix}{name}"
            for variant in key.variants:
                yield from missing(variant, f"{prefix}{name}.")

    assert list(missing(root_section(), "")) == []
