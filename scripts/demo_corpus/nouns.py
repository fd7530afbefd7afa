"""The nouns of the demo corpus."""

from __future__ import annotations

import re
from typing import get_args

from scripts.demo_corpus.words import Gender, Noun

_GENDERS: dict[str, Gender] = dict(zip(("der", "die", "das"), get_args(Gender), strict=True))


def english_plural(word: str) -> str:
    """The regular plural: boxes, stories, cups."""
    if re.search(r"(s|x|ch|sh|[^aeiou]o)$", word) and word != "photo":
        return word + "es"
    if re.search(r"[^aeiou]y$", word):
        return word[:-1] + "ies"
    return word + "s"


def _noun(english: str, german: str, kinds: str) -> Noun:
    """A noun from `singular[/plural]` and `article nominative, genitive, plural`.

    A feminine noun has no genitive of its own, and a mass noun no plural.
    """
    singular, _, plural = english.partition("/")
    article, _, forms = german.partition(" ")
    gender = _GENDERS[article]
    nominative, *others = forms.split(", ")
    genitive = nominative if gender == "f" else others.pop(0)
    german_plural = others.pop(0) if others else ""
    all_kinds = frozenset([*kinds.split(), singular])
    return Noun(
        singular,
        plural or english_plural(singular),
        nominative,
        genitive,
        german_plural,
        gender,
        all_kinds,
    )


# Kinds that are not plain meaning: `owned` (may be somebody's), `kin` (nearly always somebody's),
# `single` (one has only one, so it has no plural here), `mass` (no plural, and no article needed).

PERSONS = (
    _noun("man/men", "der Mann, Mannes, Männer", "person adult"),
    _noun("woman/women", "die Frau, Frauen", "person adult"),
    _noun("child/children", "das Kind, Kindes, Kinder", "person minor owned"),
    _noun("boy", "der Junge, Jungen, Jungen", "person minor"),
    _noun("girl", "das Mädchen, Mädchens, Mädchen", "person minor"),
    _noun("teacher", "der Lehrer, Lehrers, Lehrer", "person adult worker owned"),
    _noun("doctor", "der Arzt, Arztes, Ärzte", "person adult worker owned"),
    _noun("student", "der Student, Studenten, Studenten", "person adult worker"),
    _noun("friend", "der Freund, Freundes, Freunde", "person adult owned"),
    _noun("neighbor", "der Nachbar, Nachbarn, Nachbarn", "person adult owned"),
    _noun("farmer", "der Bauer, Bauern, Bauern", "person adult worker"),
    _noun("policeman/policemen", "der Polizist, Polizisten, Polizisten", "person adult worker"),
    _noun("waitress", "die Kellnerin, Kellnerinnen", "person adult worker"),
    _noun("mother", "die Mutter, Mütter", "person adult owned kin single"),
    _noun("father", "der Vater, Vaters, Väter", "person adult owned kin single"),
    _noun("brother", "der Bruder, Bruders, Brüder", "person adult owned kin"),
    _noun("sister", "die Schwester, Schwestern", "person adult owned kin"),
    _noun("son", "der Sohn, Sohnes, Söhne", "person adult owned kin"),
    _noun("daughter", "die Tochter, Töchter", "person adult owned kin"),
    _noun("aunt", "die Tante, Tanten", "person adult owned kin"),
    _noun("grandmother", "die Großmutter, Großmütter", "person adult old owned kin single"),
    _noun(
        "grandfather", "der Großvater, Großvaters, Großväter", "person adult old owned kin single"
    ),
)

ANIMALS = (
    _noun("dog", "der Hund, Hundes, Hunde", "animal pet owned"),
    _noun("cat", "die Katze, Katzen", "animal pet owned"),
    _noun("horse", "das Pferd, Pferdes, Pferde", "animal owned"),
    _noun("bird", "der Vogel, Vogels, Vögel", "animal"),
    _noun("mouse/mice", "die Maus, Mäuse", "animal"),
)

FOOD = (
    _noun("apple", "der Apfel, Apfels, Äpfel", "food fruit portable"),
    _noun("egg", "das Ei, Eies, Eier", "food portable"),
    _noun("cake", "der Kuchen, Kuchens, Kuchen", "food dish owned portable"),
    _noun("sausage", "die Wurst, Würste", "food portable"),
    _noun("soup", "die Suppe, Suppen", "food dish owned"),
    _noun("bread", "das Brot, Brotes", "food portable mass"),
    _noun("cheese", "der Käse, Käses", "food portable mass"),
    _noun("water", "das Wasser, Wassers", "drink mass"),
    _noun("milk", "die Milch", "drink mass"),
    _noun("coffee", "der Kaffee, Kaffees", "drink hot_drink mass owned"),
    _noun("tea", "der Tee, Tees", "drink hot_drink mass owned"),
)

THINGS = (
    _noun("book", "das Buch, Buches, Bücher", "text flat portable owned"),
    _noun("letter", "der Brief, Briefes, Briefe", "text flat portable owned"),
    _noun("newspaper", "die Zeitung, Zeitungen", "text flat portable owned"),
    _noun("key", "der Schlüssel, Schlüssels, Schlüssel", "thing flat portable owned"),
    _noun("bag", "die Tasche, Taschen", "thing flat portable owned"),
    _noun("bottle", "die Flasche, Flaschen", "thing dishes portable"),
    _noun("cup", "die Tasse, Tassen", "thing dishes portable owned"),
    _noun("glass", "das Glas, Glases, Gläser", "thing dishes portable owned"),
    _noun("picture", "das Bild, Bildes, Bilder", "thing hanging portable owned"),
    _noun("lamp", "die Lampe, Lampen", "thing dishes device owned"),
    _noun("box", "die Kiste, Kisten", "thing portable owned"),
    _noun("ball", "der Ball, Balls, Bälle", "thing portable owned"),
    _noun("present", "das Geschenk, Geschenks, Geschenke", "thing flat portable owned"),
    _noun("umbrella", "der Regenschirm, Regenschirms, Regenschirme", "thing flat portable owned"),
    _noun("computer", "der Computer, Computers, Computer", "device owned"),
    _noun("radio", "das Radio, Radios, Radios", "device owned"),
    _noun("coat", "der Mantel, Mantels, Mäntel", "clothes garment hanging portable owned"),
    _noun("shirt", "das Hemd, Hemdes, Hemden", "clothes garment flat portable owned"),
    _noun("dress", "das Kleid, Kleides, Kleider", "clothes garment hanging portable owned"),
    _noun("hat", "der Hut, Hutes, Hüte", "clothes flat portable owned"),
    _noun("shoe", "der Schuh, Schuhs, Schuhe", "clothes garment owned"),
    _noun("table", "der Tisch, Tisches, Tische", "furniture owned"),
    _noun("chair", "der Stuhl, Stuhls, Stühle", "furniture owned"),
    _noun("bed", "das Bett, Bettes, Betten", "furniture owned"),
    _noun("cupboard", "der Schrank, Schranks, Schränke", "furniture owned"),
    _noun("wall", "die Wand, Wände", "part"),
    _noun("window", "das Fenster, Fensters, Fenster", "part"),
    _noun("door", "die Tür, Türen", "part"),
    _noun("car", "das Auto, Autos, Autos", "vehicle owned"),
    _noun("bus", "der Bus, Busses, Busse", "vehicle public"),
    _noun("train", "der Zug, Zuges, Züge", "vehicle public"),
    _noun("bicycle", "das Fahrrad, Fahrrads, Fahrräder", "vehicle owned"),
)

PLACES = (
    _noun("house", "das Haus, Hauses, Häuser", "place building owned"),
    _noun("school", "die Schule, Schulen", "place building owned"),
    _noun("kitchen", "die Küche, Küchen", "place room_like owned"),
    _noun("room", "das Zimmer, Zimmers, Zimmer", "place room_like owned"),
    _noun("supermarket", "der Supermarkt, Supermarkts, Supermärkte", "place building"),
    _noun("restaurant", "das Restaurant, Restaurants, Restaurants", "place building"),
    _noun("station", "der Bahnhof, Bahnhofs, Bahnhöfe", "place building"),
    _noun("museum", "das Museum, Museums, Museen", "place building sight"),
    _noun("church", "die Kirche, Kirchen", "place building sight"),
    _noun("hospital", "das Krankenhaus, Krankenhauses, Krankenhäuser", "place building"),
    _noun("garden", "der Garten, Gartens, Gärten", "place outdoors owned"),
    _noun("park", "der Park, Parks, Parks", "place outdoors"),
    _noun("forest", "der Wald, Waldes, Wälder", "place outdoors"),
    _noun("lake", "der See, Sees, Seen", "place outdoors"),
    _noun("beach", "der Strand, Strandes, Strände", "place outdoors"),
    _noun("city", "die Stadt, Städte", "place town"),
    _noun("street", "die Straße, Straßen", "place way"),
    _noun("tree", "der Baum, Baumes, Bäume", "plant"),
)

IDEAS = (
    _noun("story", "die Geschichte, Geschichten", "idea owned"),
    _noun("money", "das Geld, Geldes", "means mass owned"),
    _noun("time", "die Zeit", "means mass"),
    _noun("rain", "der Regen, Regens", "weather mass"),
    _noun("snow", "der Schnee, Schnees", "weather mass"),
    _noun("break", "die Pause, Pausen", "event"),
    _noun("party", "die Party, Partys", "event owned"),
)

NOUNS = PERSONS + ANIMALS + FOOD + THINGS + PLACES + IDEAS
