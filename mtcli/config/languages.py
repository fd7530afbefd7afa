"""Language tags."""

from __future__ import annotations

import re
from collections.abc import Iterable

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

_SHORT_CODES = """
aa:aar ab:abk ae:ave af:afr ak:aka am:amh an:arg ar:ara,arb as:asm av:ava ay:aym,ayr az:aze,azj
ba:bak be:bel bg:bul bi:bis bm:bam bn:ben bo:bod,tib br:bre bs:bos ca:cat ce:che ch:cha co:cos
cr:cre cs:ces,cze cu:chu cv:chv cy:cym,wel da:dan de:deu,ger dv:div dz:dzo ee:ewe el:ell,gre en:eng
eo:epo es:spa et:est,ekk eu:eus,baq fa:fas,per,pes ff:ful,fuv fi:fin fj:fij fo:fao fr:fra,fre fy:fry
ga:gle gd:gla gl:glg gn:grn,gug gu:guj gv:glv ha:hau he:heb hi:hin ho:hmo hr:hrv ht:hat hu:hun
hy:hye,arm hz:her ia:ina id:ind ie:ile ig:ibo ii:iii ik:ipk io:ido is:isl,ice it:ita iu:iku ja:jpn
jv:jav ka:kat,geo kg:kon ki:kik kj:kua kk:kaz kl:kal km:khm kn:kan ko:kor kr:kau,knc ks:kas
ku:kur,kmr kv:kom kw:cor ky:kir la:lat lb:ltz lg:lug li:lim ln:lin lo:lao lt:lit lu:lub lv:lav,lvs
mg:mlg,plt mh:mah mi:mri,mao mk:mkd,mac ml:mal mn:mon,khk mr:mar ms:msa,may,zsm mt:mlt my:mya,bur
na:nau nb:nob nd:nde ne:nep,npi ng:ndo nl:nld,dut nn:nno no:nor nr:nbl nv:nav ny:nya oc:oci oj:oji
om:orm,gaz or:ori,ory os:oss pa:pan pi:pli pl:pol ps:pus,pbt pt:por qu:que,quy rm:roh rn:run
ro:ron,rum ru:rus rw:kin sa:san sc:srd sd:snd se:sme sg:sag si:sin sk:slk,slo sl:slv sm:smo sn:sna
so:som sq:sqi,alb,als sr:srp ss:ssw st:sot su:sun sv:swe sw:swa,swh ta:tam te:tel tg:tgk th:tha
ti:tir tk:tuk tl:tgl tn:tsn to:ton tr:tur ts:tso tt:tat tw:twi ty:tah ug:uig uk:ukr ur:urd
uz:uzb,uzn ve:ven vi:vie vo:vol wa:wln wo:wol xh:xho yi:yid,ydd yo:yor za:zha zh:zho,chi,cmn zu:zul
"""
"""ISO 639-1, with the codes of the same language in 639-3 and 639-2/B, and of the one language of
a group that multilingual models mean by it (`arb`, Standard Arabic)."""

_SHORT = {
    long: short
    for entry in _SHORT_CODES.split()
    for short, _, codes in [entry.partition(":")]
    for long in codes.split(",")
}

_SCRIPT = re.compile("[A-Za-z]{4}")


def language_of(tag: str) -> str:
    """The language of a BCP 47 tag, without script and region: `zh-Hans` and `zh_CN` are zh."""
    return _subtags(tag)[0].lower()


def short_language_of(tag: str) -> str:
    """The language of a tag by the code of two letters, if it has one: `deu_Latn` is de."""
    language = language_of(tag)
    return _SHORT.get(language, language)


def languages_like(tag: str, names: Iterable[str]) -> list[str]:
    """The names that a tag may mean: itself, or else all names of the same language.

    A script must be the same where the tag has one: `zh-Hans` is `zho_Hans`, `zh` is also
    `zho_Hant`.
    """
    names = list(names)
    if same := [name for name in names if _subtags(name.lower()) == _subtags(tag.lower())]:
        return same
    script = script_of(tag)
    return [
        name
        for name in names
        if short_language_of(name) == short_language_of(tag)
        and (script is None or script_of(name) in (script, None))
    ]


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
