-- Orders: the first purchase of each order id, by (ts, offset).
--
--   purchases of one order   p   p      p
--   order                    1   -      -
insert into fact by name
select topic, part, 'order_placed' as type, min(ts) as ts,
    first(off order by ts, off) as dimensions_off, first(off order by ts, off) as known_off
from taken
group by topic, part, identity;
