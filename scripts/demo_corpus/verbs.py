"""The verbs of the demo corpus; `verb_forms.verb` explains the notation."""

from __future__ import annotations

from scripts.demo_corpus.verb_forms import verb, verbs
from scripts.demo_corpus.words import Case, Frame, Preposition

_GROUPS = {"ware": "food clothes thing device furniture car bicycle text house animal"}


BE = verb(Frame.COPULA, "be was ; sein ist gewesen du=bist +sein ; person ; - ; stative", {})
HAVE = verb(
    Frame.TRANSITIVE,
    "have had ; haben hat gehabt du=hast ; person ; pet car bicycle thing device money "
    "time garden house room ; stative generic",
    {},
)
LIKE = verb(
    Frame.TRANSITIVE,
    "like ; mögen mag gemocht du=magst ; person ; food drink animal person town story "
    "book ; present generic",
    {},
)
COST = verb(Frame.TRANSITIVE, "cost cost ; kosten kostet gekostet ; thing ; - ; present", {})
EXIST = verb(
    Frame.TRANSITIVE,
    "be was ; geben gibt gegeben ; - ; sight hospital restaurant supermarket school station lake "
    "park garden ; stative",
    {},
)

_TRANSITIVE = """
see saw ; sehen sieht gesehen ; person ; person animal vehicle building ; seeing stative
buy bought ; kaufen kauft gekauft ; person ; ware drink ; shopping generic
sell sold ; verkaufen verkauft verkauft ; adult ; ware ; shopping generic
find found ; finden findet gefunden ; person ; thing text clothes animal money ; outside momentary
look ~for ; suchen sucht gesucht ; person ; person animal thing text clothes station hospital ; -
lose lost ; verlieren verliert verloren ; person ; key bag umbrella hat money letter ; momentary
need ; brauchen braucht gebraucht ; person ; thing clothes device money time doctor friend ; stative
know knew ; kennen kennt gekannt ; person ; person town story book museum ; present
visit ; besuchen besucht besucht ; person ; kin friend neighbor sight town school ; -
meet met ; treffen trifft getroffen ; person ; person ; seeing
invite ; ein|laden lädt eingeladen ; person ; person ; -
call ; an|rufen ruft angerufen ; person ; person ; -
clean ; putzen putzt geputzt ; person ; window kitchen room shoe table bicycle lamp door ; -
wash ; waschen wäscht gewaschen ; person ; car clothes dog cup glass bottle horse ; -
repair ; reparieren repariert repariert ; adult ; vehicle device lamp chair door window table ; -
wear wore ; tragen trägt getragen ; person ; clothes ; -
eat ate ; essen isst gegessen ; person ; food ; eating generic
drink drank ; trinken trinkt getrunken ; person ; drink ; eating generic
cook ; kochen kocht gekocht ; adult ; soup egg sausage ; cooking generic
bake ; backen backt gebacken ; person ; cake bread ; cooking generic
read read ; lesen liest gelesen ; person ; text story ; quiet generic
write wrote ; schreiben schreibt geschrieben ; person ; letter book story ; quiet generic
open ; auf|machen macht aufgemacht ; person ; door window bottle box bag letter present ; -
close ; zu|machen macht zugemacht ; person ; door window box bag bottle ; -
take took ; nehmen nimmt genommen du=nimmst ; person ; bus train key umbrella bag apple money ; -
forget forgot ; vergessen vergisst vergessen ; person ; key bag umbrella book coat hat ; momentary
turn +on ; an|machen macht angemacht ; person ; device ; -
turn +off ; aus|machen macht ausgemacht ; person ; device ; -
pick +up ; ab|holen holt abgeholt ; person ; person ; meeting
put put +on ; an|ziehen zieht angezogen ; person ; garment ; -
feed fed ; füttern füttert gefüttert ; person ; animal ; -
"""
TRANSITIVE = verbs(Frame.TRANSITIVE, _TRANSITIVE, _GROUPS)

_DATIVE = """
help ; helfen hilft geholfen ; person ; person ; -
thank ; danken dankt gedankt ; person ; person ; -
follow ; folgen folgt gefolgt +sein ; person pet ; person animal ; -
belong ~to ; gehören gehört gehört ; thing text clothes car bicycle house pet ; person ; present
"""
DATIVE = verbs(Frame.DATIVE, _DATIVE, _GROUPS)

_DITRANSITIVE = """
give gave ; geben gibt gegeben ; person ; portable money drink ; generic
show showed ; zeigen zeigt gezeigt ; person ; portable furniture place animal vehicle ; -
send sent ; schicken schickt geschickt ; person ; text present money picture ; generic
bring brought ; bringen bringt gebracht ; person ; portable drink dish ; generic
"""
DITRANSITIVE = verbs(Frame.DITRANSITIVE, _DITRANSITIVE, _GROUPS)

_PREPOSITIONAL = """
wait ; warten wartet gewartet ; person ; person public letter ; -
talk ; sprechen spricht gesprochen ; person ; person idea text party town money school ; -
think thought ; denken denkt gedacht ; person ; person animal money party town ; -
"""
PREPOSITIONAL = verbs(Frame.PREPOSITIONAL, _PREPOSITIONAL, _GROUPS)
OBJECT_PREPOSITIONS = {
    "wait": Preposition("for", "auf", Case.ACCUSATIVE),
    "talk": Preposition("about", "über", Case.ACCUSATIVE),
    "think": Preposition("of", "an", Case.ACCUSATIVE),
}

_INTRANSITIVE = """
sleep slept ; schlafen schläft geschlafen ; person animal ; - ; sleeping
work ; arbeiten arbeitet gearbeitet ; adult ; - ; working
play ; spielen spielt gespielt ; person pet ; - ; playing
laugh ; lachen lacht gelacht ; person ; - ; -
dance ; tanzen tanzt getanzt ; person ; - ; playing
sing sang ; singen singt gesungen ; person bird ; - ; outside
swim swam ; schwimmen schwimmt geschwommen +sein ; person ; - ; swimming
live ; wohnen wohnt gewohnt ; person ; - ; living stative
sit sat ; sitzen sitzt gesessen ; person ; - ; sitting
stay ; bleiben bleibt geblieben +sein ; person ; - ; staying
arrive ; an|kommen kommt angekommen +sein ; person public ; - ; arriving
get got +up ; auf|stehen steht aufgestanden +sein ; person ; - ; -
come came +back ; zurück|kommen kommt zurückgekommen +sein ; person ; - ; -
hurry ; sich beeilen beeilt beeilt ; person ; - ; -
rest ; sich aus|ruhen ruht ausgeruht ; person ; - ; playing
"""
INTRANSITIVE = verbs(Frame.INTRANSITIVE, _INTRANSITIVE, _GROUPS)

_MOTION = """
go went ; gehen geht gegangen +sein ; person ; - ; walking
run ran ; laufen läuft gelaufen +sein ; person pet horse ; - ; running
drive drove ; fahren fährt gefahren +sein ; adult ; - ; driving
fly flew ; fliegen fliegt geflogen +sein ; person ; - ; travelling
"""
MOTION = verbs(Frame.MOTION, _MOTION, _GROUPS)

_POSITION = """
lie lay ing=lying ; liegen liegt gelegen ; flat pet ; - ; lying
stand stood ; stehen steht gestanden ; dishes ; - ; standing
stand stood ; stehen steht gestanden ; furniture bicycle car horse ; - ; parking
hang hung ; hängen hängt gehangen ; hanging ; - ; hanging
"""
POSITION = verbs(Frame.POSITION, _POSITION, _GROUPS)

_PLACEMENT = """
lay laid ; legen legt gelegt ; person ; flat ; lying
place ; stellen stellt gestellt ; person ; dishes box ; standing
hang hung ; hängen hängt gehängt ; person ; hanging ; hanging
"""
PLACEMENT = verbs(Frame.PLACEMENT, _PLACEMENT, _GROUPS)

BELIEVE = verb(Frame.CLAUSAL, "believe ; glauben glaubt geglaubt ; person ; - ; stative", {})
KNOW = verb(Frame.CLAUSAL, "know knew ; wissen weiß gewusst du=weißt ; person ; - ; stative", {})
HOPE = verb(Frame.CLAUSAL, "hope ; hoffen hofft gehofft ; person ; - ; stative", {})
SAY = verb(Frame.CLAUSAL, "say said ; sagen sagt gesagt ; person ; - ; stative", {})
RAIN = verb(Frame.WEATHER, "rain ; regnen regnet geregnet ; - ; - ; -", {})
SNOW = verb(Frame.WEATHER, "snow ; schneien schneit geschneit ; - ; - ; -", {})

VERBS_BY_NAME = {item.name: item for item in (*TRANSITIVE, *INTRANSITIVE, *MOTION)}
