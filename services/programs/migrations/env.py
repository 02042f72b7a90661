from services.programs.storage.tables import metadata
from services.shared.migrations import run

run("programs", metadata)
