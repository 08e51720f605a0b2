"""Plus codes against published examples of the open location code."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleettickets.geocode import pluscode
from fleettickets.geocode.points import OPERATING_AREA

PUBLISHED = [
    ("7FG49QCJ+2V", 20.3700625, 2.7821875),
    ("7FG49QCJ+2VX", 20.3701125, 2.782234375),
    ("8FVC2222+22", 47.0000625, 8.0000625),
    ("4VCPPQGP+Q9", -41.2730625, 174.7859375),
]


@pytest.mark.parametrize(("code", "lat", "lon"), PUBLISHED)
def test_a_full_code_is_the_middle_of_its_cell(code: str, lat: float, lon: float) -> None:
    assert pluscode.decode(code) == pytest.approx((lat, lon))


def test_a_short_code_is_the_nearest_of_its_namesakes() -> None:
    wanted = pluscode.decode("9C3W9QCJ+2VX")
    assert pluscode.recover("9QCJ+2VX", (51.3701125, -1.217765625)) == pytest.approx(wanted)
    assert pluscode.recover("CJ+2VX", (51.3708675, -1.217765625)) == pytest.approx(wanted)


@given(
    lat=st.floats(OPERATING_AREA.south, OPERATING_AREA.north), lon=st.floats(OPERATING_AREA.west, OPERATING_AREA.east)
)
def test_a_recovered_point_is_within_half_a_degree_of_where_one_asks(lat: float, lon: float) -> None:
    found = pluscode.recover("QVJR+8X", (lat, lon))
    assert abs(found[0] - lat) <= 0.51
    assert abs(found[1] - lon) <= 0.51


@pytest.mark.parametrize("text", ["A+B", "C++", "6GCRQVJR", "QVJ+8X", "+254712345678", "1+1=2"])
def test_other_text_with_a_plus_is_no_code(text: str) -> None:
    assert pluscode.find(text) is None
