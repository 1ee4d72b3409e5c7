-- Local days from the start of the log's first year to two days after its end. A day starts at the
-- first quarter of an hour that the zone's clock dates so (offsets are whole quarters of an hour).
create or replace table day as
with bounds as (
    select epoch_ms(date_trunc('year', make_timestamp(coalesce(min(ms), 0) * 1000)))
            // 86400000 - 367 as first,
        coalesce(max(ms), 0) // 86400000 + 3 as last
    from (select base_ms as ms from base_cell union all select base_ms from base_member
          union all select max_ts from closing)
), ticks as (
    select unnest(range(first * 86400000, last * 86400000, 900000)) as ms from bounds
), dated as (
    select ms, cast(timezone('$zone', make_timestamptz(ms * 1000)) as date) as date from ticks
)
select date, min(ms) as start_ms, lead(min(ms)) over (order by date) as end_ms
from dated group by date
qualify end_ms is not null
order by date;
