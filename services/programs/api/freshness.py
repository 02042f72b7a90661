"""How fresh an answer is: ``as_of`` per source, and the wait for a ``min_position``."""

from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import Depends, Query

MinPosition = Annotated[str | None, Query(max_length=300)]
Fresh = Annotated[Mapping[str, Any], Depends(lambda: {"as_of": {}, "stale": False})]
