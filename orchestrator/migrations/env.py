"""Alembic's entry: the connection comes from `orchestrator.schema.migrate`."""

from alembic import context

from orchestrator.schema import TABLES

context.configure(connection=context.config.attributes["connection"], target_metadata=TABLES, transactional_ddl=False)
context.run_migrations()
