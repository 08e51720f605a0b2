-- service_type is read from raw by the few who need it.

ALTER TABLE tickets.inc DROP COLUMN IF EXISTS service_type;
