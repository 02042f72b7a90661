"""All mutants: a new guard gets one here, beside the test that holds it."""

from tests.mutants import delivery, imports, money, people, projections, secrecy, tokens, writes

MUTANTS = (
    *delivery.MUTANTS,
    *projections.MUTANTS,
    *writes.MUTANTS,
    *imports.MUTANTS,
    *people.MUTANTS,
    *secrecy.MUTANTS,
    *money.MUTANTS,
    *tokens.MUTANTS,
)
