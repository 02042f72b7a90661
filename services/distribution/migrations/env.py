from services.distribution.storage.tables import metadata
from services.shared.migrations import run

run("distribution", metadata)
