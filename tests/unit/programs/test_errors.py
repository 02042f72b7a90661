"""Every domain error has its problem, with the same code."""

from services.programs.api.errors import CATALOGUE
from services.programs.domain import errors


def test_every_domain_error_is_in_the_catalogue_under_its_own_code():
    classes = {
        value
        for value in vars(errors).values()
        if isinstance(value, type)
        and issubclass(value, errors.DomainError)
        and value is not errors.DomainError
    }
    assert set(CATALOGUE) == classes
    for error, problem in CATALOGUE.items():
        assert problem.code == error.code
        assert 400 <= problem.status < 500
