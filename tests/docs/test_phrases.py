"""Phrases that must not come back into what users and contributors read.

The house writes plain, modern technical English (CONTRIBUTING.md, "English"). Each phrase below
once made a reader stop; next to it is what to write. A phrase may run over a line break.
"""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

PHRASES = {
    r"go(?:es|ing)? on with|gone on with|went on with": "resume, continue",
    r"go(?:es|ing)? on where": "resume",
    r"\banew\b": "start over, again",
    r"(?<!there\x20)\bis no (?!longer|more|way|need|reason|such)\w+": ("is not a valid X"),
    r", for (?:it|its|they|there|nothing|no one)\b": ", because",
    r"is none of": "must be one of",
    r"that (?:it|this) is (?-i:none)|it is (?-i:none)\b|where there is (?-i:none)": (
        "does not exist, if there is one"
    ),
    r"(?:is|are) not to be had|to be had\b": "is missing, is not available",
    r"in the place of": "instead of",
    r"what becomes of": "what happens to",
    r"of which the\b|of that which": "whose",
    r"(?:unless|if) (?:told|said) otherwise|says otherwise": "unless you set X, by default",
    r"beside (?:each other|it|them|that)\b": "in parallel, next to",
    r"(?:told|tells?|telling) apart": "distinguish, distinguished",
    r"so it is on a": "also on a",
    r"(?:is|are) said (?:of|to be)": "applies to",
    r"\b(?:problem|process|line|file|thread|step|pair|option|key|epoch|model|update)\(e?s\)": (
        "the singular or the plural"
    ),
    r"(?:can|could) mend|user can mend": "can fix",
    r"(?:is|are) (?:not )?kept from the model": "removed before the model sees it",
    r"\bbut for\b": "except for",
    r"\bnot so many\b|\bso many pieces\b": "fewer, that many",
    r"what (?:it|this|a file|that|a config) comes to": "the resolved value",
    r"is (?:told|warned) of\b": "is reported",
    r"for nothing says": "because nothing says",
    r"as it likes\b|as ever\b": "as before",
    r"\bshall (?:not )?(?:show|look|pay|be|find)": "must, should",
    r"\bhereby|thereof|thereby|wherein|whereof\b": "a plain word",
    r"makes no sense": "say what is wrong",
    r"is left out\b": "is disabled, is omitted",
    r"it takes? for\b|taken for a\b": "mistaken for",
    r"no one remembers|never comes? again": "say it plainly",
    r"stands? (?:there|beside|below|behind|above)\b": "is, comes",
}

QUOTES_THEM = {"docs/results/plain-english.md"}
"""The page that shows old and new messages side by side."""


def pages() -> Iterator[Path]:
    yield from (ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md")
    yield from sorted((ROOT / "docs").glob("**/*.md"))
    yield from sorted((ROOT / "configs").glob("**/*.yaml"))
    yield from sorted((ROOT / "mtcli").glob("**/*.py"))
    yield from sorted((ROOT / "mtcli").glob("**/*.yaml"))


PAGES = {str(path.relative_to(ROOT)): path for path in pages() if path.exists()}


def stumbling_blocks(text: str) -> list[str]:
    """Every phrase of `PHRASES` in `text`: line number, the phrase, what to write."""
    found = []
    for phrase, better in PHRASES.items():
        pattern = re.compile(phrase.replace(" ", r"(?:\s|#)+"), re.IGNORECASE)
        for match in pattern.finditer(text):
            line = text.count("\n", 0, match.start()) + 1
            found.append(f"line {line}: {' '.join(match[0].split())!r}; write: {better}")
    return found


@pytest.mark.parametrize(
    "text",
    [
        "the run is gone on with",
        "'x' is no duration",
        "2 problem(s) in my.yaml",
        "batches run beside\n    each other",
        "--to 'onnx' is none of: ctranslate2",
    ],
)
def test_a_phrase_is_found(text):
    assert stumbling_blocks(text)


@pytest.mark.parametrize("text", ["there is no number", "3 files(gzip)", "besides it", "go on"])
def test_plain_english_passes(text):
    assert not stumbling_blocks(text)


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_plain(name):
    found = stumbling_blocks(PAGES[name].read_text(encoding="utf-8"))
    if name in QUOTES_THEM:
        return
    assert not found, f"{name}:\n" + "\n".join(found)


def test_the_list_of_exceptions_holds_only_files_that_exist():
    assert set(PAGES) >= QUOTES_THEM
