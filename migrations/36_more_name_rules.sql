-- Kiswahili words of location names, the post box, and Juja Farm: rows that fleettickets/geocode/name_rules.csv gained. A rule
-- that somebody already wrote is kept.
INSERT INTO tickets.geo_name_rules (kind, pattern, value, note)
VALUES
    ('phrase', 'SHULE YA MSINGI', 'PRIMARY SCHOOL', 'Kiswahili'),
    ('phrase', 'SHULE YA UPILI', 'SECONDARY SCHOOL', 'Kiswahili'),
    ('phrase', 'SHULE YA SEKONDARI', 'SECONDARY SCHOOL', 'Kiswahili'),
    ('phrase', 'SOKO LA', 'MARKET', 'Kiswahili'),
    ('phrase', 'STENDI YA', 'STAGE', 'Kiswahili'),
    ('phrase', 'KITUO CHA POLISI', 'POLICE STATION', 'Kiswahili'),
    ('phrase', 'KANISA LA', 'CHURCH', 'Kiswahili'),
    ('phrase', 'HOSPITALI YA', 'HOSPITAL', 'Kiswahili'),
    ('relation', 'MTAA WA', '', 'joins two parts and says nothing of distance'),
    ('relation', 'MTAA YA', '', 'joins two parts and says nothing of distance'),
    ('relation', 'ENEO LA', '', 'joins two parts and says nothing of distance'),
    ('relation', 'KIJIJI CHA', '', 'joins two parts and says nothing of distance'),
    ('noise', 'PO', '', 'what is left of P.O. BOX 123'),
    ('toponym', 'JUJA FARM', '', '')
ON CONFLICT (kind, pattern) DO NOTHING;
