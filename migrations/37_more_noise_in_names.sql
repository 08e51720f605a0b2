-- What people write in a location name that names no place, and a few short forms: rows that
-- fleettickets/geocode/name_rules.csv gained. A rule that somebody already wrote is kept.
INSERT INTO tickets.geo_name_rules (kind, pattern, value, note)
VALUES
    ('noise', 'REFER NOTES', '', 'says nothing of the place'),
    ('noise', 'WRONG LOCATION', '', 'says nothing of the place'),
    ('noise', 'FOLLOW UP', '', 'says nothing of the place'),
    ('noise', 'FOLLOWUP', '', 'says nothing of the place'),
    ('noise', 'REPEAT FAULT', '', 'says nothing of the place'),
    ('noise', 'DO NOT USE', '', 'says nothing of the place'),
    ('noise', 'MULTIPLE CUSTOMERS', '', 'says nothing of the place'),
    ('noise', 'MULTIPLE CLIENTS', '', 'says nothing of the place'),
    ('noise', 'MASS OUTAGE', '', 'says nothing of the place'),
    ('noise', 'AREA OUTAGE', '', 'says nothing of the place'),
    ('noise', 'VARIOUS', '', 'says nothing of the place'),
    ('noise', 'CUSTOMER MOVED', '', 'says nothing of the place'),
    ('noise', 'CLIENT MOVED', '', 'says nothing of the place'),
    ('noise', 'CUSTOMER RELOCATED', '', 'says nothing of the place'),
    ('noise', 'CLIENT RELOCATED', '', 'says nothing of the place'),
    ('noise', 'RELOCATED', '', 'says nothing of the place'),
    ('generic', 'SHOP', '', 'stays with the area it follows; by itself it names no place'),
    ('generic', 'APARTMENT', '', 'stays with the area it follows; by itself it names no place'),
    ('phrase', 'DAGORETTI CNR', 'DAGORETTI CORNER', ''),
    ('phrase', 'EMB VILLAGE', 'EMBAKASI VILLAGE', ''),
    ('phrase', 'E BYPASS', 'EASTERN BYPASS', ''),
    ('phrase', 'N BYPASS', 'NORTHERN BYPASS', ''),
    ('phrase', 'S BYPASS', 'SOUTHERN BYPASS', ''),
    ('phrase', 'W BYPASS', 'WESTERN BYPASS', ''),
    ('relation', 'CNR OF', '', 'joins two parts and says nothing of distance'),
    ('relation', 'CORNER OF', '', 'joins two parts and says nothing of distance')
ON CONFLICT (kind, pattern) DO NOTHING;
