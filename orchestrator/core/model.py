"""The nouns, frozen. One word, one meaning: see the table in `docs/design.md`.

Law: every noun is immutable, refuses unknown fields, and survives a round trip through JSON unchanged.
"""

import hashlib
import json
from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, JsonValue

