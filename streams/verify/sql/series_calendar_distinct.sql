-- Distinct members from the start of a calendar period: each counts from its first day on.
with wanted(measure, dimensions, number) as (values $wanted
), pane as (
    select distinct $date as date, number, array_to_string(labels, chr(31)) as key, member
    from base_member join wanted using (measure, dimensions)
        asof join day on base_ms >= day.start_ms
    where $shown
), in_period as (
    select *, date_trunc('$period', date) as period from pane
), step as (
    select min(date) as date, period, number, key, 1 as amount
    from in_period group by period, number, key, member
    union all
    select distinct date, period, number, key, 0 from in_period
    union all
    select distinct period + interval 1 $period, period + interval 1 $period, number, key, 0
    from in_period
), on_day as (
    select date, period, number, key, sum(amount) as amount from step group by all
)
select day.end_ms, number, '' as component, key,
    cast(sum(amount) over (partition by number, key, period order by date) as bigint) as amount
from on_day join day using (date)
qualify day.end_ms <= $final
