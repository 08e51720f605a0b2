-- The chance of at least so many events where p_expected are expected (Poisson), summed from the tail so that tiny
-- chances keep their digits.
CREATE OR REPLACE FUNCTION reporting.poisson_tail(p_events integer, p_expected double precision)
RETURNS double precision LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
AS $$
DECLARE
    v_log_term double precision;
    v_term double precision;
    v_sum double precision := 0;
BEGIN
    IF p_events <= 0 THEN
        RETURN 1;
    ELSIF p_expected <= 0 THEN
        RETURN 0;
    END IF;
    v_log_term := p_events * ln(p_expected) - p_expected
        - (SELECT sum(ln(n::double precision)) FROM generate_series(1, p_events) AS n);
    IF v_log_term < -700 THEN
        RETURN CASE WHEN p_events > p_expected THEN 0 ELSE 1 END;
    END IF;
    v_term := exp(v_log_term);
    FOR n IN p_events + 1 .. p_events + 10000 LOOP
        v_sum := v_sum + v_term;
        v_term := v_term * p_expected / n;
        EXIT WHEN n > p_expected AND v_term < v_sum * 1e-15;
    END LOOP;
    RETURN least(v_sum, 1);
END
$$;

COMMENT ON FUNCTION reporting.poisson_tail(integer, double precision) IS 'The chance of at least so many events';
