from services.registry.storage import import_tables, tables  # noqa: F401 - complete the metadata
from services.registry.storage.base import metadata
from services.shared.migrations import run

run("registry", metadata)
