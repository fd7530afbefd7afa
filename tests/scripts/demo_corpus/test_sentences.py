"""Sentence pairs written by hand, checked against what the grammar makes of their trees."""

from dataclasses import replace

import pytest

from scripts.demo_corpus import function_words as fw
from scripts.demo_corpus import verbs as v
from scripts.demo_corpus.adjectives import ADJECTIVES
from scripts.demo_corpus.english import english_sentence
from scripts.demo_corpus.german import german_sentence
from scripts.demo_corpus.nouns import NOUNS
from scripts.demo_corpus.syntax import (
    Clause,
    Comparison,
    Couple,
    Description,
    Expletive,
    Interrogative,
    Link,
    Measure,
    Mood,
    NounPhrase,
    Prepositional,
    Pronoun,
    Purpose,
    Relative,
    Sentence,
    Subordinate,
)
from scripts.demo_corpus.verb_forms import CAN, GERN, MAY, MUST, SHOULD, WANT, WOULD_LIKE
from scripts.demo_corpus.words import Determiner, Fixed, Person, Tense, Verb

NOUN = {noun.english: noun for noun in NOUNS}
ADJECTIVE = {adjective.english: adjective for adjective in ADJECTIVES}
VERB = {
    verb.name: verb
    for verb in (
        *(*v.TRANSITIVE, *v.DATIVE, *v.DITRANSITIVE, *v.PREPOSITIONAL),
        *(*v.INTRANSITIVE, *v.MOTION, *v.PLACEMENT),
    )
}
IS_HANGING, IS_LYING = v.POSITION[-1], v.POSITION[0]
MY, YOUR, HIS, HER, OUR, THEIR = fw.POSSESSIVES
THE, A, THIS, EVERY, NO, ALL, MANY = fw.THE, fw.A, fw.THIS, fw.EVERY, fw.NO, fw.ALL, fw.MANY
TWO, THREE = fw.COUNTS[:2]
ANNA, PETER = fw.NAMES[0], fw.NAMES[5]
ME, YOU, WE, THEY = (
    Pronoun(person)
    for person in (
        Person.FIRST_SINGULAR,
        Person.SECOND_SINGULAR,
        Person.FIRST_PLURAL,
        Person.THIRD_PLURAL,
    )
)
HE, SHE = Pronoun(Person.THIRD_SINGULAR, "m"), Pronoun(Person.THIRD_SINGULAR, "f")
NOW, PAST, FUTURE = Tense.PROGRESSIVE, Tense.PAST, Tense.FUTURE
YESTERDAY = Fixed("yesterday", "gestern")
TOMORROW = Fixed("tomorrow", "morgen")
TODAY = Fixed("today", "heute")


def it(name: str) -> Pronoun:
    return Pronoun(Person.THIRD_SINGULAR, NOUN[name].gender, NOUN[name])


def np(
    determiner: Determiner | None,
    words: str,
    *,
    plural: bool = False,
    of: object = None,
    who: Clause | None = None,
) -> NounPhrase:
    """`np(A, "very old dog")`: the last word is the noun."""
    *others, name = words.split()
    degree = fw.VERY if others[:1] == ["very"] else None
    adjectives = [ADJECTIVE[word] for word in others if word != "very"]
    description = Description(*adjectives, degree=degree) if adjectives else None
    return NounPhrase(NOUN[name], determiner, plural, description, of, who)


def place(key: str, thing: object) -> Prepositional:
    return Prepositional(fw.WHERE[key], thing)


def goal(key: str, thing: object) -> Prepositional:
    return Prepositional(fw.WHITHER[key], thing)


def about(verb: str, thing: object) -> Prepositional:
    return Prepositional(v.OBJECT_PREPOSITIONS[verb], thing)


def does(
    subject: object, verb: str | Verb, tense: Tense = Tense.PRESENT, **slots: object
) -> Clause:
    return Clause(VERB[verb] if isinstance(verb, str) else verb, subject, tense, **slots)


def be(subject: object, tense: Tense = Tense.PRESENT, **slots: object) -> Clause:
    return Clause(v.BE, subject, tense, **slots)


def says(clause: Clause, **rest: object) -> Sentence:
    return Sentence(clause, **rest)


def asks(clause: Clause) -> Sentence:
    return Sentence(clause, Mood.QUESTION)


def orders(verb: str, **slots: object) -> Sentence:
    return Sentence(does(None, verb, **slots), Mood.COMMAND)


def like(adjective: str, second: str | None = None, degree: Fixed | None = None) -> Description:
    return Description(ADJECTIVE[adjective], ADJECTIVE[second] if second else None, degree)


def joined(main: Clause, conjunction: Fixed, inner: Clause, *, first: bool = False) -> Sentence:
    return Sentence(replace(main, subordinate=Subordinate(conjunction, inner, first)))


RAIN = does(Expletive(), v.RAIN, NOW)

PAIRS = [
    # ------------------------------------------------------------ articles, adjectives, cases
    (
        says(does(np(THE, "old man"), "buy", NOW, accusative=np(A, "red car"))),
        "The old man is buying a red car.",
        "Der alte Mann kauft ein rotes Auto.",
    ),
    (
        says(does(np(A, "young woman"), "see", PAST, accusative=np(THE, "small dog"))),
        "A young woman saw the small dog.",
        "Eine junge Frau hat den kleinen Hund gesehen.",
    ),
    (
        says(does(np(MY, "old brother"), "help", dative=np(THIS, "poor child"))),
        "My old brother helps this poor child.",
        "Mein alter Bruder hilft diesem armen Kind.",
    ),
    (
        says(
            does(
                np(OUR, "neighbor"),
                "give",
                PAST,
                dative=np(HIS, "small daughter"),
                accusative=np(A, "very old book"),
            )
        ),
        "Our neighbor gave his small daughter a very old book.",
        "Unser Nachbar hat seiner kleinen Tochter ein sehr altes Buch gegeben.",
    ),
    (
        says(does(HE, "drink", NOW, accusative=np(None, "cold water"))),
        "He is drinking cold water.",
        "Er trinkt kaltes Wasser.",
    ),
    (
        says(does(SHE, "drink", NOW, accusative=np(None, "hot coffee"))),
        "She is drinking hot coffee.",
        "Sie trinkt heißen Kaffee.",
    ),
    (
        says(does(THEY, "read", NOW, accusative=np(None, "long letter", plural=True))),
        "They are reading long letters.",
        "Sie lesen lange Briefe.",
    ),
    (
        says(does(ME, "see", accusative=np(THREE, "black bird", plural=True))),
        "I see three black birds.",
        "Ich sehe drei schwarze Vögel.",
    ),
    (
        says(
            does(
                np(ALL, "small child", plural=True),
                v.LIKE,
                accusative=np(THE, "big dog", plural=True),
            )
        ),
        "All small children like the big dogs.",
        "Alle kleinen Kinder mögen die großen Hunde.",
    ),
    (
        says(does(np(MANY, "old man", plural=True), "sleep", NOW)),
        "Many old men are sleeping.",
        "Viele alte Männer schlafen.",
    ),
    (
        says(does(np(EVERY, "small boy"), v.LIKE, accusative=np(HER, "expensive cake"))),
        "Every small boy likes her expensive cake.",
        "Jeder kleine Junge mag ihren teuren Kuchen.",
    ),
    (
        says(does(np(NO, "student"), "know", accusative=np(THE, "new teacher"))),
        "No student knows the new teacher.",
        "Kein Student kennt den neuen Lehrer.",
    ),
    (
        says(does(WE, "thank", NOW, dative=np(THE, "friendly student", plural=True))),
        "We are thanking the friendly students.",
        "Wir danken den freundlichen Studenten.",
    ),
    (
        says(does(WE, "help", NOW, dative=np(TWO, "tired child", plural=True))),
        "We are helping two tired children.",
        "Wir helfen zwei müden Kindern.",
    ),
    # ------------------------------------------------------------ weak nouns, genitive, names
    (
        says(does(SHE, "see", accusative=np(THE, "boy"))),
        "She sees the boy.",
        "Sie sieht den Jungen.",
    ),
    (
        says(does(ME, "give", NOW, dative=np(THE, "old farmer"), accusative=np(MY, "key"))),
        "I am giving the old farmer my key.",
        "Ich gebe dem alten Bauern meinen Schlüssel.",
    ),
    (
        says(be(np(None, "new car", of=np(THE, "rich doctor")), predicate=like("black"))),
        "The rich doctor's new car is black.",
        "Das neue Auto des reichen Arztes ist schwarz.",
    ),
    (
        says(does(HE, "look for", NOW, accusative=np(None, "old bag", of=np(MY, "mother")))),
        "He is looking for my mother's old bag.",
        "Er sucht die alte Tasche meiner Mutter.",
    ),
    (
        says(does(YOU, "know", accusative=np(None, "small brother", of=ANNA))),
        "You know Anna's small brother.",
        "Du kennst Annas kleinen Bruder.",
    ),
    (
        says(does(np(THE, "dog"), "belong to", dative=np(THE, "neighbor"))),
        "The dog belongs to the neighbor.",
        "Der Hund gehört dem Nachbarn.",
    ),
    # ------------------------------------------------------------ pronouns
    (
        says(does(YOU, "give", PAST, dative=ME, accusative=np(A, "apple"))),
        "You gave me an apple.",
        "Du hast mir einen Apfel gegeben.",
    ),
    (
        says(does(np(THE, "man"), "help", PAST, dative=SHE)),
        "The man helped her.",
        "Der Mann hat ihr geholfen.",
    ),
    (says(does(ME, "know", accusative=THEY)), "I know them.", "Ich kenne sie."),
    (
        says(does(PETER, "follow", PAST, dative=THEY, time=YESTERDAY, front="time")),
        "Yesterday Peter followed them.",
        "Gestern ist ihnen Peter gefolgt.",
    ),
    (
        asks(does(np(YOUR, "mother"), "see", PAST, accusative=THEY)),
        "Did your mother see them?",
        "Hat deine Mutter sie gesehen?",
    ),
    (
        joined(Clause(v.KNOW, SHE), fw.THAT, does(ANNA, "help", PAST, dative=YOU)),
        "She knows that Anna helped you.",
        "Sie weiß, dass dir Anna geholfen hat.",
    ),
    # ------------------------------------------------------------ separable and reflexive verbs
    (
        says(does(np(THE, "woman"), "call", NOW, accusative=np(HER, "son"), time=TODAY)),
        "The woman is calling her son today.",
        "Die Frau ruft heute ihren Sohn an.",
    ),
    (
        says(does(ME, "pick up", FUTURE, accusative=YOU, place=place("at", np(THE, "station")))),
        "I will pick you up at the station.",
        "Ich werde dich am Bahnhof abholen.",
    ),
    (
        says(does(np(THE, "train"), "arrive", PAST, place=Prepositional(fw.IN_CITY, fw.CITIES[2]))),
        "The train arrived in Munich.",
        "Der Zug ist in München angekommen.",
    ),
    (
        says(does(np(THE, "girl", plural=True), "rest", PAST, time=YESTERDAY, front="time")),
        "Yesterday the girls rested.",
        "Gestern haben sich die Mädchen ausgeruht.",
    ),
    (says(does(YOU, "hurry", NOW)), "You are hurrying.", "Du beeilst dich."),
    # ------------------------------------------------------------ place and direction
    (
        says(
            does(np(THE, "child", plural=True), "play", NOW, place=place("in", np(THE, "garden")))
        ),
        "The children are playing in the garden.",
        "Die Kinder spielen im Garten.",
    ),
    (
        says(does(np(THE, "child", plural=True), "run", NOW, goal=goal("into", np(THE, "garden")))),
        "The children are running into the garden.",
        "Die Kinder laufen in den Garten.",
    ),
    (
        says(does(SHE, "go", NOW, goal=goal("into", np(THE, "house")))),
        "She is going into the house.",
        "Sie geht ins Haus.",
    ),
    (
        says(does(WE, "go", PAST, goal=goal("to", np(THE, "school")), time=TODAY)),
        "We went to the school today.",
        "Wir sind heute zur Schule gegangen.",
    ),
    (
        says(does(ME, "lay", PAST, accusative=np(THE, "book"), goal=goal("on", np(THE, "table")))),
        "I laid the book on the table.",
        "Ich habe das Buch auf den Tisch gelegt.",
    ),
    (
        says(does(np(THE, "book"), IS_LYING, NOW, place=place("on", np(THE, "table")))),
        "The book is lying on the table.",
        "Das Buch liegt auf dem Tisch.",
    ),
    (
        says(
            does(
                HE, "hang", PAST, accusative=np(A, "picture"), goal=goal("on_side", np(THE, "wall"))
            )
        ),
        "He hung a picture on the wall.",
        "Er hat ein Bild an die Wand gehängt.",
    ),
    (
        says(
            does(
                np(OUR, "picture", plural=True),
                IS_HANGING,
                NOW,
                place=place("on_side", np(THE, "wall")),
            )
        ),
        "Our pictures are hanging on the wall.",
        "Unsere Bilder hängen an der Wand.",
    ),
    (
        says(
            does(HE, "drive", FUTURE, goal=Prepositional(fw.TO_CITY, fw.CITIES[3]), time=TOMORROW)
        ),
        "He will drive to Vienna tomorrow.",
        "Er wird morgen nach Wien fahren.",
    ),
    (
        says(
            does(
                SHE,
                "dance",
                PAST,
                companion=Prepositional(fw.WITH, np(HER, "old friend", plural=True)),
                time=Prepositional(fw.DURING, np(THE, "party")),
            )
        ),
        "She danced with her old friends during the party.",
        "Sie hat während der Party mit ihren alten Freunden getanzt.",
    ),
    (
        says(
            does(
                THEY,
                "stay",
                NOW,
                place=fw.AT_HOME,
                cause=Prepositional(fw.BECAUSE_OF, np(THE, "rain")),
                front="cause",
            )
        ),
        "Because of the rain they are staying at home.",
        "Wegen des Regens bleiben sie zu Hause.",
    ),
    (
        says(
            does(
                WE,
                "hang",
                PAST,
                accusative=np(THE, "coat"),
                goal=goal("in_goal", np(THE, "cupboard")),
            )
        ),
        "We hung the coat in the cupboard.",
        "Wir haben den Mantel in den Schrank gehängt.",
    ),
    # ------------------------------------------------------------ negation and adverbs
    (
        says(does(np(THE, "man"), "buy", NOW, is_negated=True, accusative=np(A, "house"))),
        "The man is not buying a house.",
        "Der Mann kauft kein Haus.",
    ),
    (
        says(does(np(THE, "man"), "buy", PAST, is_negated=True, accusative=np(THE, "house"))),
        "The man did not buy the house.",
        "Der Mann hat das Haus nicht gekauft.",
    ),
    (
        says(does(ME, "drink", is_negated=True, accusative=np(None, "milk"))),
        "I do not drink milk.",
        "Ich trinke keine Milch.",
    ),
    (
        says(does(PETER, "wait", NOW, is_negated=True, goal=about("wait", np(THE, "bus")))),
        "Peter is not waiting for the bus.",
        "Peter wartet nicht auf den Bus.",
    ),
    (
        says(does(SHE, "visit", accusative=np(HER, "aunt"), frequency=fw.NEVER)),
        "She never visits her aunt.",
        "Sie besucht ihre Tante nie.",
    ),
    (
        says(does(SHE, "visit", accusative=np(HER, "aunt"), frequency=fw.OFTEN)),
        "She often visits her aunt.",
        "Sie besucht oft ihre Tante.",
    ),
    # ------------------------------------------------------------ modals
    (
        says(does(YOU, "open", modal=MUST, accusative=np(THE, "window"))),
        "You must open the window.",
        "Du musst das Fenster aufmachen.",
    ),
    (
        says(does(HE, "work", modal=MUST, is_negated=True, time=TODAY)),
        "He does not have to work today.",
        "Er muss heute nicht arbeiten.",
    ),
    (
        says(does(ME, "sleep", PAST, modal=WANT)),
        "I wanted to sleep.",
        "Ich wollte schlafen.",
    ),
    (
        says(does(np(MY, "son"), "swim", modal=CAN, is_negated=True)),
        "My son cannot swim.",
        "Mein Sohn kann nicht schwimmen.",
    ),
    (
        asks(does(ME, "read", modal=MAY, accusative=np(YOUR, "newspaper"))),
        "May I read your newspaper?",
        "Darf ich deine Zeitung lesen?",
    ),
    (
        says(does(WE, "help", modal=SHOULD, dative=np(THE, "policeman"))),
        "We should help the policeman.",
        "Wir sollen dem Polizisten helfen.",
    ),
    (
        says(does(ANNA, "get up", modal=WOULD_LIKE, is_negated=True)),
        "Anna would not like to get up.",
        "Anna möchte nicht aufstehen.",
    ),
    (
        says(does(HE, "read", modal=GERN, accusative=np(None, "book", plural=True))),
        "He likes to read books.",
        "Er liest gern Bücher.",
    ),
    # ------------------------------------------------------------ sein, comparison, measures
    (
        says(be(np(THE, "story"), PAST, predicate=like("long", "boring"))),
        "The story was long and boring.",
        "Die Geschichte war lang und langweilig.",
    ),
    (
        says(be(np(THE, "church"), predicate=Comparison(ADJECTIVE["old"], np(THE, "school")))),
        "The church is older than the school.",
        "Die Kirche ist älter als die Schule.",
    ),
    (
        says(
            be(np(MY, "hat"), predicate=Comparison(ADJECTIVE["expensive"], np(YOUR, "coat"), True))
        ),
        "My hat is as expensive as your coat.",
        "Mein Hut ist so teuer wie dein Mantel.",
    ),
    (
        says(be(np(HER, "brother"), is_negated=True, predicate=np(A, "rich doctor"))),
        "Her brother is not a rich doctor.",
        "Ihr Bruder ist kein reicher Arzt.",
    ),
    (
        says(
            be(
                np(THE, "boy"),
                predicate=Measure(fw.SMALL_NUMBERS[10], Fixed("years old", "Jahre alt")),
            )
        ),
        "The boy is twelve years old.",
        "Der Junge ist zwölf Jahre alt.",
    ),
    (
        says(
            Clause(
                v.EXIST,
                Expletive("there", "es"),
                accusative=np(A, "big lake"),
                place=place("in", np(THIS, "city")),
            )
        ),
        "There is a big lake in this city.",
        "Es gibt in dieser Stadt einen großen See.",
    ),
    # ------------------------------------------------------------ questions and commands
    (
        asks(does(np(YOUR, "sister"), "invite", PAST, accusative=np(THE, "teacher"))),
        "Did your sister invite the teacher?",
        "Hat deine Schwester den Lehrer eingeladen?",
    ),
    (
        asks(does(Interrogative(True), "close", PAST, accusative=np(THE, "door"), front="subject")),
        "Who closed the door?",
        "Wer hat die Tür zugemacht?",
    ),
    (
        asks(does(YOU, "look for", NOW, accusative=Interrogative(False), front="accusative")),
        "What are you looking for?",
        "Was suchst du?",
    ),
    (
        asks(does(HE, "help", PAST, dative=Interrogative(True), front="dative")),
        "Whom did he help?",
        "Wem hat er geholfen?",
    ),
    (
        asks(does(THEY, "go", NOW, goal=fw.ASK_WHITHER, front="goal")),
        "Where are they going?",
        "Wohin gehen sie?",
    ),
    (
        asks(does(THEY, "live", place=fw.ASK_WHERE, front="place")),
        "Where do they live?",
        "Wo wohnen sie?",
    ),
    (
        asks(
            does(
                YOU,
                "see",
                accusative=np(fw.HOW_MANY, "white horse", plural=True),
                front="accusative",
            )
        ),
        "How many white horses do you see?",
        "Wie viele weiße Pferde siehst du?",
    ),
    (
        asks(does(SHE, "think", NOW, goal=about("think", Interrogative(True)), front="goal")),
        "Of whom is she thinking?",
        "An wen denkt sie?",
    ),
    (
        orders("turn off", accusative=np(THE, "radio")),
        "Turn off the radio!",
        "Mach das Radio aus!",
    ),
    (
        orders("forget", is_negated=True, accusative=np(YOUR, "umbrella")),
        "Do not forget your umbrella!",
        "Vergiss deinen Regenschirm nicht!",
    ),
    (
        Sentence(does(None, "give", dative=ME, accusative=np(THE, "key")), Mood.COMMAND, True),
        "Please give me the key.",
        "Bitte gib mir den Schlüssel.",
    ),
    # ------------------------------------------------------------ subordinate clauses
    (
        joined(does(HE, "sleep", NOW), fw.BECAUSE, be(HE, predicate=like("tired"))),
        "He is sleeping because he is tired.",
        "Er schläft, weil er müde ist.",
    ),
    (
        joined(
            Clause(v.KNOW, ME),
            fw.THAT,
            does(np(THE, "woman"), "call", PAST, accusative=np(THE, "doctor")),
        ),
        "I know that the woman called the doctor.",
        "Ich weiß, dass die Frau den Arzt angerufen hat.",
    ),
    (
        joined(
            Clause(v.KNOW, SHE, is_negated=True),
            fw.WHETHER,
            does(np(THE, "bus"), "arrive", NOW, time=TODAY),
        ),
        "She does not know whether the bus is arriving today.",
        "Sie weiß nicht, ob der Bus heute ankommt.",
    ),
    (
        joined(
            does(WE, "stay", FUTURE, place=fw.AT_HOME),
            fw.IF,
            does(Expletive(), v.SNOW, time=TOMORROW),
            first=True,
        ),
        "If it snows tomorrow, we will stay at home.",
        "Wenn es morgen schneit, werden wir zu Hause bleiben.",
    ),
    (
        joined(does(np(THE, "dog", plural=True), "play", NOW), fw.ALTHOUGH, RAIN, first=True),
        "Although it is raining, the dogs are playing.",
        "Obwohl es regnet, spielen die Hunde.",
    ),
    (
        joined(
            does(PETER, "cook", NOW, accusative=np(A, "soup")), fw.WHILE, does(ANNA, "rest", NOW)
        ),
        "Peter is cooking a soup while Anna is resting.",
        "Peter kocht eine Suppe, während sich Anna ausruht.",
    ),
    (
        joined(
            does(HE, "buy", PAST, accusative=np(None, "bread")),
            fw.PRECEDING,
            does(HE, "go", PAST, goal=fw.HOME),
        ),
        "He bought bread before he went home.",
        "Er hat Brot gekauft, bevor er nach Hause gegangen ist.",
    ),
    (
        joined(
            Clause(v.BELIEVE, THEY),
            fw.THAT,
            does(np(HIS, "father"), "sell", modal=WANT, accusative=np(THE, "house")),
        ),
        "They believe that his father wants to sell the house.",
        "Sie glauben, dass sein Vater das Haus verkaufen will.",
    ),
    (
        joined(
            Clause(v.KNOW, ME, is_negated=True),
            fw.BARE,
            be(np(MY, "shoe", plural=True), place=fw.ASK_WHERE, front="place"),
        ),
        "I do not know where my shoes are.",
        "Ich weiß nicht, wo meine Schuhe sind.",
    ),
    (
        says(
            does(
                SHE,
                "go",
                NOW,
                goal=goal("to", np(THE, "station")),
                subordinate=Purpose(does(None, "pick up", accusative=np(HER, "daughter"))),
            )
        ),
        "She is going to the station to pick up her daughter.",
        "Sie geht zum Bahnhof, um ihre Tochter abzuholen.",
    ),
    # ------------------------------------------------------------ relative clauses
    (
        says(
            be(
                np(
                    THE,
                    "man",
                    who=does(
                        Relative(NOUN["man"], False),
                        "sell",
                        PAST,
                        accusative=np(THE, "car"),
                        front="subject",
                    ),
                ),
                predicate=like("rich"),
            )
        ),
        "The man who sold the car is rich.",
        "Der Mann, der das Auto verkauft hat, ist reich.",
    ),
    (
        says(
            does(
                ME,
                "find",
                PAST,
                accusative=np(
                    THE,
                    "key",
                    who=does(
                        YOU,
                        "lose",
                        PAST,
                        accusative=Relative(NOUN["key"], False),
                        time=YESTERDAY,
                        front="accusative",
                    ),
                ),
            )
        ),
        "I found the key that you lost yesterday.",
        "Ich habe den Schlüssel gefunden, den du gestern verloren hast.",
    ),
    (
        says(
            be(
                Expletive("this", "das"),
                predicate=np(
                    THE,
                    "waitress",
                    who=does(
                        WE, "help", PAST, dative=Relative(NOUN["waitress"], False), front="dative"
                    ),
                ),
            )
        ),
        "This is the waitress whom we helped.",
        "Das ist die Kellnerin, der wir geholfen haben.",
    ),
    # ------------------------------------------------------------ coordination and `it`
    (
        says(
            does(Couple(ANNA, np(THE, "boy")), "work", NOW),
            link=Link.BUT,
            second=does(WE, "dance", NOW),
        ),
        "Anna and the boy are working, but we are dancing.",
        "Anna und der Junge arbeiten, aber wir tanzen.",
    ),
    (
        says(RAIN, link=Link.SO, second=does(ME, "drive", NOW, goal=fw.HOME)),
        "It is raining, so I am driving home.",
        "Es regnet, deshalb fahre ich nach Hause.",
    ),
    (
        says(
            does(np(THE, "farmer"), "buy", PAST, accusative=np(A, "apple")),
            link=Link.SAME_SUBJECT,
            second=does(np(THE, "farmer"), "eat", PAST, accusative=it("apple")),
        ),
        "The farmer bought an apple and ate it.",
        "Der Bauer hat einen Apfel gekauft und ihn gegessen.",
    ),
    (
        joined(
            does(SHE, "buy", NOW, is_negated=True, accusative=np(THE, "lamp")),
            fw.BECAUSE,
            be(it("lamp"), predicate=like("expensive", degree=fw.TOO)),
        ),
        "She is not buying the lamp because it is too expensive.",
        "Sie kauft die Lampe nicht, weil sie zu teuer ist.",
    ),
    (
        says(
            be(np(THE, "coat"), predicate=like("beautiful")),
            link=Link.BUT,
            second=be(it("coat"), predicate=like("dirty", degree=fw.VERY)),
        ),
        "The coat is beautiful, but it is very dirty.",
        "Der Mantel ist schön, aber er ist sehr schmutzig.",
    ),
]


@pytest.mark.parametrize(("tree", "english", "german"), PAIRS, ids=[pair[1] for pair in PAIRS])
def test_the_grammar_makes_the_pair_that_was_written_by_hand(tree, english, german):
    assert english_sentence(tree) == english
    assert german_sentence(tree) == german


def test_there_are_at_least_sixty_pairs_by_hand():
    assert len({english for _, english, _ in PAIRS}) == len(PAIRS) >= 60
