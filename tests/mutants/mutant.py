"""One guard taken out of the source, and the tests that must then fail."""

from dataclasses import dataclass


class DoesNotApply(Exception):
    """The source no longer says what the mutant takes out; the message says why."""


@dataclass(frozen=True, slots=True)
class Mutant:
    """``old`` stands once in ``file`` and becomes ``new``; ``killers`` are pytest's node ids.

    ``guards`` says in a few words what holds no more without it.
    """

    name: str
    guards: str
    file: str
    old: str
    new: str
    killers: tuple[str, ...]

    def applied(self, source: str) -> str:
        """Return the mutated source. Raise ``DoesNotApply``."""
        found = source.count(self.old)
        if found != 1:
            raise DoesNotApply(f"{self.name}: its text stands {found} times in {self.file}")
        mutated = source.replace(self.old, self.new)
        try:
            compile(mutated, self.file, "exec")
        except SyntaxError as error:
            raise DoesNotApply(f"{self.name}: {error}") from error
        return mutated
