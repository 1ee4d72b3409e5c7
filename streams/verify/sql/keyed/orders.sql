-- Orders: the first purchase of each order id, by (ts, offset); lines twice the horizon apart are two.
--
--   purchases of one order   p   p      p                              p
--   order                    1   -      - <--- 2 order_horizon_ms ---> 1
--
-- A line that was the first when it came, and no more once an earlier one had, leaves its labels.
create or replace temp table line as
with marked as (
    select *, coalesce(ts - lag(ts) over run >= 2 * getvariable('order_horizon_ms'), true) as first,
        min(off) over (
            partition by topic, part, identity order by ts
            range between 2 * getvariable('order_horizon_ms') - 1 preceding and current row
        ) = off as was_first
    from taken
    window run as (partition by topic, part, identity order by ts, off)
)
select * from marked where first or was_first;

insert into fact by name
select topic, part, 'order_placed' as type, ts, off as known_off, off as dimensions_off,
    case when not first then true end as gone
from line;
