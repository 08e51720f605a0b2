-- The days a crew works, for the shift that comes next; repeats are looked for in one place (reporting.repeats).

ALTER TABLE dispatch.vehicle ADD COLUMN workdays smallint[] NOT NULL DEFAULT '{1,2,3,4,5,6,7}';
ALTER TABLE dispatch.vehicle ADD CONSTRAINT vehicle_workdays_are_iso
    CHECK (workdays <@ ARRAY[1, 2, 3, 4, 5, 6, 7]::smallint[]);
COMMENT ON COLUMN dispatch.vehicle.workdays IS 'The weekdays (EAT) on which its crew works, 1 Monday to 7 Sunday';

-- It gains a column (earlier_id), and what tickets.repeat_faults said follows from it.
DROP FUNCTION IF EXISTS reporting.repeats(text, text[], timestamptz, timestamptz, timestamptz, text, integer);
DROP FUNCTION IF EXISTS tickets.repeat_faults(text, integer, timestamptz, timestamptz);

-- It gains a parameter (p_now).
DROP FUNCTION IF EXISTS dispatch.fn_attribution(timestamptz, timestamptz, text);
