"""Write the reference pages that are generated from the code, into docs/reference/.

python scripts/reference.py            write them
python scripts/reference.py --check    exit with 1 if one is not current
"""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from reference_pages.commands_page import commands_page  # noqa: E402
from reference_pages.config_page import config_page  # noqa: E402
from reference_pages.metrics_page import metrics_page  # noqa: E402
from reference_pages.python_page import python_page  # noqa: E402

FOLDER = ROOT / "docs" / "reference"


def main() -> int:
    """Write the pages, or check them."""
    pages = {
        "commands.md": commands_page(),
        "config.md": config_page(),
        "metrics.md": metrics_page(),
        "python.md": python_page(),
    }
    stale = [
        name
        for name, text in pages.items()
        if not (FOLDER / name).exists() or (FOLDER / name).read_text(encoding="utf-8") != text
    ]
    if "--check" in sys.argv[1:]:
        for name in stale:
            print(f"docs/reference/{name} is not current: run `python scripts/reference.py`")
        return 1 if stale else 0
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name in stale:
        (FOLDER / name).write_text(pages[name], encoding="utf-8")
        print(f"wrote docs/reference/{name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
