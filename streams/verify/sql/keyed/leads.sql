-- Leads: what became of each, in the pane of its creation, and how soon sales called.
--
--   created ------ contacted ---- accepted ---- qualified ---- won
--      |-- response --|                                         |
--      |------------- lead_agreed_ms: won in time --------------|
--
-- Of each kind the first event at or after the creation counts, by (ts, offset).
create or replace temp table creation as
select topic, part, identity, min(ts) as created_ms, first(off order by ts, off) as created_off
from taken
where type = 'lead_created'
group by topic, part, identity;

insert into fact by name
with step as (
    select topic, part, identity, created_ms, created_off,
        case type when 'sales_contacted' then 'contacted' else status end as kind,
        min(ts) as step_ms, first(off order by ts, off) as step_off
    from taken join creation using (topic, part, identity)
    where (type = 'sales_contacted' or type = 'lead_status')
      and (ts, off) >= (created_ms, created_off)
    group by all
), cohort as (
    select *, 'lead_' || kind as type from step where kind in ('accepted', 'qualified', 'won')
    union all
    select *, 'lead_won_in_time' from step
    where kind = 'won' and step_ms - created_ms <= getvariable('lead_agreed_ms')
)
select topic, part, 'lead_started' as type, created_ms as ts, created_off as known_off,
    created_off as dimensions_off
from creation
union all by name
select topic, part, type, created_ms as ts, greatest(created_off, step_off) as known_off,
    created_off as dimensions_off
from cohort
union all by name
select topic, part, 'lead_contacted' as type, step_ms as ts,
    greatest(created_off, step_off) as known_off, step_off as dimensions_off,
    created_off as fallback_off, step_ms - created_ms as duration_ms
from step where kind = 'contacted';
