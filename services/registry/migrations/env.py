from services.registry.storage.tables import metadata
from services.shared.migrations import run

run("registry", metadata)
