"""Given and family names heard in Kotim: general Indonesian, Dayak, Banjar, Javanese.

They are combined at random, so no combination means a living person.
"""

MALE = (
    "Ahmad", "Muhammad Rizky", "Agus", "Budi", "Dedi", "Eko", "Fajar", "Hendra", "Iwan", "Joko",
    "Slamet", "Sugeng", "Wahyu", "Yanto", "Rudi", "Rahmat", "Syahrul", "Hairul", "Jamhari",
    "Suriansyah", "Bahrudin", "Utuh", "Rusdi", "Anang", "Tiwing", "Lingu", "Rangkap",
    "Abdul Gani", "Tambun", "Bungai", "Uhing", "Sawung", "Dehen", "Ranying", "Yulius", "Petrus",
    "Markus", "Stepanus", "Andreas", "Karlo", "Kornelius", "Paulus", "Sutrisno", "Paijo",
    "Wagiman", "Tukimin",
)  # fmt: skip

FEMALE = (
    "Siti", "Nur Aini", "Sri", "Dewi", "Ratna", "Endang", "Yuliana", "Wati", "Rina", "Fitriani",
    "Halimah", "Jumiati", "Aluh", "Galuh", "Masitah", "Noorhayati", "Rahimah", "Salasiah",
    "Nyai", "Bawin", "Lambung", "Rantin", "Intan", "Balau", "Uyan", "Rusine", "Marlina",
    "Yohana", "Kristina", "Agustina", "Mariana", "Debora", "Elisabet", "Sumarni", "Tumini",
    "Ngatini", "Suparti", "Lestari", "Ayu", "Maimunah", "Hartini", "Kartini",
)  # fmt: skip

LAST = (
    "", "", "", "Saputra", "Hidayat", "Setiawan", "Wijaya", "Santoso", "Nugroho", "Pratama",
    "Rahman", "Effendi", "Arsyad", "Basuni", "Hamdani", "Syukur", "Noor", "Asan", "Binti",
    "Djinu", "Garu", "Inin", "Kaya", "Lambang", "Mihing", "Nahan", "Narang", "Ngabe", "Pahu",
    "Rangga", "Sahay", "Silam", "Tarung", "Teras", "Timbang", "Tuwan", "Usop", "Limin",
    "Gohong", "Uda",
)  # fmt: skip
