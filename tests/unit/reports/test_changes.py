import pytest

from mtcli.reports.changes import marked_parts


@pytest.mark.parametrize(
    ("now", "before", "marked"),
    [
        ("A dog runs.", "A cat runs.", "A [dog] runs."),
        ("A dog runs.", "A dog runs.", "A dog runs."),
        ("A dog runs.", None, "A dog runs."),
        ("A dog runs.", "", "[A dog runs.]"),
        ("A dog runs.", "A runs.", "A[ dog] runs."),
        ("狗跑了", "猫跑了", "[狗]跑了"),
        ("", "A dog", ""),
        ("", None, ""),
    ],
)
def test_what_is_new_is_marked(now, before, marked):
    parts = marked_parts(now, before)
    assert "".join(f"[{part.text}]" if part.is_new else part.text for part in parts) == marked
