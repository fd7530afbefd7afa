"""Judge which language an answer is in, with the library py3langid (extra `langid`)."""

from __future__ import annotations

from mtcli.config.languages import language_of
from mtcli.errors import ConfigError
from mtcli.evaluation.behaviour.case import PASSED, Judge, Trial, Verdict, failed, skipped

_MARGIN = 10.0
"""Natural logarithm of how much likelier another language must be. Of 800 sentences of the demo
corpus none is mistaken by more than 4.1; taken for the other language they are wrong by 12.8 to
170 (py3langid 0.4.0, 2026-11-29)."""

_OTHER_TAGS = {"nb": "no", "cmn": "zh", "iw": "he", "in": "id", "zho": "zh", "deu": "de"}
"""Tags that the library calls otherwise."""


def language_judge(tgt_lang: str) -> Judge:
    """Load what judges whether an answer is in a language.

    Args:
        tgt_lang: BCP 47 tag of the language.

    Raises:
        ConfigError: the library is not installed, or does not know the language.
    """
    try:
        from py3langid.langid import MODEL_FILE, LanguageIdentifier
    except ModuleNotFoundError:
        raise ConfigError(
            "the check `language` needs the library `py3langid`, which is not installed",
            hint="install it with `pip install 'py3langid>=0.4,<1'`",
        ) from None
    language = language_of(tgt_lang)
    language = _OTHER_TAGS.get(language, language)
    identifier = LanguageIdentifier.from_model_file(MODEL_FILE)
    if language not in identifier.labels:
        raise ConfigError(
            f"the check `language` does not know the language `{tgt_lang}`",
            hint="leave it out with `--skip language`",
        )

    def judge(trial: Trial) -> Verdict:
        if not any(character.isalpha() for character in trial.answer):
            return skipped("the answer has no letters")
        scores: dict[str, float] = dict(identifier.rank(trial.answer))
        best = max(scores, key=scores.__getitem__)
        if scores[best] - scores[language] <= _MARGIN:
            return PASSED
        return failed(f"the answer is in another language, probably `{best}`")

    return judge
