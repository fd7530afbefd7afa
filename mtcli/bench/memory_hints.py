"""Settings that may make memory faster on a CPU and are not in use. No torch."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

_ALLOCATORS = ("tcmalloc", "jemalloc", "mimalloc")
_LIBRARIES = ("libtcmalloc_minimal.so*", "libtcmalloc.so*", "libjemalloc.so*")
_FOLDERS = ("usr/local/lib", "usr/lib/*-linux-*", "usr/lib64", "usr/lib")
_HUGE_PAGES = "sys/kernel/mm/transparent_hugepage/enabled"
_TUNABLE = "glibc.malloc.hugetlb"
_FIRST_GLIBC_WITH_TUNABLE = (2, 35)


def memory_hints(
    root: Path = Path("/"),
    environment: Mapping[str, str] = os.environ,
    glibc_version: tuple[int, ...] | None = None,
) -> list[str]:
    """Suggestions for the user: another allocator, and huge pages.

    Only a measurement tells whether they help. Settings that `mtcli.system.allocator` makes by
    itself are not among them.

    Args:
        root: folder of the system's files.
        environment: variables that measured processes have.
        glibc_version: for instance (2, 36); None asks the system. Without glibc, that is (0,),
            there are no hints.
    """
    version = _glibc_version() if glibc_version is None else glibc_version
    if version < (2,) or any(name in environment.get("LD_PRELOAD", "") for name in _ALLOCATORS):
        return []  # the tunable is glibc's malloc's, so a preloaded allocator needs neither
    hints = [_allocator_hint(root)]
    if version >= _FIRST_GLIBC_WITH_TUNABLE and _TUNABLE not in environment.get(
        "GLIBC_TUNABLES", ""
    ):
        hints += _huge_page_hints(root)
    return hints


def _glibc_version() -> tuple[int, ...]:
    if "CS_GNU_LIBC_VERSION" not in getattr(os, "confstr_names", {}):
        return (0,)
    number = (os.confstr("CS_GNU_LIBC_VERSION") or "glibc 0").split()[-1]
    return tuple(int(part) for part in number.split(".") if part.isdigit())


def _allocator_hint(root: Path) -> str:
    installed = (
        path
        for library in _LIBRARIES
        for folder in _FOLDERS
        for path in sorted(root.glob(f"{folder}/{library}"))
    )
    library_path = next(installed, None)
    if library_path is None:
        return (
            "another allocator may be faster: install tcmalloc or jemalloc (Debian: `libjemalloc2`)"
            " and try `LD_PRELOAD=PATH_OF_THE_LIBRARY`"
        )
    return f"another allocator may be faster: try `LD_PRELOAD=/{library_path.relative_to(root)}`"


def _huge_page_hints(root: Path) -> list[str]:
    """Empty if all memory gets huge pages already, or the kernel has none."""
    try:
        choices = (root / _HUGE_PAGES).read_text(encoding="ascii")
    except OSError:
        return []
    if "[madvise]" in choices:
        return [f"huge pages are used on request only: try `GLIBC_TUNABLES={_TUNABLE}=1`"]
    if "[never]" in choices:
        return [
            f"huge pages are off: ask an administrator to write `madvise` to /{_HUGE_PAGES}, and"
            f" try `GLIBC_TUNABLES={_TUNABLE}=1`"
        ]
    return []
