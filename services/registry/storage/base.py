"""The registry's own metadata and base class, apart from every other service's (STYLE F3)."""

from sqlalchemy import DateTime
from sqlalchemy.orm import registry
from sqlmodel import SQLModel

from services.shared.tables import new_metadata, shared_tables

metadata = new_metadata()
shared = shared_tables(metadata)
INSTANT = DateTime(timezone=True)


class Row(SQLModel, registry=registry(metadata=metadata)):
    """Base of this service's tables. A row validates nothing: it is no input shape."""
