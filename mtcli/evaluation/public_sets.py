"""Find the files of a public test set by sacreBLEU's name for it."""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from mtcli.errors import ConfigError, DataError, in_backticks


@dataclass(frozen=True)
class PublicSet:
    """A test set in one direction."""

    src: Path
    refs: list[Path]
    tgt_lang: str


def find_test_set(text: str) -> PublicSet:
    """Find a test set, which sacreBLEU downloads unless it has done so before.

    Args:
        text: its name and the direction, such as `wmt24/en-de`.

    Raises:
        ConfigError: sacreBLEU knows no such test set, or not in this direction.
        DataError: the files cannot be fetched.
    """
    from sacrebleu.dataset import DATASETS
    from sacrebleu.utils import get_reference_files, get_source_file

    name, _, direction = text.rpartition("/")
    if name not in DATASETS:
        near = get_close_matches(name or text, DATASETS, 1) or ["wmt24"]
        raise ConfigError(
            f"sacreBLEU has no test set `{name or text}`",
            hint=f"use a name and a direction, such as `{near[0]}/en-de`; `sacrebleu --list` prints"
            " all names",
        )
    test_set = DATASETS[name]
    if direction not in test_set.langpairs:
        raise ConfigError(
            f"the test set `{name}` has no direction `{direction}`",
            hint=f"use one of: {in_backticks(test_set.langpairs)}",
        )
    try:
        src, refs = get_source_file(name, direction), get_reference_files(name, direction)
    except (OSError, SystemExit) as error:  # sacreBLEU exits where a download is damaged
        raise DataError(
            f"the test set `{name}` is not on this machine, and cannot be fetched: {error}",
            hint=f"run `sacrebleu -t {name} -l {direction} --echo src` once, with a network",
        ) from error
    return PublicSet(Path(src), [Path(ref) for ref in refs], direction.rpartition("-")[2])
