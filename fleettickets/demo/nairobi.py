"""A believable greater Nairobi: where simulated tickets happen, how places are spelled, who works there.

Where the places lie is in the embedded gazetteer (fleettickets/geocode/gazetteer.csv) alone.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from functools import cache
from itertools import accumulate
from typing import Final


@dataclass(frozen=True, slots=True, eq=False)
class Cluster:
    """One cluster of the network: its name in the feed, its share of the tickets, its estates."""

    name: str
    region: str
    weight: int
    places: tuple[str, ...]


@cache
def clusters_by_weight() -> tuple[Cluster, ...]:
    """Return 1,024 clusters, each as often as its weight asks: a 10-bit draw picks one."""
    shares = list(accumulate(cluster.weight for cluster in CLUSTERS))
    picked: list[Cluster] = []
    for cluster, share in zip(CLUSTERS, shares, strict=True):
        picked += [cluster] * (share * 1024 // shares[-1] - len(picked))
    return tuple(picked)


@cache
def location_names(cluster: Cluster) -> tuple[str, ...]:
    """Return every spelling the export uses inside the cluster, network codes first."""
    coded = [name for place in cluster.places for name in _coded_names(cluster, place)]
    spoken = [name for place in cluster.places for name in _spoken_names(cluster, place)]
    return (*coded, *spoken)


@cache
def distribution_points(cluster: Cluster) -> tuple[str, ...]:
    """Return the names that carry an FDT number: what all the tickets of one outage share."""
    return tuple(name for name in location_names(cluster) if "FDT" in name)


@cache
def teams(cluster: Cluster) -> tuple[str, ...]:
    """Return the four crews that work in the cluster, out of those of its region."""
    crews = CREWS[cluster.region]
    first = zlib.crc32(cluster.name.encode())
    return tuple(crews[(first + step) % len(crews)] for step in range(4))


def alarm_name(cluster: Cluster, draw: int) -> str:
    """Name the network element that raised an alarm."""
    return f"OLT_{_code(cluster.name)}_PON_0/{draw % 3}/{draw // 3 % 16}"


def _coded_names(cluster: Cluster, place: str) -> list[str]:
    number = zlib.crc32(place.encode()) % 24 + 1
    code = _code(place)
    return [
        f"NW_ADR_MNT_{code}_FDT{number:02d}",
        f"NW_ADR_MNT_{code}_FDT{number + 1:02d}",
        f"ADR_MNT_{code}_FDT{number + 2:02d}",
        f"FDT{number}_{_code(cluster.name)}_{code}",
        f"{code}_FDT{number + 3}",
        f"{place} FDT {number}",
        f"NW_{code}_FDT{number + 4}",
        f"{code}_FAT {number % 8 + 1}",
        f"{code}_SDUS",
    ]


def _spoken_names(cluster: Cluster, place: str) -> list[str]:
    house = zlib.crc32(place.encode()) % 60 + 1
    return [
        place,
        f"{place} BLK {'ABCDEF'[house % 6]} HSE {house}",
        f"{place.title()}, {cluster.name.title()}",
        f"Opp. {place.title()} Stage",
        f'{place} "{HOUSES[house % len(HOUSES)]}" APTS',
    ]


def _code(name: str) -> str:
    return name.replace(" ", "_")


HOUSES: Final = ("GREEN HOUSE", "SUNRISE", "JACARANDA", "HILLTOP", "PALM COURT", "ROSE VILLA", "UPENDO")

NOISE_NAMES: Final = (
    "N/A",
    "NW_",
    "UNKNOWN",
    "SDUS",
    "NAIROBI",
    "NAIROBI COUNTY",
    "44",
    "C07_F12",
    "MSA RD",
    "LOS RED LIGHT",
    "DUPLICATE TICKET",
    "",
)
"""What stands in location_name when nobody filled it in."""

OWNERS: Final = (
    "Achieng Otieno",
    "Brian Kiptoo",
    "Caroline Wambui",
    "Dennis Mutua",
    "Esther Nyambura",
    "Faith Chebet",
    "George Omondi",
    "Halima Abdi",
    "Irene Muthoni",
    "James Kariuki",
    "Kevin Odhiambo",
    "Lucy Njeri",
    "Mercy Atieno",
    "Njoroge Kamau",
    "Otieno, Brian",
    "Peter Mwangi",
    "Purity Kendi",
    "Samuel Kipchoge",
    'Grace "Shiru" Wanjiru',
    "Tabitha Mumbua",
    "Victor Ochieng",
    "Winnie Moraa",
    "Yusuf Hassan",
    "Zipporah Naliaka",
)

CREWS: Final = {
    "Nairobi East": tuple(f"East Crew {number}" for number in range(1, 10)),
    "Nairobi North": tuple(f"North Crew {number}" for number in range(1, 9)),
    "Nairobi West": tuple(f"West Crew {number}" for number in range(1, 9)),
    "Kiambu": tuple(f"Kiambu Crew {number}" for number in range(1, 7)),
    "Machakos": tuple(f"Machakos Crew {number}" for number in range(1, 6)),
    "Kajiado": tuple(f"Kajiado Crew {number}" for number in range(1, 5)),
}

_EAST, _NORTH, _WEST = "Nairobi East", "Nairobi North", "Nairobi West"
_KIAMBU, _MACHAKOS, _KAJIADO = "Kiambu", "Machakos", "Kajiado"

CLUSTERS: Final = (
    Cluster("KASARANI", _NORTH, 42, ("KASARANI", "HUNTERS", "SEASONS", "CLAY CITY")),
    Cluster("MWIKI", _NORTH, 22, ("MWIKI", "SUNTON", "GITURAI KIMBO", "KASARANI MWIKI")),
    Cluster("ROYSAMBU", _NORTH, 40, ("ROYSAMBU", "MIREMA DRIVE", "LUMUMBA DRIVE", "TRM")),
    Cluster("ZIMMERMAN", _NORTH, 30, ("ZIMMERMAN", "BASE", "JACARANDA ROAD")),
    Cluster("GITHURAI", _NORTH, 28, ("GITHURAI 44", "GITHURAI 45", "PROGRESSIVE")),
    Cluster("KAHAWA WEST", _NORTH, 22, ("KAHAWA WEST", "KAMAE", "STATION ROAD")),
    Cluster("MUIGAI INN", _NORTH, 16, ("MUIGAI INN", "KAHAWA BARRACKS", "FARMERS CHOICE")),
    Cluster("RUIRU", _KIAMBU, 44, ("RUIRU BYPASS", "MEMBLEY", "KAHAWA SUKARI", "KIMBO")),
    Cluster("JUJA", _KIAMBU, 24, ("JUJA", "HIGHPOINT", "GATE C", "KALIMONI")),
    Cluster("THIKA", _KIAMBU, 24, ("SECTION 9", "MAKONGENI", "NGOINGWA", "LANDLESS")),
    Cluster("RUAKA", _KIAMBU, 36, ("RUAKA", "JOYLAND", "GUANGO", "NDENDERU")),
    Cluster("KIAMBU", _KIAMBU, 18, ("KIAMBU TOWN", "KIRIGITI", "NDUMBERI", "THINDIGUA")),
    Cluster("KIKUYU", _KIAMBU, 18, ("KIKUYU", "GITARU", "KINOO", "SIGONA")),
    Cluster("LIMURU", _KIAMBU, 10, ("LIMURU", "TIGONI", "RIRONI")),
    Cluster("KARURA", _NORTH, 14, ("MUTHAIGA NORTH", "KARURA", "MUTHAIGA")),
    Cluster("GIGIRI", _NORTH, 12, ("GIGIRI", "VILLAGE MARKET", "WARWICK")),
    Cluster("RUNDA", _NORTH, 12, ("RUNDA", "RUNDA MUMWE", "NYARI")),
    Cluster("WESTLANDS", _WEST, 34, ("WESTLANDS", "RHAPTA ROAD", "WAIYAKI WAY", "SPRING VALLEY")),
    Cluster("PARKLANDS", _WEST, 24, ("PARKLANDS", "HIGHRIDGE", "FIRST AVENUE", "NGARA")),
    Cluster("KILIMANI", _WEST, 40, ("KILIMANI", "YAYA", "WOOD AVENUE", "KINDARUMA")),
    Cluster("LAVINGTON", _WEST, 26, ("LAVINGTON", "VALLEY ARCADE", "JAMES GICHURU")),
    Cluster("UPPERHILL", _WEST, 12, ("UPPERHILL", "HOSPITAL HILL", "RAGATI")),
    Cluster("QOA", _WEST, 18, ("QUARRY ROAD", "QUARRY ROAD PHASE 2", "KANGEMI")),
    Cluster("DAGORETTI", _WEST, 28, ("DAGORETTI CORNER", "KAWANGWARE 46", "KAWANGWARE 56")),
    Cluster("KAREN", _WEST, 22, ("KAREN", "KAREN C", "HARDY", "BOGANI")),
    Cluster("LANGATA", _WEST, 34, ("LANGATA", "OTIENDE", "SOUTHLANDS", "NGEI PHASE 2")),
    Cluster("SOUTH B", _EAST, 26, ("SOUTH B", "HAZINA", "PLAINSVIEW", "BALOZI")),
    Cluster("SOUTH C", _EAST, 28, ("SOUTH C", "AKIBA", "MUGOYA", "KPA")),
    Cluster("MAKADARA", _EAST, 24, ("BURUBURU PHASE 2", "JERICHO", "HAMZA", "MARINGO")),
    Cluster("BURUBURU", _EAST, 30, ("BURUBURU PHASE 5", "RABAI ROAD", "BURUBURU PHASE 1")),
    Cluster("KAMUKUNJI", _EAST, 18, ("KIAMBIU", "GIKOMBA", "SHAURI MOYO")),
    Cluster("EASTLEIGH", _EAST, 32, ("EASTLEIGH SECTION 1", "SECOND STREET", "CALIFORNIA")),
    Cluster("PANGANI", _EAST, 16, ("PANGANI", "MURANGA ROAD", "MLANGO KUBWA")),
    Cluster("UMOJA", _EAST, 44, ("UMOJA INNERCORE", "UMOJA 2", "MOI DRIVE", "KWA CHIEF")),
    Cluster("DONHOLM", _EAST, 40, ("DONHOLM PHASE 8", "GREENSPAN", "SAVANNAH", "HARAMBEE")),
    Cluster("KOMAROCK", _EAST, 26, ("KOMAROCK PHASE 3", "KOMAROCK INFILL", "MALTAUSI")),
    Cluster("KAYOLE", _EAST, 36, ("KAYOLE", "SOWETO", "MATOPENI", "CORNERSTONE ACADEMY")),
    Cluster("NJIRU", _EAST, 16, ("NJIRU", "CHOKAA", "SAIKA")),
    Cluster("RUAI", _EAST, 18, ("RUAI", "RUAI BYPASS", "ACACIA")),
    Cluster(
        "EMBAKASI",
        _EAST,
        42,
        ("NYAYO ESTATE", "EMBAKASI VILLAGE", "TAJ MALL", "AVENUE PARK"),
    ),
    Cluster("PTMP", _EAST, 30, ("PIPELINE", "KWARE", "TRANSAMI")),
    Cluster("TASSIA", _EAST, 26, ("TASSIA", "TASSIA SCHEME", "FEDHA")),
    Cluster("UTAWALA", _EAST, 30, ("UTAWALA", "BENEDICTA", "GITHUNGURI", "MIHANGO")),
    Cluster("SYOKIMAU", _MACHAKOS, 36, ("SYOKIMAU", "GATEWAY MALL", "KATANI", "AIRPORT VIEW")),
    Cluster("MLOLONGO", _MACHAKOS, 20, ("MLOLONGO", "SABAKI", "PHASE 3")),
    Cluster("ATHI RIVER", _MACHAKOS, 18, ("ATHI RIVER", "GREAT WALL", "MAKADARA ESTATE")),
    Cluster("KAMULU", _MACHAKOS, 10, ("KAMULU", "JOSKA", "DRUMVALE")),
    Cluster("KITENGELA", _KAJIADO, 26, ("KITENGELA", "MILIMANI", "NOONKOPIR", "ACACIA")),
    Cluster("RONGAI", _KAJIADO, 28, ("RONGAI", "TUALA", "RIMPA", "KWARE RONGAI")),
    Cluster("NGONG", _KAJIADO, 18, ("NGONG", "VET", "MATASIA", "KIBIKO")),
)
