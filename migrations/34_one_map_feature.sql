-- It loses p_ticket_ids: the features of some tickets are built by tickets.map_feature.
DROP FUNCTION IF EXISTS reporting.fn_tickets_for_map(
    text, text, text, boolean, double precision[], timestamptz, text[], text
);
