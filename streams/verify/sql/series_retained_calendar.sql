-- Distinct members of a calendar period to date who were in as much of the period before: each
-- counts once both have come to its first day.
with wanted(measure, dimensions, number) as (values $wanted
), pane as (
    select distinct date, number, array_to_string(labels, chr(31)) as key, member
    from base_member join wanted using (measure, dimensions)
        asof join day on base_ms >= day.start_ms
), here as (
    select date_trunc('$period', date) as period, number, key, member, min(date) as date
    from pane group by all
), before as (
    select date_trunc('$period', $date) as period, number, key, member,
        min($date) as date
    from pane where $shown group by all
), step as (
    select greatest(here.date, before.date) as date, period, number, key, 1 as amount
    from here join before using (period, number, key, member)
    union all
    select distinct period + interval 1 $period, period + interval 1 $period, number, key, 0
    from here
), on_day as (
    select date, period, number, key, sum(amount) as amount from step group by all
)
select day.end_ms, number, '' as component, key,
    cast(sum(amount) over (partition by number, key, period order by date) as bigint) as amount
from on_day join day using (date)
qualify day.end_ms <= $final
