import pytest
from pydantic import BaseModel, ValidationError

from services.shared.shapes import Day, Flag, Year


class Sent(BaseModel):
    day: Day = None
    flag: Flag = False
    year: Year = 2026


@pytest.mark.parametrize("day", [0, "0", 1.5, True, "1731801600", "2026-1-1", "2026-11-17T00:00"])
def test_a_number_is_no_day(day):
    with pytest.raises(ValidationError):
        Sent(day=day)


@pytest.mark.parametrize("sent", [{"flag": 1}, {"flag": "true"}, {"year": "2026"}, {"year": True}])
def test_numbers_and_truth_values_are_not_sent_as_something_else(sent):
    with pytest.raises(ValidationError):
        Sent(**sent)


def test_a_day_is_written_as_the_schema_says():
    assert Sent(day="2026-11-17").day.isoformat() == "2026-11-17"
    assert Sent.model_json_schema()["properties"]["day"]["format"] == "date"
