"""From cleaned rows to tables: staged with COPY, merged with one statement, recorded in the same transaction."""
