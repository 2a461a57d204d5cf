"""Journals on a real database, and what to write in them."""

from collections.abc import Callable, Iterator

import pytest
from pages import Book

from orchestrator.journal import Journal
from orchestrator.schema import open_database
from orchestrator.store import Store


@pytest.fixture
def opened(url: str) -> Iterator[Callable[[], Store]]:
    """Opens the one database again and again, as processes do."""
    stores: list[Store] = []

    def again() -> Store:
        stores.append(Store(open_database(url)))
        return stores[-1]

    yield again
    for store in stores:
        store.close()


@pytest.fixture
def book(opened: Callable[[], Store]) -> Book:
    """A journal with an engine's name, and its outbox."""
    return Book(Journal(opened(), owner="one"))
