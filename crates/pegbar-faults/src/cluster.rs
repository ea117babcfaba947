//! A PostgreSQL server of our own, to be killed.
