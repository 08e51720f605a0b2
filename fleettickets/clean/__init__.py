"""Pure functions from bytes to rows: every byte ends in a row, a reason, or an unusable file."""
