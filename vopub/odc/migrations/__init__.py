"""The history of the store's database schema, applied by Alembic when the service starts."""
