-- Duplicates, watermarks and lateness, in offset order.
--
--   offset      0 ........ H ........ 2H ........ 3H
--   generation  |--- 0 ---|---- 1 ----|---- 2 ----|
--
-- A record is a duplicate where its id stood, in the same partition, in its own generation or the
-- one before; a duplicate counts as having stood there. Duplicates and rejected records move
-- nothing; ticks are progress, not events, and repeat at will. The watermark before a record is the largest event time before it less the allowed
-- lateness; null before the first.
create or replace table sifted as
select topic, part, off, ts, type = '_tick' as tick,
    not tick and coalesce(lag(off) over same // getvariable('dedup_horizon')
                          >= off // getvariable('dedup_horizon') - 1, false) as duplicate
from judged
where fault is null
window same as (partition by topic, part, type = '_tick', event_id order by off);

create or replace table clocked as
select topic, part, off, tick,
    max(ts) over (partition by topic, part order by off
                  rows between unbounded preceding and 1 preceding)
        - getvariable('allowed_lateness_ms') as watermark_ms
from sifted
where not duplicate;

create or replace table heard as
select judged.*, tick, watermark_ms, ts < watermark_ms and not tick as late,
    not tick and coalesce(list_contains(getvariable('excluded_traffic'), traffic), false)
        as excluded
from judged join clocked using (topic, part, off);

-- From here on an offset leaves room for what one record brings (a bundle: 1,000 at most).
create or replace table accepted as
select * exclude (late, excluded) replace (off * 1024 as off) from heard where not excluded;

-- What a partition's clock showed at the end of the log: timers up to there have fired.
create or replace table closing as
select topic, part, max(ts) - getvariable('allowed_lateness_ms') as watermark_ms, max(ts) as max_ts
from heard
group by topic, part;
