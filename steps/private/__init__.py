"""De-identification: identifiers are found, and replaced by consistent surrogates of the same kind, script and form.

Laws: what stands in a text depends on the text, its scope, the settings and the key alone; twice is once; a surrogate
is never what it stands for; the same value in one scope has one surrogate, and under another key another.
"""

from steps.private.clean import Cleaned, Deidentifier
from steps.private.disguise import pseudonym
from steps.private.settings import Privacy
from steps.private.spans import KINDS, Recogniser, Span

__all__ = ["KINDS", "Cleaned", "Deidentifier", "Privacy", "Recogniser", "Span", "pseudonym"]
