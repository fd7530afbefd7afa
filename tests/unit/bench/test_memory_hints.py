"""What is hinted at, on machines that are made up."""

import pytest

from mtcli.bench.memory_hints import memory_hints

ALLOCATOR = "another allocator may be faster: "
ON_REQUEST = "huge pages are used on request only: try `GLIBC_TUNABLES=glibc.malloc.hugetlb=1`"


@pytest.fixture
def machine(tmp_path):
    """(huge pages, names of libraries) -> root of a machine that has them."""

    def make(huge_pages=None, *libraries):
        if huge_pages is not None:
            file = tmp_path / "sys/kernel/mm/transparent_hugepage/enabled"
            file.parent.mkdir(parents=True)
            file.write_text(huge_pages + "\n")
        for library in libraries:
            path = tmp_path / library
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
        return tmp_path

    return make


def test_nothing_is_installed_and_huge_pages_are_on_request(machine):
    root = machine("always [madvise] never")
    assert memory_hints(root, {}, (2, 36)) == [
        ALLOCATOR + "install tcmalloc or jemalloc (Debian: `libjemalloc2`) and try"
        " `LD_PRELOAD=PATH_OF_THE_LIBRARY`",
        ON_REQUEST,
    ]


def test_what_is_installed_is_named(machine):
    lib = "usr/lib/x86_64-linux-gnu"
    root = machine(None, f"{lib}/libjemalloc.so.2", f"{lib}/libm.so.6")
    (hint,) = memory_hints(root, {}, (2, 36))
    assert hint == ALLOCATOR + f"try `LD_PRELOAD=/{lib}/libjemalloc.so.2`"


def test_tcmalloc_goes_first(machine):
    root = machine(None, "usr/lib64/libjemalloc.so.2", "usr/lib64/libtcmalloc_minimal.so.4")
    (hint,) = memory_hints(root, {}, (2, 36))
    assert hint.endswith("LD_PRELOAD=/usr/lib64/libtcmalloc_minimal.so.4`")


def test_huge_pages_that_are_off_have_to_be_switched_on(machine):
    hint = memory_hints(machine("always madvise [never]"), {}, (2, 36))[-1]
    assert hint == (
        "huge pages are off: ask an administrator to write `madvise` to"
        " /sys/kernel/mm/transparent_hugepage/enabled, and try"
        " `GLIBC_TUNABLES=glibc.malloc.hugetlb=1`"
    )


@pytest.mark.parametrize(
    ("huge_pages", "environment", "glibc"),
    [
        ("[always] madvise never", {}, (2, 36)),
        ("always [madvise] never", {}, (2, 34)),
        ("always [madvise] never", {"GLIBC_TUNABLES": "glibc.malloc.hugetlb=2"}, (2, 36)),
        (None, {}, (2, 36)),
    ],
)
def test_no_huge_pages_to_hint_at(machine, huge_pages, environment, glibc):
    (hint,) = memory_hints(machine(huge_pages), environment, glibc)
    assert hint.startswith(ALLOCATOR)


def test_with_an_allocator_or_without_glibc_there_is_nothing_to_say(machine):
    root = machine("always [madvise] never")
    assert memory_hints(root, {"LD_PRELOAD": "/opt/libjemalloc.so.2"}, (2, 36)) == []
    assert memory_hints(root, {}, (0,)) == []


def test_this_machine_is_looked_at():
    assert all(isinstance(hint, str) for hint in memory_hints())
