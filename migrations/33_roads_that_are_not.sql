-- A router may know no way between two places: that is an answer too, and is not asked for again the same day.

ALTER TABLE dispatch.road ALTER COLUMN duration_s DROP NOT NULL;
ALTER TABLE dispatch.road ALTER COLUMN distance_m DROP NOT NULL;
ALTER TABLE dispatch.road ADD CONSTRAINT road_is_whole CHECK ((duration_s IS NULL) = (distance_m IS NULL));
COMMENT ON COLUMN dispatch.road.duration_s IS 'Null: the router knew no way, or told one that cannot be';
