"""Regsosek 2022.K: the questions in use, titles and codes (handbook 2.5).

Labels are facts of the questionnaire, spelled as printed; the English is ours.
"""

from services.registry.domain.code_shapes import Codes, Variables

_DIFFICULTY: Codes = (
    (1, "Ya, sama sekali tidak bisa", "Cannot do at all"),
    (2, "Ya, banyak kesulitan dan membutuhkan bantuan", "A lot of difficulty, needs help"),
    (3, "Ya, sedikit kesulitan, tapi tidak membutuhkan bantuan", "Some difficulty, needs no help"),
    (4, "Tidak mengalami kesulitan", "No difficulty"),
)
_POWER: Codes = (
    (1, "450 watt", "450 watts"),
    (2, "900 watt", "900 watts"),
    (3, "1.300 watt", "1,300 watts"),
    (4, "2.200 watt", "2,200 watts"),
    (5, "> 2.200 watt", "Over 2,200 watts"),
)

REGSOSEK_2022K: Variables = {
    "301a": (
        "Status penguasaan bangunan tempat tinggal",
        "Tenure of the dwelling",
        (
            (1, "Milik sendiri", "Owned"),
            (2, "Kontrak/sewa", "Rented"),
            (3, "Bebas sewa", "Rent-free"),
            (4, "Dinas", "Official residence"),
            (5, "Lainnya", "Other"),
        ),
    ),
    "301b": (
        "Bukti kepemilikan lahan",
        "Proof of land ownership",
        (
            (1, "SHM atas nama anggota keluarga", "Title in a family member's name"),
            (
                2,
                "SHM bukan a.n. anggota keluarga dengan perjanjian pemanfaatan tertulis",
                "Title of another, with written agreement",
            ),
            (
                3,
                "SHM bukan a.n. anggota keluarga tanpa perjanjian pemanfaatan tertulis",
                "Title of another, without written agreement",
            ),
            (4, "Sertifikat selain SHM (SHGB, SHSRS)", "Certificate other than a freehold title"),
            (5, "Surat bukti lainnya (girik, letter C, dll.)", "Other proof (girik, letter C)"),
            (6, "Tidak punya", "None"),
        ),
    ),
    "303": (
        "Jenis lantai terluas",
        "Main floor material",
        (
            (1, "Marmer/granit", "Marble or granite"),
            (2, "Keramik", "Ceramic"),
            (3, "Parket/vinil/karpet", "Parquet, vinyl or carpet"),
            (4, "Ubin/tegel/teraso", "Tiles or terrazzo"),
            (5, "Kayu/papan", "Wood or boards"),
            (6, "Semen/bata merah", "Cement or brick"),
            (7, "Bambu", "Bamboo"),
            (8, "Tanah", "Earth"),
            (9, "Lainnya", "Other"),
        ),
    ),
    "304": (
        "Jenis dinding terluas",
        "Main wall material",
        (
            (1, "Tembok", "Masonry"),
            (2, "Plesteran anyaman bambu/kawat", "Plastered bamboo or wire mesh"),
            (3, "Kayu/papan/gypsum/GRC/calciboard", "Wood, boards, gypsum or fibre board"),
            (4, "Anyaman bambu", "Woven bamboo"),
            (5, "Batang kayu", "Logs"),
            (6, "Bambu", "Bamboo"),
            (7, "Lainnya", "Other"),
        ),
    ),
    "305": (
        "Jenis atap terluas",
        "Main roof material",
        (
            (1, "Beton", "Concrete"),
            (2, "Genteng", "Tiles"),
            (3, "Seng", "Zinc sheets"),
            (4, "Asbes", "Asbestos"),
            (5, "Kayu/sirap", "Wood or shingles"),
            (6, "Bambu", "Bamboo"),
            (7, "Jerami/ijuk/daun-daunan/rumbia", "Straw, palm fibre or leaves"),
            (8, "Lainnya", "Other"),
        ),
    ),
    "306a": (
        "Sumber air minum utama",
        "Main source of drinking water",
        (
            (1, "Air kemasan bermerek", "Branded bottled water"),
            (2, "Air isi ulang", "Refilled water"),
            (3, "Leding", "Piped water"),
            (4, "Sumur bor/pompa", "Borehole or pump"),
            (5, "Sumur terlindung", "Protected well"),
            (6, "Sumur tak terlindung", "Unprotected well"),
            (7, "Mata air terlindung", "Protected spring"),
            (8, "Mata air tak terlindung", "Unprotected spring"),
            (9, "Air permukaan (sungai/danau/waduk/kolam/irigasi)", "Surface water"),
            (10, "Air hujan", "Rain water"),
            (11, "Lainnya", "Other"),
        ),
    ),
    "306b": (
        "Jarak sumber air ke penampungan limbah",
        "Distance from water source to waste pit",
        (
            (1, "< 10 meter", "Under 10 metres"),
            (2, "≥ 10 meter", "10 metres or more"),
            (3, "Tidak tahu", "Not known"),
        ),
    ),
    "307a": (
        "Sumber penerangan utama",
        "Main source of lighting",
        (
            (1, "Listrik PLN dengan meteran", "PLN electricity with meter"),
            (2, "Listrik PLN tanpa meteran", "PLN electricity without meter"),
            (3, "Listrik non-PLN", "Other electricity"),
            (4, "Bukan listrik", "No electricity"),
        ),
    ),
    "307b1": (
        "Daya terpasang, meteran pertama",
        "Installed power, first meter",
        _POWER,
    ),
    "307b2": (
        "Daya terpasang, meteran kedua",
        "Installed power, second meter",
        _POWER,
    ),
    "307b3": (
        "Daya terpasang, meteran ketiga",
        "Installed power, third meter",
        _POWER,
    ),
    "308": (
        "Bahan bakar utama memasak",
        "Main cooking fuel",
        (
            (1, "Listrik", "Electricity"),
            (2, "Gas elpiji 5,5 kg/blue gaz", "LPG 5.5 kg"),
            (3, "Gas elpiji 12 kg", "LPG 12 kg"),
            (4, "Gas elpiji 3 kg", "LPG 3 kg"),
            (5, "Gas kota/meteran PGN", "Piped gas"),
            (6, "Biogas", "Biogas"),
            (7, "Minyak tanah", "Kerosene"),
            (8, "Briket", "Briquettes"),
            (9, "Arang", "Charcoal"),
            (10, "Kayu bakar", "Firewood"),
            (11, "Lainnya", "Other"),
            (12, "Tidak memasak di rumah", "No cooking at home"),
        ),
    ),
    "309a": (
        "Fasilitas tempat buang air besar",
        "Toilet facility",
        (
            (1, "Ada, digunakan hanya anggota keluarga sendiri", "Yes, this family only"),
            (
                2,
                "Ada, digunakan bersama keluarga dari rumah tangga tertentu",
                "Yes, shared with certain households",
            ),
            (3, "Ada, di MCK komunal", "Yes, communal"),
            (4, "Ada, di MCK umum/siapa pun menggunakan", "Yes, public"),
            (5, "Ada, anggota keluarga tidak menggunakan", "Yes, but not used"),
            (6, "Tidak ada fasilitas", "None"),
        ),
    ),
    "309b": (
        "Jenis kloset",
        "Kind of toilet",
        (
            (1, "Leher angsa", "Water seal"),
            (2, "Plengsengan dengan tutup", "Pan with lid"),
            (3, "Plengsengan tanpa tutup", "Pan without lid"),
            (4, "Cemplung/cubluk", "Pit"),
        ),
    ),
    "310": (
        "Pembuangan akhir tinja",
        "Final disposal of faeces",
        (
            (1, "Tangki septik", "Septic tank"),
            (2, "IPAL", "Sewage plant"),
            (3, "Kolam/sawah/sungai/danau/laut", "Pond, field, river, lake or sea"),
            (4, "Lubang tanah", "Pit in the ground"),
            (5, "Pantai/tanah lapang/kebun", "Beach, open ground or garden"),
            (6, "Lainnya", "Other"),
        ),
    ),
    "404": (
        "Keberadaan anggota keluarga",
        "Presence of the member",
        (
            (1, "Tinggal bersama keluarga", "Lives with the family"),
            (2, "Meninggal", "Died"),
            (3, "Pindah ke wilayah lain di Indonesia", "Moved within Indonesia"),
            (4, "Pindah ke luar negeri", "Moved abroad"),
            (5, "Anggota keluarga baru", "New member"),
            (6, "Tidak ditemukan", "Not found"),
        ),
    ),
    "405": (
        "Jenis kelamin",
        "Sex",
        (
            (1, "Laki-laki", "Male"),
            (2, "Perempuan", "Female"),
        ),
    ),
    "408": (
        "Status perkawinan",
        "Marital status",
        (
            (1, "Belum kawin", "Never married"),
            (2, "Kawin/nikah", "Married"),
            (3, "Cerai hidup", "Divorced"),
            (4, "Cerai mati", "Widowed"),
        ),
    ),
    "409": (
        "Hubungan dengan kepala keluarga",
        "Relation to the head of family",
        (
            (1, "Kepala keluarga", "Head"),
            (2, "Istri/suami", "Spouse"),
            (3, "Anak", "Child"),
            (4, "Menantu", "Child-in-law"),
            (5, "Cucu", "Grandchild"),
            (6, "Orang tua/mertua", "Parent or parent-in-law"),
            (7, "Pembantu/sopir", "Servant or driver"),
            (8, "Lainnya", "Other"),
        ),
    ),
    "410": (
        "Sedang hamil",
        "Pregnant",
        (
            (1, "Ya", "Yes"),
            (2, "Tidak", "No"),
        ),
    ),
    "428a": (
        "Kesulitan penglihatan",
        "Difficulty seeing",
        _DIFFICULTY,
    ),
    "428b": (
        "Kesulitan pendengaran",
        "Difficulty hearing",
        _DIFFICULTY,
    ),
    "428c": (
        "Kesulitan berjalan atau naik tangga",
        "Difficulty walking or climbing stairs",
        _DIFFICULTY,
    ),
    "428d": (
        "Kesulitan menggerakkan tangan dan jari",
        "Difficulty moving hands and fingers",
        _DIFFICULTY,
    ),
    "428e": (
        "Kesulitan belajar atau kemampuan intelektual",
        "Difficulty learning",
        _DIFFICULTY,
    ),
    "428f": (
        "Kesulitan mengendalikan perilaku",
        "Difficulty controlling behaviour",
        _DIFFICULTY,
    ),
    "428g": (
        "Kesulitan berbicara dan berkomunikasi",
        "Difficulty speaking and communicating",
        _DIFFICULTY,
    ),
    "428h": (
        "Kesulitan mengurus diri sendiri",
        "Difficulty self-care",
        _DIFFICULTY,
    ),
    "428i": (
        "Kesulitan mengingat dan berkonsentrasi",
        "Difficulty remembering and concentrating",
        _DIFFICULTY,
    ),
    "428j": (
        "Sering sedih atau depresi",
        "Often sad or depressed",
        (
            (1, "Sangat sering", "Very often"),
            (2, "Sering", "Often"),
            (3, "Jarang", "Seldom"),
            (4, "Tidak pernah", "Never"),
        ),
    ),
}
