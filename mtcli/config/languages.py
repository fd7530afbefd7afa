"""Language tags."""

from __future__ import annotations

import re

_LANGUAGE_OF_COUNTRY = {
    "cn": "zh",
    "hk": "zh",
    "jp": "ja",
    "kr": "ko",
    "kp": "ko",
    "kh": "km",
    "mm": "my",
    "bt": "dz",
}
"""Countries that are often written for a language, where that would change how BLEU counts words.
(`kr` is a language as well: Kanuri, whose other code is `kau`.)"""

_SCRIPT = re.compile("[A-Za-z]{4}")


def language_of(tag: str) -> str:
    """The language of a BCP 47 tag, without script and region: `zh-Hans` and `zh_CN` are zh."""
    return _subtags(tag)[0].lower()


def script_of(tag: str) -> str | None:
    """The script that a tag names, such as `Hans` of `zho_Hans`; None if it names none."""
    scripts = (subtag for subtag in _subtags(tag)[1:] if _SCRIPT.fullmatch(subtag))
    return next((script.title() for script in scripts), None)


def language_of_country(tag: str) -> str | None:
    """The language that is meant by a tag which begins with a country: `ja` for `jp`, else None."""
    return _LANGUAGE_OF_COUNTRY.get(language_of(tag))


def country_problem(tag: str) -> str | None:
    """The error sentence for a tag that begins with a country, with the right code; or None."""
    language = language_of_country(tag)
    if language is None:
        return None
    return f"`{language_of(tag)}` is a country code, not a language; use `{language}`"


def _subtags(tag: str) -> list[str]:
    return tag.replace("_", "-").split("-")
