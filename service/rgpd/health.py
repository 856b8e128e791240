"""Health of one person in a text: a condition, and somebody it is tied to in the same sentence."""

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence

SENTENCE = re.compile(r"[^.!?;\n]+")
# One character for one: places in the flat text are places in the text.
FLAT = str.maketrans(
    "ÀÂÄÇÉÈÊËÎÏÔÖÙÛÜàâäçéèêëîïôöùûü’" + "ABCDEFGHIJKLMNOPQRSTUVWXYZ",
    "aaaceeeeiioouuuaaaceeeeiioouuu'" + "abcdefghijklmnopqrstuvwxyz",
)

WEAK_NOUNS = "handicap|maladie"
STRONG_NOUNS = "|".join(
    """
    cancer leucemie tumeur diabete depression schizophrenie bipolarite autisme epilepsie asthme
    sclerose parkinson alzheimer surdite cecite trisomie avc infarctus vih sida hepatite tuberculose
    grossesse addiction alcoolisme toxicomanie psychose burn-?out anorexie boulimie dialyse chimio
    chimiotherapie mucoviscidose fibromyalgie demence amputation ivg tdah endometriose arthrose
    hemiplegie
    """.split()
)
ADJECTIVES = "|".join(
    """
    diabetique seropositif seropositive schizophrene autiste epileptique bipolaire depressif
    depressive alcoolique toxicomane handicapee? aveugle sourde? malvoyante? malentendante? enceinte
    paraplegique tetraplegique hemiplegique asthmatique trisomique cancereux cancereuse senile
    demente? paralysee? suicidaire invalide anorexique
    """.split()
)
NOUN = f"(?:{STRONG_NOUNS}|{WEAK_NOUNS})"
ARTICLE = "(?:une? |la |le |l'|du |des |son |sa )"
# Cuts of the words above: plain searches are quicker than one expression of a hundred words.
HINTS = tuple(
    """
    cancer leucemi tumeur diabet depress schizo bipol autis epilep asthm scleros parkinson alzheimer
    surdit cecit trisom avc infarctus vih sida hepatit tubercul grossesse addict alcooli toxicoman
    psycho burn anorex boulimi dialys chimio mucovis fibromy demen amputation ivg tdah endometr
    arthros plegi seroposi handicap aveugle sourd malvoy malenten enceinte senile paralys suicid
    invalide maladi malade atteint psychiatr oncolog desintox
    """.split()
)

STATES = re.compile(
    "|".join(
        (
            r"\b(?:est|etait|suis|sera|reste|devenue?|ai? ete) (?:\w{1,20} )?"
            rf"(?:(?:{ADJECTIVES})\b|malade\b(?! de\b| d'))",
            r"\batteinte? (?:de|d'|du|par)",
            rf"\bsouffr(?:e|ait|ant|i|ir) (?:\w{{1,12}} )?(?:de |d'|du |des ){ARTICLE}?{NOUN}\b",
            rf"\b(?:ai?|avait|eu|fait|faisait) {ARTICLE}(?:\w{{1,12}} )?{NOUN}\b",
            r"\b(?:traitement|suivie?|soignee?|operee?) (?:contre |pour |d'|de |du )"
            rf"{ARTICLE}?{NOUN}\b",
            r"\b(?:hospitalisee?|internee?|suivie?) en (?:psychiatrie|addictologie|oncologie)",
            r"\btentatives? de suicide\b",
            r"\ben (?:dialyse|chimio|chimiotherapie|cure de desintoxication)\b",
            rf"\b(?:son|sa) (?:{WEAK_NOUNS})\b",
        )
    )
)
OWN = re.compile(
    rf"\b(?:mon|ma) (?:\w{{1,12}} )?{NOUN}\b|\b(?:son|sa) (?:\w{{1,12}} )?(?:{STRONG_NOUNS})\b"
)
# « Il faut », « il y a », « il est possible » are nobody.
SOMEBODY = re.compile(
    r"\b(?:elle|je|j'|mon|ma|moi|il(?! (?:n'|ne )?(?:faut|faudrait|fallait|y|s'agit|suffit|manque|"
    r"existe|reste|convient|arrive|semble|parait|vaut|"
    r"est (?:possible|important|difficile|necessaire|temps|question))\b))(?!\w)"
    r"|\b(?:son|sa|mon|ma|le|la|notre) (?:fils|fille|mari|femme|pere|mere|soeur|sœur|frere|enfant|"
    r"compagnon|compagne|conjointe?|epoux|epouse|neveu|niece|grand-mere|grand-pere|voisine?)\b"
)


def health_spans(text: str, names: Sequence[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """Where the health of one person is told: a name, « elle », « je », « son fils »."""
    flat = text.translate(FLAT)
    if not any(hint in flat for hint in HINTS):
        return
    for sentence in SENTENCE.finditer(flat):
        start, end = sentence.span()
        owned = [match.span() for match in OWN.finditer(flat, start, end)]
        yield from owned
        if SOMEBODY.search(flat, start, end) or _is_named(names, start, end):
            found = (match.span() for match in STATES.finditer(flat, start, end))
            yield from (span for span in found if not _overlap(span, owned))


def _is_named(names: Sequence[tuple[int, int]], start: int, end: int) -> bool:
    # In order and apart: the first that ends after the start is the only one to look at.
    place = bisect_right(names, start, key=lambda name: name[1])
    return place < len(names) and names[place][0] < end


def _overlap(span: tuple[int, int], others: Sequence[tuple[int, int]]) -> bool:
    return any(span[0] < end and start < span[1] for start, end in others)
