from services.indicators.storage.tables import metadata
from services.shared.migrations import run

run("indicators", metadata)
