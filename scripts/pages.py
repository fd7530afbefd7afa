"""Take pictures of the HTML pages that commands write, for docs/pages/.

    python scripts/pages.py                  train the demo corpus, show the report of that run,
                                             compare its best model with its first, and explain a
                                             translation
    python scripts/pages.py --run RUN        of a run that exists

Needs Chromium and the `dev` extra.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from tests.support.browser import browser, opened  # noqa: E402

PICTURES = ROOT / "docs" / "pages"
SHOTS = ((1280, 1400, "light"), (1280, 1400, "dark"), (400, 1400, "light"))
"""Width and height in pixels, and colour scheme."""
EXPLAINED = "Yesterday my sister picked him up at the station."


def main() -> None:
    """Write the pictures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--run", type=Path, help="a run folder; a new run if it is not given")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        _mtcli(folder, "demo", ".")
        if arguments.run:
            (folder / "runs").mkdir()
            (folder / "runs" / "demo").symlink_to(arguments.run.resolve())
        else:
            _mtcli(folder, "train", "configs/demo.yaml")
        _mtcli(folder, "report", "runs/demo", "--html", "report.html")
        _take_pictures(folder / "report.html", "report")
        _compare(folder)
        explain = ("explain", "-m", "runs/demo", "--html", "explain.html")
        _mtcli(folder, *explain, stdin=EXPLAINED)
        _take_pictures(folder / "explain.html", "explain")
        _take_pictures(folder / "explain.html", "explain-attention", first="#all-heads-0")


def _compare(folder: Path) -> None:
    """The oldest model of the run with its best, on 300 sentences of the demo corpus."""
    for name in ("src.en", "ref.de"):
        lines = (folder / "data/demo" / f"test.{name[-2:]}").read_bytes().splitlines(True)
        (folder / name).write_bytes(b"".join(lines[:300]))
    oldest = f"runs/demo/models/{min((folder / 'runs/demo/models').iterdir()).name}"
    options = "--src src.en --ref ref.de --train data/demo/train.en --html compare.html"
    _mtcli(folder, "compare", oldest, "runs/demo", *options.split())
    _take_pictures(folder / "compare.html", "compare")


def _mtcli(folder: Path, *words: str, stdin: str | None = None) -> None:
    command = [sys.executable, "-m", "mtcli", *words]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    subprocess.run(command, cwd=folder, env=environment, input=stdin, text=True, check=True)


def _take_pictures(page: Path, name: str, first: str = "body") -> None:
    """Pictures of a window whose upper edge is at an element of the page."""
    PICTURES.mkdir(exist_ok=True)
    with browser() as chromium:
        for width, height, scheme in SHOTS:
            with opened(chromium, page, width, scheme) as shown:
                shown.page.set_viewport_size({"width": width, "height": height})
                shown.page.eval_on_selector(first, "element => element.scrollIntoView()")
                path = PICTURES / f"{name}-{width}-{scheme}.png"
                shown.page.screenshot(path=path)
                print(path.relative_to(ROOT))


if __name__ == "__main__":
    main()
