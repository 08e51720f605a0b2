-- The functions may answer otherwise than before: the features built with the former ones are built anew.
SELECT tickets.advance_revision(dataset) FROM tickets.revisions WHERE revision > 0 ORDER BY dataset;
