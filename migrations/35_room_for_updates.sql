-- A delta mostly rewrites tickets in place. On a full page every rewrite goes elsewhere and into all indexes anew; with room
-- on its page one that changes no indexed column touches none.
ALTER TABLE tickets.inc SET (fillfactor = 80);
ALTER TABLE tickets.crq SET (fillfactor = 80);
ALTER TABLE tickets.alarm_rows SET (fillfactor = 80);
