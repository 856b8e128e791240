"""French and English words made comparable: elisions, inclusive writing, stems, accents."""

import re
import unicodedata
from collections.abc import Sequence
from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import Stemmer
from numpy.typing import NDArray
from scipy import sparse

Matrix = sparse.csr_matrix
Floats = NDArray[np.float32]
Indices = NDArray[np.int64]

# « habitant·e·s », « adhérent(e)s », « étudiant-e-s », « bénévole.s »: the feminine and plural
# marks go, the word stays.
INCLUSIVE = re.compile(
    r"(?<=\w)(?:[·•‧∙](?:\w{1,5})|\((?:e|es|s|ne|nes|trice|trices|euse|euses|ère|ères)\)s?"
    r"|\.(?:e|es|s|ne|nes|rices?|trices?|euses?|ères?)(?:\.s)?(?=\W|$)|-(?:e|es|ne|nes|trice|trices)-s(?=\W|$))+"
)
INCLUSIVE_MARKS = "·•‧∙(.-"
WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)*")
ELISION = re.compile(r"^(?:[cdjlmnst]|qu|jusqu|lorsqu|puisqu|quoiqu|presqu)['’]", re.IGNORECASE)
SENTENCE_END = re.compile(r"(?<=[.!?…;])[»\"”]?\s+(?=\S)|\n+")

STOP_WORDS = frozenset(
    """
    a à afin ai aie aient ainsi ait alors après as assez au aucun aucune aujourd auprès aussi
    autre autres aux avaient avait avant avec avez avoir avons ayant beaucoup bien c ça car ce ceci
    cela celle celles celui cependant certain certaine certaines certains ces cet cette ceux chaque
    chez ci comme comment d dans de déjà depuis des dès doit doivent donc dont du e elle elles en
    encore enfin entre es est et étaient était étant été être eu eux fait faire faut font hors
    hui ici il ils j jamais je jusque l la là le les leur leurs lors lui m ma mais me même mêmes
    mes mettre moi moins mon n ne ni nos notamment notre nôtre nous on ont ou où par parce parfois
    pas pendant personne peu peut peuvent plus plusieurs plutôt pour pourquoi pouvoir près puis qu
    quand que quel quelle quelles quelque quelques quels qui quoi rien s sa sans se sera seront ses
    si sien soi soient soit son sommes sont sous souvent sur t ta tant te tel telle telles tels tes
    toi ton toujours tous tout toute toutes très trop tu un une va vers veut via voici voilà vont
    vos votre vous vu y
    about after all also an and any are at be because been but by can do does for from had has have
    how i if in into is it its more most no not of or our out over some such than that the their
    them then there these they this those through to under up was we were what when where which
    while who will with would you your
    """.split()
)


TITLE_WEIGHT = 2
"""How often more a word counts for standing in the title (docs/decisions/0005)."""


class Token(NamedTuple):
    """A word as it is written, the stem by which it is compared, and its place in `plain`."""

    written: str
    stem: str
    start: int
    end: int


def plain(text: str) -> str:
    """The text in composed characters, without the marks of inclusive writing."""
    composed = unicodedata.normalize("NFKC", text)
    # Most words of a list have no such mark: the search for one costs more than the rest.
    is_marked = any(mark in composed for mark in INCLUSIVE_MARKS)
    return INCLUSIVE.sub("", composed) if is_marked else composed


def tokens(text: str) -> list[Token]:
    """The words of a text that carry meaning, in their order."""
    found = []
    for match in WORD.finditer(plain(text)):
        written = ELISION.sub("", match.group())
        stem = _stem(written.lower())
        if stem:
            found.append(Token(written, stem, match.end() - len(written), match.end()))
    return found


def stems(text: str) -> list[str]:
    """The stems of a text, in their order, repeated as often as they occur."""
    # No Token a word: a whole import is read here.
    words = WORD.findall(plain(text))
    found = (_stem((word if word.isalnum() else ELISION.sub("", word)).lower()) for word in words)
    return [stem for stem in found if stem]


def weigh_fields(title: str, passage: str) -> str:
    """The stems of a passage joined by spaces, those of its title twice more: BM25 counts them.

    A field's words added with a weight before saturation, as BM25F does (Robertson et al. 2004).
    """
    return " ".join([*stems(passage), *(stems(title) * TITLE_WEIGHT)])


def shared_terms(left: str, right: str, *, limit: int = 6) -> list[str]:
    """The words both texts use, as the left one writes them, in its order."""
    there = set(stems(right))
    shared: dict[str, str] = {}
    for token in tokens(left):
        if token.stem in there:
            shared.setdefault(token.stem, token.written)
    return list(shared.values())[:limit]


def sentences(text: str, *, at_least: int = 12) -> list[str]:
    """Cut a text at the ends of its sentences; pieces under `at_least` characters join the next."""
    pieces = [piece.strip() for piece in SENTENCE_END.split(text) if piece.strip()]
    joined: list[str] = []
    for piece in pieces:
        if joined and len(joined[-1]) < at_least:
            joined[-1] = f"{joined[-1]} {piece}"
        else:
            joined.append(piece)
    return joined or [text.strip()]


def weigh_words(left: Sequence[str], right: Sequence[str]) -> tuple[Matrix, Matrix]:
    """TF-IDF rows of length 1 for two sets of texts, with word frequencies of both together.

    Sparck Jones 1972; term frequency damped by a logarithm. Shapes `(len(left), words)` and
    `(len(right), words)`, so that `left @ right.T` holds the cosines.
    """
    counts = _count([*left, *right])
    n_texts = max(counts.shape[0], 1)
    frequency = np.bincount(counts.indices, minlength=counts.shape[1])
    # 1 + …: a word that all of few texts use still counts.
    rarity = np.log(1 + n_texts / np.maximum(frequency, 1)).astype(np.float32)
    weights = counts.copy()
    weights.data = (1 + np.log(counts.data)) * rarity[counts.indices]
    lengths = np.sqrt(np.asarray(weights.multiply(weights).sum(axis=1)).ravel())
    weights.data /= np.repeat(np.where(lengths == 0, 1, lengths), np.diff(weights.indptr))
    return weights[: len(left)], weights[len(left) :]


def word_cosines(left: Matrix, right: Matrix, pairs: tuple[Indices, Indices]) -> Floats:
    """The cosine of `left[i]` and `right[j]` for each pair `(i, j)`."""
    result = np.empty(len(pairs[0]), dtype=np.float32)
    # Blocks keep the gathered rows small: a million pairs would hold a copy of each text's row.
    for start, stop in pairwise([*range(0, len(result), 65_536), len(result)]):
        rows = left[pairs[0][start:stop]].multiply(right[pairs[1][start:stop]])
        result[start:stop] = np.asarray(rows.sum(axis=1)).ravel()
    return result


def nearest_in_words(left: Matrix, right: Matrix, k: int) -> tuple[Indices, Indices]:
    """Pairs `(i, j)` of the at most `k` nearest of `right` for each row of `left`, ties by j.

    Words that more than a twentieth of the texts use are left aside: they find everything, and
    the product of two large sets would fill the memory.
    """
    both = np.bincount(np.r_[left.indices, right.indices], minlength=left.shape[1])
    rare = both <= max(20, (left.shape[0] + right.shape[0]) // 20)
    chosen = sparse.diags_array(rare.astype(np.float32), format="csr")
    left, columns = sparse.csr_matrix(left @ chosen), sparse.csr_matrix((right @ chosen).T)
    rows_found: list[Indices] = []
    columns_found: list[Indices] = []
    for start in range(0, left.shape[0], 2048):
        products = sparse.csr_matrix(left[start : start + 2048] @ columns)
        products.eliminate_zeros()
        rows = np.repeat(np.arange(products.shape[0], dtype=np.int64), np.diff(products.indptr))
        order = np.lexsort((products.indices, -products.data, rows))
        rank = np.arange(len(order)) - products.indptr[rows]
        best = order[rank < k]
        rows_found.append(rows[best] + start)
        columns_found.append(products.indices[best].astype(np.int64))
    if not rows_found:
        return np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64)
    return np.concatenate(rows_found), np.concatenate(columns_found)


def _count(texts: Sequence[str]) -> Matrix:
    vocabulary: dict[str, int] = {}
    indices: list[int] = []
    starts = [0]
    for text in texts:
        indices.extend(vocabulary.setdefault(stem, len(vocabulary)) for stem in stems(text))
        starts.append(len(indices))
    ones = np.ones(len(indices), dtype=np.float32)
    counts = sparse.csr_matrix(
        (ones, np.array(indices, dtype=np.int32), np.array(starts, dtype=np.int32)),
        shape=(len(texts), max(len(vocabulary), 1)),
    )
    counts.sum_duplicates()
    return counts


@lru_cache(maxsize=200_000)
def _stem(word: str) -> str:
    """The stem with its accents folded, empty for a stop word or a lone letter."""
    if word in STOP_WORDS or (len(word) < 2 and not word.isdigit()):
        return ""
    stem = _fold(_french().stemWord(word))
    # Snowball keeps the plural of short words: amis, vélos, élus.
    return stem[:-1] if len(stem) > 3 and stem.endswith("s") else stem


# English words too: an English stemmer of their own was tried, and lost the words that both
# languages share (gold, words: nDCG@10 .122 against .126).
@lru_cache(maxsize=1)
def _french() -> Stemmer.Stemmer:
    return Stemmer.Stemmer("french")


def _fold(word: str) -> str:
    if word.isascii():
        return word
    decomposed = unicodedata.normalize("NFKD", word)
    return "".join(c for c in decomposed if not unicodedata.combining(c)).replace("œ", "oe")
