"""The questions that a rule may ask, of Regsosek 2022.K (handbook 2.5), with their codes.

Questions whose answer is a sum of codes (411, 426, 431a, 431f) or a count are left out: "the code
is one of these" is not a question to ask of them, so a rule that does is refused.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Question:
    """A coded question: its number, labels, and the codes that an answer may have."""

    number: str
    label_id: str
    label_en: str
    codes: frozenset[int]


def _question(number: str, label_id: str, label_en: str, codes: range) -> Question:
    return Question(number, label_id, label_en, frozenset(codes))


_YES_NO = range(1, 3)
_DIFFICULTY = range(1, 5)

_MEMBER = (
    _question("408", "Status perkawinan", "Marital status", range(1, 5)),
    _question("409", "Hubungan dengan kepala keluarga", "Relation to head", range(1, 9)),
    _question("410", "Hamil", "Pregnant", _YES_NO),
    _question("412", "Partisipasi sekolah", "School participation", range(1, 4)),
    _question("413", "Jenjang pendidikan", "Level of education", range(1, 23)),
    _question("415", "Ijazah tertinggi", "Highest certificate", range(1, 24)),
    _question("416a", "Bekerja seminggu lalu", "Worked last week", _YES_NO),
    _question("417", "Lapangan usaha", "Industry", range(1, 27)),
    _question("418", "Kedudukan dalam pekerjaan", "Status in employment", range(1, 9)),
    _question("420a", "Punya usaha", "Has a business", _YES_NO),
    _question("427", "Gizi seimbang", "Nutrition", range(1, 9)),
    _question("428a", "Kesulitan melihat", "Difficulty seeing", _DIFFICULTY),
    _question("428b", "Kesulitan mendengar", "Difficulty hearing", _DIFFICULTY),
    _question(
        "428c", "Kesulitan berjalan atau naik tangga", "Difficulty walking or climbing", _DIFFICULTY
    ),
    _question("428d", "Kesulitan menggerakkan tangan", "Difficulty using hands", _DIFFICULTY),
    _question("428e", "Kesulitan belajar", "Difficulty learning", _DIFFICULTY),
    _question("428f", "Kesulitan perilaku", "Difficulty with behaviour", _DIFFICULTY),
    _question("428g", "Kesulitan berbicara", "Difficulty communicating", _DIFFICULTY),
    _question("428h", "Kesulitan mengurus diri", "Difficulty with self-care", _DIFFICULTY),
    _question("428i", "Kesulitan mengingat", "Difficulty remembering", _DIFFICULTY),
    _question("428j", "Sering sedih atau depresi", "Often sad or depressed", _DIFFICULTY),
    _question("429", "Memiliki perawat", "Has a caregiver", range(1, 5)),
    _question("430", "Penyakit kronis", "Chronic illness", range(1, 19)),
    _question("431b", "Ikut Prakerja", "In Prakerja", range(1, 9)),
    _question("431c", "Ikut KUR", "In KUR", range(1, 9)),
    _question("431d", "Ikut UMi", "In UMi", range(1, 9)),
    _question("431e", "Ikut PIP", "In PIP", range(1, 9)),
)

_DWELLING = (
    _question("301a", "Status bangunan", "Tenure of the dwelling", range(1, 6)),
    _question("301b", "Bukti kepemilikan lahan", "Proof of land", range(1, 7)),
    _question("303", "Jenis lantai", "Floor", range(1, 10)),
    _question("304", "Jenis dinding", "Wall", range(1, 8)),
    _question("305", "Jenis atap", "Roof", range(1, 9)),
    _question("306a", "Sumber air minum", "Drinking water", range(1, 12)),
    _question("306b", "Jarak sumber air", "Distance of the water", range(1, 4)),
    _question("307a", "Sumber penerangan", "Lighting", range(1, 5)),
    _question("307b1", "Daya listrik", "Electric power", range(1, 6)),
    _question("308", "Bahan bakar memasak", "Cooking fuel", range(1, 13)),
    _question("309a", "Tempat buang air besar", "Toilet", range(1, 7)),
    _question("309b", "Jenis kloset", "Kind of toilet", range(1, 5)),
    _question("310", "Pembuangan akhir tinja", "Sewage disposal", range(1, 7)),
    _question("503a", "Lahan lain", "Other land", _YES_NO),
    _question("503b", "Rumah di tempat lain", "House elsewhere", _YES_NO),
    _question("502i", "Sepeda motor", "Motorcycle", _YES_NO),
    _question("502k", "Mobil", "Car", _YES_NO),
    _question("506", "Rekening aktif", "Active account", range(1, 5)),
)

MEMBER_QUESTIONS = {question.number: question for question in _MEMBER}
DWELLING_QUESTIONS = {question.number: question for question in _DWELLING}
