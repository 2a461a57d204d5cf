"""What people see on GitHub: a cycle and its reports as Markdown, files and labels. Pure.

Laws:
- Nothing that comes from data, people or steps can do anything: see `reviewers/safe.py`.
- The first line of every comment is our marker, and no line of ours is a command.
- The same cycle gives the same text: a comment is edited only when what it tells has changed.
"""

from reviewers.comment.answer import ROLES, Line, answer, changes_diff, help_text, labels_diff
from reviewers.comment.files import files
from reviewers.comment.gate import check_text, gate, report_name
from reviewers.comment.intro import intro, title
from reviewers.comment.page import LIMIT, Links, marker, read_marker
from reviewers.comment.status import LABELS, labels, status
from reviewers.comment.words import headline, short

__all__ = [
    "LABELS",
    "LIMIT",
    "ROLES",
    "Line",
    "Links",
    "answer",
    "changes_diff",
    "check_text",
    "files",
    "gate",
    "headline",
    "help_text",
    "intro",
    "labels",
    "labels_diff",
    "marker",
    "read_marker",
    "report_name",
    "short",
    "status",
    "title",
]
