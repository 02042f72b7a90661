"""The metadata and base class of programs, apart from every other service's (STYLE F3)."""

from sqlalchemy.orm import registry
from sqlmodel import SQLModel

from services.shared.tables import new_metadata, shared_tables

metadata = new_metadata()
shared = shared_tables(metadata)


class Row(SQLModel, registry=registry(metadata=metadata)):
    """Base of this service's tables. A row validates nothing: it is no input shape."""
