-- Tickets: first response and resolution, the promise of a reply, and how many are open.
--
--   opened ----- customer ----- agent ----- agent ---- resolved -- reopened -- resolved
--      |------ first response ----|                                               |
--      |--------------------------- time to resolution ---------------------------|
--
-- A reply is due when it comes, at the latest first_response_sla_ms after the opening; that moment
-- past without one breaks the promise once the watermark has come to it. Each status that differs
-- from the one before opens or closes the ticket; an opening opens it.
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

insert into fact by name
with answer as (
    select topic, part, identity, min(ts) as reply_ms, first(off order by ts, off) as reply_off
    from taken join opening using (topic, part, identity)
    where type = 'ticket_replied' and "by" = 'agent' and (ts, off) >= (opened_ms, opened_off)
    group by topic, part, identity
), promise as (
    select *, opened_ms + getvariable('first_response_sla_ms') as deadline_ms,
        coalesce(reply_ms <= deadline_ms, false) as kept
    from opening left join answer using (topic, part, identity)
    join closing using (topic, part)
), promised as (
    select *, 'ticket_due' as type from promise where kept or deadline_ms <= watermark_ms
    union all
    select *, 'ticket_breached' from promise where not kept and deadline_ms <= watermark_ms
)
select topic, part, type, case when kept then reply_ms else deadline_ms end as ts,
    case when kept then null else deadline_ms end as due_ms,
    greatest(opened_off, case when kept then reply_off else 0 end) as known_off,
    opened_off as dimensions_off
from promised;

insert into fact by name
with status as (
    select *, type = 'ticket_resolved' as solved
    from taken join opening using (topic, part, identity)
    where type in ('ticket_resolved', 'ticket_reopened') and (ts, off) >= (opened_ms, opened_off)
), turned as (
    select * from status
    qualify solved <> lag(solved, 1, false)
        over (partition by topic, part, identity order by ts, off)
)
select topic, part, case when solved then 'ticket_became_closed' else 'ticket_became_open' end
        as type,
    ts, greatest(off, opened_off) as known_off, opened_off as dimensions_off
from turned
union all by name
select topic, part, 'ticket_became_open' as type, opened_ms as ts, opened_off as known_off,
    opened_off as dimensions_off
from opening;

-- How old what waits is: +1 at coming to an age class, -1 at leaving it. A wait ends with the first
-- reply by an agent or resolution, or once the ticket is forgotten. Classes after the first begin
-- once the watermark has come there.
insert into fact by name
with answer as (
    select topic, part, identity, min(ts) as until_ms
    from taken join opening using (topic, part, identity)
    where (ts, off) >= (opened_ms, opened_off)
      and (type = 'ticket_resolved' or (type = 'ticket_replied' and "by" = 'agent'))
    group by topic, part, identity
), wait as (
    select *, opened_ms + getvariable('ticket_retention_ms') as gone_ms,
        least(coalesce(until_ms, gone_ms), gone_ms) as end_ms,
        coalesce(until_ms <= gone_ms, false) or gone_ms <= watermark_ms as over
    from opening left join answer using (topic, part, identity)
    join closing using (topic, part)
), stage as (
    select unnest(getvariable('wait_bounds_ms')) as age_ms
), class as (
    select age_ms, lead(age_ms) over (order by age_ms) as next_age_ms from stage
), reached as (
    select *, opened_ms + age_ms as came_ms, opened_ms + next_age_ms as next_ms
    from wait cross join class
    where opened_ms + age_ms < end_ms and (age_ms = 0 or opened_ms + age_ms <= watermark_ms)
), move as (
    select *, 1 as weight, came_ms as ts, case when age_ms > 0 then came_ms end as due_ms
    from reached
    union all by name
    select *, -1 as weight, case when next_ms < end_ms then next_ms else end_ms end as ts,
        case when next_ms < end_ms then next_ms end as due_ms
    from reached
    where case when next_ms < end_ms then next_ms <= watermark_ms else over end
)
select topic, part, 'ticket_waiting' as type, ts, due_ms, opened_off as known_off,
    opened_off as dimensions_off, weight, age_ms as duration_ms
from move;
