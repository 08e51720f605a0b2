"""Where export files come from: a bucket, a folder or a single file; and where they go afterwards."""
