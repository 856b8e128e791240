"""What the cells of our sheets say, in the words that reading them back understands."""

from matcher.statements import College, Kind
from service.files.columns import fold
from service.store.decisions import Say
from service.workflows.decide import REASONS

YES, NO = "oui", "non"
KINDS: dict[str, str] = {
    Kind.PROBLEM: "problématique",
    Kind.OFFER: "savoir proposé",
    Kind.INTEREST: "intérêt de recherche",
    Kind.COURSE: "enseignement",
}
COLLEGES: dict[str, str] = {
    College.ASSOCIATION: "association",
    College.ACADEMIC: "académique",
    College.PUBLIC: "public",
    College.PRIVATE: "privé",
}
STABILITY = {"firm": "solide", "fair": "assez stable", "frail": "fragile"}
SAYS: dict[str, str] = {
    Say.ACCEPT: "accepter",
    Say.SET_ASIDE: "écarter",
    Say.POSTPONE: "plus tard",
    Say.IN_CONTACT: "déjà en contact",
    Say.UNCERTAIN: "incertain",
}
LOGGED = SAYS | {Say.NOTE: "note", Say.UNDO: "annulation"}

# As people write them by hand.
ALSO_SAID = {
    Say.ACCEPT: ("accepté", "oui", "ok"),
    Say.SET_ASIDE: ("écarté", "non"),
    Say.POSTPONE: ("reporter", "reporté", "remis à plus tard"),
    Say.IN_CONTACT: ("en contact", "se connaissent déjà"),
    Say.UNCERTAIN: ("à discuter", "je ne sais pas"),
}
SAY_BY_WORDS = {fold(words): Say(say) for say, words in SAYS.items()} | {
    fold(words): say for say, also in ALSO_SAID.items() for words in also
}
REASON_BY_WORDS = {fold(label): key for key, label in REASONS.items()} | {
    fold(key): key for key in REASONS
}


def yes_or_no(answer: bool) -> str:  # noqa: FBT001 - the one thing it is asked
    """The cell of a yes or a no."""
    return YES if answer else NO
