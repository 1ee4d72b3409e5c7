-- Tickets: first response and resolution.
--
--   opened ----- customer ----- agent ----- agent ---- resolved -- reopened -- resolved
--      |------ first response ----|                                               |
--      |--------------------------- time to resolution ---------------------------|
--
-- Of two events at one time the earlier in the log comes first. The last of resolved and reopened
-- decides; nothing before the opening counts.
create or replace temp table opening as
select topic, part, identity, min(ts) as opened_ms, first(off order by ts, off) as opened_off
from taken
where type = 'ticket_opened'
group by topic, part, identity;

insert into fact by name
with answered as (
    select topic, part, identity, 'ticket_answered' as type, min(ts) as ts,
        first(off order by ts, off) as off
    from taken join opening using (topic, part, identity)
    where type = 'ticket_replied' and "by" = 'agent' and (ts, off) >= (opened_ms, opened_off)
    group by topic, part, identity
), decided as (
    select topic, part, identity, 'ticket_solved' as type, max(ts) as ts,
        last(off order by ts, off) as off
    from taken join opening using (topic, part, identity)
    where type in ('ticket_resolved', 'ticket_reopened') and ts >= opened_ms
    group by topic, part, identity
    having last(type order by ts, off) = 'ticket_resolved'
), figure as (
    select * from answered
    union all by name
    select * from decided
    union all by name
    select topic, part, identity, 'ticket_started' as type, opened_ms as ts, opened_off as off
    from opening
)
select topic, part, type, ts, off as dimensions_off, opened_off as fallback_off,
    greatest(off, opened_off) as known_off, ts - opened_ms as duration_ms
from figure join opening using (topic, part, identity);
