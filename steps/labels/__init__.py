"""Labels from reviewers: which rows are worth a person's look, and what becomes of what people say about them.

`worth` chooses rows, `champion` is asked about them, `corrections` settles what people handed in, `agreement` says how
far they agree, `report` shows it all.
"""
