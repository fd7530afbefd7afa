"""Language tags."""

from __future__ import annotations


def language_of(tag: str) -> str:
    """The language of a BCP 47 tag, without script and region: `zh-Hans` and `zh_CN` are zh."""
    return tag.replace("_", "-").partition("-")[0].lower()
