"""Reads the notation of the verb table, and holds the auxiliaries and modals."""

from __future__ import annotations

import re

from scripts.demo_corpus.words import EnglishVerb, Frame, GermanVerb, Modal, Person, Verb, kind_set

_DOUBLED = kind_set("run swim sit get put forget")
_MARKS = kind_set("stative momentary present generic")
_PERSONS = tuple(Person)


def _by_person(forms: str) -> dict[Person, str]:
    return dict(zip(_PERSONS, forms.split(), strict=True))


SEIN = _by_person("bin bist ist sind sind")
SEIN_PAST = _by_person("war warst war waren waren")
HABEN = _by_person("habe hast hat haben haben")
HABEN_PAST = _by_person("hatte hattest hatte hatten hatten")
WERDEN = _by_person("werde wirst wird werden werden")

_NO_PAST: dict[Person, str] = {}

CAN = Modal(
    "can",
    _by_person("kann kannst kann können können"),
    _by_person("konnte konntest konnte konnten konnten"),
)
MUST = Modal(
    "must",
    _by_person("muss musst muss müssen müssen"),
    _by_person("musste musstest musste mussten mussten"),
)
WANT = Modal(
    "want",
    _by_person("will willst will wollen wollen"),
    _by_person("wollte wolltest wollte wollten wollten"),
)
SHOULD = Modal("should", _by_person("soll sollst soll sollen sollen"), _NO_PAST)
MAY = Modal("may", _by_person("darf darfst darf dürfen dürfen"), _NO_PAST)
WOULD_LIKE = Modal("would like", _by_person("möchte möchtest möchte möchten möchten"), _NO_PAST)
GERN = Modal("like", _NO_PAST, _NO_PAST)


def english_verb(forms: str) -> EnglishVerb:
    """A verb from `base [past] [ing=form] [+particle] [~preposition]`; the rest is regular."""
    base, *others = forms.split()
    marked = {word[0]: word[1:] for word in others if word[0] in "+~"}
    plain = [word for word in others if word[0] not in "+~" and not word.startswith("ing=")]
    ing = next((word[4:] for word in others if word.startswith("ing=")), "")
    stem = re.sub(r"(?<=[^aeiou])y$", "i", base)
    doubled = base + base[-1] if base in _DOUBLED else base
    takes_es = stem != base or re.search(r"(s|x|ch|sh|o)$", base)
    return EnglishVerb(
        base=base,
        third="has" if base == "have" else stem + ("es" if takes_es else "s"),
        past=plain[0] if plain else base + "d" if base.endswith("e") else stem + "ed",
        ing=ing or re.sub(r"(?<=[^e])e$", "", doubled) + "ing",
        particle=marked.get("+", ""),
        preposition=marked.get("~", ""),
    )


def german_verb(forms: str) -> GermanVerb:
    """A verb from `[sich] [particle|]infinitive er participle [du=form] [+sein]`."""
    words = forms.split()
    is_reflexive = words[0] == "sich"
    particle, _, infinitive = words[is_reflexive].rpartition("|")
    er, participle, *others = words[is_reflexive + 1 :]
    du = next((word[3:] for word in others if word.startswith("du=")), "")
    # A stem in s, ß, z swallows the s of -st: du liest, du sitzt.
    du = du or (er if re.search(r"[sßz]t$", er) else er[:-1] + "st")
    return GermanVerb(infinitive, du, er, participle, particle, is_reflexive, "+sein" in others)


def verb(frame: Frame, row: str, groups: dict[str, str]) -> Verb:
    """A verb from `English ; German ; subjects ; objects ; places and marks`.

    A dash is nothing, an underscore a space, and `groups` names sets of noun kinds.
    """
    english, german, subjects, objects, marks = (
        "" if part.strip() == "-" else part.strip() for part in row.split(" ; ")
    )
    marked = kind_set(marks)
    return Verb(
        english=english_verb(english),
        german=german_verb(german),
        frame=frame,
        subjects=kind_set(subjects),
        objects=kind_set(" ".join(groups.get(kind, kind) for kind in objects.split())),
        places="".join(marked - _MARKS),
        is_stative=bool(marked & {"stative", "momentary", "present"}),
        is_momentary="momentary" in marked,
        is_present_only="present" in marked,
        is_generic="generic" in marked,
    )


def verbs(frame: Frame, rows: str, groups: dict[str, str]) -> tuple[Verb, ...]:
    """The verbs of a table, a row a line."""
    return tuple(verb(frame, row.strip(), groups) for row in rows.split("\n") if row.strip())
