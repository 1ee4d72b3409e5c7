-- Sessions of a visitor: gaps and islands over event time, and by a producer's session id.
--
--   visitor    *  * *        *  <- gap ->  *   *
--   sessions   |-------------|             |---|
--
-- A gap of session_gap_ms ends a session; under one session_id it takes session_id_gap_ms.
-- A bounce is one page view and nothing else; engaged is who sees two pages, stays ten seconds or
-- buys. Facts fall at the start with the first event's dimensions, the end's at the end; a session
-- is closed once the watermark has come to its end + gap.
--
-- A step of the funnel is reached by the first event of its type since the step before.
--
-- The audience is new where nothing was seen of the visitor in the horizon before the first event.
create or replace temp table visit as
select *, nullif(session_id, '') as sid,
    coalesce(ts - lag(ts) over (partition by topic, part, identity order by ts, off)
             >= getvariable('visitor_horizon_ms'), true) as stays_anew,
    case when nullif(session_id, '') is null then getvariable('session_gap_ms')
         else getvariable('session_id_gap_ms') end as gap_ms
from taken;

create or replace temp table session as
with marked as (
    select *, coalesce(ts - lag(ts) over run >= gap_ms, true) as opens
    from visit
    window run as (partition by topic, part, identity, sid order by ts, off)
), numbered as (
    select *, count_if(opens) over (partition by topic, part, identity, sid order by ts, off)
        as number
    from marked
), folded as (
    select topic, part, identity, sid, number,
        min(ts) as start_ms, max(ts) as end_ms, first(off order by ts, off) as first_off,
        case when first(stays_anew order by ts, off) then 'new' else 'returning' end as audience,
        max(off) as last_off, min(off) filter (type = 'purchase') as converted_off,
        count(*) as events, count_if(type = 'page_view') as pages,
        count_if(type = 'purchase') as purchases,
        list(list_position(getvariable('funnel_steps'), type) - 1 order by ts, off)
            filter (list_position(getvariable('funnel_steps'), type) is not null) as steps
    from numbered
    group by topic, part, identity, sid, number
)
select * exclude (steps), end_ms + getvariable('session_gap_ms') as due_ms,
    cast(list_reduce(coalesce(steps, []),
        lambda r, step: case when step = r then r + 1 else r end, 0) as integer) as reached,
    end_ms + getvariable('session_gap_ms') <= closing.watermark_ms as closed
from folded join closing using (topic, part);

insert into fact by name
with started as (
    select 'session_started' as type, start_ms as ts, first_off as known_off, * exclude (due_ms)
    from session
    union all by name
    select 'session_converted' as type, start_ms as ts,
        greatest(first_off, converted_off) as known_off, * exclude (due_ms)
    from session where purchases > 0
    union all by name
    select 'session_engaged' as type, start_ms as ts, last_off as known_off, * exclude (due_ms)
    from session
    where purchases > 0 or pages >= getvariable('engaged_pages')
       or end_ms - start_ms >= getvariable('engaged_ms')
), ended as (
    select 'session_closed' as type, start_ms as ts, last_off as known_off, *
    from session where closed
    union all by name
    select 'session_bounced' as type, start_ms as ts, last_off as known_off, *
    from session where closed and pages = 1 and events = 1
    union all by name
    select 'session_ended' as type, end_ms as ts, last_off as known_off, *
    from session where closed
)
select topic, part, type, ts, due_ms, known_off, first_off as dimensions_off, audience,
    case when type = 'session_ended' then end_ms - start_ms end as duration_ms
from (select * from started union all by name select * from ended);

insert into fact by name
with step as (
    select *, unnest(range(1, reached + 1)) as rank, len(getvariable('funnel_steps')) as steps
    from session
), told as (
    select *, 'funnel_reached' as type from step
    union all
    select *, 'funnel_entered' from step where rank < steps
    union all
    select *, 'funnel_passed' from step where rank < reached
)
select topic, part, type, start_ms as ts, last_off as known_off, first_off as dimensions_off,
    audience, getvariable('funnel_steps')[rank] as step
from told;

-- What began a session when it came, and no more once an earlier event had, leaves its labels.
insert into fact by name
with came as (
    select *, min(off) over (
            partition by topic, part, identity, sid order by ts
            range between gap_ms - 1 preceding and current row
        ) = off as began
    from visit
)
select topic, part, 'session_started' as type, ts, off as known_off, off as dimensions_off,
    case when stays_anew then 'new' else 'returning' end as audience, true as gone
from came
where began and (topic, part, off) not in (select topic, part, first_off from session);
